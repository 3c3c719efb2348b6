"""What a wrong result looks like: explained residuals, and looser contracts that would explain the error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dltsym.errors import DltsymError
from dltsym.implementation import Arithmetic
from dltsym.oracle.calls import Outcome
from dltsym.oracle.candidate import Candidate
from dltsym.oracle.formats import FORMATS, Array, full_name
from dltsym.oracle.metrics import ILL, Comparison
from dltsym.oracle.prepare import Prepared, measured, stored_outputs
from dltsym.oracle.spec import Spec

SHARE = 0.98
"""Share of the entries that an explanation has to fit."""
FAINT = 0.01
"""An error below this share of a looser tolerance is not explained by it: it would explain anything."""
UNSTABLE = 4
"""Cases that are held against the stable form of the statement, those with the most entries that cancel."""
ONE_SIDED = 0.9
"""Share of errors of one sign above which they are no rounding to nearest."""
MOST = 3
"""Failing cases that a looser contract is tried on."""


@dataclass(frozen=True)
class Explanation:
    """A factor or a rearrangement between the right result and the one that came, in words."""

    words: str
    values: Array


def coarse(name: str, dtype: str, p: Prepared) -> str:
    """Say that a result comes in a type with fewer bits than its inputs have, and than its contract promises.

    Parameters
    ----------
    name : str
        Output, or ``d<input>``.
    dtype : str
        Type in which it came; empty where nobody knows.
    p : Prepared
        What is true.

    Returns
    -------
    str
        Empty where that is not so.
    """
    own = full_name(p.arithmetic.io)
    if dtype not in FORMATS or FORMATS[dtype].precision >= FORMATS[own].precision:
        return ""
    return f"{name}: it comes in {dtype}, with fewer digits than {own}: the result is rounded too early"


def hints(name: str, got: Array, p: Prepared, dtype: str = "") -> list[str]:
    """Say what a wrong output looks like.

    Parameters
    ----------
    name : str
        Output, or ``d<input>``.
    got : array
        What came.
    p : Prepared
        What is true.
    dtype : str
        Type in which it came, if it is known.

    Returns
    -------
    list of str
        Empty where nothing fits.
    """
    true = p.values.get(name)
    if true is None:
        return []
    if got.shape != true.shape:
        return list(_of_shapes(name, got, true))
    if came := coarse(name, dtype, p):
        return [came]
    out = [f"{name}: {one.words}" for one in _explanations(name, true, p) if _fits(got, one.values, true, name, p)]
    return out or [f"{name}: {words}" for words in _patterns(got, true)][:1]


def diagnosis(spec: Spec, failed: Sequence[tuple[Prepared, Outcome, Sequence[str]]]) -> str:
    """Name the loosest promise that explains an error: ``explained by tf32 dot operands``, or ``by no contract``.

    Parameters
    ----------
    spec : Spec
        Statement.
    failed : sequence of tuple
        Failing cases with what came and which outputs are wrong.

    Returns
    -------
    str
        Empty when there is nothing to explain.
    """
    if not failed:
        return ""
    for words, changed in _contracts(failed[0][0].arithmetic):
        if all(_explained(spec, p, outcome, names, changed) for p, outcome, names in failed[:MOST]):
            return f"explained by {words}; the candidate's contract does not say so"
    return "explained by no contract: the formula differs, or the error is larger than any rounding"


# Explained residuals


def _explanations(name: str, true: Array, p: Prepared) -> Iterator[Explanation]:
    ln2 = math.log(2)
    yield Explanation(f"got = expected / ln 2: it is in base 2; map it as {name}/ln2, or fix the kernel", true / ln2)
    yield Explanation("got = expected * ln 2: a base-2 logarithm was converted twice", true * ln2)
    yield Explanation("got = -expected: the sign is flipped", -true)
    for factor, words in ((2.0, "2"), (0.5, "1/2")):
        yield Explanation(f"got = {words} * expected", factor * true)
    for size, n in p.case.sizes.items():
        if n > 1:
            yield from _of_size(size, n, true)
    for scalar, x in p.inputs.items():
        if x.ndim == 0 and np.isfinite(x) and float(x) not in (0.0, 1.0, -1.0):
            c = float(x)
            yield Explanation(f"got = {scalar} * expected: {scalar} is applied once too little", c * true)
            yield Explanation(f"got = expected / {scalar}: {scalar} is applied twice", true / c)
    yield from _rearranged(true)


def _of_size(size: str, n: int, true: Array) -> Iterator[Explanation]:
    yield Explanation(f"got = {size} * expected: a mean over {size} is missing", n * true)
    yield Explanation(f"got = expected / {size}: one mean over {size} too many", true / n)
    yield Explanation(f"got = sqrt({size}) * expected: a factor sqrt({size})", math.sqrt(n) * true)
    yield Explanation(f"got = expected / sqrt({size}): a factor sqrt({size})", true / math.sqrt(n))
    if n > 2:
        words = f"got = expected * {size}/({size} - 1): a sample variance where the statement has the population's"
        yield Explanation(words, true * (n / (n - 1)))
        yield Explanation(f"got = expected * ({size} - 1)/{size}: one term of {size} is missing", true * ((n - 1) / n))


def _rearranged(true: Array) -> Iterator[Explanation]:
    if true.ndim > 1 and true.shape[-1] == true.shape[-2]:
        yield Explanation("the last two axes are exchanged", true.swapaxes(-1, -2))
    if true.ndim > 1 and min(true.shape[-2:]) > 1:
        words = "the last two axes are exchanged in memory, and the shape is kept"
        yield Explanation(words, np.ascontiguousarray(true.swapaxes(-1, -2)).reshape(true.shape))
    for axis in range(true.ndim):
        if true.shape[axis] > 2:
            for step in (1, -1):
                yield Explanation(f"shifted by {step} along axis {axis}", np.roll(true, step, axis))
            yield Explanation(f"reversed along axis {axis}", np.flip(true, axis))


def _fits(got: Array, explained: Array, true: Array, name: str, p: Prepared) -> bool:
    """Tell whether an explanation fits almost all entries that have anything to explain."""
    loose = 64 * FORMATS[p.dtype].unit + 1e-9
    use = np.isfinite(true) & np.isfinite(got) & (true != 0)
    if int(use.sum()) < 2 or not bool(np.isfinite(got).mean() > 0.5):
        return False
    limit = np.broadcast_to(np.nan_to_num(p.limit.get(name, np.zeros(1)), posinf=0.0), true.shape)[use]
    gain = np.abs(explained[use]) / np.abs(true[use])
    near = loose * np.abs(explained[use]) + 4 * limit * np.maximum(gain, 1.0)
    apart = np.abs(explained[use] - true[use]) > 4 * near  # the explanation changes these entries
    if apart.mean() < 0.5:
        return False
    return bool((np.abs(got[use] - explained[use]) <= near).mean() >= SHARE)


def _of_shapes(name: str, got: Array, true: Array) -> Iterator[str]:
    if got.size == true.size and got.ndim > 1 and got.shape == (*true.shape[:-2], *true.shape[:-3:-1]):
        yield f"{name}: the last two axes are exchanged"
    elif got.size == true.size:
        yield f"{name}: the shape is {got.shape}, expected {true.shape}; the number of entries is right"


def _patterns(got: Array, true: Array) -> Iterator[str]:
    if got.size and not got.any() and true.any():
        yield "all entries are 0: the output was never written, or its grid is empty"
    if bool((np.isnan(got) & ~np.isnan(true)).any()):
        yield from _of_nan(np.isnan(got) & ~np.isnan(true))
    finite = np.isfinite(got) & np.isfinite(true)
    if int(finite.sum()) > 2:
        gap = (got - true)[finite]
        varied = np.ptp(true[finite]) > 1e-3 * abs(float(gap.mean()))  # equal entries have equal errors
        if varied and np.ptp(gap) <= 1e-3 * abs(float(gap.mean())):
            yield f"got = expected + {float(gap.mean()):.6g} everywhere"
    axis = true.ndim - 1
    if true.ndim and true.shape[axis] > 4 and got.shape == true.shape:
        yield from _of_tail(got, true)


def _of_nan(wrong: Any) -> Iterator[str]:
    share = float(wrong.mean())
    last = wrong.reshape(len(wrong), -1).any(-1) if wrong.ndim else wrong.reshape(1)
    if wrong.ndim and share < 1 and last[-1] and not last[0]:
        yield f"nan in the last rows only ({int(last.sum())} of {last.size}): never written, or read past the end"
    else:
        yield f"nan in {share:.0%} of the entries"


def _of_tail(got: Array, true: Array) -> Iterator[str]:
    """Tell a tail that is wrong from an output that is wrong altogether."""
    with np.errstate(all="ignore"):
        off = ~(np.abs(got - true) <= 1e-2 * np.abs(true) + 1e-6 * np.nanmax(np.abs(true)))
    for axis in range(true.ndim):
        size = true.shape[axis]
        per = off.mean(axis=tuple(k for k in range(true.ndim) if k != axis))
        bad = np.flatnonzero(per > 0)  # one entry that happens to be off is no tail: most of each row must be
        tail = 0 < bad.size < size / 2 and bad[0] > 0 and bad.size == size - bad[0]
        if tail and float(per[bad].min()) > 0.5:
            yield f"wrong from entry {bad[0]} of {size} on along axis {axis}: the last block is not handled"


# Contracts


def _contracts(own: Arithmetic) -> Iterator[tuple[str, Arithmetic]]:
    half = own.io in ("float16", "bfloat16")
    if own.acc == "float32":
        if own.dot == "ieee":
            yield "tf32x3 dot operands", replace(own, dot="tf32x3")
        if own.dot != "tf32":
            yield "tf32 dot operands", replace(own, dot="tf32")
    if own.reductions != "sequential":
        yield "sequential sums", replace(own, reductions="sequential")
    if half and "P" not in own.casts:
        yield f"P cast to {own.io}", replace(own, casts=(*own.casts, "P"))
    if half and not {"P", "dS"} <= set(own.casts):
        yield f"P and dS cast to {own.io}", replace(own, casts=tuple(dict.fromkeys((*own.casts, "P", "dS"))))
    if half:
        yield f"accumulation in {own.io}", replace(own, acc=own.io)
    if own.io == "float32":
        for low in ("float16", "bfloat16"):
            yield f"P cast to {low}", replace(own, io=low, casts=("P",))
            yield f"results rounded to {low}", replace(own, io=low, casts=("P", "dS", "out"))
    if own.acc == "float64":
        yield "accumulation in float32", replace(own, acc="float32")
    if not own.ftz:
        yield "subnormal results flushed to 0", replace(own, ftz=True)


def _explained(spec: Spec, p: Prepared, outcome: Outcome, names: Sequence[str], other: Arithmetic) -> bool:
    from dltsym.oracle.run import comparisons

    if any(_systematic(outcome.values[n], p.values[n]) for n in names):
        return False
    ready = _again(spec, p, other)
    found = {c.output: c for c in comparisons(spec, [n for n in names if n in p.values], ready, outcome)}
    return all(found[n].verdict == "pass" and found[n].ratio >= FAINT for n in names)


def _roundable(got: Array | None, true: Array | None) -> bool:
    return got is not None and true is not None and got.shape == true.shape and bool(np.isfinite(got).all())


def _systematic(got: Array, true: Array) -> bool:
    """Tell whether almost all errors make the result larger, or almost all smaller: rounding to nearest does not."""
    grown = ((got - true) * np.sign(true))[got != true]
    return grown.size >= 16 and max(float((grown > 0).mean()), float((grown < 0).mean())) > ONE_SIDED


def _again(spec: Spec, p: Prepared, other: Arithmetic) -> Prepared:
    bare = Prepared(p.case, p.dtype, other, p.inputs, p.modes, parts=p.parts)
    return measured(spec, bare, p.grads, tuple(p.cotangents))


def explained(spec: Spec, failed: Sequence[tuple[Prepared, Outcome, Mapping[str, str]]]) -> tuple[tuple[str, ...], str]:
    """Return hints and the diagnosis of all failing cases.

    Parameters
    ----------
    spec : Spec
        Statement.
    failed : sequence of tuple
        Failing cases with what came and the verdict of each output.

    Returns
    -------
    tuple
        Hints, the most common first, and a diagnosis.
    """
    count: dict[str, dict[str, int]] = {}
    for p, outcome, verdicts in failed:
        for name in (n for n, v in verdicts.items() if v == "fail" and n in outcome.values):
            own = count.setdefault(name, {})
            for hint in hints(name, outcome.values[name], p, outcome.dtypes.get(name, "")):
                own[hint] = own.get(hint, 0) + 1
    ranked = [h for own in count.values() for h, k in own.items() if k == max(own.values())]
    small = [  # a result that is missing, misshapen or not finite is no matter of rounding
        (p, o, [n for n, v in verdicts.items() if v == "fail"])
        for p, o, verdicts in failed
        if all(_roundable(o.values.get(n), p.values.get(n)) for n, v in verdicts.items() if v == "fail")
    ]
    told = "" if ranked or len(small) < len(failed) else diagnosis(spec, sorted(small, key=_telling))
    return tuple(ranked[:4]), told


def _telling(one: tuple[Prepared, Outcome, Sequence[str]]) -> tuple[bool, int]:
    """Put the smallest cases first, but after all others those with too few entries to tell rounding from a factor."""
    p, _, names = one
    return max((p.values[n].size for n in names), default=0) < 16, sum(x.size for x in p.inputs.values())


def one_by_one(spec: Spec, candidate: Candidate, told: Sequence[tuple[Prepared, str, str]]) -> str:
    """Say how to map a callable that is written for one input at a time, and fails wherever there are batches.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate.
    told : sequence of tuple
        Cases with verdict and message.

    Returns
    -------
    str
        Empty where cases with batches are not what fails.
    """
    ranks = {i.name: len(i.axes) for i in spec.inputs}
    judged = [(p, v, m) for p, v, m in told if v in ("pass", "ill", "fail", "crash")]
    many = [(p, v, m) for p, v, m in judged if any(x.ndim > ranks[n] for n, x in p.inputs.items())]
    single = [v for p, v, _ in judged if all(x.ndim <= ranks[n] for n, x in p.inputs.items())]
    shapes = [{n: x.shape for n, x in p.inputs.items()} for p, *_ in many]
    mapped = candidate.parts is None or any(map(candidate.parts, shapes))
    if candidate.kind == "kernel" or mapped or not many or {v for _, v, _ in many} - {"fail", "crash"}:
        return ""
    good = "pass" in single and not {*single} & {"fail", "crash"}
    raised = all(v == "crash" and "Timeout" not in m and "changed its input" not in m for _, v, m in many)
    if not good and (single or not raised):
        return ""
    arrays = [i for i in spec.inputs if i.axes and i.name not in candidate.fixed]
    gaps = {i.name: "" if all(len(a) == 1 for a in i.axes) else " " for i in arrays}
    layouts = ", ".join(f"{i.name}={i.name}:{gaps[i.name].join(i.axes)}" for i in arrays)
    return (
        "it fails where inputs have batches in front of their axes; if it takes one input at a time, say so, and it is "
        f'called for each: --map "{layouts}", with the names of its own parameters on the left'
    )


def unstable(spec: Spec, passed: Sequence[tuple[Prepared, Outcome]]) -> tuple[str, ...]:
    """Say where a candidate passes only because the statement as written loses digits.

    A callable that names no form is charged what the statement as written loses where its terms cancel. That is no
    mistake of its own; but the digits are lost, and the statement without that cancellation says how many.

    Parameters
    ----------
    spec : Spec
        Statement.
    passed : sequence of tuple
        Cases that pass, with what came.

    Returns
    -------
    tuple of str
        At most one line for each type and output.
    """
    out: dict[tuple[str, str], str] = {}
    ranked = sorted(((_lost(p), k) for k, (p, _) in enumerate(passed) if not p.arithmetic.form), reverse=True)
    for lost, k in ranked[:UNSTABLE]:
        p, outcome = passed[k]
        for c in _in_stable_form(spec, p, outcome) if lost else ():
            told = f"{c.output}: passes as the statement is written, where terms cancel; against its stable form err/T "
            told += f"is {c.ratio:.2g}, expected {c.expected:.6g}, got {c.got:.6g} (contract form=stable)"
            out.setdefault((p.dtype, c.output), told)
    return tuple(out.values())


def _lost(p: Prepared) -> int:
    """Count the entries, however small beside others, whose tolerance leaves not one digit."""
    known = [(np.abs(p.values[n]), x) for n, x in p.limit.items() if n in p.values]
    return sum(int(((x > ILL * v) & (v > 0) & np.isfinite(v)).sum()) for v, x in known)


def _in_stable_form(spec: Spec, p: Prepared, outcome: Outcome) -> Iterator[Comparison]:
    from dltsym.oracle.run import comparisons
    from dltsym.oracle.statement import STABLE
    from dltsym.oracle.tolerance import tolerance

    try:
        with np.errstate(all="ignore"):
            stored = stored_outputs(p)
            allowed = tolerance(spec, p.inputs, p.modes, replace(p.arithmetic, form=STABLE), stored)
    except DltsymError:
        return  # nothing can be said of that form
    sharper = replace(p, limit={**p.limit, **allowed.limit}, grads=())
    names = [n for n in allowed.limit if n in outcome.values]
    yield from (c for c in comparisons(spec, names, sharper, outcome) if c.verdict == "fail")
