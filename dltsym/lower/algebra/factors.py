"""Products, powers and exponentials (C1, C2, C8 of the dltsym design note, table 4.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import isqrt
from typing import TYPE_CHECKING

from dltsym.lower.algebra.folds import relative_scan
from dltsym.lower.algebra.forms import (
    addends,
    base,
    coefficient,
    factors,
    holds,
    is_cut,
    is_inf,
    is_mask,
    is_minus_inf,
    is_zero,
    number,
    split_exp,
)
from dltsym.lower.algebra.running import in_product
from dltsym.lower.algebra.sums import may_be_dead
from dltsym.lower.algebra.terms import at_most_zero, divided, exponents_of, relative, total_log
from dltsym.lower.nodes import Node

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra


def mul(alg: Algebra, xs: Sequence[Node]) -> Node:
    """Return the product in normal form.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    xs : sequence of Node
        Factors.

    Returns
    -------
    Node
    """
    flat = [f for x in xs for f in factors(x)]
    if alg.raw:
        return alg.table.make("mul", flat) if len(flat) > 1 else flat[0] if flat else alg.one
    cold, exponents, masks = _sorted_out(_bounded(alg, flat))
    if any(is_zero(f) for f in cold):
        return alg.zero
    if any(is_inf(f) for f in cold):
        return _infinite(alg, cold, exponents, masks)
    if exponents:
        inside = alg.add(*exponents)
        masks += _alive(alg, exponents, inside, cold)
        if masks:
            alg.note("C8")
            inside = alg.where(alg.both(*(m.args[0] for m in masks)), inside, alg.minus_inf)
            masks = []
        cold += factors(exp(alg, inside))
        cold = _relative(alg, cold)
    coef, rest = _merge(alg, [*_signed(alg, cold), *masks])
    if coef == 0:
        return alg.zero
    if len(rest) == 1 and coef == -1 and rest[0].op == "add":
        return alg.add(*(mul(alg, (alg.num(-1), t)) for t in rest[0].args))
    if any(is_cut(f) for f in rest):
        done = _into_cut(alg, coef, rest)
        if done is not None:
            return done
    if len(rest) > 1:
        coef, rest = _turned(alg, coef, rest)
    if coef != 1 or not rest:
        rest = [alg.num(coef), *rest]
    return rest[0] if len(rest) == 1 else alg.table.make("mul", rest)


def _turned(alg: Algebra, coef: Fraction, rest: list[Node]) -> tuple[Fraction, list[Node]]:
    # w (-1 - t) is -w (1 + t): one product has one form, or what cancels would not be seen.
    out = []
    for f in rest:
        if f.op == "add" and all((number(t) or coefficient(alg.table, t)[0]) < 0 for t in f.args):
            coef, f = -coef, alg.neg(f)
        out.append(f)
    return coef, out


def _sorted_out(flat: Iterable[Node]) -> tuple[list[Node], list[Node], list[Node]]:
    cold: list[Node] = []
    exponents: list[Node] = []
    masks: dict[int, Node] = {}
    for f in flat:
        if f.op == "exp":
            exponents.append(f.args[0])
        elif is_mask(f):
            masks[id(f)] = f
        else:
            cold.append(f)
    return cold, exponents, list(masks.values())


def _bounded(alg: Algebra, flat: list[Node]) -> list[Node]:
    # N / S with exponentials and weights of either sign in S: S = e^M r, and so N, lest it be inf/inf.
    large = [f for f in flat if _unbounded(alg, f.args[0] if _is_inverse(f) else f)]
    if not any(map(_is_inverse, large)) or (len(large) == 1 and not any(f.op == "exp" for f in flat)):
        return flat
    alg.note("C6")
    out = [f for f in flat if f not in large]
    for f in large:
        s, k = (f.args[0], f.data[0]) if _is_inverse(f) else (f, Fraction(1))
        top = total_log(alg, exponents_of(alg, s))
        out += factors(exp(alg, mul(alg, (alg.num(k), top))))
        out += factors(power(alg, divided(alg, s, top), k))
    return out


def _is_inverse(f: Node) -> bool:
    return f.op == "pow" and f.data[0] < 0 and f.args[0].op == "add"


def _unbounded(alg: Algebra, f: Node) -> bool:
    if f.op != "add" or all(split_exp(t)[0] is None for t in f.args):
        return False
    exponents = exponents_of(alg, f)
    return not any(map(is_cut, exponents)) and not all(at_most_zero(alg, e) for e in exponents)


def _alive(alg: Algebra, exponents: list[Node], inside: Node, cold: list[Node]) -> list[Node]:
    # Weights that cancel altogether are 0 where all of them are masked, if nothing else in the product says so.
    if len(exponents) < 2:
        return []
    terms = [coefficient(alg.table, t) for e in exponents for t in addends(e.args[1] if is_cut(e) else e)]
    tops = {id(t): t for k, t in terms if k > 0 and t.op == "reduce" and t.data[0] == "lse"}
    out = []
    for top in tops.values():
        if not may_be_dead(alg, top) or not any(k < 0 and t is top for k, t in terms):
            continue
        if not any(holds(x, top) for x in (inside, *cold)):
            out.append(alg.mask(alg.cmp("<", alg.minus_inf, top)))
    return out


def _infinite(alg: Algebra, cold: list[Node], exponents: list[Node], masks: list[Node]) -> Node:
    others = [f for f in cold if not is_inf(f)]
    if not exponents and not masks and all(alg.facts(f).nonzero for f in others):
        negative = [f for f in others if alg.facts(f).negative]
        if len(negative) + sum(alg.facts(f).positive for f in others) == len(others):
            return alg.minus_inf if len(negative) % 2 else alg.inf
    return alg.table.make("mul", [*others, alg.inf, *(alg.table.make("exp", (e,)) for e in exponents), *masks])


def _merge(alg: Algebra, flat: Iterable[Node]) -> tuple[Fraction, list[Node]]:
    coef = Fraction(1)
    powers: dict[int, Fraction] = {}
    nodes: dict[int, Node] = {}
    alone: dict[int, Node | None] = {}
    for f in flat:
        value = number(f)
        if value is not None:
            coef *= value
            continue
        b, k = base(f)
        nodes[id(b)] = b
        alone[id(b)] = None if id(b) in alone else f
        powers[id(b)] = powers.get(id(b), Fraction(0)) + k
    out: list[Node] = []
    again = False
    for key, k in powers.items():
        p = alone[key]
        if p is None:
            p = nodes[key] if k == 1 else power(alg, nodes[key], k)
            again = again or p.op != "pow"
        out.extend(factors(p))
    if again:
        more, out = _merge(alg, out)
        coef *= more
    return coef, out


def _signed(alg: Algebra, flat: list[Node]) -> list[Node]:
    # sign(y) |y|^k = y^k for odd k: the slope of log |y| is 1/y.
    for f in flat:
        size = alg.table.make("abs", f.args) if f.op == "sign" else None
        for g in flat if size is not None else ():
            b, k = base(g)
            if b is size and k.denominator == 1 and k % 2:
                rest = [h for h in flat if h is not f and h is not g]
                return _signed(alg, [*rest, power(alg, f.args[0], k)])
    return flat


def _relative(alg: Algebra, flat: list[Node]) -> list[Node]:
    # e^E times a sum that holds exponentials, or times expm1: what cancels is cancelled in the exponent.
    inside = next((f.args[0] for f in flat if f.op == "exp"), None)
    if inside is None or is_cut(inside):
        return flat
    for f in flat:
        others = [g for g in flat if g is not f and g.op != "exp"]
        if f.op == "add" and any(split_exp(t)[0] is not None for t in f.args):
            found = relative(alg, inside, f)
            if found is not None:
                return [g for h in (*others, exp(alg, found[0]), found[1]) for g in factors(h)]
        elif f.op == "scan":
            found = in_product(alg, inside, f) or relative_scan(alg, inside, f)
            if found is not None:
                return [g for h in (*others, exp(alg, found[0]), found[1]) for g in factors(h)]
        elif f.op == "expm1":
            y = f.args[0]
            k, soft = coefficient(alg.table, inside)
            if k == -1 and soft.op == "softplus" and soft.args[0] is y:
                half = alg.call("tanh", mul(alg, (alg.num(Fraction(1, 2)), y)))
                return [g for h in (*others, half) for g in factors(h)]
            joined = alg.add(inside, y)
            if len(addends(joined)) <= len(addends(inside)) - len(addends(y)):
                back = alg.call("expm1", alg.neg(y))
                return [g for h in (*others, alg.num(-1), exp(alg, joined), back) for g in factors(h)]
    return flat


def _into_cut(alg: Algebra, coef: Fraction, rest: list[Node]) -> Node | None:
    cuts = [f for f in rest if is_cut(f)]
    others = [f for f in rest if not is_cut(f)]
    if len(cuts) != 1 or coef <= 0 or not all(alg.facts(f).positive and alg.facts(f).finite for f in others):
        return None
    c, y, low = cuts[0].args
    return alg.where(c, mul(alg, (alg.num(coef), *others, y)), low)


def power(alg: Algebra, x: Node, k: Fraction) -> Node:
    """Return a power with a constant exponent in normal form.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    x : Node
        Base.
    k : Fraction
        Exponent.

    Returns
    -------
    Node
    """
    if alg.raw:
        return alg.table.make("pow", (x,), (k,))
    if k == 0:
        return alg.one
    if k == 1:
        return x
    whole = k.denominator == 1
    even = whole and k % 2 == 0
    value = number(x)
    if value is not None:
        return _number_power(alg, value, k)
    if x.op == "exp":
        return exp(alg, mul(alg, (alg.num(k), x.args[0])))
    if x.op == "pow":
        y, a = x.args[0], x.data[0]
        if whole or a.denominator != 1 or a % 2 or alg.facts(y).nonneg:
            return power(alg, y, a * k)
        return power(alg, alg.call("abs", y), a * k)
    if x.op == "mul" and not is_minus_inf(x):
        return _product_power(alg, x, k)
    if x.op == "abs" and even:
        return power(alg, x.args[0], k)
    if is_mask(x) and k > 0:
        return x
    if is_inf(x):
        return x if k > 0 else alg.zero
    return alg.table.make("pow", (x,), (k,))


def _number_power(alg: Algebra, value: Fraction, k: Fraction) -> Node:
    if value == 0:
        return alg.zero if k > 0 else alg.table.make("pow", (alg.zero,), (k,))
    if k.denominator == 1:
        return alg.num(value ** int(k))
    if value < 0:
        return alg.table.make("pow", (alg.num(value),), (k,))
    if value == 1:
        return alg.one
    if k.denominator == 2:
        p, q = isqrt(value.numerator), isqrt(value.denominator)
        if p * p == value.numerator and q * q == value.denominator:
            return alg.num(Fraction(p, q) ** k.numerator)
    if value.numerator == 1:  # 1/2 to the k and 2 to the -k are one object
        return alg.table.make("pow", (alg.num(1 / value),), (-k,))
    whole = k.numerator // k.denominator
    if k > 0 and whole:
        return mul(alg, (alg.num(value**whole), power(alg, alg.num(value), k - whole)))
    return alg.table.make("pow", (alg.num(value),), (k,))


def _product_power(alg: Algebra, x: Node, k: Fraction) -> Node:
    if k.denominator == 1:
        return mul(alg, [power(alg, f, k) for f in x.args])
    inside, outside = [], []
    for f in x.args:
        (outside if alg.facts(f).nonneg else inside).append(f)
    if len(inside) == 1 and number(inside[0]) is None:
        outside, inside = [*outside, *inside], []
    parts = [power(alg, f, k) for f in outside]
    if inside:
        parts += [alg.table.make("pow", (mul(alg, inside),), (k,))]
    return mul(alg, parts)


def exp(alg: Algebra, x: Node) -> Node:
    """Return an exponential in normal form: logarithms of numbers, or of everything, come out.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    x : Node
        Exponent.

    Returns
    -------
    Node
    """
    make = alg.table.make
    if alg.raw:
        return make("exp", (x,))
    if is_zero(x):
        return alg.one
    if is_minus_inf(x):
        return alg.zero
    if is_cut(x):
        c, y, _ = x.args
        out, left = _unlogged(alg, y)
        if is_zero(left):
            return alg.where(c, mul(alg, out), alg.zero)
        plain = [f for f in out if not f.axes]
        kept = alg.add(left, *(alg.log(f) for f in out if f.axes))
        masked = make("exp", (alg.where(c, kept, alg.minus_inf),))
        return mul(alg, (*plain, masked)) if plain else masked
    out, left = _unlogged(alg, x)
    if not out:
        return make("exp", (x,))
    return mul(alg, out) if is_zero(left) else mul(alg, (*out, make("exp", (left,))))


def _unlogged(alg: Algebra, x: Node) -> tuple[list[Node], Node]:
    out: list[Node] = []
    left: list[Node] = []
    terms = addends(x)
    logs = {id(t): _as_log(alg, t) for t in terms}
    everything = all(logs[id(t)] is not None for t in terms)
    for t in terms:
        found = logs[id(t)]
        if found is not None and (everything or found[0].op in ("num", "size")):
            out.append(power(alg, *found))
        else:
            left.append(t)
    return out, alg.add(*left) if out else x


def _as_log(alg: Algebra, term: Node) -> tuple[Node, Fraction] | None:
    k, rest = coefficient(alg.table, term)
    if rest.op == "log1p":
        return alg.add(alg.one, rest.args[0]), k
    return (rest.args[0], k) if rest.op == "log" else None
