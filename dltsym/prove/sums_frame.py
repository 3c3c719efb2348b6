"""What is known while a summand is rewritten: index ranges, signs, and definitions of arrays by hypotheses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.tree import Add, Call, Const, Decl, Div, Expr, Index, Mul, Neg, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import free_symbols, substitute, subterms
from dltsym.prove.problem import Problem, bounds_of
from dltsym.prove.signs import entails
from dltsym.prove.sums_domain import integer_facts, nonempty, range_forms
from dltsym.prove.sums_linear import Linear, at_least_zero, implied, linear, to_expr
from dltsym.prove.verdict import Row

ZERO = Num(Fraction(0))
POSITIVE_CALLS = ("exp", "cosh", "sigmoid", "softplus", "phi1")


@dataclass(frozen=True)
class Rule:
    """``array[indices] = rhs`` for all indices in their ranges, given by a hypothesis or fact."""

    array: Sym
    indices: tuple[Sym, ...]
    rhs: Expr


@dataclass(frozen=True)
class Known:
    """``total = value`` for all `indices` in their ranges, where `total` is a sum over one index."""

    indices: tuple[Sym, ...]
    total: Sum
    value: Expr


@dataclass(frozen=True)
class Frame:
    """Knowledge at one place of a tree; `rows` collects the side conditions that were discharged on the way."""

    problem: Problem
    facts: tuple[Linear, ...]
    rules: tuple[Rule, ...] = ()
    scope: tuple[Linear, ...] = ()
    rows: list[Row] | None = None
    sums: tuple[Known, ...] = ()

    def inside(self, forms: Iterable[Linear]) -> Frame:
        """Return the frame inside a sum whose indices obey `forms`."""
        more = tuple(forms)
        return replace(self, facts=(*self.facts, *more), scope=(*self.scope, *more))

    def without(self, rule: Rule) -> Frame:
        """Return the frame without one rule, so that rewriting ends."""
        return replace(self, rules=tuple(r for r in self.rules if r is not rule))

    def holds(self, form: Linear, why: str = "") -> bool:
        """Return whether ``form >= 0`` is known; with a reason `why` it also becomes a row."""
        ok = implied(self.facts, form)
        if ok and why:
            self.note(str(at_least_zero(form)), "exact", why)
        return ok

    def note(self, text: str, grade: str, why: str) -> None:
        """Keep a discharged side condition."""
        row = Row(text, grade, why)
        if self.rows is not None and row not in self.rows:
            self.rows.append(row)


def frame_of(problem: Problem, expr: Expr, rules: tuple[Rule, ...] = ()) -> Frame:
    """Return the outermost frame for rewriting `expr`.

    Parameters
    ----------
    problem : Problem
        Problem.
    expr : Expr
        What is rewritten.
    rules : tuple of Rule
        Definitions to apply.

    Returns
    -------
    Frame
    """
    return Frame(problem, integer_facts(problem, expr), rules, (), [], known_sums(problem, rules))


def known_sums(problem: Problem, rules: tuple[Rule, ...] = ()) -> tuple[Known, ...]:
    """Return the hypotheses and facts such as ``Sum(T[i, j], (j, 1, n)) = a[i]`` for all i.

    Trap: used in both directions, a hypothesis would rewrite for ever; so one that is a rule is not used here, nor is
    one whose value is a sum again.

    Parameters
    ----------
    problem : Problem
        Problem.
    rules : tuple of Rule
        Definitions that are used the other way round.

    Returns
    -------
    tuple of Known
    """
    arrays = {r.array for r in rules}
    out = []
    for rel in problem.known:
        every = tuple(sorted((s for s in free_symbols(rel) if s.decl.sort == "index"), key=lambda s: s.name))
        for left, right in ((rel.lhs, rel.rhs), (rel.rhs, rel.lhs)):
            plain = not any(isinstance(t, Sum) or t in arrays for t in subterms(right))
            if rel.op == "=" and isinstance(left, Sum) and len(left.limits) == 1 and every and plain:
                out.append(Known(every, left, right))
    return tuple(out)


def definitions(problem: Problem) -> tuple[Rule, ...]:
    """Return the hypotheses and facts that say what ``X[i]`` is for all i, such as ``X[i]*c = u``; one per array.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    tuple of Rule
    """
    found: dict[str, Rule] = {}
    for rel in problem.known:
        if rel.op != "=":
            continue
        for left, right in ((rel.lhs, rel.rhs), (rel.rhs, rel.lhs)):
            rule = _definition(left, right, problem)
            if rule is not None and rule.array.name not in found:
                found[rule.array.name] = rule
                break
    return tuple(found.values())


def _definition(left: Expr, right: Expr, problem: Problem) -> Rule | None:
    """Solve ``left = right`` for an array entry ``X[i]`` on the left; ``log(X[i]) = u`` says ``X[i] = exp(u)``."""
    match left:
        case Call("log" | "exp", (arg,)):
            return _definition(arg, Call("exp" if left.name == "log" else "log", (right,)), problem)
        case Neg(arg):
            return _definition(arg, Neg(right), problem)
        case Div(num, den) if _divides(den, problem):
            return _definition(num, Mul((right, den)), problem)
        case Mul(args):
            for k, entry in enumerate(args):
                others = (*args[:k], *args[k + 1 :])
                if isinstance(entry, Index | Call) and all(_divides(o, problem) for o in others):
                    return _definition(entry, Div(right, Mul(others)), problem)
        case Index(array, idx) if not any(t == array for t in subterms(right)):
            places = [p for p in map(_place, idx) if p is not None]
            to: dict[Sym, Expr] = {old: value for old, _, value in places}
            loose = {s for s in free_symbols(right) if s.decl.sort == "index"}
            if len(to) == len(idx) and loose <= set(to):
                return Rule(array, tuple(new for _, new, _ in places), substitute(right, to))
    return None


def _place(i: Expr) -> tuple[Sym, Sym, Expr] | None:
    """Read an index ``k + c`` of a definition: k, a symbol for ``k + c`` with its range, and k in terms of that."""
    form = linear(i)
    every = [s for s in form.symbols if s.decl.sort == "index"]
    if len(every) != 1 or form.coefficient(every[0]) != 1 or not form.whole:
        return None
    ((k,), shift) = every, to_expr(form - linear(every[0]))
    if i == k:
        return k, k, k
    if k.decl.lo is None or k.decl.hi is None:
        return None
    new = Sym(Decl(k.decl.name, "index", lo=Add((k.decl.lo, shift)), hi=Add((k.decl.hi, shift))))
    return k, new, Add((new, Neg(shift)))


def _divides(expr: Expr, problem: Problem) -> bool:
    return _structural(expr, Frame(problem, integer_facts(problem, expr)), True)


def instance(rule: Rule, idx: Sequence[Expr], frame: Frame) -> Expr | None:
    """Return the right side of a rule at given indices, when they certainly lie in its ranges.

    Parameters
    ----------
    rule : Rule
        Definition of an array.
    idx : sequence of Expr
        Indices.
    frame : Frame
        What is known here.

    Returns
    -------
    Expr or None
    """
    at = dict(zip(rule.indices, idx, strict=True))
    ok = in_ranges(at, frame, f"index of {rule.array.name}, which a hypothesis defines")
    return substitute(rule.rhs, at) if ok else None


def in_ranges(at: Mapping[Sym, Expr], frame: Frame, why: str) -> bool:
    """Return True when values certainly lie in the declared ranges of index symbols; each bound becomes a row.

    Parameters
    ----------
    at : mapping of Sym to Expr
        Values of index symbols.
    frame : Frame
        What is known here.
    why : str
        Reason shown with the rows.

    Returns
    -------
    bool
    """
    for sym, here in at.items():
        ends = [linear(substitute(r.rhs, at)) - linear(substitute(r.lhs, at)) for r in bounds_of(sym, sym)]
        if not linear(here).whole or not all(implied(frame.facts, f) for f in ends):
            return False
        for f in ends:
            frame.holds(f, why)
    return True


def positive(expr: Expr, frame: Frame, strict: bool = True) -> bool:
    """Return True when ``expr > 0`` (``>= 0`` if not `strict`) certainly holds wherever `expr` is defined.

    Parameters
    ----------
    expr : Expr
        Expression.
    frame : Frame
        What is known here.
    strict : bool
        Whether zero is excluded.

    Returns
    -------
    bool
    """
    return _structural(expr, frame, strict) or _asked(expr, frame, strict)


def _structural(expr: Expr, frame: Frame, strict: bool) -> bool:
    match expr:
        case Num(v):
            return v > 0 or (v == 0 and not strict)
        case Const(name):
            return name == "pi"
        case Sym(decl):
            return _declared(decl, strict) or _linear_sign(expr, frame, strict)
        case Index(array, idx):
            return _declared(array.decl, strict) or _entry(array, idx, frame, strict)
        case Call(name, args):
            if name in POSITIVE_CALLS or (name == "delta" and not strict):
                return True
            return name == "sqrt" and (not strict or _structural(args[0], frame, True))
        case Mul(args):
            return all(_structural(a, frame, strict) for a in args)
        case Div(a, b):
            return _structural(a, frame, strict) and _structural(b, frame, True)
        case Add(args):
            return _sum_of_signs(expr, args, frame, strict)
        case Pow(base, e):
            even = isinstance(e, Num) and e.value.denominator == 1 and e.value % 2 == 0 and e.value > 0
            return _structural(base, frame, True) or (even and not strict)
        case Sum():
            return _sum(expr, frame, strict)
    return False


def _declared(decl: Decl, strict: bool) -> bool:
    if not isinstance(decl.lo, Num):
        return False
    return decl.lo.value > 0 or (decl.lo.value == 0 and (decl.lo_open or not strict))


def _entry(array: Sym, idx: tuple[Expr, ...], frame: Frame, strict: bool) -> bool:
    """Look for a hypothesis such as ``0 < X[i]`` for all i."""
    for rel in frame.problem.known:
        if rel.op in ("<", "<=") and rel.lhs == ZERO and isinstance(rel.rhs, Index) and rel.rhs.array == array:
            if strict and rel.op == "<=":
                continue
            named = rel.rhs.idx
            if all(isinstance(i, Sym) and i.decl.sort == "index" for i in named) and len(set(named)) == len(named):
                if instance(Rule(array, named, ZERO), idx, frame) is not None:  # type: ignore[arg-type]
                    return True
            elif named == idx:
                return True
    return False


def _sum_of_signs(expr: Expr, args: tuple[Expr, ...], frame: Frame, strict: bool) -> bool:
    if all(_structural(a, frame, False) for a in args) and (
        not strict or any(_structural(a, frame, True) for a in args)
    ):
        return True
    return _linear_sign(expr, frame, strict)


def _linear_sign(expr: Expr, frame: Frame, strict: bool) -> bool:
    """Use the linear facts. Trap: they are not strict, so only an integer can be shown to be positive by ``x >= 1``."""
    form = linear(expr)
    if strict and not form.whole:
        return any(r.op == "<" and r.lhs == ZERO and r.rhs == expr for r in frame.problem.known)
    return frame.holds(form.plus(-1) if strict else form)


def _sum(expr: Sum, frame: Frame, strict: bool) -> bool:
    forms: list[Linear] = []
    for v, lo, hi in expr.limits:
        pair = range_forms(v, lo, hi)
        if pair is None:
            return False
        forms += pair
    indices = [v for v, _, _ in expr.limits]
    if strict and not nonempty(indices, forms, frame.facts):
        return False
    return _structural(expr.body, frame.inside(forms), strict)


def _asked(expr: Expr, frame: Frame, strict: bool) -> bool:
    """Ask the sign engine, with the ranges of the enclosing sums as hypotheses."""
    if isinstance(expr, Index | Num | Const | Sum):
        return False
    local = tuple(at_least_zero(f) for f in frame.scope)
    row = entails(Rel(ZERO, "<" if strict else "<=", expr), frame.problem, local, deep=False)
    if row is None:
        return False
    frame.note(row.text, row.grade, row.why)
    return True


def total(expr: Expr) -> bool:
    """Return whether an expression has a value for all values of its symbols.

    Parameters
    ----------
    expr : Expr
        Expression.

    Returns
    -------
    bool
    """
    for t in subterms(expr):
        if isinstance(t, Call):
            if FUNCTIONS[t.name].domain or FUNCTIONS[t.name].name == "tan":
                return False
        elif isinstance(t, Pow):
            e = t.exponent
            if not (isinstance(e, Num) and e.value.denominator == 1 and e.value >= 0):
                return False
        elif not isinstance(t, Num | Sym | Index | Neg | Add | Mul | Const | Sum):
            return False
    return True


def defined(expr: Expr, frame: Frame) -> bool:
    """Return True when an expression certainly has a value here, whether or not an enclosing range is empty.

    Parameters
    ----------
    expr : Expr
        Expression.
    frame : Frame
        What is known here.

    Returns
    -------
    bool
    """
    match expr:
        case Div(a, b):
            return defined(a, frame) and defined(b, frame) and _structural(b, frame, True)
        case Pow(base, e) if not total(expr):
            return defined(base, frame) and defined(e, frame) and _structural(base, frame, True)
        case Call(name, args) if FUNCTIONS[name].domain:
            ok = name in ("log", "sqrt") and _structural(args[0], frame, name == "log")
            return ok and defined(args[0], frame)
        case Neg() | Add() | Mul() | Call():
            args = (expr.arg,) if isinstance(expr, Neg) else expr.args
            return all(defined(a, frame) for a in args)
    return total(expr)
