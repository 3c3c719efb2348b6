"""From polynomial hypotheses to ends of single variables."""

from __future__ import annotations

from collections.abc import Iterator

from flint import fmpq_mpoly, fmpq_mpoly_ctx

from dltsym.prove.polysign import sign
from dltsym.prove.region import End, Region


def relate(region: Region, poly: fmpq_mpoly, op: str) -> None:
    """Add the ends that ``poly op 0`` gives to every generator in which it is linear.

    Parameters
    ----------
    region : Region
        Bounds so far; they decide the signs of coefficients.
    poly : fmpq_mpoly
        Polynomial.
    op : str
        ``>``, ``>=`` or ``=``.
    """
    lower, upper = ({v: list(e) for v, e in ends.items()} for ends in (region.lower, region.upper))
    fresh = Region(region.ctx, lower, upper)
    if op != "=" and poly.total_degree() > 1:
        poly = _strip(poly, fresh)
    for v, a, b in _linear_parts(poly, region.ctx):
        got = sign(a, fresh, strict=True)
        if got is None:
            continue
        num, den = (-b, a) if got.positive else (b, -a)
        end = End(num, den, op == ">")
        if op == "=" or got.positive:
            region.lower.setdefault(v, []).append(end)
        if op == "=" or not got.positive:
            region.upper.setdefault(v, []).append(end)


def _strip(poly: fmpq_mpoly, region: Region) -> fmpq_mpoly:
    """Divide by factors of strict sign: ``s*h >= 0`` and ``s > 0`` give ``h >= 0``."""
    content, factors = poly.factor()
    out = region.ctx.constant(1 if content > 0 else -1)
    for f, e in factors:
        got = sign(f, region, strict=True)
        if got is None:
            out *= f**e
        elif not got.positive and e % 2:
            out = -out
    return out


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
                    for f in list(ends.get(w, ())) if w is not None else ():
                        new = End(f.num, f.den, e.strict or f.strict)
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
