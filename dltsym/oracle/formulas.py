"""Wrong formulas, made from a statement: what fraction of them a check would catch is what the check is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from dltsym.errors import DltsymError
from dltsym.implementation import Case
from dltsym.notation.folds import Cases, Fold, Iterate, Order, Recurrence
from dltsym.notation.tree import Add, Call, Div, Expr, Index, Mul, Neg, Num, Pow, Sum, Sym
from dltsym.notation.walk import children, expand_lets, rebuild
from dltsym.operators import Root
from dltsym.oracle.cases import Fixed, make_inputs
from dltsym.oracle.formats import Array, rounded
from dltsym.oracle.metrics import compare, compare_exactly
from dltsym.oracle.prepare import Prepared
from dltsym.oracle.spec import Spec
from dltsym.oracle.verdicts import SelfTest

Path = tuple[int, ...]
NUDGE = Num(Fraction(10001, 10000), "1.0001")
ONE, TWO = Num(Fraction(1)), Num(Fraction(2))
MOST = 20
"""Wrong formulas that are tried."""
CASES = 10
"""Cases that a wrong formula is held against, the most ordinary first, until one catches it."""


@dataclass(frozen=True)
class Wrong:
    """A wrong formula: what is done, to which output, where in its tree, and what stands there instead."""

    kind: str
    output: str
    path: Path
    instead: Expr

    @property
    def name(self) -> str:
        """What is done, and where."""
        return f"{self.kind} ({self.output})"


def wrong_formulas(trees: Mapping[str, Expr | Root], sizes: Sequence[str], most: int = MOST) -> list[Wrong]:
    """Return wrong formulas of a statement, every kind of mistake in turn.

    Parameters
    ----------
    trees : mapping of str to Expr or Root
        Outputs; of one that is defined implicitly the residual is changed.
    sizes : sequence of str
        Names of sizes.
    most : int
        How many.

    Returns
    -------
    list of Wrong
    """
    by_kind: dict[str, list[Wrong]] = {}
    for output, tree in trees.items():
        whole = expand_lets(tree.residual if isinstance(tree, Root) else tree)
        for path, node in _values(whole):
            for kind, instead in _mistakes(node, frozenset(sizes)):
                by_kind.setdefault(kind, []).append(Wrong(kind, output, path, instead))
    queues, out = [_spread(found) for found in by_kind.values()], []
    while queues and len(out) < most:
        out += [queue.pop(0) for queue in queues]
        queues = [q for q in queues if q]
    return _numbered(out[:most])


def _numbered(found: list[Wrong]) -> list[Wrong]:
    """Tell mistakes of one name apart."""
    seen: dict[str, int] = {}
    out = []
    for w in found:
        seen[w.name] = seen.get(w.name, 0) + 1
        out.append(replace(w, kind=f"{w.kind}, place {seen[w.name]}") if seen[w.name] > 1 else w)
    return out


def altered(tree: Expr | Root, wrong: Wrong) -> Expr | Root:
    """Return an output with one mistake.

    Parameters
    ----------
    tree : Expr or Root
        Output.
    wrong : Wrong
        Mistake.

    Returns
    -------
    Expr or Root
    """
    if isinstance(tree, Root):
        return replace(tree, residual=_put(expand_lets(tree.residual), wrong.path, wrong.instead))
    return _put(expand_lets(tree), wrong.path, wrong.instead)


def selftest(
    spec: Spec, prepared: Sequence[Prepared], outputs: Sequence[str], fixed: Fixed | None = None, floor: float = 0.5
) -> SelfTest:
    """Count the wrong formulas that a check would catch.

    Their exact values, rounded once to the type, take the place of a kernel: every rounding error on top could only
    make them easier to catch.

    Parameters
    ----------
    spec : Spec
        Statement, with its expressions.
    prepared : sequence of Prepared
        Cases of the check.
    outputs : sequence of str
        Outputs that the candidate returns.
    fixed : mapping, optional
        Inputs that the mapping of the candidate fixes: what concerns only other values of them is counted apart.
    floor : float
        Smallest share that has to be caught.

    Returns
    -------
    SelfTest
        Empty for a statement without expressions.
    """
    from dltsym.oracle.statement import Statement, chosen

    usable = [p for p in prepared if not p.problem]
    if not isinstance(spec, Statement) or not usable:
        return SelfTest(floor=floor)
    by_modes: dict[Any, list[Prepared]] = {}
    for p in usable:
        by_modes.setdefault(chosen(spec, p.modes), []).append(p)
    modes = max(by_modes, key=lambda m: (len(by_modes[m]), str(m)))
    trees = {n: t for n, t in spec.trees(modes, "").items() if n in outputs}
    own = sorted(by_modes[modes], key=_ordinary)[: 4 * CASES]
    found: dict[str, list[str]] = {"caught": [], "missed": [], "equal": [], "unseen": [], "no formula": []}
    names: list[str] = []
    for wrong in wrong_formulas(trees, tuple(spec.sizes)):
        verdict = _verdict(spec, {wrong.output: altered(trees[wrong.output], wrong)}, wrong.output, own, fixed or {})
        found[verdict].append(wrong.name)
        names += [wrong.name] if verdict in ("caught", "missed") else []
    return SelfTest(tuple(names), tuple(found["missed"]), tuple(found["equal"]), tuple(found["unseen"]), floor)


def _verdict(spec: Any, changed: Mapping[str, Expr | Root], output: str, own: Sequence[Prepared], fixed: Fixed) -> str:
    """Return ``caught``, ``missed``, ``equal`` (on other inputs too), ``unseen`` (what is fixed) or ``no formula``."""
    other = replace(spec, trees=lambda _modes, _form: changed)
    exact = {o.name for o in spec.outputs if o.exact}
    try:
        for p in own[:CASES]:
            true = p.values.get(output)
            if true is None:
                continue
            false = _value(other, p, output)
            if false.shape != true.shape:
                return "no formula"
            if not _equal(false, true) and _fails(p, output, rounded(false, p.dtype), exact):
                return "caught"
        if _differs(spec, other, output, own[0], fixed):
            return "missed"
        return "unseen" if fixed and _differs(spec, other, output, own[0], {}) else "equal"
    except (DltsymError, ArithmeticError, ValueError, TypeError, KeyError, IndexError):
        return "no formula"  # the mistake is not well formed: an axis that is too short, an unknown construct


def _differs(spec: Any, other: Any, output: str, like: Prepared, fixed: Fixed) -> bool:
    """Tell whether a wrong formula differs from the statement anywhere: on these cases, or on plain random ones."""
    probes = [like]
    for seed, length in ((1, 5), (2, 9)):
        sizes = {n: max(least, length + k) for k, (n, least) in enumerate(spec.sizes.items())}
        case = Case("probe", sizes, modes=like.modes, seed=seed)
        inputs = make_inputs(spec, case, "float64", fixed)
        probes.append(Prepared(case, "float64", like.arithmetic, inputs, like.modes))
    return any(not _equal(_value(other, p, output), _value(spec, p, output)) for p in probes)


def _value(spec: Any, p: Prepared, output: str) -> Array:
    from dltsym.oracle.reference import reference

    with np.errstate(all="ignore"):
        return reference(spec, p.inputs, p.modes, level="float64").values[output]


def _fails(p: Prepared, output: str, false: Array, exact: set[str]) -> bool:
    true = p.values[output]
    if output in exact:
        return compare_exactly(output, false, true).verdict == "fail"
    limit = p.limit.get(output, np.full(true.shape, np.nan))
    return compare(output, false, true, limit, p.dtype, radius=p.radius.get(output, 0.0)).verdict == "fail"


def _equal(a: Array, b: Array) -> bool:
    """Tell whether two references agree to all but their own rounding errors."""
    finite = np.isfinite(a) & np.isfinite(b)
    scale = np.abs(b[finite])
    scale = np.maximum(scale, np.sqrt(np.mean(scale**2)) if scale.size and scale.max() < 1e150 else scale)
    near = np.abs(a[finite] - b[finite]) <= 1e-13 * scale
    return bool(near.all() and np.array_equal(a[~finite], b[~finite], equal_nan=True))


def _ordinary(p: Prepared) -> tuple[int, int, float]:
    ones = sum(1 for s in p.case.sizes.values() if s == 1)
    return (("float32", "float64", "float16", "bfloat16").index(p.dtype) // 2, ones + len(p.case.values), _size(p))


def _size(p: Prepared) -> float:
    return abs(np.log(float(np.prod([float(s) for s in p.case.sizes.values()] or [1.0])) / 2000))


def _spread(found: list[Wrong]) -> list[Wrong]:
    """Put mistakes of one kind in an order that visits far places first."""
    step = max(1, len(found) // 4)
    return [found[i] for k in range(step) for i in range(k, len(found), step)]


# Trees


def _values(tree: Expr, path: Path = ()) -> Iterator[tuple[Path, Expr]]:
    """Yield the subexpressions that are numbers of the formula: no index, no end of a range, no condition."""
    yield path, tree
    for k in _value_places(tree):
        yield from _values(children(tree)[k], (*path, k))


def _value_places(node: Expr) -> tuple[int, ...]:
    count = len(children(node))
    match node:
        case Index() | Num() | Sym():
            return ()
        case Sum() | Fold() | Order():
            return (0,)
        case Recurrence():
            return (0, 1)
        case Cases(branches, _):
            places, at = [], 0
            for conditions, _value in branches:
                at += 2 * len(conditions)
                places.append(at)
                at += 1
            return (*places, at)
        case Iterate(states):
            places, at = [0], 2
            for s in states:
                at += 2 * len(s.ranges)
                places += [at, at + 1]
                at += 2
            return tuple(places)
        case Pow():
            return (0,)
    return tuple(range(count))


def _put(tree: Expr, path: Path, instead: Expr) -> Expr:
    if not path:
        return instead
    parts = list(children(tree))
    parts[path[0]] = _put(parts[path[0]], path[1:], instead)
    return rebuild(tree, tuple(parts))


# Mistakes


def _mistakes(node: Expr, sizes: frozenset[str]) -> Iterator[tuple[str, Expr]]:
    for make in _KINDS:
        yield from make(node, sizes)


def _shorter(node: Expr, _sizes: frozenset[str]) -> Iterator[tuple[str, Expr]]:
    if isinstance(node, Sum | Fold):
        (var, lo, hi), *rest = node.limits
        yield "last term dropped", replace(node, limits=((var, lo, hi - ONE), *rest))
    if isinstance(node, Recurrence):
        yield "last step dropped", replace(node, at=node.at - ONE)


def _unit(node: Expr, _sizes: frozenset[str]) -> Iterator[tuple[str, Expr]]:
    if isinstance(node, Sum):
        yield "sum starts at 1", node + ONE
    if isinstance(node, Fold) and node.op in ("max", "lse"):
        zero = Num(Fraction(0))
        instead = Call("max", (node, zero)) if node.op == "max" else Call("log", (ONE + Call("exp", (node,)),))
        yield f"{node.op} starts at 0", instead
    if isinstance(node, Recurrence):
        yield "recurrence starts 1 higher", replace(node, init=node.init + ONE)


def _sizes_less(node: Expr, sizes: frozenset[str]) -> Iterator[tuple[str, Expr]]:
    if isinstance(node, Sym) and node.name in sizes:
        yield f"{node.name} - 1 for {node.name}", node - ONE


def _transposed(node: Expr, _sizes: frozenset[str]) -> Iterator[tuple[str, Expr]]:
    if isinstance(node, Index) and len(node.idx) > 1:
        shape, idx = node.array.decl.shape, node.idx
        if str(shape[-1]) == str(shape[-2]) and idx[-1] != idx[-2]:
            yield f"axes of {node.array.name} exchanged", Index(node.array, (*idx[:-2], idx[-1], idx[-2]))


def _nudged(node: Expr, sizes: frozenset[str]) -> Iterator[tuple[str, Expr]]:
    if isinstance(node, Num) and node.value not in (0,):
        yield f"{node} * (1 + 1e-4)", Mul((node, NUDGE))
    if isinstance(node, Sym) and node.decl.sort == "real" and node.name not in sizes:
        yield f"{node.name} * (1 + 1e-4)", Mul((node, NUDGE))
    if isinstance(node, Call) and node.name in ("exp", "log", "sqrt", "tanh", "erf", "sigmoid", "softplus"):
        yield f"argument of {node.name} * (1 + 1e-4)", Call(node.name, (Mul((node.args[0], NUDGE)), *node.args[1:]))
    if isinstance(node, Div):
        yield "denominator * (1 + 1e-4)", Div(node.num, Mul((node.den, NUDGE)))


def _signs(node: Expr, _sizes: frozenset[str]) -> Iterator[tuple[str, Expr]]:
    if isinstance(node, Neg):
        yield "sign flipped", node.arg
    if isinstance(node, Add):
        last = node.args[-1]
        flipped = last.arg if isinstance(last, Neg) else Neg(last)
        yield "sign of the last term flipped", Add((*node.args[:-1], flipped))


def _bases(node: Expr, _sizes: frozenset[str]) -> Iterator[tuple[str, Expr]]:
    ln2 = Call("log", (TWO,))
    if isinstance(node, Call) and node.name == "log":
        yield "log2 for ln", Div(node, ln2)
    if isinstance(node, Call) and node.name == "exp":
        yield "exp2 for exp", Call("exp", (Mul((node.args[0], ln2)),))
    if isinstance(node, Fold) and node.op == "lse":
        yield "log2 for ln", Div(node, ln2)


def _order_of_terms(node: Expr, _sizes: frozenset[str]) -> Iterator[tuple[str, Expr]]:
    if isinstance(node, Add):
        for k, term in enumerate(node.args):
            if isinstance(term, Div):
                yield (
                    "terms added before the division",
                    Div(Add((*node.args[:k], term.num, *node.args[k + 1 :])), term.den),
                )


def _masks(node: Expr, _sizes: frozenset[str]) -> Iterator[tuple[str, Expr]]:
    if isinstance(node, Cases):
        branches: tuple[Any, ...] = node.branches
        for k, branch in enumerate(branches):
            rest = (*branches[:k], *branches[k + 1 :])
            yield "condition skipped", replace(node, branches=rest) if rest else node.otherwise
            if len(branches) == 1:
                yield "condition always true", branch[1]


def _dropped(node: Expr, _sizes: frozenset[str]) -> Iterator[tuple[str, Expr]]:
    if isinstance(node, Add) and len(node.args) > 2:
        yield "last term of a sum left out", Add(node.args[:-1])
    if isinstance(node, Call) and node.name == "sqrt":
        yield from (("root left out", inside) for inside in node.args)
    if isinstance(node, Pow) and isinstance(node.exponent, Num) and node.exponent.value == 2:
        yield "square left out", node.base


_KINDS: tuple[Callable[[Expr, frozenset[str]], Iterator[tuple[str, Expr]]], ...] = (
    _shorter, _nudged, _signs, _bases, _unit, _sizes_less, _transposed, _order_of_terms, _masks, _dropped,
)  # fmt: skip
