"""Signs of polynomials over atoms: ranges bottom-up, a few steps of adding facts, and signs of factors.

Everything here is an exact certificate of the form ``goal = sum of (non-negative multiple) * fact + remainder`` where
the remainder has the wanted sign by its range; no search result is used without that check.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce

from dltsym.errors import UnknownNode
from dltsym.notation.tree import Call
from dltsym.prove.atoms import Atoms, Known
from dltsym.prove.polynomials import Mono, Poly, Ratio, add, constant, freeze, mul, names
from dltsym.prove.ranges import ALL, Range, increasing, inverse, meet, plus, point, power, scaled, times

DEPTH, NODES, QUICK, ROUNDS = 4, 600, 60, 3
MOST_TERMS, MOST_IN_FACT = 24, 12


@dataclass
class Scene:
    """Facts and ranges of one query, and how many search nodes are left."""

    atoms: Atoms
    bounds: dict[str, Range] = field(default_factory=dict)
    nodes: int = NODES
    failed: set[tuple[object, bool, int]] = field(default_factory=set)
    monos: dict[Mono, Range] | None = None  # remembered ranges, while no bound changes
    short: dict[str, list[Known]] = field(default_factory=dict)  # facts for the search, by the atoms they contain

    def copy(self) -> Scene:
        """Return a scene to which more may be added.

        Returns
        -------
        Scene
        """
        short = {name: list(facts) for name, facts in self.short.items()}
        return Scene(self.atoms.copy(), dict(self.bounds), monos=dict(self.monos or {}), short=short)


def refresh(scene: Scene) -> None:
    """Compute the ranges of all atoms from their arguments and from the facts.

    Parameters
    ----------
    scene : Scene
        Updated in place.
    """
    atoms = scene.atoms
    scene.failed.clear()
    scene.monos = None
    for _ in range(ROUNDS):
        before = dict(scene.bounds)
        for name, e in atoms.exprs.items():
            if isinstance(e, Call) and e.name in ("exp", "log", "sqrt") and name in scene.bounds:
                image = increasing(e.name, ratio_range(scene, atoms.args[name][0]))
                scene.bounds[name] = meet(scene.bounds[name], image) if _defined(scene, name, e) else scene.bounds[name]
            scene.bounds.setdefault(name, ALL)
        for fact in atoms.facts:
            _tighten(scene, fact)
        if scene.bounds == before:
            break
    scene.monos = {}
    scene.short = {}
    for fact in atoms.facts:
        if fact.op != "!=" and len(fact.poly) <= MOST_IN_FACT:
            for name in names(fact.poly):
                scene.short.setdefault(name, []).append(fact)


def _defined(scene: Scene, name: str, e: Call) -> bool:
    if name in scene.atoms.blocked:
        return False
    inner = ratio_range(scene, scene.atoms.args[name][0])
    return e.name == "exp" or (inner.positive if e.name == "log" else inner.nonnegative)


def _tighten(scene: Scene, fact: Known) -> None:
    """Use a fact to bound every atom that it contains linearly and alone in its term."""
    if fact.op == "!=" or len(fact.poly) > MOST_IN_FACT:
        if fact.op == "!=" and len(fact.poly) == 1:
            for name, _ in next(iter(fact.poly)):
                scene.bounds[name] = meet(scene.bounds.get(name, ALL), Range(nonzero=True))
        return
    for mono, c in fact.poly.items():
        if len(mono) != 1 or mono[0][1] != 1:
            continue
        name = mono[0][0]
        rest = {m: d for m, d in fact.poly.items() if m != mono}
        if any(name == n for m in rest for n, _ in m):
            continue
        other = scaled(spread(scene, rest), -1 / c)  # c*x + rest op 0
        if fact.op == "=":
            new = other
        elif c > 0:
            new = Range(other.lo, other.lo_open or fact.op == ">")
        else:
            new = Range(hi=other.hi, hi_open=other.hi_open or fact.op == ">")
        scene.bounds[name] = meet(scene.bounds.get(name, ALL), _whole(scene, name, new))


def _whole(scene: Scene, name: str, r: Range) -> Range:
    """Round the ends of an integer atom inwards."""
    if not scene.atoms.integral({((name, 1),): Fraction(1)}):
        return r
    lo, hi = r.lo, r.hi
    if lo is not None:
        lo = Fraction(-(-lo.numerator // lo.denominator)) + (1 if r.lo_open and lo.denominator == 1 else 0)
    if hi is not None:
        hi = Fraction(hi.numerator // hi.denominator) - (1 if r.hi_open and hi.denominator == 1 else 0)
    return Range(lo, lo is None, hi, hi is None, r.nonzero)


def mono_range(scene: Scene, mono: Mono) -> Range:
    """Return the range of a monomial.

    Parameters
    ----------
    scene : Scene
        Ranges.
    mono : Mono
        Monomial.

    Returns
    -------
    Range
    """
    if scene.monos is not None and mono in scene.monos:
        return scene.monos[mono]
    out = point(Fraction(1))
    for k, (name, e) in enumerate(mono):
        bound = power(scene.bounds.get(name, ALL), e)
        out = times(out, bound) if k else bound
    if scene.monos is not None:
        scene.monos[mono] = out
    return out


def spread(scene: Scene, poly: Poly) -> Range:
    """Return a range of a polynomial, term by term.

    Parameters
    ----------
    scene : Scene
        Ranges.
    poly : Poly
        Polynomial.

    Returns
    -------
    Range
    """
    parts = [scaled(mono_range(scene, mono), c) for mono, c in poly.items()]
    return reduce(plus, parts) if parts else point(Fraction(0))


def ratio_range(scene: Scene, r: Ratio) -> Range:
    """Return a range of a quotient.

    Parameters
    ----------
    scene : Scene
        Ranges.
    r : Ratio
        Quotient.

    Returns
    -------
    Range
    """
    out = spread(scene, r.num)
    for f, k in r.den:
        out = times(out, power(inverse(spread(scene, dict(f))), k))
    return out


def at_least(scene: Scene, poly: Poly, strict: bool, nodes: int = NODES) -> bool:
    """Whether ``poly >= 0`` (``> 0`` if strict) follows by ranges and by adding multiples of facts.

    Parameters
    ----------
    scene : Scene
        Facts and ranges.
    poly : Poly
        Polynomial.
    strict : bool
        Exclude 0.
    nodes : int
        How many partial sums are tried.

    Returns
    -------
    bool
    """
    if not strict and poly and scene.atoms.integral(poly):
        poly, strict = add(poly, constant(1)), True
    scene.nodes = nodes
    return _search(scene, poly, strict, DEPTH)


def _search(scene: Scene, poly: Poly, strict: bool, depth: int) -> bool:
    scene.nodes -= 1
    r = spread(scene, poly)
    if r.positive or (r.nonnegative and not strict):
        return True
    if depth == 0 or scene.nodes <= 0 or len(poly) > MOST_TERMS:
        return False
    slot = (freeze(poly), strict, depth)
    if slot in scene.failed:
        return False
    for mono, c in sorted(poly.items(), key=lambda t: (-len(t[0]), t[0])):
        term = scaled(mono_range(scene, mono), c)
        if not mono or (term.lo is not None and term.lo >= 0 and not (term.lo == 0 and strict)):
            continue
        near = {id(f): f for name, _ in mono for f in scene.short.get(name, ())}
        for fact in near.values():
            for rest, below in _minus(scene, poly, strict, mono, c, fact):
                if scene.nodes > 0 and _search(scene, rest, below, depth - 1):
                    return True
    if scene.nodes > 0:
        scene.failed.add(slot)
    return False


def _minus(scene: Scene, poly: Poly, strict: bool, mono: Mono, c: Fraction, fact: Known) -> list[tuple[Poly, bool]]:
    """Subtract a non-negative multiple of a fact so that the term ``c*mono`` goes."""
    out = []
    powers = dict(mono)
    for m, d in fact.poly.items():
        if not m or any(powers.get(n, 0) < k for n, k in m) or (c / d < 0 and fact.op != "="):
            continue
        used = dict(m)
        extra = tuple((n, k - used.get(n, 0)) for n, k in mono if k > used.get(n, 0))
        sign = mono_range(scene, extra)
        if extra and fact.op != "=" and not sign.nonnegative:
            continue
        rest = add(poly, mul(fact.poly, {extra: c / d}), -1)
        if len(rest) <= len(poly) + 2:
            settled = fact.op == ">" and (not extra or sign.positive)
            out.append((rest, strict and not settled))
    return out


def sign_of(scene: Scene, poly: Poly, strict: bool) -> int:
    """Return 1 for a proved ``>= 0`` (``> 0`` if strict), -1 for ``<= 0`` (``< 0``), 0 if unknown; factors are tried.

    Parameters
    ----------
    scene : Scene
        Facts and ranges.
    poly : Poly
        Polynomial.
    strict : bool
        Exclude 0.

    Returns
    -------
    int
    """
    if at_least(scene, poly, strict):
        return 1
    if at_least(scene, add({}, poly, -1), strict):
        return -1
    lead, parts = factored(poly)
    if len(parts) < 2 and all(k == 1 for _, k in parts):
        return 0
    sign = 1 if lead > 0 else -1
    for factor, k in parts:
        if k % 2 == 0 and not strict:
            continue
        if k % 2 == 0:
            if not nonzero(scene, factor):
                return 0
            continue
        if at_least(scene, factor, strict):
            continue
        if not at_least(scene, add({}, factor, -1), strict):
            return 0
        sign = -sign
    return sign


def nonzero(scene: Scene, poly: Poly) -> bool:
    """Whether a polynomial is proved not to vanish: a sign, or a hypothesis ``!=`` that it divides, factor by factor.

    Parameters
    ----------
    scene : Scene
        Facts and ranges.
    poly : Poly
        Polynomial.

    Returns
    -------
    bool
    """
    if not poly:
        return False
    _, parts = factored(poly)
    unequal = [fact.poly for fact in scene.atoms.facts if fact.op == "!=" and fact.poly]
    known = [freeze(f) for p in unequal for f, _ in factored(p)[1]]
    return all(
        spread(scene, f).without_zero
        or freeze(f) in known
        or at_least(scene, f, True)
        or at_least(scene, add({}, f, -1), True)
        for f, _ in parts
    )


def factored(poly: Poly) -> tuple[Fraction, list[tuple[Poly, int]]]:
    """Factor a polynomial over the rationals; the factors are scaled to leading coefficient 1.

    Parameters
    ----------
    poly : Poly
        Polynomial.

    Returns
    -------
    lead : Fraction
        Constant factor.
    parts : list of (Poly, int)
        Factors with exponents; empty for a constant.

    Raises
    ------
    UnknownNode
        When there are too many terms.
    """
    from flint import fmpq, fmpq_mpoly_ctx

    if not poly:
        return Fraction(0), []
    atoms = sorted({n for mono in poly for n, _ in mono})
    if not atoms:
        return poly[()], []
    ring = fmpq_mpoly_ctx.get([f"x{k}" for k in range(len(atoms))], "lex")
    dense = {tuple(dict(m).get(n, 0) for n in atoms): fmpq(c.numerator, c.denominator) for m, c in poly.items()}
    lead, found = ring.from_dict(dense).factor()
    total, parts = Fraction(int(lead.p), int(lead.q)), []
    for f, k in found:
        p = {
            tuple((n, int(e)) for n, e in zip(atoms, exps, strict=True) if e): Fraction(int(c.p), int(c.q))
            for exps, c in f.to_dict().items()
        }
        top = p[max(p)]
        total *= top ** int(k)
        parts.append(({m: c / top for m, c in p.items()}, int(k)))
    if sum(len(p) for p, _ in parts) > 400:
        raise UnknownNode("too many factors")
    return total, sorted(parts, key=lambda t: (freeze(t[0]), t[1]))
