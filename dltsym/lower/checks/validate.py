"""Translation validation: the expression as written against what the compiler made of it, at small random inputs.

Every check uses sizes that are all different, so that a transposed axis or a square assumption shows. The oracle and
the final program must agree in balls; the generated code in float64 must lie within six standard deviations of them,
for every backend, and a stack of inputs must give the stack of the results. Where the error models have no answer (the
number of rounds of an iteration depends on the data) the code is only required to be finite where the balls are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dltsym.errors import DomainError, Undecided, UnsupportedError
from dltsym.lower.checks.draw import draw, draw_sizes, least_sizes, ranges_of_places
from dltsym.lower.interpret.ir_arb import ir_balls
from dltsym.lower.interpret.raw_arb import BallArray, oracle
from dltsym.lower.program import Program
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.tree import Expr, Sym
from dltsym.notation.walk import expand_lets, free_symbols

SCALES = (1.0, 1e3)
DRAWS = 16
Outputs = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """What is validated.

    Attributes
    ----------
    outputs : mapping of str to Expr
        Expressions as written.
    axes : mapping of str to tuple of Sym
        Their axes in order.
    program : Program
        Final program.
    functions : mapping of str to callable
        For each backend the generated function, on keyword arguments in float64; it returns one array per output.
    """

    outputs: Mapping[str, Expr]
    axes: Mapping[str, tuple[Sym, ...]]
    program: Program
    functions: Mapping[str, Callable[..., Outputs]]


@dataclass(frozen=True)
class Validation:
    """Outcome of a validation.

    Attributes
    ----------
    trials : int
        Inputs that were tried.
    entries : int
        Entries that were compared in balls.
    z_max : float
        Largest error of generated code in standard deviations.
    problems : tuple of str
        Every disagreement; empty if the translation is right as far as it was tried.
    undecided : int
        Trials that balls could not settle at the highest precision; they count for nothing.
    """

    trials: int
    entries: int
    z_max: float
    problems: tuple[str, ...]
    undecided: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing disagreed and something was compared."""
        return not self.problems and self.entries > 0

    def __str__(self) -> str:
        left = f" ({self.undecided} undecided)" if self.undecided else ""
        head = f"{self.trials} trials{left}, {self.entries} entries in balls, z_max {self.z_max:.2f}"
        verdict = "DISAGREES" if self.problems else "ok" if self.ok else "nothing could be compared"
        return "\n".join([f"{head}: {verdict}", *self.problems])


def validate(kernel: Any, trials: int = 3, seed: int = 0) -> Validation:
    """Check a kernel against the expression that it was compiled from.

    Parameters
    ----------
    kernel : Kernel
        What to check.
    trials : int
        Size assignments; each is tried at every scale of `SCALES`.
    seed : int
        Seed of the inputs.

    Returns
    -------
    Validation

    Raises
    ------
    DomainError
        For less than one trial.
    """
    if trials < 1:
        raise DomainError(f"{kernel.name}: validate needs at least one trial, got {trials}")
    return validated(subject_of(kernel), trials, seed)


def subject_of(kernel: Any) -> Subject:
    """Return the parts of a kernel that validation needs, with its numpy and torch functions.

    Parameters
    ----------
    kernel : Kernel
        Kernel.

    Returns
    -------
    Subject
    """
    outputs = {o.name: kernel.asked.outputs[o.name] for o in kernel.final.outputs}
    axes = {}
    for o in kernel.final.outputs:
        free = {s.name: s for s in free_symbols(expand_lets(outputs[o.name]))}
        axes[o.name] = tuple(free[a.name] for a in o.axes)
    functions = {b: _function(kernel if kernel.backend == b else kernel.to(b), b) for b in ("numpy", "torch")}
    return Subject(outputs, axes, kernel.final, functions)


def _function(kernel: Any, backend: str) -> Callable[..., Outputs]:
    names = [o.name for o in kernel.final.outputs]

    def f(**inputs: Any) -> Outputs:
        out = kernel(**({n: _tensor(x) for n, x in inputs.items()} if backend == "torch" else inputs))
        out = out if isinstance(out, dict) else {names[0]: out}
        return {name: np.asarray(x) for name, x in out.items()}

    return f


def _tensor(x: Any) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(x)) if isinstance(x, np.ndarray) else x


def validated(subject: Subject, trials: int = 3, seed: int = 0) -> Validation:
    """Check a translation; see `validate`.

    Parameters
    ----------
    subject : Subject
        Expressions, program and generated functions.
    trials : int
        Size assignments.
    seed : int
        Seed.

    Returns
    -------
    Validation
    """
    written = [expand_lets(e) for e in subject.outputs.values()]
    trees = [evaluate_derivatives(e) for e in written]
    places, least = ranges_of_places(trees), least_sizes([*written, *trees])
    problems: list[str] = []
    done, entries, z_max, undecided = 0, 0, 0.0, 0
    for trial in range(trials + 1):
        if trial == trials and (entries or problems):
            break  # one more trial is for what has no value where a size is 1, as a variance under a quotient
        rng = np.random.default_rng((seed, trial))
        sizes = draw_sizes(subject.program.inputs, rng, one=trial == trials - 1, least=least, places=places)
        for scale in SCALES:
            where = f"sizes {sizes}, scale {scale:g}, seed {(seed, trial)}"
            done += 1
            try:
                found, compared, z = _somewhere(subject, sizes, rng, scale, places)
            except Undecided:
                undecided += 1
                continue
            entries, z_max = entries + compared, max(z_max, z)
            problems += [f"{where}: {p}" for p in found]
        problems += [f"stack at sizes {sizes}: {p}" for p in stacked(subject, sizes, rng, places)]
    return Validation(done, entries, z_max, tuple(problems), undecided)


def _somewhere(
    subject: Subject, sizes: Mapping[str, int], rng: np.random.Generator, scale: float, places: Mapping[str, Any]
) -> tuple[list[str], int, float]:
    """Compare at one input that has a value somewhere, if one is drawn: a logarithm needs its hypothesis."""
    out: tuple[list[str], int, float] = [], 0, 0.0
    for _ in range(DRAWS):
        out = compared_at(subject, draw(subject.program.inputs, sizes, rng, scale, places))
        if out[0] or out[1]:
            break
    return out


def compared_at(subject: Subject, inputs: Mapping[str, Any]) -> tuple[list[str], int, float]:
    """Compare the oracle, the final program and the generated functions at one input.

    Parameters
    ----------
    subject : Subject
        What to check.
    inputs : mapping of str to array or number
        Arguments.

    Returns
    -------
    tuple
        Problems, number of entries compared in balls, largest error in standard deviations.
    """
    raw = oracle(subject.outputs, subject.axes, inputs)
    final = ir_balls(subject.program, inputs)
    tolerances = _tolerances(subject.program, inputs)
    problems, entries, z_max = [], 0, 0.0
    for name, balls in raw.items():
        problems += [f"{name}{list(at)}: {text}" for at, text in disagreements(balls, final[name])]
        entries += int((~np.isnan(balls.mid())).sum())
    for backend, f in subject.functions.items():
        with np.errstate(all="ignore"):
            got = f(**inputs)
        for name, balls in raw.items():
            if not tolerances:
                finite = np.array([b.is_finite() for b in balls.balls.flat], bool).reshape(balls.shape)
                problems += [f"{backend}: {name} is not finite"] if not np.isfinite(got[name])[finite].all() else []
                continue
            bad, z = deviations(balls, got[name], tolerances[name])
            z_max = max(z_max, z)
            problems += [f"{backend}: {name}{list(at)}: {text}" for at, text in bad]
    return problems, entries, z_max


def disagreements(raw: BallArray, final: BallArray) -> list[tuple[tuple[int, ...], str]]:
    """List the entries at which two ball arrays cannot be the same number; entries without a value are left out.

    Parameters
    ----------
    raw : BallArray
        The oracle's.
    final : BallArray
        The program's.

    Returns
    -------
    list of (index, text)
    """
    if raw.shape != final.shape:
        return [((), f"the shape is {final.shape}, not {raw.shape}")]
    out = []
    for at in np.ndindex(*raw.shape):
        a: Any = raw.balls[at]
        b: Any = final.balls[at]
        if not a.is_nan() and not (a == b or (a.is_finite() and b.is_finite() and a.overlaps(b))):
            out.append((at, f"the expression is {a.str(20)}, the program gives {b.str(20)}"))
    return out


def _finite(raw: BallArray, at: tuple[int, ...]) -> bool:
    b: Any = raw.balls[at]
    return b.is_finite()


@dataclass(frozen=True, eq=False)
class Tolerance:
    """Standard deviation and guaranteed bound of the rounding error of one output, with the shape of the output."""

    sigma: np.ndarray
    bound: np.ndarray
    u: float
    eta: float

    def allowed(self, value: np.ndarray) -> np.ndarray:
        """Return the threshold of a test: six standard deviations and one rounding of the value."""
        return 6 * self.sigma + self.u * np.abs(value) + self.eta


def tolerance(program: Program, inputs: Mapping[str, Any], dtype: Any = "float64") -> dict[str, Tolerance]:
    """Return what rounding may do to each output.

    Parameters
    ----------
    program : Program
        Final program.
    inputs : mapping of str to array or number
        Arguments.
    dtype : dtype or str
        Type of the arithmetic.

    Returns
    -------
    dict of str to Tolerance
    """
    from dltsym.lower.interpret.bound import running
    from dltsym.lower.interpret.model import model_for
    from dltsym.lower.interpret.sigma import spread as statistical

    model = model_for(dtype)
    with np.errstate(all="ignore"):
        bounds, spread = running(program, inputs, model), statistical(program, inputs, model)
    return {name: Tolerance(np.sqrt(spread[name][1]), bounds[name][1], model.u, model.eta) for name in bounds}


def _tolerances(program: Program, inputs: Mapping[str, Any]) -> dict[str, Tolerance]:
    # Nothing is promised where the number of rounds depends on the data; the balls still agree on the mathematics.
    try:
        return tolerance(program, inputs)
    except UnsupportedError:
        return {}


def deviations(raw: BallArray, got: np.ndarray, limits: Tolerance) -> tuple[list[tuple[tuple[int, ...], str]], float]:
    """List the entries of computed numbers that are further from the balls than rounding explains.

    Parameters
    ----------
    raw : BallArray
        The oracle's.
    got : ndarray
        Computed numbers.
    limits : Tolerance
        What rounding may do.

    Returns
    -------
    tuple
        Index and text of each such entry, and the largest error in standard deviations.
    """
    if raw.shape != got.shape:
        return [((), f"the shape is {got.shape}, not {raw.shape}")], 0.0
    mid, error = raw.mid(), raw.error(got)
    allowed = np.broadcast_to(limits.allowed(mid) + raw.rad(), raw.shape)
    bad, z_max = [], 0.0
    for at in np.ndindex(*raw.shape):
        if np.isnan(mid[at]) or (np.isinf(mid[at]) and _finite(raw, at)):
            continue  # no value, or none that float64 can hold
        e = abs(error[at])
        if e > 0 and allowed[at] > 0:
            z_max = max(z_max, float(6 * e / allowed[at]))
        if not e <= allowed[at]:
            bad.append((at, f"{got[at]!r} for {mid[at]!r}: off by {e:.3g}, allowed {allowed[at]:.3g}"))
    return bad, z_max


def stacked(
    subject: Subject, sizes: Mapping[str, int], rng: np.random.Generator, places: Mapping[str, Any]
) -> list[str]:
    """Check that stacked inputs give stacked results, up to rounding.

    Parameters
    ----------
    subject : Subject
        What to check.
    sizes : mapping of str to int
        Sizes.
    rng : numpy.random.Generator
        Source of randomness.
    places : mapping
        Ranges of integer arrays.

    Returns
    -------
    list of str
        Problems.
    """
    several = [draw(subject.program.inputs, sizes, rng, 1.0, places) for _ in range(2)]
    array = {i.name for i in subject.program.inputs if i.shape}
    both = {k: np.stack([s[k] for s in several]) if k in array else several[0][k] for k in several[0]}
    single = [s | {k: x for k, x in several[0].items() if k not in array} for s in several]
    problems = []
    for backend, f in subject.functions.items():
        with np.errstate(all="ignore"):
            together, alone = f(**both), [f(**s) for s in single]
        limits = [_tolerances(subject.program, s) for s in single]
        if not all(limits):
            return []  # a stack goes on until all of it has settled
        for name, value in together.items():
            problems += _same(f"{backend}: {name}", value, [a[name] for a in alone], [x[name] for x in limits])
    return problems


def _same(what: str, got: np.ndarray, parts: Sequence[np.ndarray], limits: Sequence[Tolerance]) -> list[str]:
    # An output that depends on no array has no batch axis.
    want = np.stack(parts) if got.ndim > parts[0].ndim else parts[0]
    if got.shape != want.shape:
        return [f"{what}: a stack gives the shape {got.shape}, not {want.shape}"]
    allowed = np.stack([np.broadcast_to(2 * x.allowed(p), p.shape) for x, p in zip(limits, parts, strict=True)])
    allowed = allowed if got.ndim > parts[0].ndim else allowed[0]
    with np.errstate(all="ignore"):
        far = ~((got == want) | (np.isnan(got) & np.isnan(want)) | (np.abs(got - want) <= allowed))
    return [f"{what}: {int(far.sum())} entries of a stack differ from their own results"] if far.any() else []
