"""The value of a bound: an estimate in floating point, a certificate rounded outward, and whether it says anything.

Formulas are those of the record: the estimate is its numpy kernel, the certificate its expression, or its algorithm,
over balls at exact inputs. Clipping to the range of the loss comes last, and what was clipped is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from typing import Any

from flint import arb

from dltsym.bounds.amounts import as_ball
from dltsym.bounds.asked import alone, dispensable, given
from dltsym.bounds.checks import IllegalBound, Lint, lint_bound
from dltsym.bounds.choosing import settled
from dltsym.bounds.ledger import Ledger, merged
from dltsym.bounds.nearly import Certain, nested
from dltsym.bounds.objects import BoundObject, record_of
from dltsym.bounds.ranges import shown
from dltsym.bounds.rounding import below, down, up
from dltsym.bounds.scale import back, clip, clip_float, limits, near
from dltsym.errors import DltsymError, DomainError, Undecided
from dltsym.notation.balls import working
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.evaluate import Evaluator, compile_expr
from dltsym.notation.walk import expand_lets
from dltsym.record import Theorem

__all__ = ["Evaluation", "Joint", "enclosure", "evaluate", "merge"]

PRECISIONS = (96, 192, 384, 768)
SHARP = 64  # accurate bits that are wanted of an enclosure


@dataclass(frozen=True)
class Evaluation:
    """The value of a bound.

    Attributes
    ----------
    key, of, side : str
        Record, output, and the side of the risk that it is on.
    estimate : float
        Plain floating point, clipped to the range of the loss; no claim. nan where the record has no floats.
    certificate : float
        A binary64 number that is proved to be at least (for a lower bound, at most) the true value of the bound at the
        exact inputs, clipped.
    interval : tuple of float
        Proved enclosure of the clipped value.
    unclipped : tuple of float
        The same before clipping.
    baseline : float or None
        What has to be beaten.
    verdict : str
        ``non-vacuous``, ``vacuous`` or ``undecided``, by disjoint intervals; ``no baseline`` where none was declared;
        ``illegal`` where lints object.
    delta : float
        Probability that the statement fails, rounded up; nan where it is part of another input.
    lints : tuple of Lint
        What is wrong with the use of the bound; empty unless illegal bounds were asked for.
    """

    key: str
    of: str
    side: str
    estimate: float
    certificate: float
    interval: tuple[float, float]
    unclipped: tuple[float, float]
    baseline: float | None
    verdict: str
    delta: float
    lints: tuple[Lint, ...] = ()

    @property
    def legal(self) -> bool:
        """Whether no lint was raised."""
        return not self.lints

    def json(self) -> dict[str, Any]:
        """Return plain data; numbers that JSON cannot hold are text.

        Returns
        -------
        dict
        """
        return {k: _plain(v) for k, v in asdict(self).items()} | {"legal": self.legal}


@dataclass(frozen=True, eq=False)
class Joint:
    """Several bounds of one quantity that hold together."""

    parts: tuple[BoundObject, ...]
    ledger: Ledger


def evaluate(what: BoundObject | Joint, *, illegal: bool = False) -> Evaluation:
    """Evaluate a bound: estimate, certificate and verdict.

    Parameters
    ----------
    what : BoundObject or Joint
        Bound, or several that hold together, of which the best counts.
    illegal : bool
        Return the numbers of a bound that lints object to, with the lints, instead of raising.

    Returns
    -------
    Evaluation

    Raises
    ------
    IllegalBound
        When lints object; a missing input is a `DomainError`, no finite enclosure is `Undecided`.

    Examples
    --------
    >>> from dltsym.bounds import bound
    >>> b = bound("pac_bayes.maurer_pinsker", emp_risk="0.289307", kl=1724, n=30000, delta="0.05", loss=(0, 1),
    ...           baseline="0.5")
    >>> e = evaluate(b)
    >>> e.certificate, e.verdict
    (0.45925029229601055, 'non-vacuous')
    """
    if isinstance(what, Joint):
        return _best([evaluate(p, illegal=illegal) for p in what.parts], what)
    lints = tuple(lint_bound(what))
    if lints and not illegal:
        raise IllegalBound(what.key, lints)
    what = settled(what, _estimates_at)
    ball, ends = _enclosed(what), limits(what)
    clipped = clip(ball, *ends)
    least, most = (None if x is None else as_ball(x) for x in ends)  # a ball around the end reaches beyond it
    interval = (down(clipped) if least is None else max(down(clipped), down(least)),
                up(clipped) if most is None else min(up(clipped), up(most)))  # fmt: skip
    upper = what.statement.side == "upper"
    return Evaluation(
        what.key,
        what.statement.of,
        what.statement.side,
        clip_float(_estimate(what), *ends),
        interval[1] if upper else interval[0],
        interval,
        (down(ball), up(ball)),
        None if what.baseline is None else near(what.baseline),
        "illegal" if lints else _verdict(what, ball),
        up(as_ball(what.ledger.delta)) if what.ledger.entries else math.nan,
        lints,
    )


def merge(*bounds: BoundObject, shared: Iterable[str] = ()) -> Joint:
    """Let bounds of one quantity hold together: their ledgers are added, and the best of them counts.

    Parameters
    ----------
    *bounds : BoundObject
        Bounds.
    shared : iterable of str
        Events that are one and the same in all of them, and are paid for once.

    Returns
    -------
    Joint

    Raises
    ------
    DomainError
        When they are on two sides, of losses with two ranges, or of two risks: those of the posterior and of a
        hypothesis are one where the posterior is a point mass.
    """
    if len({(b.statement.side, str(b.loss), _risk(b)) for b in bounds}) != 1:
        raise DomainError("bounds that hold together are on one side of one risk, of losses in one range")
    return Joint(tuple(bounds), merged([b.ledger for b in bounds], shared))


def _risk(what: BoundObject) -> str:
    about = what.statement.about
    return "hypothesis" if about == "posterior average" and what.posterior == "point mass" else about


def enclosure(what: BoundObject, prec: int) -> arb:
    """Return a ball around the bound before clipping, in the units of the loss.

    Parameters
    ----------
    what : BoundObject
        Bound.
    prec : int
        Bits.

    Returns
    -------
    arb
        Not finite where nothing is known.
    """
    env, s = environment(what), what.statement
    with working(prec):
        if s.of in what.record.outputs:
            ball = compiled(what.record, s.of).ball(env, prec)
        else:
            assert what.record.algorithm is not None
            try:
                ball = alone(what.record, s.of)(Certain(prec), env)[s.of]
            except Undecided:
                return arb.nan()
        return back(what, ball)


def environment(what: BoundObject, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the exact inputs of the formula: failure probabilities are divided among what was chosen later.

    Parameters
    ----------
    what : BoundObject
        Bound.
    without : tuple of str
        Inputs that may be missing.

    Returns
    -------
    dict

    Raises
    ------
    DomainError
        When an input is missing.
    """
    env = dict(what.inputs)
    of = what.statement.of
    missing = [name for name in needed(what.record, of) if name not in (*env, *without)]
    spare = [] if of in what.record.outputs else [name for name in missing if dispensable(what.key, of, name)]
    env |= dict.fromkeys(spare, arb.nan())  # whatever does depend on one has no enclosure
    if missing := [name for name in missing if name not in spare]:
        told = [f"{name} ({what.record.symbols[name].decl.meaning})" for name in missing]
        raise DomainError(f"{what.key}: missing input {', '.join(told)}")
    weight = what.ledger.weight
    return env | {name: env[name] * weight for name in what.statement.deltas if name in env and weight != 1}


def needed(record: Theorem, of: str) -> tuple[str, ...]:
    """Return the names of the inputs of an output.

    Parameters
    ----------
    record : Theorem
        Record.
    of : str
        Output, or result of the algorithm.

    Returns
    -------
    tuple of str
    """
    if of in record.outputs:
        return tuple(s.name for s in compiled(record, of).symbols)
    return tuple(s.name for s in record.algorithm.takes) if record.algorithm else ()


def compiled(record: Theorem, of: str) -> Evaluator:
    """Return the evaluator of an output.

    Parameters
    ----------
    record : Theorem
        Record.
    of : str
        Output.

    Returns
    -------
    Evaluator
    """
    return _compiled(record.outputs[of])


@lru_cache(maxsize=256)
def _compiled(expr: Any) -> Evaluator:
    return compile_expr(evaluate_derivatives(expand_lets(expr)))


def _enclosed(what: BoundObject) -> arb:
    ball = arb.nan()
    for prec in PRECISIONS:
        last, ball = ball, enclosure(what, prec)
        if ball.is_finite() and (ball.rel_accuracy_bits() >= SHARP or ball.is_zero()):
            return ball
        if last.is_finite() and 2 * ball.rad() > last.rad():  # a result of an algorithm that more bits do not sharpen
            return ball
    if not ball.is_finite():
        ball = _near_end(what)
    if not ball.is_finite():
        raise Undecided(f"{what.key}: no finite enclosure of {what.statement.of} at these inputs")
    return ball


def _near_end(what: BoundObject) -> arb:
    """Return an enclosure in binary64 of an inverse of relative entropy that is within rounding of an end."""
    if what.statement.of not in what.record.outputs:
        return arb.nan()
    with working(PRECISIONS[0]):
        return back(what, nested(what.record.outputs[what.statement.of], environment(what)))


def _estimate(what: BoundObject) -> float:
    env = environment(what)
    try:
        kernel = kernel_of(what.key, what.statement.of)
        inputs = {name: given(env[name], what.record.symbols[name]) for name in kernel.inputs}
        raw = float(kernel(**inputs))
    except (DltsymError, OverflowError):  # no floats for this formula, or none for these numbers
        return math.nan
    with working(64):
        value = back(what, arb(raw)) if math.isfinite(raw) else arb.nan()
        return float(value.mid()) if value.is_finite() else raw


def _estimates_at(what: BoundObject, name: str, xs: list[Any]) -> list[float]:
    """Return estimates on the scale of the record at many values of one input."""
    import numpy as np

    known = environment(what, (name,))
    try:
        kernel = kernel_of(what.key, what.statement.of)
        inputs = {k: given(known[k], what.record.symbols[k]) for k in kernel.inputs if k != name}
    except (DltsymError, OverflowError):
        return [math.nan] * len(xs)
    try:
        return [float(y) for y in np.broadcast_to(kernel(**inputs, **{name: np.array(xs)}), (len(xs),))]
    except (DltsymError, TypeError):  # no arrays, or a value outside the domain of the formula
        return [_alone(kernel, inputs, name, x) for x in xs]


def _alone(kernel: Any, inputs: Mapping[str, Any], name: str, x: Any) -> float:
    try:
        return float(kernel(**inputs, **{name: x}))
    except DltsymError:
        return math.nan


@cache
def kernel_of(key: str, of: str) -> Any:
    """Return the numpy kernel of a bound.

    Parameters
    ----------
    key, of : str
        Record and output.

    Returns
    -------
    Kernel
    """
    return record_of(key).kernel("numpy", of=of)


def _verdict(what: BoundObject, ball: arb) -> str:
    """Compare the unclipped value with the baseline, at rising precision until they are apart."""
    if what.baseline is None:
        return "no baseline"
    sign = 1 if what.statement.side == "upper" else -1
    for prec in (0, *PRECISIONS):
        x = enclosure(what, prec) if prec else ball
        with working(prec or PRECISIONS[0]):
            beats = below(sign * x, sign * what.baseline) if x.is_finite() else None
        if beats is not None:
            return "non-vacuous" if beats else "vacuous"
    return "undecided"


def _best(found: list[Evaluation], joint: Joint) -> Evaluation:
    upper = joint.parts[0].statement.side == "upper"
    best = (min if upper else max)(found, key=lambda e: e.certificate)
    return Evaluation(**{**vars(best), "delta": up(as_ball(joint.ledger.delta)),
                         "lints": tuple(x for e in found for x in e.lints)})  # fmt: skip


def _plain(x: Any) -> Any:
    if isinstance(x, float) and not math.isfinite(x):
        return str(x)
    if isinstance(x, Mapping):
        return {k: _plain(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [_plain(v) for v in x]
    return x if isinstance(x, str | int | float | bool | None) else shown(x)
