"""Properties of compiled kernels on random expressions; ``python tests/fuzz_lower.py 20000`` runs many by hand.

``TRITON_INTERPRET=1 python tests/fuzz_lower.py 2000 0 triton`` puts the same expressions to the streaming printer.

For every case: the oracle's balls overlap the final program's; numpy and torch in float64 stay within the derived
worst-case bound of them and are finite wherever the value is; torch's gradient is the derivative of the oracle's value;
a batch, a stack and `vmap` are the same; renaming bound indices and reordering sums and products changes no source.
"""

import random
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from fuzz_lower_case import Case, Random, line_of
from fuzz_lower_terms import Terms

from dltsym.errors import DltsymError, Undecided, UnknownNode, UnsupportedError
from dltsym.lower.checks.validate import disagreements
from dltsym.lower.compiler import compile as compile_kernel
from dltsym.lower.interpret.bound import running
from dltsym.lower.interpret.ir_arb import ir_balls
from dltsym.lower.interpret.model import Model, model_for
from dltsym.lower.interpret.raw_arb import BallArray, oracle
from dltsym.lower.kernel import Kernel
from dltsym.notation.balls import working
from dltsym.notation.tree import Add, Diff, Expr, Mul
from dltsym.notation.walk import binders, children, free_symbols, fresh_binders, rebuild

LARGEST = float(np.finfo(np.float64).max)
TOLD = {"W01", "W02", "W05", "W12"}  # findings that say where a kernel may overflow
STEP = Fraction(1, 2**70)


class Wrong(AssertionError):
    """A property does not hold; `what` names it."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(f"{what}: {text}")
        self.what = what


def check(case: Case) -> frozenset[str]:
    """Check every property of one case.

    Parameters
    ----------
    case : Case
        Expression and data.

    Returns
    -------
    frozenset of str
        What could be judged: ``translation``, ``numbers``, ``gradient``. A case that nobody could judge has not passed.

    Raises
    ------
    Wrong
        When one does not hold.
    """
    inputs = case.inputs()
    try:
        kernels = {b: compile_kernel(case.tree, axes=case.axes, backend=b) for b in ("numpy", "torch")}
        raw = oracle({"value": case.tree}, {"value": case.axes}, inputs)["value"]
    except Undecided:
        return frozenset()  # the data sit on a jump
    except UnknownNode:
        if isinstance(case.tree, Diff):
            return frozenset()  # a choice inside: there need not be a derivative
        raise
    judged = {
        "translation": translation(kernels["numpy"], raw, inputs),
        "numbers": all([numbers(kernel, raw, inputs) for kernel in kernels.values()]),
        "gradient": gradient(case, kernels["torch"], raw, inputs),
    }
    batches(case, kernels)
    same_source(case, kernels["torch"])
    return frozenset(what for what, done in judged.items() if done)


def streamed(case: Case) -> bool:
    """The streaming kernel stays within the bound in float32; False if the expression is not of its family.

    Raises
    ------
    Wrong
        When it does not.
    """
    try:
        kernel = compile_kernel(case.tree, axes=case.axes, backend="triton")
    except UnsupportedError:
        return False
    inputs = {n: x.astype(np.float32) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
              for n, x in case.inputs().items()}  # fmt: skip
    inputs = {n: float(np.float32(x)) if isinstance(x, float) else x for n, x in inputs.items()}
    given = own(kernel, inputs)
    tensors = {n: torch.from_numpy(x) if isinstance(x, np.ndarray) else x for n, x in given.items()}
    if not any(torch.is_tensor(x) and x.is_floating_point() for x in tensors.values()):
        return False  # nothing says that it is computed in float32
    try:
        raw = oracle({"value": case.tree}, {"value": case.axes}, inputs)["value"]
    except Undecided:
        return False
    within(kernel, raw, np.asarray(kernel(**tensors)), given, model_for("float32", "triton"))
    return True


def own(kernel: Kernel, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs that a kernel takes."""
    return {name: inputs[name] for name in kernel.inputs}


def run(kernel: Kernel, inputs: dict[str, Any]) -> np.ndarray:
    """Call a kernel on numpy arrays."""
    given = own(kernel, inputs)
    if kernel.backend == "torch":
        given = {n: torch.from_numpy(np.ascontiguousarray(x)) if isinstance(x, np.ndarray) else x
                 for n, x in given.items()}  # fmt: skip
    return np.asarray(kernel(**given))


def translation(kernel: Kernel, raw: BallArray, inputs: dict[str, Any]) -> bool:
    """The oracle and the final program agree in balls; False if they cannot settle it or no entry has a value."""
    try:
        final = ir_balls(kernel.final, own(kernel, inputs))["value"]
    except Undecided:
        return False
    for at, text in disagreements(raw, final):
        raise Wrong("translation", f"{at} {text}")
    return not np.isnan(raw.mid()).all()


def numbers(kernel: Kernel, raw: BallArray, inputs: dict[str, Any]) -> bool:
    """Computed numbers lie within the derived bound, and exist wherever the value does."""
    got = run(kernel, inputs)
    return within(kernel, raw, got, own(kernel, inputs), model_for(_real_type(got)))


def within(kernel: Kernel, raw: BallArray, got: np.ndarray, inputs: dict[str, Any], model: Model) -> bool:
    """Compare computed numbers with the oracle's; tell whether some entry was held against a finite bound."""
    if got.shape != raw.shape:
        raise Wrong(f"shape {kernel.backend}", f"{got.shape} for {raw.shape}")
    with np.errstate(all="ignore"):
        _, bound = running(kernel.final, inputs, model)["value"]
    bound, mid, error = np.broadcast_to(bound, raw.shape), raw.mid(), np.abs(raw.error(got))
    with np.errstate(all="ignore"):
        far = ~(error <= bound + raw.rad())
    loose, judged = min(1e10 * model.u, 1e-2), False
    for at in np.ndindex(*raw.shape):
        if np.isnan(mid[at]) or (raw.balls[at].is_finite() and abs(mid[at]) > model.top):
            continue
        if np.isfinite(mid[at]) and not np.isfinite(got[at]):
            if TOLD & {f.code for f in kernel.report}:
                continue
            raise Wrong(f"finite {kernel.backend}", f"{at} is {got[at]}, should be {mid[at]}")
        if far[at] and not np.isinf(bound[at]):
            raise Wrong(f"bound {kernel.backend}", f"{at} is {got[at]!r}, should be {mid[at]!r} +- {bound[at]:.3g}")
        if np.isinf(bound[at]) and error[at] > loose * max(abs(mid[at]), 1e-3):
            raise Wrong(f"unbounded {kernel.backend}", f"{at} is {got[at]!r}, should be {mid[at]!r}, no bound")
        judged = judged or not np.isinf(bound[at])
    return judged


def _real_type(x: np.ndarray) -> str:
    return str(x.dtype) if x.dtype.kind == "f" else "float64"  # a rank is an integer


def gradient(case: Case, kernel: Kernel, raw: BallArray, inputs: dict[str, Any]) -> bool:
    """Reverse mode gives the slope of the oracle's value along a random direction; False if it cannot be judged."""
    mid = raw.mid()
    with np.errstate(all="ignore"):
        _, bound = running(kernel.final, own(kernel, inputs), model_for("float64"))["value"]
    if not (np.isfinite(mid).all() and raw.balls.size and (bound <= 1e-11 * np.maximum(np.abs(mid), 1e-3)).all()):
        return False  # the sine of a huge number has no better slope than its value
    rng = np.random.default_rng(case.seed + 1)
    real = [n for n in kernel.inputs if case.kinds.get(n, ("bool",))[0] in ("real", "pos", "unit", "decay", "large")]
    moves = {n: rng.integers(-4, 5, np.shape(inputs[n])) for n in real}
    weights = rng.integers(1, 4, raw.shape)
    given = {n: torch.as_tensor(np.asarray(inputs[n])) for n in kernel.inputs if n not in case.sizes}
    leaves = {n: given[n].double().requires_grad_() for n in real}
    out = kernel(**{**given, **leaves, **{n: inputs[n] for n in kernel.inputs if n in case.sizes}})
    if not (leaves and out.requires_grad):
        return False
    out = (out * torch.from_numpy(weights)).sum()
    slopes = torch.autograd.grad(out, list(leaves.values()), allow_unused=True)
    parts = [(g.numpy() * moves[n]).ravel() for n, g in zip(real, slopes, strict=True) if g is not None]
    got = float(np.concatenate(parts).sum())
    want = slope(case, inputs, moves, weights)
    if want is None or (not np.isfinite(got) and TOLD & {f.code for f in kernel.report}):
        return False
    size = float(np.abs(np.concatenate(parts)).sum()) if np.isfinite(got) else 0.0
    if not abs(got - want) <= 1e-6 * (abs(want) + size + 1e-3) and abs(want) < 1e150:
        raise Wrong("gradient", f"{got!r}, should be {want!r}")
    return True


def slope(case: Case, inputs: dict[str, Any], moves: dict[str, np.ndarray], weights: np.ndarray) -> float | None:
    """Return the central difference of the oracle's value; None where it jumps."""
    total = []
    for sign in (1, -1):
        moved = dict(inputs)
        for n, by in moves.items():
            x = np.asarray(inputs[n])
            exact = np.empty(x.shape, dtype=object)
            for at in np.ndindex(*x.shape):
                exact[at] = Fraction(float(x[at])) + sign * STEP * int(by[at])
            moved[n] = exact if exact.shape else exact[()]
        try:
            balls = oracle({"value": case.tree}, {"value": case.axes}, moved, prec=512)["value"].balls
        except (Undecided, DltsymError):
            return None
        with working(512):
            total.append(sum(int(w) * b for w, b in zip(weights.flat, balls.flat, strict=True)))
    with working(512):
        difference = (total[0] - total[1]) / (2 * float(STEP))
        return float(difference.mid()) if difference.is_finite() and abs(difference.mid()) < 1e200 else None


def batches(case: Case, kernels: dict[str, Kernel]) -> None:
    """A batch is a stack of results, and so is `vmap`."""
    several = [case.inputs(seed=case.seed + k) for k in range(2)]
    arrays = [n for n, (_, shape) in case.kinds.items() if shape and n in several[0]]
    if not arrays:
        return
    both = {n: np.stack([s[n] for s in several]) if n in arrays else x for n, x in several[0].items()}
    alone = [s | {n: x for n, x in several[0].items() if n not in arrays} for s in several]
    for kernel in kernels.values():
        want = np.stack([run(kernel, s) for s in alone])
        used = [n for n in arrays if n in kernel.inputs]
        if not used:
            continue
        close("batch " + kernel.backend, run(kernel, both), want)
    kernel = kernels["torch"]
    used = [n for n in kernel.inputs if n in arrays]
    rest = {n: x for n, x in own(kernel, alone[0]).items() if n not in arrays}
    f = torch.vmap(lambda *xs: kernel(**rest, **dict(zip(used, xs, strict=True))))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="There is a performance drop", category=UserWarning)
        got = np.asarray(f(*(torch.from_numpy(both[n]) for n in used)))
    close("vmap", got, want)


def close(what: str, got: np.ndarray, want: np.ndarray) -> None:
    """Compare two computations of the same numbers in different orders."""
    if got.shape != want.shape:
        raise Wrong(what, f"shape {got.shape}, not {want.shape}")
    both = np.isfinite(want)
    scale = np.abs(want[both]).max(initial=1e-3)
    if not np.allclose(got[both], want[both], rtol=1e-6, atol=1e-7 * scale):
        raise Wrong(what, f"{got} is not {want}")
    if (np.isfinite(got) != both).any():
        raise Wrong(what, f"{got} is not finite where {want} is")


def same_source(case: Case, kernel: Kernel) -> None:
    """Another writing of the same sum gives the same text."""
    other = compile_kernel(rewritten(case.tree, random.Random(case.seed)), axes=case.axes, backend="torch")
    a, b = (k.final.outputs[0].node.key for k in (kernel, other))
    if a != b:
        raise Wrong("source", f"\n{kernel.ir}\n--- after renaming and reordering\n{other.ir}")
    if kernel.inputs == other.inputs and code(kernel) != code(other):  # arguments come in order of occurrence
        raise Wrong("source", f"\n{code(kernel)}\n--- after renaming and reordering\n{code(other)}")


def code(kernel: Kernel) -> str:
    """Return the source without its header."""
    return "\n".join(line for line in kernel.source.splitlines() if not line.startswith("#"))


def rewritten(e: Any, source: random.Random) -> Any:
    """Rename what is bound and shuffle sums and products."""
    if binders(e):
        e = fresh_binders(e)
    e = rebuild(e, tuple(rewritten(c, source) for c in children(e)))
    if isinstance(e, Add | Mul):
        args = list(e.args)
        source.shuffle(args)
        e = type(e)(tuple(args))
    return e


# By hand


def smaller(case: Case) -> Iterator[Case]:
    """Yield simpler cases: a subterm for a term, and shorter axes."""
    for tree in shrunk(case.tree):
        if all(i in free_symbols(tree) for i in case.axes) and not any(s.decl.uid for s in free_symbols(tree)):
            yield Case(case.scope, tree, case.axes, case.sizes, case.kinds, case.seed)
        free = tuple(i for i in case.axes if i in free_symbols(tree))
        if free != case.axes and not any(s.decl.uid for s in free_symbols(tree)):
            yield Case(case.scope, tree, free, case.sizes, case.kinds, case.seed)
    for name, n in case.sizes.items():
        if n > 1:
            yield Case(case.scope, case.tree, case.axes, {**case.sizes, name: n - 1}, case.kinds, case.seed)


def shrunk(e: Expr) -> Iterator[Expr]:
    """Yield trees with one node replaced by one of its parts."""
    parts = children(e)
    yield from (p for p in parts if isinstance(p, Expr) and children(p))
    if isinstance(e, Add | Mul) and len(e.args) > 2:
        for k in range(len(e.args)):
            yield type(e)(e.args[:k] + e.args[k + 1 :])
    for k, p in enumerate(parts):
        for q in shrunk(p):
            try:
                yield rebuild(e, (*parts[:k], q, *parts[k + 1 :]))
            except (DltsymError, TypeError, AttributeError, ValueError):
                continue


def label(
    case: Case, judge: Callable[[Case], Any] = check, tally: Counter[str] | None = None
) -> tuple[str, str] | None:
    """Return what is wrong with a case, or None; count in `tally` what could be judged."""
    try:
        done = judge(case)
        if tally is not None:
            tally.update(done if isinstance(done, frozenset) else ["streamed"] if done else [])
    except Wrong as e:
        return e.what, str(e)[:1500]
    except Exception as e:  # whatever else goes wrong is a failure too, with its place
        last = traceback.extract_tb(e.__traceback__)[-1]
        return f"{type(e).__name__} in {last.filename.rsplit('/', 1)[-1]}:{last.lineno}", str(e)[:300]
    return None


def minimal(case: Case, what: str, judge: Callable[[Case], Any] = check) -> Case:
    """Return a smaller case that fails in the same way."""
    found, tries = True, 0
    while found and tries < 400:
        found = False
        for other in smaller(case):
            tries += 1
            wrong = label(other, judge)
            if wrong is not None and wrong[0] == what:
                case, found = other, True
                break
            if tries >= 400:
                break
    return case


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def campaign(count: int, start: int = 0, judge: Callable[[Case], Any] = check) -> int:
    """Run seeds and report; return the number of failures."""
    seen: Counter[str] = Counter()
    tally: Counter[str] = Counter()
    began = time.time()
    for seed in range(start, start + count):
        if seed > start and (seed - start) % 1000 == 0:
            say(f"{seed - start} examples in {time.time() - began:.0f} s, {sum(seen.values())} failures")
        case = Terms(Random(seed)).draw()
        wrong = label(case, judge, tally)
        if wrong is None:
            continue
        seen[wrong[0]] += 1
        if seen[wrong[0]] <= 2:
            small = minimal(case, wrong[0], judge)
            text = (label(small, judge) or wrong)[1]
            say(f"--- seed {seed}: {wrong[0]}\n{line_of(small)}\n{text}\n")
    say(f"{count} examples from {start} in {time.time() - began:.0f} s, {sum(seen.values())} failures")
    say("judged: " + ", ".join(f"{what} {n}" for what, n in sorted(tally.items())))
    for what, n in seen.most_common():
        say(f"{n:6d} {what}")
    return sum(seen.values())


if __name__ == "__main__":
    torch.set_num_threads(1)
    judge = streamed if "triton" in sys.argv else check  # set TRITON_INTERPRET=1 where there is no accelerator
    sys.exit(bool(campaign(*map(int, (a for a in sys.argv[1:] if a != "triton")), judge=judge)))
