"""Null kernels: results that no right kernel gives. A check that one of them passes sees nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from dltsym.oracle.formats import Array
from dltsym.oracle.metrics import compare, compare_exactly
from dltsym.oracle.prepare import Prepared
from dltsym.oracle.spec import Spec
from dltsym.oracle.verdicts import Canaries

Fake = Callable[[Array, Prepared, Sequence[Array]], Array]
"""From the right answer, the case and the right answers of the other cases to a wrong one."""


def _echo(true: Array, p: Prepared, _others: Sequence[Array]) -> Array:
    first = next((x for x in p.inputs.values() if np.ndim(x)), np.ones(1))
    return np.resize(first, true.shape)


def _shifted(true: Array, _p: Prepared, _others: Sequence[Array]) -> Array:
    axis = max((k for k, s in enumerate(true.shape) if s > 1), key=lambda k: (true.shape[k], -k), default=None)
    return true if axis is None else np.roll(true, 1, axis)


def _other(true: Array, _p: Prepared, others: Sequence[Array]) -> Array:
    usable = [x for x in others if x.size and x is not true]
    return np.resize(usable[-1], true.shape) if usable else true


def _unwritten(true: Array, _p: Prepared, _others: Sequence[Array]) -> Array:
    out = true.astype(float).copy()
    out.reshape(-1)[-max(1, out.size // 4) :] = np.nan
    return out


FAKES: Mapping[str, Fake] = {
    "all zeros": lambda true, _p, _o: np.zeros(true.shape),
    "all nan": lambda true, _p, _o: np.full(true.shape, np.nan),
    "all ones": lambda true, _p, _o: np.ones(true.shape),
    "first input echoed": _echo,
    "shifted by one row": _shifted,
    "answer of another case": _other,
    "one block unwritten": _unwritten,
}
CONSTANT = ("all zeros", "all nan", "all ones")
"""Null kernels that may not be right on all cases: then the cases are too easy."""


def run_canaries(spec: Spec, prepared: Sequence[Prepared], outputs: Sequence[str]) -> Canaries:
    """Hold every null kernel against the check, output by output and type by type.

    Parameters
    ----------
    spec : Spec
        Statement.
    prepared : sequence of Prepared
        Cases with what is true of them.
    outputs : sequence of str
        Outputs that the candidate returns.

    Returns
    -------
    Canaries
        A null kernel passes if there is one output in one type that it fails nowhere.
    """
    passed = []
    exact = {o.name for o in spec.outputs if o.exact}
    for name in FAKES:
        for dtype in dict.fromkeys(p.dtype for p in prepared):
            own = [p for p in prepared if p.dtype == dtype and not p.problem]
            for output in _judgeable(own, outputs):
                if _survives(name, output, [p for p in own if output in p.values], exact):
                    passed.append(f"{name} ({output}, {dtype})")
    return Canaries(tuple(FAKES), tuple(passed))


def _judgeable(own: Sequence[Prepared], outputs: Sequence[str]) -> list[str]:
    known = dict.fromkeys(n for p in own for n in p.values if n not in p.unsupported)
    return [n for n in known if n in outputs or (n.startswith("d") and any(n == f"d{g}" for p in own for g in p.grads))]


def _survives(name: str, output: str, own: Sequence[Prepared], exact: set[str]) -> bool:
    """Tell whether a null kernel fails nowhere; one that depends on the truth has to differ from it somewhere."""
    fake, wrong = FAKES[name], False
    answers = [p.values[output] for p in own]
    for p in own:
        true = p.values[output]
        false = fake(true, p, answers)
        if not true.size or (name not in CONSTANT and np.array_equal(true, false, equal_nan=True)):
            continue
        wrong = True
        if output in exact:
            found = compare_exactly(output, false, true)
        else:
            limit = p.limit.get(output, np.full(true.shape, np.nan))
            found = compare(output, false, true, limit, p.dtype, radius=p.radius.get(output, 0.0))
        if found.verdict == "fail":
            return False
    return wrong
