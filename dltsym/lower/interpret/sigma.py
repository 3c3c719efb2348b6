"""Statistical model of the rounding error of a program: variances of independent roundings with mean 0.

It is no guarantee. It says how large errors are in healthy kernels, so that a test can alarm at six deviations. It
assumes continuous random data: constant or few-valued inputs make roundings dependent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dltsym.lower.interpret.functions import FUNCTIONS
from dltsym.lower.interpret.model import Model
from dltsym.lower.interpret.sigma_axes import ordered, reduced, scanned, softmax
from dltsym.lower.interpret.sigma_cells import attention, crossed, distances, log_product, scattered
from dltsym.lower.interpret.sigma_parts import converted, gathered, leaf, repeated, variance
from dltsym.lower.interpret.sigma_rules import added, contraction, function, multiplied, powered, turned
from dltsym.lower.interpret.sigma_truths import chosen, compared, connected, paired, stepped
from dltsym.lower.interpret.values import Array
from dltsym.lower.interpret.walk import Rules, evaluate
from dltsym.lower.program import Program


def spread(program: Program, inputs: Mapping[str, Any], model: Model) -> dict[str, tuple[Array, Array]]:
    """Return values and variances of the rounding error.

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
        Per output its value in float64 and the variance, of one shape.
    """
    found = evaluate(program, inputs, model, RULES)
    return {name: (item.v, np.array(variance(item))) for name, item in found.items()}


RULES = Rules(
    "the statistical model",
    leaf,
    {
        **{name: function(name) for name in FUNCTIONS},
        "add": added, "mul": multiplied, "pow": powered, "contract": contraction,
        "sin": turned, "cos": turned, "tan": turned, "sign": stepped, "step": stepped, "floor": stepped,
        "maximum": paired, "minimum": paired, "logaddexp": paired, "xlogy": paired, "log_binomial": paired,
        "kl_upper": paired, "kl_lower": paired,
        "cmp": compared, "and": connected, "or": connected, "not": connected, "where": chosen,
        "softmax": softmax, "log_softmax": softmax, "reduce": reduced, "scan": scanned, "order": ordered,
        "scatter": scattered, "cross_entropy": crossed,
        "sdpa": attention, "sqdist": distances, "logmm": log_product,
    },
    gathered,
    converted,
    repeated,
)  # fmt: skip
