"""Sines and cosines of tower fractions, by the addition theorems over a basis of angles."""

from __future__ import annotations

from fractions import Fraction

from dltsym.prove.tower_atoms import in_span, pieces, rational_power
from dltsym.prove.tower_field import Frac, Unknown
from dltsym.prove.tower_state import Tower, Unit, call

HALF = Fraction(1, 2)
MAX_MULTIPLE = 32
Pair = tuple[Frac, Frac]
_COSINES = {  # cos(pi*k) as (rational factor, radicand)
    Fraction(0): (Fraction(1), 1),
    Fraction(1, 6): (HALF, 3),
    Fraction(1, 4): (HALF, 2),
    Fraction(1, 3): (HALF, 1),
    HALF: (Fraction(0), 1),
}


def cos_sin(t: Tower, u: Frac) -> Pair:
    """Return ``(cos(u), sin(u))``."""
    out = (t.field.const(1), t.field.const(0))
    for c, m in pieces(t, u):
        out = _turn(t, out, _piece(t, c, m))
    return out


def _turn(t: Tower, a: Pair, b: Pair) -> Pair:
    f = t.field
    return (f.sub(f.mul(a[0], b[0]), f.mul(a[1], b[1])), f.add(f.mul(a[0], b[1]), f.mul(a[1], b[0])))


def _times(t: Tower, a: Pair, n: int) -> Pair:
    """Return cosine and sine of ``n`` times an angle."""
    if abs(n) > MAX_MULTIPLE:
        raise Unknown(f"a {n}-fold angle")
    out = (t.field.const(1), t.field.const(0))
    for _ in range(abs(n)):
        out = _turn(t, out, a)
    return out if n >= 0 else (out[0], t.field.neg(out[1]))


def _cosine_of_pi(t: Tower, c: Fraction) -> Frac | None:
    """Return ``cos(c*pi)`` for the angles of the table, else None."""
    c %= 2
    c = 2 - c if c > 1 else c
    if c > HALF:
        other = _cosine_of_pi(t, 1 - c)
        return None if other is None else t.field.neg(other)
    if c not in _COSINES:
        return None
    factor, radicand = _COSINES[c]
    return t.field.scale(rational_power(t, t.field.const(radicand), HALF), factor)


def _piece(t: Tower, c: Fraction, m: Frac) -> Pair:
    number = t.bare(m.num) if m.den.is_one() else None
    kind = t.meaning[number][0] if number in t.meaning else ""
    if kind == "pi":
        cos, sin = _cosine_of_pi(t, c), _cosine_of_pi(t, HALF - c)
        if cos is not None and sin is not None:
            return cos, sin
    inside = in_span(t.field, [u.value for u in t.angles], m)
    if inside is None:
        t.angles.append(_new_angle(t, m, kind, number))
        inside = [Fraction(0)] * (len(t.angles) - 1) + [Fraction(1)]
    out = (t.field.const(1), t.field.const(0))
    for k, unit in zip(inside, t.angles, strict=True):
        if k:
            pair = t.known_pairs.get(unit.name) or (t.var(unit.gens[0]), t.var(unit.gens[1]))
            out = _turn(t, out, _times(t, pair, t.count(unit.name, c * k)))
    return out


def _new_angle(t: Tower, m: Frac, kind: str, number: int | None) -> Unit:
    name = f"angle {t.name(m)}"
    scale = t.scale_of(name)
    if scale == 1 and number is not None and kind in ("acos", "atan"):
        t.known_pairs[name] = _inverse(t, kind, t.meaning[number][1])
        return Unit(name, m, 1, ())
    tree = t.tree(t.field.scale(m, Fraction(1, scale)))
    c = t.generator(f"cos {name}", "cos", call("cos", tree))
    s = t.generator(f"sin {name}", "sin", call("sin", tree))
    t.relate(s, 2, t.field.sub(t.field.const(1), t.field.power(t.var(c), 2)), unit=False)
    return Unit(name, m, scale, (c, s))


def _inverse(t: Tower, kind: str, x: Frac) -> Pair:
    """Return cosine and sine of ``acos(x)``, in [0, pi], or of ``atan(x)``, in (-pi/2, pi/2)."""
    f = t.field
    square = f.power(x, 2)
    if kind == "acos":
        return x, rational_power(t, f.sub(f.const(1), square), HALF)
    cos = rational_power(t, f.add(f.const(1), square), -HALF)
    return cos, f.mul(x, cos)
