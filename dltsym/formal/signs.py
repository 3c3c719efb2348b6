"""Signs of polynomials in generators, each with a proof by structure that Coq replays.

A polynomial is factored over the rationals. An irreducible factor gets a certificate ``m * p = sum of c * products of
facts`` with ``m > 0`` and ``c > 0``: variables are written by the facts that bound them, one or two at a time
(``w * x = b2 * A - b1 * B`` and ``w = a2 * A + a1 * B`` for ``A = a1 * x + b1`` and ``B = b2 - a2 * x``), until all
coefficients have one sign; or, for a quadratic, by its discriminant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from dltsym.formal.forms import ALL, REAL, Poly, coefficients, constant, fraction, quotient, ring, variables
from dltsym.formal.proof import Fact, Proof
from dltsym.formal.text import coq
from dltsym.notation.tree import Add, Expr, Neg, Num

MAX_NODES, MAX_TERMS, MAX_DEPTH, MAX_IN_ALL = 60, 300, 4, 1500


@dataclass(frozen=True)
class Certificate:
    """``product of multipliers**n * poly = form``, a polynomial in facts (from `REAL` on) and even powers."""

    multipliers: tuple[tuple[Fact, int], ...]
    form: Poly


def prove(p: Proof, poly: Poly, strict: bool) -> Fact | None:
    """Prove that a polynomial is not negative, or positive.

    Parameters
    ----------
    p : Proof
        Context; the proof goes there.
    poly : fmpq_mpoly
        Polynomial in generators.
    strict : bool
        Whether it has to be positive.

    Returns
    -------
    Fact or None
    """
    slot = (str(poly), strict)
    if slot in p.known:
        return p.known[slot]
    if not strict and p.known.get((str(poly), True)) is not None:
        return p.known[str(poly), True]
    p.known[slot] = None
    if poly.is_constant():
        value = fraction(poly.leading_coefficient()) if not poly.is_zero() else Fraction(0)
        if value < 0 or (strict and value == 0):
            return None
        del p.known[slot]
        return p.note(poly, strict, "lra")
    if p.hopeless(poly, strict):
        return None
    content, factors = poly.factor()
    if len(factors) == 1 and factors[0][1] == 1 and abs(content) == 1:
        return _irreducible(p, poly, strict)
    return _product(p, poly, strict)


def _product(p: Proof, poly: Poly, strict: bool) -> Fact | None:
    content, factors = poly.factor()
    direction, texts = 1 if content > 0 else -1, []
    for f, n in factors:
        even = n % 2 == 0
        found = None
        for way in (1, -1):
            found = prove(p, f * way, strict)
            if found is not None:
                direction *= way ** int(n)
                break
        if found is None and (strict or not even):
            return None
        base = p.text(found.poly if found else f)
        power = f"({base} ^ {n})" if n > 1 else base
        texts.append(power if found else f"(({base} ^ {n // 2}) ^ 2)")
    if direction < 0:
        return None
    texts.insert(0, coq(Num(abs(fraction(content)))))
    return _note(p, poly, strict, f"replace {p.text(poly)} with ({' * '.join(texts)}) by poly; {_TACTIC[strict]}")


_TACTIC = {True: "pos", False: "nonneg"}


def _note(p: Proof, poly: Poly, strict: bool, tactic: str) -> Fact:
    p.known.pop((str(poly), strict), None)
    return p.note(poly, strict, tactic)


def _irreducible(p: Proof, poly: Poly, strict: bool) -> Fact | None:
    if p.depth >= MAX_DEPTH:
        return None
    p.depth += 1
    try:
        for learn in (None, _about):
            if learn is not None:
                learn(p, poly)
            for fact in p.facts:
                if (fact.strict or not strict) and fact.poly == poly:
                    return _note(p, poly, strict, "leaf")
        return _search(p, poly, strict) or _discriminant(p, poly, strict)
    finally:
        p.depth -= 1


def _about(p: Proof, poly: Poly) -> None:
    """Compare the exponentials and logarithms of a polynomial with 1 and 0."""
    for v in variables(poly):
        gen, x = p.gens[v], ring().gens()[v]
        if gen.kind not in ("exp", "log"):
            continue
        gap = gen.inside if gen.kind == "exp" else Add((gen.inside, Neg(Num(Fraction(1)))))
        got = signed(p, gap)
        if got is None:
            continue
        way, op = got
        strict = op == "<"
        inside = coq(gen.inside)
        if gen.kind == "exp":
            rule = {1: ("exp_gt_1", "exp_ge_1"), -1: ("exp_lt_1", "exp_le_1")}[way][not strict]
            claim = f"exp {inside} - 1" if way > 0 else f"1 - exp {inside}"
            p.note((x - 1) * way, strict, f"enough (0 {op} {claim}) by lra; apply {rule}; lra")
        else:
            rule = {1: ("ln_gt_0", "ln_ge_0"), -1: ("ln_lt_0", "ln_le_0")}[way][not strict]
            sides = "; lra" if way > 0 else "; [ assumption | lra ]"
            claim = f"ln {inside}" if way > 0 else f"- ln {inside}"
            p.note(x * way, strict, f"enough (0 {op} {claim}) by lra; apply {rule}{sides}")


def signed(p: Proof, e: Expr) -> tuple[int, str] | None:
    """Prove the sign of a tree and put it into the context.

    Parameters
    ----------
    p : Proof
        Context.
    e : Expr
        Tree.

    Returns
    -------
    tuple or None
        1 or -1, and ``<`` or ``<=``: the context has ``0 < e``, ``0 <= - e`` or the like.
    """
    q = p.form(e)
    bottom = p.positive(q.den)
    if bottom is None or q.num.is_zero():
        return None
    for strict in (True, False):
        for way in (1, -1):
            top = prove(p, q.num * bottom[0] * way, strict)
            if top is not None:
                op, sign = "<" if strict else "<=", "" if way > 0 else "- "
                value = f"({p.text(top.poly)} / {p.text(bottom[1].poly)})"
                equal = p.equate(e)
                steps = f"replace ({sign}{coq(e)}) with {value}; [ {_TACTIC[strict]} | {equal} ]"
                p.say(p.fresh("S"), f"0 {op} {sign}{coq(e)}", steps)
                return way, op
    return None


# ---- certificates ----


@dataclass(frozen=True)
class Bound:
    """Fact number `fact` is ``slope*x + rest``; `multiplier` says that the slope's size is positive."""

    fact: int
    slope: Poly
    rest: Poly
    multiplier: Fact | None


def _bounds(p: Proof, v: int) -> tuple[list[Bound], list[Bound]]:
    lower: list[Bound] = []
    upper: list[Bound] = []
    for k, fact in enumerate(p.facts[: ALL - REAL]):
        if fact.poly.is_constant() or fact.poly.degrees()[v] != 1:
            continue
        parts = coefficients(fact.poly, v)
        slope, rest = parts[1], parts.get(0, constant(0))
        got = p.positive(slope)
        if got is not None:
            (lower if got[0] > 0 else upper).append(
                Bound(k, slope * got[0], rest, None if slope.is_constant() else got[1])
            )
    return lower, upper


def _search(p: Proof, poly: Poly, strict: bool) -> Fact | None:
    budget = [MAX_NODES]
    for c in _plans(p, poly, (), frozenset(), budget):
        order = _ordered(p, c.form, strict)
        if order is None:
            continue
        total, text = " + ".join(order), p.text(poly)
        if not c.multipliers:
            return _note(p, poly, strict, f"replace {text} with ({total}) by poly; {_TACTIC[strict]}")
        scale = " * ".join(f"({p.text(f.poly)} ^ {n})" for f, n in c.multipliers)
        rule = "pos_scaled" if strict else "nonneg_scaled"
        steps = f"replace (({scale}) * {text}) with ({total}) by poly; {_TACTIC[strict]}"
        return _note(p, poly, strict, f"apply ({rule} ({scale}) {text}); [ pos | {steps} ]")
    return None


def _ordered(p: Proof, form: Poly, strict: bool) -> list[str] | None:
    """Return the terms of a certificate as text, for a strict claim one that is positive last."""
    terms = []
    for exps, c in form.to_dict().items():
        texts, sure = [coq(Num(fraction(c)))], True
        for v, n in enumerate(map(int, exps)):
            if n and v >= REAL:
                fact = p.facts[v - REAL]
                texts.append(f"({p.text(fact.poly)} ^ {n})" if n > 1 else p.text(fact.poly))
                sure &= fact.strict
            elif n:
                texts.append(f"(({coq(p.gens[v].expr)} ^ {n // 2}) ^ 2)")
                sure = False
        terms.append((sure, " * ".join(texts)))
    terms.sort()
    return [t for _, t in terms] if terms and (terms[-1][0] or not strict) else None


def _plans(
    p: Proof, poly: Poly, done: tuple[tuple[Fact, int], ...], used: frozenset[int], budget: list[int]
) -> Iterator[Certificate]:
    budget[0] -= 1
    p.nodes += 1
    if budget[0] < 0 or p.nodes > MAX_IN_ALL or len(poly) > MAX_TERMS:
        return
    terms = poly.to_dict()
    odd = [v for v in range(REAL) if any(e[v] % 2 for e in terms)]
    mixed = any(c < 0 for c in terms.values())
    if not odd and not mixed:
        yield Certificate(done, poly)
        return
    free = [v for v in ([*odd, *variables(poly)] if mixed else odd) if v < REAL and v not in used]
    for v in free[:1] if odd else dict.fromkeys(free):
        lower, upper = _bounds(p, v)
        for low, high in [
            *((a, b) for a in lower for b in upper),
            *((a, None) for a in lower),
            *((None, b) for b in upper),
        ]:
            ends = [b for b in (low, high) if b is not None]
            if any(u in used for b in ends for q in (b.slope, b.rest) for u in variables(q)):
                continue
            new = _replaced(p, poly, v, low, high)
            if new is not None:
                yield from _plans(p, new[0], (*done, *new[1]), used | {v}, budget)


def _replaced(
    p: Proof, poly: Poly, v: int, low: Bound | None, high: Bound | None
) -> tuple[Poly, tuple[tuple[Fact, int], ...]] | None:
    """Write a variable by the facts that bound it; return the new polynomial and what the old one was multiplied by."""
    fact = ring().gens()
    if low is not None and high is not None:
        a, b = fact[REAL + low.fact], fact[REAL + high.fact]
        width = high.slope * low.rest + low.slope * high.rest  # of (rest/slope), times both slopes
        got = prove(p, width, True)
        if got is None:
            return None
        top, bottom = high.rest * a - low.rest * b, high.slope * a + low.slope * b
        scale = None if width.is_constant() and width.is_one() else got
    else:
        end = low or high
        assert end is not None
        a, way = fact[REAL + end.fact], 1 if low is not None else -1
        top, bottom = (a - end.rest) * way, end.slope
        scale = end.multiplier or (None if bottom.is_one() else prove(p, bottom, True))
    parts = coefficients(poly, v)
    degree = max(parts)
    out = sum((c * top**k * bottom ** (degree - k) for k, c in parts.items()), constant(0))
    return out, (((scale, degree),) if scale is not None else ())


def _discriminant(p: Proof, poly: Poly, strict: bool) -> Fact | None:
    """Prove ``4*a*p = (2*a*x + b)**2 + (4*a*c - b**2)`` for a quadratic in one variable."""
    for v in variables(poly):
        parts = coefficients(poly, v)
        if max(parts) != 2:
            continue
        a, b, c = (parts.get(k, constant(0)) for k in (2, 1, 0))
        rest = p.reduced(quotient(4 * a * c - b * b)).num
        first, last = prove(p, a, True), prove(p, rest, strict)
        if first is None or last is None:
            continue
        square = f"({p.text(2 * a * ring().gens()[v] + b)} ^ 2)"
        text, total = p.text(poly), f"({square} + {p.text(last.poly)})"
        equal = f"first [ poly | ring [{' '.join(p.rules)}] ]" if p.rules else "poly"
        steps = f"replace ((4 * {p.text(a)}) * {text}) with {total} by {equal}; {_TACTIC[strict]}"
        rule = "pos_scaled" if strict else "nonneg_scaled"
        return _note(p, poly, strict, f"apply ({rule} (4 * {p.text(a)}) {text}); [ pos | {steps} ]")
    return None
