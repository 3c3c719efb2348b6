"""Normal forms of atoms: exponentials as products of generators, logarithms as sums, roots as products."""

from __future__ import annotations

import math
from fractions import Fraction

from dltsym.formal.forms import Poly, Quotient, constant, fraction, primes, quotient, ring
from dltsym.formal.proof import LOOSE, STRICT, WANTED, Fact, Proof, Rescale, Unproved
from dltsym.formal.signs import prove
from dltsym.formal.text import Refused, coq
from dltsym.notation.tree import Call, Expr, Mul, Neg, Num, Sym

Powers = list[tuple[Expr, int]]  # positive trees with exponents


def normal(p: Proof, e: Call) -> tuple[Quotient, str]:
    """Return the normal form of an atom and the name of its equation in the context ("" when it is a generator).

    Parameters
    ----------
    p : Proof
        Context.
    e : Call
        ``exp``, ``log`` or ``sqrt`` of something.

    Returns
    -------
    tuple of (Quotient, str)

    Raises
    ------
    Refused
        For another function.
    """
    if e.name not in ("exp", "log", "sqrt"):
        raise Refused(f"the function {e.name} is not exported")
    return {"exp": _exp, "log": _log, "sqrt": _sqrt}[e.name](p, e)


def _num(n: int | Fraction) -> Num:
    return Num(Fraction(n))


def _times(n: int | Fraction, e: Expr) -> Expr:
    return Neg(Mul((_num(-n), e))) if n < 0 else Mul((_num(n), e))


def _power(base: Expr, n: int) -> str:
    return f"({coq(base)} ^ {n})" if n > 0 else f"(/ ({coq(base)} ^ {-n}))"


def _equation(p: Proof, e: Call, form: Quotient, value: str, tactic: str) -> tuple[Quotient, str]:
    """State the equation of an atom; none for a generator, which rewriting would never get rid of."""
    raw = coq(e)
    if raw in p.at and form == quotient(ring().gens()[p.at[raw]]):
        return form, ""
    return form, p.say(p.fresh("A"), f"{raw} = {value}", tactic)


# ---- exponentials ----


def _exp(p: Proof, e: Call) -> tuple[Quotient, str]:
    inner = p.form(e.args[0])
    value, pieces, parts = quotient(constant(1)), [], []
    # Division makes the pieces canonical: al/(al + be) and be/(al + be) add up to 1.
    whole, rest = divmod(inner.num, inner.den)
    terms = [(e, c, constant(1)) for e, c in whole.to_dict().items()]
    terms += [(e, c, inner.den) for e, c in rest.to_dict().items()]
    for exps, c, den in terms:
        mono = ring().from_dict({exps: 1})
        base, n, q, is_log = _piece(p, mono, fraction(c), den)
        value = value * q**n
        rule = ("exp_ln_pw" if n > 0 else "exp_ln_ipw") if is_log else ("exp_pw" if n > 0 else "exp_ipw")
        unit = Call("log", (base,)) if is_log else base.args[0]  # type: ignore[union-attr]
        piece = coq(_times(n, unit))
        goal = "[ pos | simpl INR; ring ]" if is_log else "simpl INR; ring"
        tail = f"apply ({rule} {abs(n)} {coq(base if is_log else unit)}); {goal}."
        pieces.append(piece)
        parts.append((p.say(p.fresh("B"), f"exp {piece} = {_power(base, n)}", tail), _power(base, n)))
    if not parts:
        return _equation(p, e, value, "1", f"apply exp_0_eq. {p.equate(e.args[0])}")
    total, product = " + ".join(pieces), " * ".join(t for _, t in parts)
    steps = f"transitivity (exp ({total})). {{ f_equal; {p.equate(e.args[0])}. }} "
    steps += f"rewrite {'!exp_plus, ' if len(parts) > 1 else ''}{', '.join(b for b, _ in parts)}. reflexivity."
    return _equation(p, e, value, f"({product})", steps)


def _piece(p: Proof, mono: Poly, c: Fraction, den: Poly) -> tuple[Expr, int, Quotient, bool]:
    """Write ``exp(c*mono/den)`` as an integer power of a generator, or of ``f`` when the monomial is ``log f``."""
    exps = next(iter(mono.to_dict()))
    used = [v for v, k in enumerate(exps) if k]
    one = den.is_one() and len(used) == 1 and exps[used[0]] == 1
    if one and p.gens[used[0]].kind == "log" and c.denominator == 1:
        f = p.gens[used[0]].inside
        return f, int(c), p.form(f), True
    unit = p.quotient_tree(quotient(mono, den))
    slot = coq(unit)
    size = p.scale.get(slot, 1)
    if (c * size).denominator != 1:
        p.scale[slot] = math.lcm(size, c.denominator)
        raise Rescale
    inside = unit if size == 1 else Mul((_num(Fraction(1, size)), unit))
    base = Call("exp", (inside,))
    return base, int(c * size), quotient(ring().gens()[p.gen("exp", base, inside)]), False


# ---- logarithms ----


def factors(p: Proof, q: Quotient) -> Powers | None:
    """Write a positive quotient as a product of powers of positive trees; None when a sign is not known.

    Parameters
    ----------
    p : Proof
        Context; it gets the signs.
    q : Quotient
        Quotient.

    Returns
    -------
    list of (Expr, int) or None
    """
    out: Powers = []
    content, direction = Fraction(1), 1
    for poly, way in ((q.num, 1), (q.den, -1)):
        c, found = poly.factor()
        content *= fraction(c) ** way
        for f, n in found:
            got = p.positive(f)
            if got is None:
                return None
            direction *= got[0] ** n
            out.append((p.tree(got[1].poly), int(n) * way))
    if content * direction < 0:
        return None
    for number, way in ((abs(content).numerator, 1), (abs(content).denominator, -1)):
        out += [(_num(k), n * way) for k, n in primes(number).items()]
    return out


def _log(p: Proof, e: Call) -> tuple[Quotient, str]:
    inner = p.form(e.args[0])
    parts = factors(p, inner)
    if parts is None:
        opaque = Call("log", (p.quotient_tree(inner),))
        value = quotient(ring().gens()[p.gen("log", opaque, opaque.args[0])])
        return _equation(p, e, value, coq(opaque), f"f_equal; {p.equate(e.args[0])}")
    value, terms, names, texts = quotient(constant(0)), [], [], []
    for base, n in parts:
        form, term, tactic = _log_of(p, base, n)
        value = value + form
        texts.append(_power(base, n))
        terms.append(term)
        p.say(p.fresh("P"), f"0 < {_power(base, n)}", f"{'apply pow_lt' if n > 0 else 'apply pos_ipw'}; pos.")
        names.append(p.say(p.fresh("B"), f"ln {_power(base, n)} = {term}", tactic))
    if not parts:
        return _equation(p, e, value, "0", f"transitivity (ln 1); [ f_equal; {p.equate(e.args[0])} | apply ln_1 ].")
    steps = f"transitivity (ln ({' * '.join(texts)})). {{ f_equal; {p.equate(e.args[0])}. }} "
    steps += f"rewrite {'!ln_mult by pos; rewrite ' if len(parts) > 1 else ''}{', '.join(names)}; ring."
    return _equation(p, e, value, f"({' + '.join(terms)})", steps)


def _log_of(p: Proof, base: Expr, n: int) -> tuple[Quotient, str, str]:
    """Return form, text and proof of ``log(base**n)``."""
    rule = f"rewrite ({'ln_pw' if n > 0 else 'ln_ipw'} {abs(n)} {coq(base)} {abs(n)}); [ | pos | simpl INR; ring ]"
    if isinstance(base, Call) and base.name == "exp":
        return (
            p.form(base.args[0]) * quotient(constant(n)),
            coq(_times(n, base.args[0])),
            f"{rule}; rewrite ln_exp; ring.",
        )
    log = Call("log", (base,))
    form = quotient(ring().gens()[p.gen("log", log, base)] * n)
    return form, coq(_times(n, log)), f"{rule}; ring."


# ---- roots ----


def _sqrt(p: Proof, e: Call) -> tuple[Quotient, str]:
    inner = p.form(e.args[0])
    content, found = (inner.num * inner.den).factor()
    outside: list[str] = []
    value, odd, sign = quotient(constant(1), inner.den), [], 1
    for f, n in found:
        got = p.positive(f) or (_weakly(p, f) if n % 2 == 0 else None)
        if got is None:
            odd = None
            break
        sign *= got[0] ** int(n)
        value = value * quotient(got[1].poly ** (int(n) // 2))
        outside.append(f"({coq(p.tree(got[1].poly))} ^ {n // 2})")
        odd += [got[1].poly] if n % 2 else []
    if odd is None or fraction(content) * sign <= 0:
        return _opaque_root(p, e, inner)
    c = abs(fraction(content))
    number = primes(c.numerator * c.denominator)
    square = Fraction(math.prod(k ** (n // 2) for k, n in number.items()), c.denominator)
    value = value * quotient(constant(square))
    outside.append(coq(_num(square)))
    for base in [*odd, *(constant(k) for k, n in number.items() if n % 2)]:
        v = _root(p, base, True)
        value = value * quotient(ring().gens()[v])
        outside.append(coq(p.gens[v].expr))
    den = p.positive(inner.den)
    if den is None or den[0] < 0:
        raise Unproved(f"no sign of the denominator of {e.args[0]}")
    text = f"({' * '.join(outside)} / {p.text(inner.den)})"
    return _equation(p, e, p.reduced(value), text, f"apply sqrt_is; [ nonneg | {p.equate(e.args[0])} ].")


def _weakly(p: Proof, f: Poly) -> tuple[int, Fact] | None:
    for way in (1, -1):
        fact = prove(p, f * way, False)
        if fact is not None:
            return way, fact
    return None


def _root(p: Proof, base: Poly, strict: bool) -> int:
    """Return the root of a polynomial that is not negative; a symbol is then read as the square of its root."""
    inside = p.tree(base)
    expr = Call("sqrt", (inside,))
    p.scale[WANTED] = p.scale.get(WANTED, 0)
    if isinstance(inside, Sym) and p.scale[WANTED]:
        p.scale[f"root {coq(inside)}"] = STRICT if strict else LOOSE
        raise Rescale
    v = p.gen("sqrt", expr, inside)
    if v not in p.roots:
        p.roots[v] = base
        p.rules.append(p.say(p.fresh("R"), f"{coq(expr)} ^ 2 = {coq(inside)}", "apply pow2_sqrt; nonneg"))
        p.note(ring().gens()[v], strict, "apply sqrt_lt_R0; pos" if strict else "apply sqrt_pos")
    return v


def _opaque_root(p: Proof, e: Call, inner: Quotient) -> tuple[Quotient, str]:
    if not inner.den.is_one() or prove(p, inner.num, False) is None:
        raise Unproved(f"no sign of {e.args[0]}")
    v = _root(p, inner.num, False)
    return _equation(p, e, quotient(ring().gens()[v]), coq(p.gens[v].expr), f"f_equal; {p.equate(e.args[0])}")
