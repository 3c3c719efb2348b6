"""`minimise`: a closed-form minimiser that is proved, or a certified enclosure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from dltsym.errors import DltsymError, ProofError, RecordError, StepOpen
from dltsym.form import as_list
from dltsym.notation.calculus import derivative
from dltsym.notation.calls import exp, log
from dltsym.notation.evaluate import compile_expr
from dltsym.notation.tree import Decl, Expr, Num, Rel, Sym
from dltsym.notation.walk import expand_lets, free_symbols, key, substitute
from dltsym.prove.check import check_theorem
from dltsym.prove.isolate import isolate
from dltsym.prove.problem import declared_bounds, prepare
from dltsym.prove.report import Report
from dltsym.prove.sample import interval
from dltsym.prove.verdict import PROVED, Row, Verdict
from dltsym.record import Convex
from dltsym.record import Optimum as Claimed
from dltsym.session.finding import Finding, Text, joint
from dltsym.session.given_values import at_values, inside, numbers
from dltsym.session.ideas import consult
from dltsym.session.lemmas import library
from dltsym.session.messages import demand
from dltsym.session.powers import stationary
from dltsym.session.rewrite import shorter
from dltsym.session.settle import settle
from dltsym.session.state import SESSION, Assumption, in_force
from dltsym.statement import Scope

ZERO = Num(Fraction(0))
At = dict[Sym, Expr]


@dataclass(frozen=True, repr=False)
class Minimum:
    """A proved minimum: where it is, its value, and how it is known; `enclosures` hold numbers if there is no form."""

    objective: Expr
    at: Mapping[Sym, Expr]
    value: Expr | None
    finding: Finding
    subject_to: tuple[Rel, ...] = ()
    enclosures: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def claim(self) -> Rel:
        """The bound that the minimum gives: ``value <= objective`` at every feasible point."""
        return self.finding.claim

    @property
    def grade(self) -> str:
        """Weakest grade of what was proved."""
        return self.finding.grade

    def report(self) -> Text:
        """Return what was proved, one line each."""
        rows = [f"  {r.text}   {r.grade}   {r.why}" for r in self.finding.rows]
        return Text("\n".join([repr(self), *rows]))

    def __repr__(self) -> str:
        if self.value is None:
            shown = ", ".join(f"{n} in [{lo}, {hi}]" for n, (lo, hi) in self.enclosures.items())
            return f"minimum of {self.objective}: {shown}   {self.grade}"
        where = ", ".join(f"{s} = {e}" for s, e in self.at.items())
        return f"minimum {self.value} at {where}   {self.grade}"

    def _repr_latex_(self) -> str:
        from dltsym.notation.latex import to_latex

        if self.value is None:
            return repr(self)
        where = ", ".join(f"{to_latex(s)} = {to_latex(e)}" for s, e in self.at.items())
        over = ", ".join(to_latex(s) for s in self.at)
        return rf"$\displaystyle \min_{{{over}}} {to_latex(self.objective)} = {to_latex(self.value)} \quad ({where})$"


def minimise(
    objective: Any,
    over: Any,
    *,
    subject_to: Any = (),
    at: Mapping[Any, Any] | None = None,
    values: Mapping[str, Any] | None = None,
    hint: str = "",
) -> Minimum:
    """Find a minimum over all values of some names that the hypotheses in force allow, and prove it.

    Parameters
    ----------
    objective : Expr or str
        What is minimised.
    over : str or Sym or sequence
        Names that vary, for example ``"lam"`` or ``"N D"``.
    subject_to : str, Rel or sequence
        Equations that hold while they vary.
    at : mapping, optional
        A minimiser to be proved, by name; otherwise candidates come from powers and from SymPy.
    values : mapping, optional
        Values of other names. When all have one and no closed form is proved, the minimum is enclosed by numbers.
    hint : str
        Engine hint for ``value <= objective``.

    Returns
    -------
    Minimum
        When no candidate is proved, `StepOpen` is raised; a wrong minimiser in `at` is `StepRefuted`.

    Raises
    ------
    RecordError
        When the parts do not fit together.

    Examples
    --------
    >>> from dltsym import minimise, positives
    >>> K, n, lam = positives("K m lam")
    >>> minimise("K/lam + lam/(8*m)", over="lam")
    minimum sqrt(K/(2*m)) at lam = sqrt(8*K*m)   exact
    """
    f = SESSION.expression(objective)
    names = over.replace(",", " ").split() if isinstance(over, str) else as_list(over)
    variables = tuple(SESSION.expression(s) for s in names)
    wrong = [v for v in variables if not isinstance(v, Sym) or v.decl.sort != "real"]
    if wrong or not variables:
        raise RecordError(f"over= names real numbers of the session, not {wrong[0] if wrong else 'nothing'}")
    limits = tuple(r for item in as_list(subject_to) for r in SESSION.chain(item))
    if any(r.op != "=" for r in limits):
        raise RecordError("subject_to= takes equations; put inequalities into given(...)")
    known = numbers(values or {})
    for part in (Rel(f, "=", f), *limits):
        inside(part, None, {n: e for n, e in known.items() if n not in names})
    f, limits = at_values(f, None, known), tuple(at_values(r, None, known) for r in limits)
    search = _Search(f, variables, limits, hint)  # pyright: ignore[reportArgumentType]
    if at is not None:
        named = {(s.name if isinstance(s, Sym) else s): SESSION.expression(e) for s, e in at.items()}
        if set(named) != {s.name for s in search.variables}:
            raise RecordError(f"at= gives a value to each of {', '.join(s.name for s in search.variables)}")
        return search.proved({s: named[s.name] for s in search.variables})
    return search.best()


@dataclass(frozen=True)
class _Search:
    objective: Expr
    variables: tuple[Sym, ...]
    limits: tuple[Rel, ...]
    hint: str

    def best(self) -> Minimum:
        """Return the first candidate that is proved, else an enclosure.

        Returns
        -------
        Minimum

        Raises
        ------
        StepOpen
            When there is neither.
        """
        failed: list[ProofError] = []
        for at in self.candidates():
            try:
                return self.proved(at)
            except ProofError as error:
                failed.append(error)
            except DltsymError:  # a candidate with a pole where it is needed
                continue
        if self.numeric:
            try:
                return enclosed(self.objective, self.variables[0])
            except ProofError as error:
                failed.append(error)
        names = ", ".join(s.name for s in self.variables)
        tried = "; ".join(str(e).splitlines()[0] for e in failed) or "no candidate was found"
        raise StepOpen(f"no minimum of {self.objective} over {names} is proved\n  {tried}\n  give one with at={{...}}")

    @property
    def numeric(self) -> bool:
        """Whether nothing but one variable is left."""
        return len(self.variables) == 1 and not self.limits and free_symbols(self.objective) == {self.variables[0]}

    def candidates(self) -> Iterator[At]:
        """Yield points that may be minimisers, each once."""
        seen = set()
        for at in self._ideas():
            name = str(sorted((s.name, key(e)) for s, e in at.items()))
            if name not in seen and all(not free_symbols(e) & set(self.variables) for e in at.values()):
                seen.add(name)
                yield at

    def _ideas(self) -> Iterator[At]:
        reduced = self.reduced()
        if reduced is None:
            problem = prepare(Rel(self.objective, "=", self.objective), [a.rel for a in in_force() if not a.cite])
            slopes = tuple(Rel(derivative(expand_lets(self.objective), s), "=", ZERO) for s in self.variables)
            found = [] if self.limits else consult("solutions", slopes, self.variables, problem)
            yield from ({s: idea[s.name] for s in self.variables} for idea in found)
            return
        x, along, rest = reduced
        point = stationary(along, x)
        points = [] if point is None else [point]
        problem = prepare(Rel(along, "=", along), [a.rel for a in in_force() if not a.cite])
        slope = Rel(derivative(along, x), "=", ZERO)
        points += [] if points else [i[x.name] for i in consult("solutions", (slope,), (x,), problem)]
        for p in (*points, *_ends(x)):
            yield {s: p if s == x else substitute(rest[s], {x: p}) for s in self.variables}

    def reduced(self) -> tuple[Sym, Expr, At] | None:
        """Solve the constraints for all variables but one; return it, the objective along it, and the others."""
        x, *others = self.variables
        rest: At = {}
        limits = list(map(expand_lets, self.limits))
        for s in others:
            for k, rel in enumerate(limits):
                solved = isolate(rel, s) if s in free_symbols(rel) else None
                if solved is not None and s not in free_symbols(solved[0]):
                    rest = {t: substitute(e, {s: solved[0]}) for t, e in rest.items()} | {s: solved[0]}
                    limits = [substitute(r, {s: solved[0]}) for j, r in enumerate(limits) if j != k]
                    break
        if set(rest) != set(others) or limits:
            return None
        return x, substitute(expand_lets(self.objective), rest), rest

    # Proof

    def proved(self, at: At) -> Minimum:
        """Prove a candidate: it is feasible, attains the value, and nothing feasible is smaller."""
        raw = substitute(expand_lets(self.objective), at)
        rows = [demand(settle(r), doing="the minimiser is feasible") for r in self._feasible(at)]
        value, attained = shorter(raw)
        claim = Rel(value, "<=", self.objective)
        convex = self._convex(at, value)
        if convex is not None:
            finding = replace(joint(claim, [convex, attained, *rows], "strict convexity along the curve"), claim=claim)
        else:
            contact = f"{self.variables[0]} @ {at[self.variables[0]]}" if len(self.variables) == 1 else ""
            bound = settle(claim, hint=self.hint or contact, extra=self.limits)
            if bound.status == "open" and contact:
                bound = settle(claim, extra=self.limits)
            finding = joint(claim, [demand(bound, doing="no point is lower"), attained, *rows], bound.engine)
        assumed = tuple(Assumption(r) for r in self.limits)
        finding = replace(finding, claim=claim, given=(*in_force(), *assumed))
        return Minimum(self.objective, at, value, finding, self.limits)

    def _feasible(self, at: At) -> Iterator[Rel]:
        for s in self.variables:
            yield from (substitute(b, at) for b in declared_bounds(s))
        for rel in (*self.limits, *(a.rel for a in in_force() if not a.cite)):
            if free_symbols(expand_lets(rel)) & set(self.variables):
                yield substitute(expand_lets(rel), at)

    def _convex(self, at: At, value: Expr) -> Finding | None:
        """Prove the minimum as a record would: strictly convex in ``u`` along a curve through the feasible set."""
        reduced = self.reduced()
        if reduced is None:
            return None
        x, _, rest = reduced
        u = Sym(Decl("u_along", "real"))
        positive = x.decl.lo == ZERO and x.decl.lo_open and x.decl.hi is None
        image = exp(u) if positive else u
        if not positive and (x.decl.lo is not None or x.decl.hi is not None):
            return None
        curve = {x: image, **{s: substitute(e, {x: image}) for s, e in rest.items()}}
        proof = Convex(u, log(x) if positive else x, curve)
        claim = Claimed("min", self.objective, self.variables, at, value, proof, self.limits)
        scope = Scope({**SESSION.symbols, "u_along": u})
        given = [a.rel for a in in_force() if not a.cite]
        try:
            theorem = scope.theorem(title="a minimum", cite=("session", ""), claim=claim, given=given)
            report = check_theorem(theorem, *library.doors({}), control=False)
        except DltsymError:
            return None
        return _as_finding(Rel(value, "<=", self.objective), report)


def _ends(x: Sym) -> Iterator[Expr]:
    """Yield the ends of the domain that belong to it."""
    for rel in (*declared_bounds(x), *(a.rel.flipped() for a in in_force())):
        if rel.op == "<=" and x in (rel.lhs, rel.rhs):
            yield rel.rhs if rel.lhs == x else rel.lhs


def _as_finding(claim: Rel, report: Report) -> Finding | None:
    if not report.ok or report.grade in ("open", "tested"):
        return None
    steps = [s for s in report.steps if s.role not in ("hypotheses", "break")]
    own = tuple(Row(s.relation, s.grade, s.reason) for s in steps)
    verdict = Verdict(PROVED, report.grade, "strict convexity", report.seconds, {}, None, own)
    return Finding(claim, verdict, in_force(), (), (), report.grade, report.grade)


# Numbers


def enclosed(f: Expr, x: Sym, bits: int = 60) -> Minimum:
    """Enclose the minimum of a convex function of one variable.

    Parameters
    ----------
    f : Expr
        Function of `x` alone.
    x : Sym
        Variable.
    bits : int
        Number of bisections.

    Returns
    -------
    Minimum

    Raises
    ------
    StepOpen
        When no sign change of the slope is found. A function that is not proved convex on an interval raises as well.
    """
    slope = derivative(expand_lets(f), x)
    _interval(x)
    demand(settle(Rel(f + slope, "=", f + slope)), doing="the objective and its slope are defined")
    convex = demand(settle(Rel(derivative(slope, x), ">=", ZERO)), doing="the objective is convex")
    ends = _bracket(slope, x)
    if ends is None:
        raise StepOpen(f"no change of sign of the slope of {f} was found")
    a, b = ends
    for _ in range(bits):
        mid = (a + b) / 2
        sign = _sign(slope, x, mid)
        if not sign:
            break
        a, b = (mid, b) if sign < 0 else (a, mid)
    # convex: f >= its tangent at a, which falls on [a, b]; and f at any point is no less than the minimum
    g, df = compile_expr(f), compile_expr(slope)
    low = g.ball({x.name: a}, 128) + df.ball({x.name: a}, 128) * _ball(b - a)
    high = g.ball({x.name: b}, 128)
    value = (interval(low)[0], interval(high)[1])
    row = Row(f"slope < 0 at {x} = {a} and > 0 at {x} = {b}", "ball", "ball arithmetic")
    verdict = Verdict(PROVED, "ball", "convexity and balls", convex.verdict.seconds, {}, None, (row, *convex.rows))
    bound = Num(Fraction(value[0]), value[0])
    finding = Finding(Rel(bound, "<=", f), verdict, in_force(), (), (), "ball", "ball")
    shown = {"value": value, x.name: (_decimal(a, -1), _decimal(b, 1))}
    return Minimum(f, {}, None, finding, (), shown)


def _interval(x: Sym) -> None:
    """Raise unless the hypotheses leave an interval: convexity says nothing across a gap such as ``x != 0``."""
    for rel in (a.rel.flipped() for a in in_force()):
        ends = [e for e in (rel.lhs, rel.rhs) if e != x]
        bound = rel.op in ("<", "<=") and len(ends) == 1 and not free_symbols(ends[0])
        if x in free_symbols(expand_lets(rel)) and not bound:
            raise StepOpen(f"the hypothesis {rel} may leave no interval for {x}, and numbers need one")


def _ball(q: Fraction) -> Any:
    return compile_expr(Num(q)).ball({}, 128)


def _decimal(q: Fraction, way: int) -> str:
    """Return 12 decimals of a number, rounded down or up."""
    scaled = q * 10**12
    whole = scaled.numerator // scaled.denominator
    whole += way > 0 and whole != scaled
    sign, digits = "-" if whole < 0 else "", str(abs(whole)).zfill(13)
    return f"{sign}{digits[:-12]}.{digits[-12:]}"


def _sign(e: Expr, x: Sym, at: Fraction) -> int:
    for prec in (64, 128, 333):
        ball = compile_expr(e).ball({x.name: at}, prec)
        if ball > 0 or ball < 0:
            return 1 if ball > 0 else -1
    return 0


def _bracket(slope: Expr, x: Sym) -> tuple[Fraction, Fraction] | None:
    """Find a point with a falling slope and a larger one with a rising slope, inside the domain."""
    inside = [*declared_bounds(x), *(a.rel for a in in_force() if free_symbols(a.rel) == {x})]
    grid = [Fraction(s) * Fraction(2) ** k for s in (-1, 1) for k in range(-40, 41)]
    grid += [
        e.value + s * d for r in inside for e in (r.lhs, r.rhs) if isinstance(e, Num) for d in grid for s in (1, -1)
    ]
    signs = {p: _sign(slope, x, p) for p in sorted(set(grid)) if all(_holds(r, x, p) for r in inside)}
    low = max((p for p, s in signs.items() if s < 0), default=None)
    high = min((p for p, s in signs.items() if s > 0 and low is not None and p > low), default=None)
    return None if low is None or high is None else (low, high)


def _holds(rel: Rel, x: Sym, p: Fraction) -> bool:
    from dltsym.notation.evaluate import holds

    return holds(rel, {x.name: p}) is True
