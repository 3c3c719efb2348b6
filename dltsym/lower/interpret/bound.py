"""Running worst-case bound of the rounding error of a program, a guarantee; the proofs are in docs/explain/rounding.md.

Invariant of every item: if each library call and each operation of the kernel keeps its unit, the number that the
kernel computes differs from the value here by at most the attached bound, and is that very number where no bound is
attached or the bound is 0. An infinite bound promises nothing. Truths carry 0 (decided) or 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dltsym.lower.interpret.bound_axes import ordered, reduced, softmax
from dltsym.lower.interpret.bound_cells import attention, distances, log_product
from dltsym.lower.interpret.bound_functions import counted, function, inverted, stepped, turned, xlogy
from dltsym.lower.interpret.bound_parts import converted, error, gathered, leaf
from dltsym.lower.interpret.bound_products import multiplied, powered
from dltsym.lower.interpret.bound_rules import added, contraction
from dltsym.lower.interpret.bound_scans import crossed, scanned, scattered
from dltsym.lower.interpret.bound_truths import chosen, compared, connected, extreme
from dltsym.lower.interpret.functions import FUNCTIONS
from dltsym.lower.interpret.model import EXACT, Model
from dltsym.lower.interpret.values import Array
from dltsym.lower.interpret.walk import Rules, evaluate
from dltsym.lower.program import Program


def running(program: Program, inputs: Mapping[str, Any], model: Model) -> dict[str, tuple[Array, Array]]:
    """Return values and guaranteed bounds of ``|kernel - exact|``.

    Parameters
    ----------
    program : Program
        Final program: what is printed.
    inputs : mapping
        Arguments in float64, batch dimensions leading, arrays already rounded to the storage type.
    model : Model
        Arithmetic of the kernel.

    Returns
    -------
    dict
        Per output its value in float64 and the bound, of one shape.
    """
    kernel = evaluate(program, inputs, model, RULES)
    own = evaluate(program, inputs, EXACT, RULES)
    return {name: (item.v, np.array(error(item) + error(own[name]))) for name, item in kernel.items()}


RULES = Rules(
    "the error bound",
    leaf,
    {
        **{name: function(name) for name in FUNCTIONS},
        "add": added, "mul": multiplied, "pow": powered, "contract": contraction,
        "sin": turned, "cos": turned, "tan": turned, "xlogy": xlogy, "log_binomial": counted,
        "kl_upper": inverted, "kl_lower": inverted,
        "sign": stepped, "step": stepped, "floor": stepped,
        "maximum": extreme, "minimum": extreme, "logaddexp": extreme,
        "cmp": compared, "and": connected, "or": connected, "not": connected, "where": chosen,
        "softmax": softmax, "log_softmax": softmax, "reduce": reduced, "scan": scanned, "order": ordered,
        "scatter": scattered, "cross_entropy": crossed,
        "sdpa": attention, "sqdist": distances, "logmm": log_product,
    },
    gathered,
    converted,
)  # fmt: skip
