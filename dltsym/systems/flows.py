"""Tokens on the sphere in time: the flows SA and USA, with their energy, its balance, and unit norms along the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dltsym.errors import DltsymError, DomainError, ShapeError
from dltsym.systems.compiled import several, tensor
from dltsym.systems.energies import BALANCE, FASTEST, RULES, centred, levels, shifts
from dltsym.systems.inputs import (
    COLDEST,
    Array,
    choice,
    count,
    generator,
    grid,
    number,
    real_array,
    temperatures,
    tokens,
)  # fmt: skip
from dltsym.systems.integrate import Progress, Step, steps

__all__ = ["Flow", "flow", "particle_drift", "random_tokens"]

FIELD = "particles.mean_field"
BLOCK = 2**20  # entries of Gram matrices at a time
NODES, WEIGHTS = np.polynomial.legendre.leggauss(5)


@dataclass(frozen=True, eq=False)
class Flow:
    """Tokens at given times, and what is known of the run.

    Attributes
    ----------
    times : ndarray, shape (T,)
        Times (depth), in units of ``exp(-abs(beta))`` when `scaled`.
    X : ndarray, shape (T, ..., n, d)
        Tokens, unit rows.
    energy : ndarray, shape (T, ...)
        Energy ``mean(exp(beta <x_i, x_j>)) / (2 beta)`` times ``exp(-shift)``; at beta = 0 its limit without the
        constant, ``mean(<x_i, x_j>) / 2``.
    shift : ndarray, shape (...)
        0, and ``abs(beta)`` where the energy itself would overflow.
    closest : ndarray, shape (T, ...)
        Smallest inner product of two tokens; 1 for a single token.
    balance : ndarray, shape (T, ...), or None
        Residual of the energy balance: energy gained minus the integral of its rate in the record, both times
        ``exp(-abs(beta))``. The order of the tolerances times the number of steps is normal. None when it was not asked
        for, or when the values have no energy.
    norm_error : float
        Largest deviation of a norm from 1 before tokens were divided by their norms.
    consensus : float or None
        Time from which all tokens are one up to the tolerance; the run ends there and later tokens stay.
    steps, evaluations : int
        Steps of the solver, and evaluations of the right side.
    beta : ndarray
        Inverse temperatures.
    rule : str
        ``sa`` or ``usa``.
    scaled : bool
        Unit of time.
    """

    times: Array
    X: Array
    energy: Array
    shift: Array
    closest: Array
    balance: Array | None
    norm_error: float
    consensus: float | None
    steps: int
    evaluations: int
    beta: Array
    rule: str
    scaled: bool


def random_tokens(shape: Sequence[int], seed: int) -> Array:
    """Draw independent uniform tokens on the sphere.

    Parameters
    ----------
    shape : sequence of int
        Shape (..., n, d).
    seed : int
        Of the generator; equal seeds give equal tokens.

    Returns
    -------
    ndarray, shape (..., n, d)
        Unit rows.

    Raises
    ------
    ShapeError
        For a shape that is no list of at least two positive integers.
    DomainError
        For a seed that is none.
    """  # noqa: DOC502 - the seed is read by `generator`
    try:
        sizes = tuple(count(n, "an entry of the shape", 1, "a size") for n in shape)
    except (TypeError, DltsymError):
        raise ShapeError(f"shape is {shape!r}; it must be (..., n, d), positive integers") from None
    return tokens(generator(seed).standard_normal(sizes), normalise=True)


def _drift(x: Array, beta: Array, rule: str, V: Array | None, scaled: bool) -> Array:
    # The generated functions themselves: inputs were checked at the door, and a run asks thousands of times.
    if V is None and rule == "sa":
        return tensor(FIELD, "sa", "a c").function(x=x, beta=beta)
    average, log_mass = several(FIELD, (("average", "a c"), ("log_mass", "a"))).function(x=x, beta=beta)
    moved = average if V is None else average @ V.T
    out = moved - (moved * x).sum(-1, keepdims=True) * x
    if rule == "sa":
        return out
    unit = np.log(x.shape[-2]) + (np.abs(beta) if scaled else 0.0)
    return np.exp(log_mass - np.asarray(unit)[..., None])[..., None] * out


def _speed_limit(beta: Array, rule: str, scaled: bool) -> None:
    if scaled and rule == "sa":
        raise DomainError("scaled is about the unit of time of USA; SA moves at speeds of at most 1")
    if rule == "usa" and not scaled and (np.abs(beta) > FASTEST).any():
        raise DomainError("USA moves at speeds up to exp(abs(beta)), which overflows: pass scaled=True")


def _values(V: Any, d: int) -> Array | None:
    if V is None:
        return None
    out = real_array(V, "V")
    if out.shape != (d, d):
        raise ShapeError(f"V has shape {out.shape}; tokens of dimension {d} need ({d}, {d})")
    if (np.abs(out) > COLDEST).any():
        raise DomainError(f"V reaches {np.abs(out).max():.6g}: a factor of V is a unit of time, divide by it")
    return None if (out == np.eye(d)).all() else out


def particle_drift(
    X: Any, beta: Any, rule: str = "sa", *, V: Any = None, scaled: bool = False, normalise: bool = False
) -> Array:
    """Return the velocities of the tokens.

    Parameters
    ----------
    X : array_like, shape (..., n, d)
        Tokens, unit rows.
    beta : float or array_like, shape (...)
        Inverse temperatures, of any sign.
    rule : {"sa", "usa"}
        Weights divided by their sum, or by n.
    V : array_like, shape (d, d), optional
        Values are ``V x``; the identity by default.
    scaled : bool
        USA in the unit of time ``exp(-abs(beta))``.
    normalise : bool
        Divide rows by their norms.

    Returns
    -------
    ndarray, shape (..., n, d)
        Tangent vectors.

    Raises
    ------
    DomainError
        For tokens off the sphere, numbers that are not finite, and speeds that overflow.
    ShapeError
        When shapes do not fit.
    """  # noqa: DOC502 - raised where each input is read
    x = tokens(X, normalise, "X")
    b, _ = temperatures(beta, x.shape[:-2])
    _speed_limit(b, choice(rule, "rule", RULES), scaled)
    return _drift(x, b, rule, _values(V, x.shape[-1]), scaled)


def _closest(x: Array) -> Array:
    n = x.shape[-2]
    if n == 1:
        return np.ones(x.shape[:-2])
    gram = x @ np.swapaxes(x, -1, -2)
    gram[..., np.arange(n), np.arange(n)] = np.inf
    return gram.min((-1, -2)).clip(-1, 1)


class _Run:
    """State of one integration: the right side, and the integral of the rate of the energy."""

    def __init__(self, x: Array, beta: Array, rule: str, V: Array | None, scaled: bool) -> None:
        self.shape, self.beta, self.rule, self.V, self.scaled = x.shape, beta, rule, V, scaled
        self.calls = 0
        identity = np.eye(x.shape[-1])
        self.sign = 1.0 if V is None or (identity == V).all() else -1.0 if (-identity == V).all() else 0.0
        self.rate = tensor(BALANCE, rule, scaled=True)
        self.unit = np.broadcast_to(np.abs(beta) * (2 if scaled else 1), x.shape[:-2])

    def on_sphere(self, flat: Array) -> Array:
        x = flat.reshape(self.shape)
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    def rhs(self, _t: float, flat: Array) -> Array:
        """Return the field at the nearest point of the spheres, so that norms neither grow nor decay."""
        self.calls += 1
        return _drift(self.on_sphere(flat), self.beta, self.rule, self.V, self.scaled).ravel()

    def gains(self, step: Step, ends: Array) -> Array:
        """Integrate the rate of the energy from the start of a step to some times within it: shape (len(ends), ...)."""
        starts = np.concatenate([[step.start], ends[:-1]])
        half = (ends - starts) / 2
        places = step.at((starts[:, None] + half[:, None] * (1 + NODES)).ravel())
        x = np.moveaxis(places, -1, 0).reshape(-1, *self.shape)
        x = x / np.linalg.norm(x, axis=-1, keepdims=True)
        rates = _blocks(lambda y: self.rate(x=y, beta=self.beta, shift=self.unit), x)
        parts = np.tensordot(WEIGHTS, rates.reshape(len(ends), len(NODES), *self.shape[:-2]), (0, 1))
        return self.sign * np.cumsum(half.reshape(-1, *(1,) * (parts.ndim - 1)) * parts, 0)


def _blocks(f: Callable[[Array], Array], x: Array) -> Array:
    """Apply a function of tokens along the first axis, in blocks whose Gram matrices stay small."""
    width = max(1, BLOCK // (int(np.prod(x.shape[1:-1])) * x.shape[-2]))
    return np.concatenate([f(x[k : k + width]) for k in range(0, len(x), width)])


def _walk(run: _Run, walk: Iterator[Step], x0: Array, times: Array, near: float, balance: bool) -> _Walked:
    """Follow the steps; stop when all tokens are within `near` of the first one."""
    found = np.empty((len(times), *run.shape))
    gains, gained = np.zeros(found.shape[:-2]), np.zeros(run.shape[:-2])
    k, count, consensus = int(times[0] == 0), 0, None
    found[:k] = x0
    for step in walk:
        count, last = count + 1, int(np.searchsorted(times, step.end, "right"))
        if last > k:
            found[k:last] = np.moveaxis(step.at(times[k:last]), -1, 0).reshape(-1, *run.shape)
        if balance:
            inside = gained + run.gains(step, np.append(times[k:last], step.end))
            gains[k:last], gained = inside[:-1], inside[-1]
        k, x = last, step.state.reshape(run.shape)
        if run.V is None and np.linalg.norm(x - x[..., :1, :], axis=-1).max() < near:
            found[k:], gains[k:], consensus = x, gained, step.end
            break
    return _Walked(found, gains, count, consensus)


class _Walked(NamedTuple):
    found: Array
    gains: Array
    steps: int
    consensus: float | None


def flow(
    X0: Any,
    beta: Any,
    *,
    t: float | None = None,
    times: Sequence[float] | Array | None = None,
    rule: str = "sa",
    V: Any = None,
    scaled: bool = False,
    normalise: bool = False,
    rtol: float = 1e-9,
    atol: float = 1e-9,
    method: str = "DOP853",
    balance: bool = True,
    progress: Progress | None = None,
) -> Flow:
    """Integrate the dynamics of tokens on the sphere, :cite:`geshkovski2025`.

    Batch entries are integrated together, and each one meets the tolerances. The right side is taken at the nearest
    point of the spheres, and the tokens that are returned are divided by their norms. Once all tokens are one up to
    ``atol / 4`` nothing moves by more than the tolerance any more, and the run ends. USA near clusters is stiff (rates
    of ``exp(beta)``), and so is SA for very negative beta (rates of ``abs(beta)``): an implicit `method` may be faster
    there, for few tokens.

    Parameters
    ----------
    X0 : array_like, shape (..., n, d)
        Tokens at time 0, unit rows.
    beta : float or array_like, shape (...)
        Inverse temperatures; batch shapes of tokens and temperatures are broadcast.
    t : float, optional
        Last time of 101 equal steps from 0.
    times : sequence of float, optional
        Times of the output instead.
    rule : {"sa", "usa"}
        Weights divided by their sum, or by n.
    V : array_like, shape (d, d), optional
        Values are ``V x``. There is an energy for the identity, and for minus the identity, where it falls.
    scaled : bool
        USA in the unit of time ``exp(-abs(beta))``, in which speeds are at most 1.
    normalise : bool
        Divide the rows of `X0` by their norms; otherwise they must be unit vectors.
    rtol, atol : float
        Tolerances of the solver.
    method : {"DOP853", "RK45", "Radau", "BDF", "LSODA"}
        Solver of SciPy.
    balance : bool
        Check the energy balance on the way, by quadrature within each step.
    progress : callable, optional
        Called with the time reached and the last time, after each step.

    Returns
    -------
    Flow

    Raises
    ------
    DomainError
        For tokens off the sphere, numbers that are not finite, speeds that overflow, and when the solver gives up.
    ShapeError
        When shapes do not fit.

    Examples
    --------
    >>> run = flow([[1.0, 0.0], [0.0, 1.0]], 0.0, t=1.0)  # two orthogonal tokens: the cosine is tanh t
    >>> round(float(run.closest[-1]), 8)
    0.76159416
    """  # noqa: DOC502 - raised where each input is read
    x = tokens(X0, normalise)
    b, batch = temperatures(beta, x.shape[:-2])
    _speed_limit(b, choice(rule, "rule", RULES), scaled)
    when, atol = grid(t, times), number(atol, "atol")
    x = np.ascontiguousarray(np.broadcast_to(x, (*batch, *x.shape[-2:])))
    run = _Run(x, b, rule, _values(V, x.shape[-1]), scaled)
    balance = balance and run.sign != 0
    parts = int(np.prod(batch))
    walk = steps(
        run.rhs, x.ravel(), float(when[-1]), method=method, rtol=rtol, atol=atol, parts=parts, progress=progress
    )
    walked = _walk(run, walk, x, when, atol / 4, balance)
    norms = np.linalg.norm(walked.found, axis=-1, keepdims=True)
    X, shift = tokens(walked.found / norms), np.broadcast_to(shifts(b), batch)
    residual = None
    if balance:
        climbed = _blocks(lambda y: centred(y, b, np.abs(b)), X)
        residual = climbed - centred(x, b, np.abs(b)) - walked.gains
    return Flow(
        times=when,
        X=X,
        energy=_blocks(lambda y: levels(y, b, shifts(b)), X),
        shift=shift,
        closest=_blocks(_closest, X),
        balance=residual,
        norm_error=float(np.abs(norms - 1).max()),
        consensus=walked.consensus,
        steps=walked.steps,
        evaluations=run.calls,
        beta=b,
        rule=rule,
        scaled=scaled,
    )
