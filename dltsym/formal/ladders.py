"""The levels of a ladder as lemmas, one for the value, one for the slope and one for the sign of each level.

The variable and the contact come from the certificate; the levels are found again, fewest first, and Coq checks them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from dltsym.formal.forms import constant, quotient, variables
from dltsym.formal.lemmas import lemma, nonnegative, slope
from dltsym.formal.proof import Proof, Unproved
from dltsym.formal.signs import prove
from dltsym.formal.text import coq, coq_rel
from dltsym.notation.calculus import derivative
from dltsym.notation.tree import Expr, Neg, Num, Rel, Sym
from dltsym.notation.walk import free_symbols, substitute

MAX_LEVEL = 6


@dataclass(frozen=True)
class Setting:
    """What every lemma of a file quantifies over: symbols and hypotheses."""

    symbols: tuple[Sym, ...]
    given: tuple[Rel, ...]


@dataclass(frozen=True)
class Side:
    """One side of a contact: `rest` and `limits` are hypotheses without and with the variable; `sign` is 1 or -1."""

    setting: Setting
    var: Sym
    contact: Expr
    limits: tuple[Rel, ...]
    sign: int
    strict: bool
    prefix: str

    def beyond(self, strict: bool) -> Rel:
        """Return that the variable is on this side.

        Parameters
        ----------
        strict : bool
            Whether without the contact.

        Returns
        -------
        Rel
        """
        op = "<" if strict else "<="
        return Rel(self.contact, op, self.var) if self.sign > 0 else Rel(self.var, op, self.contact)

    def use(self, name: str, moving: bool = True) -> str:
        """Return a lemma applied to its symbols, the variable being called ``y``, or left out.

        Parameters
        ----------
        name : str
            Lemma.
        moving : bool
            Whether it quantifies over the variable.

        Returns
        -------
        str
        """
        names = [coq(s) if s != self.var else "y" for s in self.setting.symbols if moving or s != self.var]
        return " ".join([name, *names])

    def given(self, strict: bool) -> tuple[Rel, ...]:
        """Return every hypothesis on this side.

        Parameters
        ----------
        strict : bool
            Whether without the contact.

        Returns
        -------
        tuple of Rel
        """
        return (*self.setting.given, *self.limits, self.beyond(strict))


def climb(side: Side, g: Expr) -> list[str]:
    """Return lemmas, the last of which proves ``0 <= g`` (or ``0 < g``) on one side of the contact; few levels first.

    Parameters
    ----------
    side : Side
        Where.
    g : Expr
        Function of the variable.

    Returns
    -------
    list of str

    Raises
    ------
    Unproved
        When no ladder is found.
    """
    for top in range(MAX_LEVEL + 1):
        try:
            return _climb(side, g, 0, top)
        except Unproved:
            continue
    raise Unproved(f"no ladder in {side.var} from {side.contact}: {g}")


def _climb(side: Side, g: Expr, level: int, top: int) -> list[str]:
    goal = f"0 {'<' if side.strict else '<='} {coq(g)}"
    name, symbols = f"{side.prefix}{level}", side.setting.symbols
    try:
        return [lemma(name, symbols, side.given(side.strict), goal, lambda p: nonnegative(p, g, side.strict))]
    except Unproved:
        if level == top:
            raise
    for h, s in _stripped(side, g):
        for step in (_concave, _derived):
            try:
                below, tactics = step(side, h, level, top)
                last = lemma(name, symbols, side.given(side.strict), goal, lambda p: _split(p, side, g, h, s, tactics))  # noqa: B023
            except Unproved:
                continue
            return [*below, last]
    raise Unproved(f"no ladder in {side.var} from {side.contact}: {g}")


def _split(p: Proof, side: Side, g: Expr, h: Expr, s: Expr, tactics: str) -> str:
    """Write ``g = s*h`` with a factor that is never negative, and go on with `h`."""
    for e in (g, h, s):
        p.form(e)
    name = p.say(p.fresh("E"), f"{coq(g)} = {coq(s)} * {coq(h)}", p.equate(g, h, s))
    rule = "Rmult_lt_0_compat" if side.strict else "Rmult_le_pos"
    return f"rewrite {name}; apply {rule}; [ {nonnegative(p, s, side.strict)} | ].\n{tactics}"


def _stripped(side: Side, g: Expr) -> list[tuple[Expr, Expr]]:
    """Return what is left of a level without its factors of known sign, and those factors, in up to two shapes."""
    found: list[tuple[Expr, Expr]] = []

    def look(p: Proof) -> str:
        q = p.form(g)
        rest = constant(1)
        found.clear()
        if p.positive(q.den) is None:
            raise Unproved(f"no sign of the denominator of {g}")
        direction = 1 if q.num.factor()[0] > 0 else -1
        for f, n in ((f, int(n)) for f, n in q.num.factor()[1]):
            way = next((w for w in (1, -1) if prove(p, f * w, side.strict) is not None), 0)
            direction *= way ** int(n) if way else 1
            if not way:
                rest = rest * f ** (n if side.strict else n % 2)
        shapes = [quotient(rest * direction)]
        main = [
            v for v in variables(rest) if p.gens[v].kind in ("log", "exp") and side.var in free_symbols(p.gens[v].expr)
        ]
        if len(main) == 1 and rest.degrees()[main[0]] == 1:
            top = (rest * direction).derivative(main[0])
            got = p.positive(top)
            if got is not None and not top.is_constant():
                shapes.append(
                    quotient(rest * direction * got[0], top * got[0] * got[0])
                    if got[0] > 0
                    else quotient(rest * direction, top * -1)
                )
        for shape in shapes:
            factor = q * shape.inverse()
            found.append((p.quotient_tree(shape), p.quotient_tree(factor)))
        return ""

    lemma("shape", side.setting.symbols, side.given(side.strict), "True", look)
    return list(dict.fromkeys([*found, (g, Num(Fraction(1)))]))


def _at(side: Side, name: str, h: Expr, point: Expr) -> str:
    value = substitute(h, {side.var: point})
    others = tuple(s for s in side.setting.symbols if s != side.var)
    return lemma(name, others, side.setting.given, f"0 <= {coq(value)}", lambda p: nonnegative(p, value, False))


def _slope(side: Side, name: str, h: Expr, d: Expr, given: tuple[Rel, ...]) -> str:
    def build(p: Proof) -> str:
        p.form(h)
        p.form(d)
        return slope(p, h, d)

    x = coq(side.var)
    goal = f"is_derive (fun {x} => {coq(h)}) {x} {coq(d)}"
    return lemma(name, side.setting.symbols, given, goal, build)


def _predicate(side: Side, limits: tuple[Rel, ...]) -> str:
    both = " /\\ ".join(map(coq_rel, limits))
    return f"(fun {coq(side.var)} : R => {both or 'True'})"


def _function(side: Side, e: Expr) -> str:
    return f"(fun {coq(side.var)} : R => {coq(e)})"


def _derived(side: Side, h: Expr, level: int, top: int) -> tuple[list[str], str]:
    """Go on with the derivative."""
    n = f"{side.prefix}{level}"
    value = _at(side, f"{n}_value", h, side.contact)
    d = derivative(h, side.var)
    slope = _slope(side, f"{n}_slope", h, d, side.given(False))
    up = _climb(side, d if side.sign > 0 else Neg(d), level + 1, top)
    word = "step_right" if side.sign > 0 else "step_left"
    rule = f"{word}{'_strict' if side.strict else ''}"
    flip = "" if side.sign > 0 else f"apply opposite_{'lt' if side.strict else 'le'}; "
    functions = f"{_predicate(side, side.limits)} {coq(side.contact)} {_function(side, h)} {_function(side, d)}"
    steps = [
        f"  apply ({rule} {functions}).",
        "  - unfold cvx; intros; conj; repeat split; lra.",
        "  - cbv beta; repeat split; lra.",
        f"  - intros y; intros; conj; cbv beta; apply ({side.use(f'{n}_slope')}); given.",
        f"  - cbv beta; apply ({side.use(f'{n}_value', False)}); given.",
        f"  - intros y; intros; conj; cbv beta; {flip}apply ({side.use(f'{side.prefix}{level + 1}')}); given.",
        "  - cbv beta; repeat split; given.",
        "  - given.",
    ]
    return [value, slope, *up], "\n".join(steps)


def _concave(side: Side, h: Expr, level: int, _top: int) -> tuple[list[str], str]:
    """Accept a concave function that is not negative at both ends of the side."""
    far = [r for r in side.limits if (r.lhs if side.sign > 0 else r.rhs) == side.var]
    if len(far) != 1 or side.strict:
        raise Unproved("no far end")
    end = far[0].rhs if side.sign > 0 else far[0].lhs
    lo, hi = (side.contact, end) if side.sign > 0 else (end, side.contact)
    n, x = f"{side.prefix}{level}", side.var
    inside = (*side.setting.given, Rel(lo, "<=", x), Rel(x, "<=", hi))
    d1 = derivative(h, x)
    d2 = derivative(d1, x)
    bend = lemma(
        f"{n}_bend", side.setting.symbols, inside, f"0 <= {coq(Neg(d2))}", lambda p: nonnegative(p, Neg(d2), False)
    )
    lemmas = [_at(side, f"{n}_low", h, lo), _at(side, f"{n}_high", h, hi)]
    lemmas += [_slope(side, f"{n}_slope", h, d1, inside), _slope(side, f"{n}_slope2", d1, d2, inside), bend]
    steps = [
        f"  apply (concave_ends {_function(side, h)} {_function(side, d1)} {_function(side, d2)} {coq(lo)} {coq(hi)}).",
        f"  - intros y; intros; conj; cbv beta; apply ({side.use(f'{n}_slope')}); given.",
        f"  - intros y; intros; conj; cbv beta; apply ({side.use(f'{n}_slope2')}); given.",
        f"  - intros y; intros; conj; cbv beta; apply opposite_le; apply ({side.use(f'{n}_bend')}); given.",
        f"  - cbv beta; apply ({side.use(f'{n}_low', False)}); given.",
        f"  - cbv beta; apply ({side.use(f'{n}_high', False)}); given.",
        "  - split; given.",
    ]
    return lemmas, "\n".join(steps)
