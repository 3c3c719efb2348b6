"""The magnitude twin of a program: how far a healthy kernel of any grouping may be off, to first order.

It walks the statement with a value, an error and a magnitude. It is no guarantee, and no statistics: every operation is
charged a few roundings of its magnitude, without the depth of sums. What a kernel of another algorithm does beyond that
is measured, and leaves a factor of two (design note of the kernels, section 4.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dltsym.lower.interpret.bound_functions import stepped
from dltsym.lower.interpret.bound_parts import gathered
from dltsym.lower.interpret.bound_truths import compared, connected
from dltsym.lower.interpret.functions import FUNCTIONS
from dltsym.lower.interpret.sigma_rules import _TURNED
from dltsym.lower.interpret.twin_axes import crossed, ordered, reduced, scanned, scattered, softmax
from dltsym.lower.interpret.twin_parts import Units, leaf, moved
from dltsym.lower.interpret.twin_rules import added, chosen, contraction, function, multiplied, paired, powered
from dltsym.lower.interpret.values import Array, Item
from dltsym.lower.interpret.walk import Rules, Walk, evaluate
from dltsym.lower.nodes import Node
from dltsym.lower.program import Program


def twin(program: Program, inputs: Mapping[str, Any], model: Units) -> dict[str, tuple[Array, Array]]:
    """Return values and first-order errors.

    Parameters
    ----------
    program : Program
        Program.
    inputs : mapping
        Arguments in float64, batch dimensions leading.
    model : Units
        What operations and casts cost.

    Returns
    -------
    dict
        Per output its value in float64 and the error, of one shape, before the cast of the result.
    """
    found = evaluate(program, inputs, model, RULES)
    return {name: (item.v, np.array(moved(item))) for name, item in found.items()}


def magnitude(program: Program, inputs: Mapping[str, Any]) -> dict[str, Array]:
    """Return the magnitude of every output: the twin with one unit for every operation, and no other charge.

    Parameters
    ----------
    program : Program
        Program.
    inputs : mapping
        Arguments in float64, batch dimensions leading.

    Returns
    -------
    dict
        Per output an array of its shape.
    """
    small = 2.0**-30
    found = twin(program, inputs, Units(unit=small, normal=0.0))
    return {name: e / small for name, (_, e) in found.items()}


def _unfolded(walk: Walk, node: Node, _args: list[Item]) -> Item:
    from dltsym.lower.passes.cells import unfold

    return walk.item(unfold(walk.program.table, node))


RULES = Rules(
    "the magnitude twin",
    leaf,
    {
        **{name: function(name) for name in (*FUNCTIONS, *_TURNED)},
        "add": added, "mul": multiplied, "pow": powered, "contract": contraction,
        "sign": stepped, "step": stepped, "floor": stepped,
        "maximum": paired, "minimum": paired, "logaddexp": paired, "xlogy": paired, "log_binomial": paired,
        "kl_upper": paired, "kl_lower": paired,
        "cmp": compared, "and": connected, "or": connected, "not": connected, "where": chosen,
        "softmax": softmax, "log_softmax": softmax, "reduce": reduced, "scan": scanned, "order": ordered,
        "scatter": scattered, "cross_entropy": crossed,
        "sdpa": _unfolded, "sqdist": _unfolded, "logmm": _unfolded,
    },
    gathered,
    lambda out, _model: out,
)  # fmt: skip
