"""The search for the input on which a candidate is worst: largest error in units of its tolerance.

Raw errors in the last place only find points where the problem itself is ill-conditioned; the tolerance knows those, so
the quotient is what ascends. Many inputs are tried in one call, along a new leading batch dimension.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dltsym.errors import DltsymError
from dltsym.implementation import Case
from dltsym.oracle import calls
from dltsym.oracle.blame import by_candidate
from dltsym.oracle.candidate import Candidate, Misbehaved
from dltsym.oracle.cases import make_inputs
from dltsym.oracle.formats import FORMATS, Array, ulp
from dltsym.oracle.metrics import distance
from dltsym.oracle.prepare import Prepared, measured, stored_outputs
from dltsym.oracle.spec import Spec, SpecInput
from dltsym.oracle.values import settled

STARTS, KEPT, WIDTH, ROUNDS, IDLE, RESTARTS = 400, 8, 48, 40, 8, 50
"""Random starts, those that are kept, neighbours of each in a round, rounds, rounds without gain, starts anew."""
STEPS = (3.0, 1.5, 0.5, 0.1, 1e-2, 1e-4)
BITS = tuple(range(0, 21, 2))
Generator = np.random.Generator
Inputs = dict[str, Array]


@dataclass(frozen=True, eq=False)
class Worst:
    """The worst input that was found.

    Attributes
    ----------
    prepared : Prepared
        The input, with reference and tolerance at their best level.
    ratio : float
        Error in units of the tolerance, as the search saw it.
    tried : int
        Inputs that were evaluated.
    rounds : int
        Rounds of the ascent.
    """

    prepared: Prepared
    ratio: float
    tried: int
    rounds: int


def search(
    spec: Spec,
    candidate: Candidate,
    dtype: str,
    seconds: float,
    *,
    case: Case | None = None,
    seed: int = 0,
    stored: Mapping[str, str] | None = None,
) -> Worst | None:
    """Look for the input on which a candidate is worst.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate; it has to take leading batch dimensions.
    dtype : str
        Type, full name.
    seconds : float
        Time to spend, about.
    case : Case, optional
        Sizes, modes and which inputs are absent; small sizes, all different, by default.
    seed : int
        Seed.
    stored : mapping of str to str, optional
        Types in which the candidate returns its results.

    Returns
    -------
    Worst or None
        None when nothing could be evaluated.
    """
    rng = np.random.default_rng([seed, 23])
    start = case or _small(spec, seed)
    try:
        base = make_inputs(spec, start, dtype, candidate.fixed)
    except DltsymError:
        return None
    bare = Prepared(start, dtype, candidate.arithmetic(dtype), base, dict(start.modes), stored=dict(stored or {}))
    free = [i for i in spec.inputs if i.name in base and i.kind == "real" and i.name not in candidate.fixed]

    def ratios(population: Inputs) -> Array:
        return _ratios(spec, candidate, replace(bare, inputs={**_stacked(base, population), **population}))

    found = _ascended(free, base, ratios, (rng, dtype), time.monotonic() + seconds)
    if found is None:
        return None
    best, ratio, tried, rounds = found
    return Worst(measured(spec, replace(bare, inputs={**base, **best})), ratio, tried, rounds)


def _ascended(
    free: Sequence[SpecInput],
    base: Inputs,
    ratios: Callable[[Inputs], Array],
    how: tuple[Generator, str],
    end: float,
) -> tuple[Inputs, float, int, int] | None:
    """Ascend from the best of many starts, and start again while there is time."""
    found, tried, rounds = None, 0, 0
    for _ in range(RESTARTS):
        one = _ascent(free, base, ratios, how, end)
        if one is None:
            return found
        best, score, more, steps = one
        tried, rounds = tried + more, rounds + steps
        if found is None or score > found[1]:
            found = (best, score, tried, rounds)
        found = (found[0], found[1], tried, rounds)
        if time.monotonic() >= end or not np.isfinite(score):
            break
    return found


def _ascent(
    free: Sequence[SpecInput],
    base: Inputs,
    ratios: Callable[[Inputs], Array],
    how: tuple[Generator, str],
    end: float,
) -> tuple[Inputs, float, int, int] | None:
    rng, dtype = how
    pool = {i.name: settled(_starts(i, base[i.name], rng, dtype), dtype, i) for i in free}
    try:
        ratios({i.name: np.stack([base[i.name]] * 2) for i in free})
        score = _each(ratios, pool)
    except Exception as e:  # the door to code that is not ours: a candidate that takes no batches
        if not (by_candidate(e) or isinstance(e, DltsymError | RuntimeError | ValueError | TypeError | IndexError)):
            raise
        return None
    tried, rounds, idle = len(score), 0, 0
    pool, score = _best(pool, score)
    while rounds < ROUNDS and time.monotonic() < end and idle < IDLE and np.isfinite(score[0]):
        near = {i.name: settled(x, dtype, i) for i, x in zip(free, _neighbours(free, pool, rng, dtype), strict=True)}
        fresh = _each(ratios, near)
        tried, rounds = tried + len(fresh), rounds + 1
        before = score[0]
        pool, score = _best({n: np.concatenate([pool[n], near[n]]) for n in pool}, np.concatenate([score, fresh]))
        idle = 0 if score[0] > before * (1 + 1e-9) else idle + 1
    return {n: x[0] for n, x in pool.items()}, float(score[0]), tried, rounds


def _each(ratios: Callable[[Inputs], Array], population: Inputs) -> Array:
    """Return the ratio of every member: infinite for the first that the candidate raises on, 0 for what it refuses."""
    try:
        return ratios(population)
    except Exception as e:  # the door to code that is not ours: the input that it cannot take is what is looked for
        if not (by_candidate(e) or isinstance(e, DltsymError)):
            raise
        count = len(next(iter(population.values())))
        if isinstance(e, TimeoutError):  # of many at once: no single one is known to hang
            return np.zeros(count)
        if count == 1:
            return np.full(1, 0.0 if isinstance(e, DltsymError) and not isinstance(e, Misbehaved) else np.inf)
        half = count // 2
        first = _each(ratios, {n: x[:half] for n, x in population.items()})
        if bool(np.isinf(first).any()):
            return np.concatenate([first, np.zeros(count - half)])
        return np.concatenate([first, _each(ratios, {n: x[half:] for n, x in population.items()})])


def _small(spec: Spec, seed: int) -> Case:
    sizes = {n: max(least, 3 + 2 * k) for k, (n, least) in enumerate(spec.sizes.items())}
    return Case("search", sizes, seed=seed + 1)


def _stacked(base: Inputs, population: Inputs) -> Inputs:
    """Give the inputs that stay the same a batch dimension where they have axes."""
    count = next((len(x) for x in population.values()), 1)
    rest = {n: x for n, x in base.items() if n not in population}
    return {n: np.broadcast_to(x, (count, *x.shape)).copy() for n, x in rest.items() if x.ndim} | {
        n: x for n, x in rest.items() if not x.ndim
    }


def _ratios(spec: Spec, candidate: Candidate, p: Prepared) -> Array:
    """Return the largest error in units of the tolerance for each member of the population."""
    from dltsym.oracle.reference import reference
    from dltsym.oracle.tolerance import tolerance

    given = calls.tensors(spec, p.inputs, p.dtype, None, candidate.device)
    got = calls.call(candidate, given, p.modes)
    with np.errstate(all="ignore"):
        true = reference(spec, p.inputs, p.modes, level="float64")
        limit = tolerance(spec, p.inputs, p.modes, p.arithmetic, stored_outputs(p)).limit
        worst = None
        for name in (o.name for o in spec.outputs if not o.exact and o.name in got.values and o.name in limit):
            error = distance(got.values[name], true.values[name], p.dtype, ftz=p.arithmetic.ftz)
            unknown = ~np.isfinite(true.values[name]) | ~np.isfinite(limit[name])
            ratio = np.where(unknown | (error == 0), 0.0, error / limit[name])
            own = ratio.reshape(len(ratio), -1).max(1) if ratio.ndim else ratio.reshape(1)
            worst = own if worst is None else np.maximum(worst, own)
    return np.zeros(1) if worst is None else np.where(np.isnan(worst), 0.0, worst)


def _best(pool: Inputs, score: Array) -> tuple[Inputs, Array]:
    order = np.argsort(-score, kind="stable")[:KEPT]
    return {n: x[order] for n, x in pool.items()}, score[order]


def _starts(i: SpecInput, like: Array, rng: Generator, dtype: str) -> Array:
    """Draw starts over many magnitudes: uniform, log-uniform of both signs, and shifted normal rows."""
    shape = (STARTS * (8 if not like.ndim else 1), *like.shape)
    spread = (len(shape) - 1) * (1,)
    kind = rng.integers(0, 4, (shape[0], *spread))
    top = min(30.0, 0.8 * np.log10(FORMATS[dtype].largest))
    loguniform = 10.0 ** rng.uniform(-top, top if not like.ndim else 2, shape) * np.where(
        rng.random(shape) < 0.5, -1, 1
    )
    scale = 10.0 ** rng.uniform(-3, 1.5, (shape[0], *spread))
    x = np.where(kind == 0, rng.uniform(-20, 20, shape), loguniform)
    x = np.where(kind == 2, rng.standard_normal(shape) * scale, x)
    x = np.where(kind == 3, rng.standard_normal(shape) + rng.uniform(-100, 100, (shape[0], *spread)), x)
    return _inside(x, i, like, rng)


def _inside(x: Array, i: SpecInput, like: Array, rng: Generator) -> Array:
    """Bring values into the domain: reflect at one bound, wrap between two."""
    if i.lo is not None and i.hi is not None:
        inside = (x >= i.lo) & (x <= i.hi)
        return np.where(inside, x, rng.uniform(i.lo, i.hi, x.shape))
    if i.lo is not None:
        return i.lo + np.abs(x - i.lo)
    if i.hi is not None:
        return i.hi - np.abs(i.hi - x)
    return np.where(np.isfinite(x), x, 0.0)


def _neighbours(free: Sequence[SpecInput], pool: Inputs, rng: Generator, dtype: str) -> list[Array]:
    """Change one input of each kept member in one entry, or by some bits, many times over."""
    count = len(next(iter(pool.values())))
    chosen = rng.integers(0, len(free), count * WIDTH)
    out = []
    for k, i in enumerate(free):
        x = np.repeat(pool[i.name], WIDTH, axis=0)
        flat = x.reshape(len(x), -1).copy()
        where = rng.integers(0, max(flat.shape[1], 1), len(flat))
        rows = np.arange(len(flat))
        old = flat[rows, where]
        coarse = rng.choice(STEPS, len(flat)) * (np.abs(old) + 0.1)
        fine = 2.0 ** rng.choice(BITS, len(flat)) * ulp(old, dtype)
        sign = np.where(rng.random(len(flat)) < 0.5, -1.0, 1.0)
        step = sign * np.where(rng.random(len(flat)) < 0.5, coarse, fine)
        flat[rows, where] = np.where(chosen == k, old + step, old)
        out.append(_inside(flat.reshape(x.shape), i, x, rng))
    return out
