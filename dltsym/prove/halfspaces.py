"""From polynomial hypotheses to ends of single variables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flint import fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from dltsym.notation.tree import Rel
from dltsym.prove.polysign import sign
from dltsym.prove.region import ByChain, ByFact, ByIdentity, End, Product, Region, Sign, Why


def relate(region: Region, poly: fmpq_mpoly, op: str, rel: Rel | None = None, bottom: Sign | None = None) -> None:
    """Add the ends that ``poly op 0`` gives to every generator in which it is linear.

    Parameters
    ----------
    region : Region
        Bounds so far; they decide the signs of coefficients.
    poly : fmpq_mpoly
        Polynomial.
    op : str
        ``>``, ``>=`` or ``=``.
    rel, bottom : Rel and Sign, optional
        Where the polynomial comes from: ``rhs - lhs`` times this denominator, made positive; without it ``poly = 0``
        is an identity.
    """
    lower, upper = ({v: list(e) for v, e in ends.items()} for ends in (region.lower, region.upper))
    fresh = Region(region.ctx, lower, upper, labels=region.labels, terms=region.terms)
    content, taken = fmpq(1), ()
    if op != "=" and poly.total_degree() > 1:
        poly, content, taken = _strip(poly, fresh)
    why: Why = ByIdentity()
    if rel is not None and bottom is not None:
        why = ByFact(rel, content if bottom.positive else -content, (*taken, (bottom, -1)))
    for v, a, b in _linear_parts(poly, region.ctx):
        got = sign(a, fresh, strict=True)
        if got is None:
            continue
        num, den = (-b, a) if got.positive else (b, -a)
        below = None if den.is_one() else got if got.positive else _negated(got)
        end = End(num, den, op == ">", why, below)
        other = replace(end, why=replace(why, content=-why.content) if isinstance(why, ByFact) else why)
        if op == "=" or got.positive:
            region.lower.setdefault(v, []).append(end if got.positive else other)
        if op == "=" or not got.positive:
            region.upper.setdefault(v, []).append(end if not got.positive else other)


def _negated(sign: Sign) -> Sign:
    assert isinstance(sign.proof, Product)
    return replace(sign, positive=not sign.positive, proof=replace(sign.proof, content=-sign.proof.content))


def _strip(poly: fmpq_mpoly, region: Region) -> tuple[fmpq_mpoly, fmpq, tuple[tuple[Sign, int], ...]]:
    """Divide by factors of strict sign: ``s*h >= 0`` and ``s > 0`` give ``h >= 0``; return h, and s as a product."""
    content, factors = poly.factor()
    flip = 1 if content > 0 else -1
    out, taken = region.ctx.constant(1), []
    for f, e in factors:
        got = sign(f, region, strict=True)
        if got is None:
            out *= f**e
            continue
        taken.append((got, int(e)))
        if not got.positive and e % 2:
            flip = -flip
    return out * flip, content * flip, tuple(taken)


def _linear_parts(poly: fmpq_mpoly, ctx: fmpq_mpoly_ctx) -> Iterator[tuple[int, fmpq_mpoly, fmpq_mpoly]]:
    terms = poly.to_dict()
    for v, d in enumerate(poly.degrees()):
        if d == 1:
            a = ctx.from_dict({(*e[:v], 0, *e[v + 1 :]): c for e, c in terms.items() if e[v]})
            yield v, a, ctx.from_dict({e: c for e, c in terms.items() if not e[v]})


def close(region: Region) -> None:
    """Add constant ends that follow through one other variable: ``q <= p`` and ``p < 1`` give ``q < 1``.

    Parameters
    ----------
    region : Region
        Bounds, extended in place.
    """
    for ends in (region.lower, region.upper):
        for _ in range(2):
            for v in list(ends):
                seen = {(str(e.num), str(e.den)): k for k, e in enumerate(ends[v])}
                for e in list(ends[v]):
                    w = _bare(e)
                    if w is None:
                        continue
                    for f in list(ends.get(w, ())):
                        new = End(f.num, f.den, e.strict or f.strict, ByChain(w, e, f), f.below)
                        name = (str(f.num), str(f.den))
                        if not (f.num.is_constant() and f.den.is_constant()):
                            continue
                        if name not in seen:
                            seen[name] = len(ends[v])
                            ends[v].append(new)
                        elif new.strict:
                            ends[v][seen[name]] = new


def _bare(end: End) -> int | None:
    """Return the variable that an end is, if it is one."""
    p = end.num
    if end.den.is_one() and len(p) == 1 and p.total_degree() == 1 and p.leading_coefficient() == 1:
        return next(k for k, e in enumerate(p.monoms()[0]) if e)
    return None
