"""Signs of polynomials on a region of bounds: substitution plans that leave coefficients of one sign.

A region is a set of lower and upper ends per variable; an end is a quotient of polynomials in the other variables with
a positive denominator. A plan writes every variable by a new one that is never negative: ``x = (l + u*t)/(1 + t)``
between two ends, ``x = l + t`` above one, ``x = u - t`` below one; a variable without ends may stay if it occurs in
even powers only. If all coefficients then have one sign, so has the polynomial on the region. Ends that mention other
variables give the orientations of an order such as ``0 < q <= p``. What no plan decides goes to discriminants
(``a*v**2 + b*v + c`` with ``a, c, 4*a*c - b**2 >= 0``), which on quadratic forms is the exact LDL decomposition.

Trap: between two closed ends a fraction plan reaches the upper end only as ``t -> oo``; a strict sign therefore needs,
for every choice of closed ends, one term that does not vanish there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from flint import fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from dltsym.prove.region import End, Plan, Product, Quadratic, Region, Sign, label, value_at

MAX_TERMS, MAX_PLANS, MAX_DEPTH, MAX_DEGREE = 600, 250, 3, 40
MAX_CHOICES = 10_000  # ends that mention each other in a circle have no plan, and 3**variables ways to find that out


@dataclass(frozen=True)
class _Choice:
    """How one variable is replaced: between, above, below an end, or kept (`even`)."""

    var: int
    low: End | None = None
    high: End | None = None


def sign(poly: fmpq_mpoly, region: Region, strict: bool = False, depth: int = 0) -> Sign | None:
    """Prove the sign of a polynomial on a region.

    Parameters
    ----------
    poly : fmpq_mpoly
        Polynomial in the ring of the region.
    region : Region
        Bounds of its variables.
    strict : bool
        Whether only a strict sign is of use.
    depth : int
        How many discriminants deep the search already is.

    Returns
    -------
    Sign or None
        None when unknown.

    Examples
    --------
    >>> from flint import Ordering, fmpq_mpoly_ctx
    >>> from dltsym.prove.region import Region
    >>> ctx = fmpq_mpoly_ctx.get(("x", "y"), Ordering.lex)
    >>> x, y = ctx.gens()
    >>> sign(x**2 - 2 * x * y + 3 * y**2, Region(ctx)).positive
    True
    >>> sign(x - y, Region(ctx)) is None
    True
    """
    if poly.is_zero():
        return None if strict else Sign(True, False, "0", Product(region, fmpq(0)))
    if len(poly) > MAX_TERMS or max(poly.degrees(), default=0) > MAX_DEGREE:
        return None
    content, factors = poly.factor()
    out = Sign(content > 0, True, "")
    why, parts = [], []
    for factor, power in sorted(factors, key=lambda pair: len(pair[0])):
        even = power % 2 == 0
        got = None if even and not strict else _factor(factor, region, strict, depth)
        if got is None and (strict or not even):
            return None
        parts.append((factor, int(power), got.proof if got is not None else None))
        if even:
            tail = f", {got.why}" if got else ""
            got = Sign(True, strict, f"({label(factor, region)})**{power} is an even power{tail}")
        assert got is not None
        why.append(got.why)
        out = Sign(out.positive == got.positive, out.strict and got.strict, "")
    return Sign(out.positive, out.strict, "; ".join(w for w in why if w), Product(region, content, tuple(parts)))


def _factor(poly: fmpq_mpoly, region: Region, strict: bool, depth: int) -> Sign | None:
    if poly.is_constant():
        return Sign(poly.leading_coefficient() > 0, True, "")
    key = (str(poly), strict)
    if key not in region.memo:
        region.memo[key] = None
        region.memo[key] = _search(poly, region, strict, depth)
    return region.memo[key]


def _search(poly: fmpq_mpoly, region: Region, strict: bool, depth: int) -> Sign | None:
    for k, plan in enumerate(itertools.islice(_plans(poly, region), MAX_PLANS)):
        got = _try(poly, plan, region)
        if got is not None and (got.strict or not strict):
            return got
        if k == 1 and _hopeless(poly, region, strict):
            return None
    return None if _hopeless(poly, region, strict) else _discriminant(poly, region, strict, depth)


def _hopeless(poly: fmpq_mpoly, region: Region, strict: bool) -> bool:
    """Whether two points of the region give values of opposite sign, or one gives 0 and that is not allowed."""
    signs = set()
    for p in region.points:
        value = value_at(poly, p)
        signs.add((value > 0) - (value < 0))
        if {1, -1} <= signs or (strict and 0 in signs):
            return True
    return False


# ---- plans ----


def _options(v: int, region: Region) -> list[_Choice]:
    lows, highs = region.lower.get(v, []), region.upper.get(v, [])
    both = [_Choice(v, a, b) for a in lows for b in highs]
    return [*both, *(_Choice(v, a) for a in lows), *(_Choice(v, None, b) for b in highs)] or [_Choice(v)]


def _mentioned(choice: _Choice) -> set[int]:
    return {v for e in (choice.low, choice.high) if e is not None for v in e.mentions}


def _variables(poly: fmpq_mpoly) -> list[int]:
    return [v for v, d in enumerate(poly.degrees()) if d > 0]


def _plans(poly: fmpq_mpoly, region: Region) -> Iterator[list[_Choice]]:
    made = itertools.count()

    def grow(pending: list[int], chosen: dict[int, _Choice]) -> Iterator[list[_Choice]]:
        if not pending:
            yield _topological(chosen)
            return
        v, rest = pending[0], pending[1:]
        for option in _options(v, region):
            if next(made) < MAX_CHOICES and not _closes_a_cycle(v, option, chosen):
                new = sorted(_mentioned(option) - set(chosen) - set(pending))
                yield from grow([*rest, *new], {**chosen, v: option})

    yield from grow(_variables(poly), {})


def _closes_a_cycle(v: int, choice: _Choice, chosen: dict[int, _Choice]) -> bool:
    """Whether the ends of a choice for v lead back to v through the choices made so far."""
    seen: set[int] = set()
    todo = _mentioned(choice)
    while todo:
        if v in todo:
            return True
        seen |= todo
        todo = {w for u in todo if u in chosen for w in _mentioned(chosen[u])} - seen
    return False


def _topological(chosen: dict[int, _Choice]) -> list[_Choice]:
    """Order choices so that a variable is replaced before the variables that its ends mention; they form no cycle."""
    left = {v: _mentioned(c) & set(chosen) for v, c in chosen.items()}
    order: list[_Choice] = []
    while left:
        free = next(v for v in left if not any(v in ends for ends in left.values()))
        order.append(chosen[free])
        del left[free]
    return order


def _try(poly: fmpq_mpoly, plan: list[_Choice], region: Region) -> Sign | None:
    degrees: dict[int, int] = {}
    for choice in plan:
        if choice.low is None and choice.high is None:
            continue
        degrees[choice.var] = poly.degrees()[choice.var]
        poly = _replace(poly, choice, region.ctx)
        if len(poly) > MAX_TERMS or max(poly.degrees(), default=0) > MAX_DEGREE:
            return None
    terms = poly.to_dict()
    if not terms:
        return None
    positive = next(iter(terms.values())) > 0
    if any((c > 0) != positive for c in terms.values()):
        return None
    kept = [c.var for c in plan if c.low is None and c.high is None]
    if any(e[v] % 2 for e in terms for v in kept):
        return None
    proof = Plan(tuple((c.var, c.low, c.high) for c in plan if degrees.get(c.var)))
    return Sign(positive, _is_strict(terms, plan, degrees), _plan_text(plan, region), proof)


def _replace(poly: fmpq_mpoly, choice: _Choice, ctx: fmpq_mpoly_ctx) -> fmpq_mpoly:
    """Return `poly` with the variable replaced and the (positive) denominator multiplied out; t takes its place."""
    degree = poly.degrees()[choice.var]
    if not degree:
        return poly
    gens, one = ctx.gens(), ctx.constant(1)
    t = gens[choice.var]
    low, high = choice.low, choice.high
    if low is not None and high is not None:
        num, den = low.num * high.den + high.num * low.den * t, low.den * high.den * (1 + t)
    elif low is not None:
        num, den = low.num + low.den * t, low.den
    else:
        assert high is not None
        num, den = high.num - high.den * t, high.den
    if den.is_one():
        return poly.compose(*gens[: choice.var], num, *gens[choice.var + 1 :])
    parts: dict[int, dict[tuple[int, ...], fmpq]] = {}
    for exps, c in poly.to_dict().items():
        k = exps[choice.var]
        parts.setdefault(k, {})[(*exps[: choice.var], 0, *exps[choice.var + 1 :])] = c
    out = ctx.constant(0)
    power = one
    for k in range(degree, -1, -1):  # Horner: numerator powers high to low, `power` collects the denominators
        out = out * num + (ctx.from_dict(parts[k]) * power if k in parts else 0)
        power = power * den
    return out


def _is_strict(terms: dict[tuple[int, ...], fmpq], plan: list[_Choice], degrees: dict[int, int]) -> bool:
    """Whether some term survives at every choice of closed ends."""
    corners: list[list[tuple[int, int] | None]] = []
    for c in plan:
        ends: list[tuple[int, int] | None] = []
        if c.low is None and c.high is None:
            ends = [(c.var, 0)]
        elif c.low is not None and c.high is not None:
            ends += [] if c.low.strict else [(c.var, 0)]
            ends += [] if c.high.strict else [(c.var, degrees[c.var])]
        elif not (c.low or c.high).strict:  # type: ignore[union-attr]
            ends = [(c.var, 0)]
        corners.append(ends or [None])
    if sum(len(c) > 1 for c in corners) > 8:
        return False
    return all(
        any(all(at is None or e[at[0]] == at[1] for at in corner) for e in terms)
        for corner in itertools.product(*corners)
    )


def _plan_text(plan: list[_Choice], region: Region) -> str:
    names = region.labels or region.ctx.names()
    out = []
    for c in plan:
        low, high = (None if e is None else _show(e, region) for e in (c.low, c.high))
        x, t = names[c.var], f"t{c.var}"
        if low and high:
            out.append(f"{x}=({low}+{high}*{t})/(1+{t})")
        elif low:
            out.append(f"{x}={low}+{t}")
        elif high:
            out.append(f"{x}={high}-{t}")
        else:
            out.append(f"{x} in even powers")
    return ", ".join(out)


def _show(end: End, region: Region) -> str:
    num = f"({label(end.num, region)})"
    return num if end.den.is_one() else f"{num}/({label(end.den, region)})"


# ---- discriminants ----


def _discriminant(poly: fmpq_mpoly, region: Region, strict: bool, depth: int) -> Sign | None:
    if depth >= MAX_DEPTH:
        return None
    for v in _variables(poly):
        if poly.degrees()[v] != 2:
            continue
        a, b, c = (_coefficient(poly, v, k, region.ctx) for k in (2, 1, 0))
        first, rest = sign(a, region, strict, depth + 1), 4 * a * c - b * b
        if first is None:
            continue
        last = sign(c, region, False, depth + 1) if not first.strict else first
        if last is None or (last.positive != first.positive and not c.is_zero()):
            continue
        got = sign(rest, region, strict, depth + 1)
        if got is not None and (got.positive or rest.is_zero()):
            name = (region.labels or region.ctx.names())[v]
            return Sign(
                first.positive,
                first.strict and got.strict,
                f"quadratic in {name}, 4ac-b^2 = {label(rest, region)} >= 0",
                Quadratic(v, first, last if not first.strict else None, got),
            )
    return None


def _coefficient(poly: fmpq_mpoly, v: int, k: int, ctx: fmpq_mpoly_ctx) -> fmpq_mpoly:
    return ctx.from_dict({(*e[:v], 0, *e[v + 1 :]): c for e, c in poly.to_dict().items() if e[v] == k})
