"""Exact signs of trees: the tower's quotient of polynomials, and bounds for every generator in it.

`Exact` answers questions about one problem and remembers what it has worked out. Bounds come from hypotheses that are
linear in a generator once positive factors are divided out, from the kind of the generator (``exp(u) > 0``,
``exp(u) >= 1`` if ``u >= 0``), and from comparing generators of the same kind. No solver is asked, so what is proved
here without a row of a weaker grade is ``exact``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from dltsym.errors import UnknownNode
from dltsym.notation.calculus import ONE, ZERO
from dltsym.notation.tree import Expr, Neg, Rel
from dltsym.notation.walk import free_symbols, key
from dltsym.prove.axioms import certain
from dltsym.prove.definedness import conditions
from dltsym.prove.generators import argument, fixed_ends, grade_of
from dltsym.prove.halfspaces import close, relate
from dltsym.prove.named import Linear, Quotient, Sparse, dense, quotient, sparse
from dltsym.prove.polysign import sign
from dltsym.prove.problem import Problem
from dltsym.prove.region import ByOrder, End, Product, Region, Sign, Why
from dltsym.prove.signs import entails
from dltsym.prove.tower import Gen, Unknown, rational_form
from dltsym.prove.verdict import Row

MAX_NESTING, MAX_GENS = 3, 9
_ARG_KINDS = {"exp": (ZERO, "exp"), "log": (ONE, "log"), "root": (ONE, "sqrt")}


@dataclass
class Exact:
    """Exact signs under one problem; `nesting` counts signs needed for signs.

    Trap: one store serves one question. A form may use that its tree is defined (``log(u)`` makes u positive), and what
    a claim that turns out to be undefined has taught must not reach another one.
    """

    problem: Problem
    nesting: int = 0
    forms: dict[str, Quotient | None] = field(default_factory=dict)
    regions: dict[tuple[str, ...], tuple[Region, dict[str, int]]] = field(default_factory=dict)
    linear: list[Linear] | None = None
    roots: dict[str, Sparse] = field(default_factory=dict)
    gens: dict[str, Gen] = field(default_factory=dict)
    deeper: Exact | None = None

    def form(self, expr: Expr) -> Quotient | None:
        """Return the tower form of a tree, or None if it has none.

        Parameters
        ----------
        expr : Expr
            Tree, defined wherever the hypotheses hold.

        Returns
        -------
        Quotient or None
        """
        name = key(expr)
        if name not in self.forms:
            self.forms[name] = self._form(expr)
        return self.forms[name]

    def _form(self, expr: Expr) -> Quotient | None:
        try:
            found, roots = quotient(rational_form(expr, self.problem))
        except (Unknown, UnknownNode):
            return None
        self.gens |= found.gens
        self.roots |= roots
        return found

    def sign(self, expr: Expr, strict: bool = False) -> Sign | None:
        """Prove the sign of a tree that is known to be defined.

        Parameters
        ----------
        expr : Expr
            Tree.
        strict : bool
            Whether only a strict sign is of use.

        Returns
        -------
        Sign or None
        """
        q = self.form(expr)
        if q is None:
            return None
        return self.sign_of(q, strict)

    def sign_of(self, q: Quotient, strict: bool = False) -> Sign | None:
        """Prove the sign of a form; its denominator does not vanish where the form is defined.

        Parameters
        ----------
        q : Quotient
            Form.
        strict : bool
            Whether only a strict sign is of use.

        Returns
        -------
        Sign or None
        """
        top = self.sign_poly(q.num, strict)
        if top is None:
            return None
        bottom = self.bottom(q)
        if bottom is None:
            return None
        why = "; ".join(w for w in (top.why, bottom.why) if w)
        assert isinstance(top.proof, Product)
        assert isinstance(bottom.proof, Product)
        return Sign(top.positive == bottom.positive, top.strict, why, ((top.proof, 1), (bottom.proof, -1)))

    def bottom(self, q: Quotient) -> Sign | None:
        """Prove the sign of a denominator, strictly if possible.

        Parameters
        ----------
        q : Quotient
            Form.

        Returns
        -------
        Sign or None
        """
        return self.sign_poly(q.den, True) or self.sign_poly(q.den, False)

    def sign_poly(self, poly: Sparse, strict: bool) -> Sign | None:
        """Prove the sign of a polynomial in named generators.

        Parameters
        ----------
        poly : Sparse
            Polynomial.
        strict : bool
            Whether only a strict sign is of use.

        Returns
        -------
        Sign or None
        """
        if not poly:
            return None if strict else Sign(True, False, "", Product(None, fmpq(0)))
        used = tuple(sorted({g for mono in poly for g, _ in mono}))
        if not used:
            return Sign(poly[()] > 0, True, "", Product(None, poly[()]))
        region, at = self.region(used)
        return sign(dense(poly, region.ctx, at), region, strict)

    def factors(self, q: Quotient) -> tuple[fmpq, list[tuple[Sparse, int]]]:
        """Factor the numerator of a form over the rationals.

        Parameters
        ----------
        q : Quotient
            Form.

        Returns
        -------
        tuple
            A constant, and irreducible polynomials with their exponents.
        """
        region, at = self.region(tuple(sorted({g for mono in q.num for g, _ in mono})))
        names = sorted(at, key=lambda g: at[g])
        content, factors = dense(q.num, region.ctx, at).factor()
        return content, [(sparse(f, names), int(e)) for f, e in factors]

    def zero(self, expr: Expr) -> bool:
        """Whether the tower shows that a tree vanishes.

        Parameters
        ----------
        expr : Expr
            Tree.

        Returns
        -------
        bool
        """
        q = self.form(expr)
        return q is not None and not q.num

    def holds(self, rel: Rel, deep: bool = False) -> Row | None:
        """Prove a relation, by its form if possible, else by `dltsym.prove.signs.entails`.

        Parameters
        ----------
        rel : Rel
            Relation whose sides are defined.
        deep : bool
            Whether z3 may be asked in the end.

        Returns
        -------
        Row or None
        """
        rel = rel.flipped()
        gap = rel.rhs if rel.lhs == ZERO else rel.rhs + Neg(rel.lhs)
        if rel.op == "=":
            return Row(str(rel), "exact", "equal forms") if self.zero(gap) else None
        got = self.sign(gap, strict=rel.op != "<=")
        if got is not None and (got.positive or rel.op == "!="):
            form = self.form(gap)
            return Row(str(rel), grade_of(form), got.why or "constant")
        if self.zero(gap) and rel.op == "<=":
            return Row(str(rel), "exact", "equal forms")
        return entails(rel, self.problem, deep=deep)

    def defined(self, expr: Expr, deep: bool = False) -> tuple[Row, ...] | None:
        """Prove that a tree is defined wherever the hypotheses hold.

        Parameters
        ----------
        expr : Expr
            Tree.
        deep : bool
            Whether z3 may be asked in the end.

        Returns
        -------
        tuple of Row or None
        """
        rows = []
        for c in conditions(expr):
            local = self if not c.local else Exact(self.problem.with_goal(c.rel, *c.local), self.nesting + 1)
            found = (local.holds(rel, deep) for rel in (c.rel, *c.instead))
            row = next((r for r in found if r is not None), None)
            if row is None:
                return None
            rows.append(row)
        return tuple(rows)

    # ---- bounds of generators ----

    def region(self, used: tuple[str, ...]) -> tuple[Region, dict[str, int]]:
        """Return the bounds that are known about some generators, and their positions in the ring.

        Parameters
        ----------
        used : tuple of str
            Names of generators.

        Returns
        -------
        tuple of (Region, dict of str to int)
        """
        if used not in self.regions:
            self.regions[used] = self._region(used)
        return self.regions[used]

    def _region(self, used: tuple[str, ...]) -> tuple[Region, dict[str, int]]:
        names = self._closure(used)
        at = {g: k for k, g in enumerate(names)}
        ctx = fmpq_mpoly_ctx.get(tuple(f"g{k}" for k in range(len(names))), Ordering.degrevlex)
        region = Region(ctx, labels=tuple(str(self.gens[g].arg) for g in names))
        region.terms = tuple(self.gens[g].arg for g in names)
        for g in names:
            self._kind(g, at[g], region)
        self._pairs(names, at, region)
        for r in sorted(self.relations(), key=lambda r: len(r.poly)):
            if all(g in at for mono in r.poly for g, _ in mono):
                relate(region, dense(r.poly, ctx, at), r.op, r.rel, r.bottom)
        for root in (self.roots[g] for g in names if g in self.roots):
            if all(g in at for mono in root for g, _ in mono):
                relate(region, dense(root, ctx, at), "=")
        close(region)
        return region, at

    def _closure(self, used: tuple[str, ...]) -> list[str]:
        names = list(used)
        for _ in range(2):
            for r in self.relations():
                mine = {g for mono in r.poly for g, _ in mono}
                if mine & set(names) and len(set(names) | mine) <= MAX_GENS:
                    names += sorted(mine - set(names))
        return names

    def relations(self) -> list[Linear]:
        """Return the hypotheses as polynomials that are ``>= 0``, ``> 0`` or ``= 0``.

        Returns
        -------
        list of Linear
        """
        if self.linear is None:
            found, self.linear = None, []  # while they are collected none is known
            try:
                found = [r for rel in self.problem.known if certain(rel, self.problem) and (r := self._relation(rel))]
            finally:
                self.linear, self.deeper = found, None  # None again where an alarm rang
                self.regions.clear()
        return self.linear or []

    def _relation(self, rel: Rel) -> Linear | None:
        if rel.op == "!=":
            return None
        q = self.form(rel.rhs + Neg(rel.lhs))
        if q is None or not q.num or any(r.grade != "exact" for r in q.rows):
            return None
        bottom = self.bottom(q)
        if bottom is None:
            return None
        num = q.num if bottom.positive else {m: -c for m, c in q.num.items()}
        return Linear(num, {"<": ">", "<=": ">=", "=": "="}[rel.op], rel, bottom)

    def _kind(self, name: str, v: int, region: Region) -> None:
        """Add what the kind of a generator says about it."""
        gen = self.gens[name]
        one, zero = region.ctx.constant(1), region.ctx.constant(0)

        def low(value: fmpq_mpoly, strict: bool, why: Why = None) -> None:
            region.lower.setdefault(v, []).append(End(value, one, strict, why))

        def high(value: fmpq_mpoly, strict: bool, why: Why = None) -> None:
            region.upper.setdefault(v, []).append(End(value, one, strict, why))

        for end, strict, upper in fixed_ends(gen):
            (high if upper else low)(one * end, strict)
        got = self._compared(gen, None)
        middle = zero if gen.kind == "log" or gen.kind == "opaque" else one
        if got is not None and (gen.kind != "opaque" or got.why == "erf"):
            (low if got.positive else high)(middle, got.strict, ByOrder(got))
        if gen.kind in ("exp", "root") or gen.positive:
            low(zero, gen.positive or gen.kind == "exp")
        elif gen.kind == "opaque":
            self._opaque(gen, low, high, zero)

    def _opaque(self, gen: Gen, low: object, high: object, zero: fmpq_mpoly) -> None:
        """Ask once for the sign of a term that the tower does not know; only exact answers are used."""
        for op, strict in (("<", True), ("<=", False)):
            for rel, add in ((Rel(ZERO, op, gen.arg), low), (Rel(gen.arg, op, ZERO), high)):
                row = entails(rel, self.problem, deep=False)
                if row is not None and row.grade == "exact":
                    add(zero, strict)  # type: ignore[operator]
                    return

    def _compared(self, gen: Gen, other: Gen | None) -> Sign | None:
        """Compare the argument of a generator with that of another of its kind, or with the one that gives 1 or 0."""
        mine = argument(gen)
        if mine is None or self.nesting >= MAX_NESTING:
            return None
        base = ONE if gen.kind in ("log", "root") else ZERO
        theirs = argument(other) if other is not None else base
        if theirs is None:
            return None
        gap = mine if theirs == ZERO else mine + Neg(theirs)
        if not free_symbols(gap):
            return None
        self.deeper = inner = self.deeper or Exact(self.problem, self.nesting + 1, linear=self.linear or [])
        inner.gens |= self.gens
        got = inner.sign(gap, True) or inner.sign(gap)
        q = inner.form(gap)
        if got is None or q is None or grade_of(q) != "exact":
            return None
        return Sign(got.positive, got.strict, "erf" if gen.kind == "opaque" else got.why, got.proof)

    def _pairs(self, names: list[str], at: dict[str, int], region: Region) -> None:
        """Order generators of the same increasing function by their arguments."""
        one = region.ctx.constant(1)
        for a, b in combinations([g for g in names if self.gens[g].kind in _ARG_KINDS], 2):
            if self.gens[a].kind != self.gens[b].kind or len(names) > 6:
                continue
            got = self._compared(self.gens[a], self.gens[b])
            if got is None:
                continue
            big, small = (a, b) if got.positive else (b, a)
            x, y = region.ctx.gens()[at[big]], region.ctx.gens()[at[small]]
            region.lower.setdefault(at[big], []).append(End(y, one, got.strict, ByOrder(got, big != a)))
            region.upper.setdefault(at[small], []).append(End(x, one, got.strict, ByOrder(got, small != a)))
