"""Sums of terms: like terms collected, exponentials merged (C2, C6 of the dltsym design note, table 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from dltsym.lower.algebra.forms import addends, coefficient, is_cut, is_inf, is_minus_inf, number, split_exp
from dltsym.lower.algebra.running import carried, in_logs
from dltsym.lower.nodes import Node, anonymous

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra


def add(alg: Algebra, xs: Sequence[Node]) -> Node:
    """Return the sum in normal form.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    xs : sequence of Node
        Terms.

    Returns
    -------
    Node
    """
    flat = [t for x in xs for t in addends(x)]
    if alg.raw:
        return alg.table.make("add", flat) if len(flat) > 1 else flat[0] if flat else alg.zero
    if any(is_minus_inf(t) for t in flat):
        return alg.minus_inf
    if any(is_inf(t) for t in flat):
        return alg.inf
    if len(flat) > 1 and any(is_cut(t) for t in flat):
        return _under_cut(alg, flat)
    terms = _collect(alg, flat)
    terms = _shared_softplus(alg, terms)
    if any(coefficient(alg.table, t)[1].op == "scan" for t in terms):
        moved = in_logs(alg, terms)
        if moved is not None:
            return add(alg, moved)
    if len(terms) > 1 and any(t.op == "exp" or (t.op == "mul" and split_exp(t)[0]) for t in terms):
        return _exponentials(alg, terms)
    return plain(alg, terms)


def plain(alg: Algebra, terms: Sequence[Node]) -> Node:
    """Intern a sum of collected terms."""
    if not terms:
        return alg.zero
    return terms[0] if len(terms) == 1 else alg.table.make("add", terms)


def _under_cut(alg: Algebra, flat: list[Node]) -> Node:
    # x + where(c, y, -inf) = where(c, x + y, -inf): what a mask hides is never looked at, be it 1e30 or nan.
    cuts = [t for t in flat if is_cut(t)]
    rest = [t for t in flat if not is_cut(t)]
    inside = alg.add(*(t.args[1] for t in cuts), *rest)
    return alg.where(alg.both(*(t.args[0] for t in cuts)), inside, alg.minus_inf)


def _collect(alg: Algebra, flat: Iterable[Node]) -> list[Node]:
    total: dict[int, Fraction] = {}
    nodes: dict[int, Node] = {}
    constant = Fraction(0)
    count = 0
    for t in flat:
        count += 1
        c, rest = coefficient(alg.table, t)
        if rest is alg.one:
            constant += c
            continue
        total[id(rest)] = total.get(id(rest), Fraction(0)) + c
        nodes[id(rest)] = rest
    out = []
    again = False
    for key, c in total.items():
        if c:
            term = nodes[key] if c == 1 else alg.mul(alg.num(c), nodes[key])
            again = again or term.op == "add"
            out.append(term)
    if constant:
        out.append(alg.num(constant))
    if again:  # a coefficient that became -1 opened a sum
        return _collect(alg, [t for x in out for t in addends(x)])
    return out


def _shared_softplus(alg: Algebra, terms: list[Node]) -> list[Node]:
    # softplus(y) - y = softplus(-y), softplus(y) - softplus(-y) = y, logaddexp(a, b) - a = softplus(b - a), and back.
    for t in terms:
        c, f = coefficient(alg.table, t)
        if f.op not in ("softplus", "logaddexp"):
            continue
        if f.op == "softplus":
            mirror = alg.mul(alg.num(-c), alg.call("softplus", alg.neg(f.args[0])))
            rest = [x for x in terms if x is not t and x is not mirror]
            if len(rest) == len(terms) - 2:
                return _shared_softplus(alg, _collect(alg, [*rest, *addends(alg.mul(alg.num(c), f.args[0]))]))
        others = [x for x in terms if x is not t]
        soft = any(coefficient(alg.table, x)[1].op == "softplus" for x in others)
        for gone, new in _mirrored(alg, f, soft):
            less = [alg.mul(alg.num(-c), a) for a in addends(gone)]
            if all(any(x is a for x in others) for a in less) and less:
                rest = [x for x in others if not any(x is a for a in less)]
                return _shared_softplus(alg, _collect(alg, [*rest, *addends(alg.mul(alg.num(c), new()))]))
    return terms


def _mirrored(alg: Algebra, f: Node, soft: bool) -> Iterator[tuple[Node, Callable[[], Node]]]:
    """Yield what may be taken from a softplus or a ``logaddexp``, be it a softplus itself, and what is then left."""
    leaves = chain(f) if f.op == "logaddexp" else [f.args[0]]
    for y in leaves:
        counts = [x for x in addends(y) if _log_count(alg, x)]  # huge terms beside it would drown it
        kept = counts if f.op == "logaddexp" and len(counts) < len(addends(y)) else []
        yield plain(alg, [x for x in addends(y) if x not in kept]), partial(_without, alg, f, y, kept)
    for y in f.args:
        if y.op == "logaddexp":
            yield y, partial(_without, alg, f, y, [])
        if soft:
            yield _without(alg, f, y, []), partial(plain, alg, [y])


def _without(alg: Algebra, f: Node, y: Node, kept: Sequence[Node]) -> Node:
    if f.op == "softplus":
        return alg.call("softplus", alg.neg(y))
    if y in f.args:
        others = f.args[1] if y is f.args[0] else f.args[0]
    else:
        others = total_log(alg, [x for x in chain(f) if x is not y])
    return alg.add(*kept, alg.call("softplus", alg.sub(others, y)))


def _exponentials(alg: Algebra, terms: list[Node]) -> Node:
    hot = [t for t in terms if split_exp(t)[0] is not None]
    cold = [t for t in terms if split_exp(t)[0] is None]
    if all(alg.facts(t).nonneg for t in hot):
        weights = [t for t in cold if alg.facts(t).nonneg]
        if len(weights) < len(cold):  # 1 - p is at least 0 though -p is not
            weights = [plain(alg, cold)]
        if all(alg.facts(w).nonneg for w in weights):
            alg.note("C6")
            return alg.exp(total_log(alg, [alg.log(t) for t in (*hot, *weights)]))
    if len(hot) == 1:
        done = _with_one(alg, hot[0], cold)
        if done is not None:
            return done
    if len(hot) > 1:
        done = _common(alg, hot, cold)
        if done is not None:
            return done
    return plain(alg, terms)


def _with_one(alg: Algebra, hot: Node, cold: list[Node]) -> Node | None:
    # k e^a - k = k expm1(a) for numbers k.
    number_term = next((t for t in cold if t.op == "num"), None)
    if number_term is None:
        return None
    c = number_term.data[0]
    k, rest = coefficient(alg.table, hot)
    inside, others = split_exp(rest)
    if inside is None or others:
        return None
    left = [t for t in cold if t is not number_term]
    if k == -c:
        alg.note("C6")
        return alg.add(*left, alg.mul(alg.num(k), alg.call("expm1", inside)))
    return None


def total_log(alg: Algebra, logs: Sequence[Node]) -> Node:
    """Return the logarithm of a sum of exponentials, few of them, as nested ``logaddexp``.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    logs : sequence of Node
        Exponents.

    Returns
    -------
    Node
    """
    flat = sorted((y for x in logs for y in chain(x)), key=_order)
    shared = _same_in_all(alg, flat)
    if shared:
        flat = sorted((alg.add(x, *(alg.neg(s) for s in shared)) for x in flat), key=_order)
    if len(flat) == 2 and _opposite(alg, *flat):  # sigmoid(x) + sigmoid(-x) = 1
        return alg.add(*shared)
    constant = [x for x in flat if _log_number(alg, x)]
    if len(constant) == 1 and len(flat) == 2:  # c + e^x = c e^softplus(x - log c)
        last = flat[1] if flat[0] is constant[0] else flat[0]
        return alg.add(*shared, *constant, alg.call("softplus", alg.sub(last, constant[0])))
    out = flat[0]
    for x in flat[1:]:
        out = alg.table.make("logaddexp", (out, x))
    return alg.add(*shared, out)


def _order(node: Node) -> tuple[object, ...]:
    # The nesting must not depend on the names of axes, which change when a binder around it is opened.
    return (anonymous(node, node.axes), node.key)


def chain(node: Node) -> list[Node]:
    """Return the exponents that nested ``logaddexp`` add up."""
    return [y for a in node.args for y in chain(a)] if node.op == "logaddexp" else [node]


def _opposite(alg: Algebra, a: Node, b: Node) -> bool:
    (k, f), (m, g) = coefficient(alg.table, a), coefficient(alg.table, b)
    return k == m == -1 and f.op == g.op == "softplus" and alg.neg(f.args[0]) is g.args[0]


def _log_number(alg: Algebra, x: Node) -> bool:
    rest = coefficient(alg.table, x)[1]
    return number(x) == 0 or (rest.op == "log" and rest.args[0].op == "num")


def _log_count(alg: Algebra, x: Node) -> bool:
    rest = coefficient(alg.table, x)[1]
    return _log_number(alg, x) or (rest.op == "log" and rest.args[0].op == "size")


def _same_in_all(alg: Algebra, logs: list[Node]) -> list[Node]:
    if len(logs) < 2 or any(is_cut(x) for x in logs):
        return []
    rest = [{id(t) for t in addends(x)} for x in logs[1:]]
    return [t for t in addends(logs[0]) if number(t) != 0 and all(id(t) in r for r in rest)]


def _common(alg: Algebra, hot: list[Node], cold: list[Node]) -> Node | None:
    # e^L r + e^L r' = e^L (r + r'): one exponential for all terms, whatever their signs.
    parts = [split_exp(t) for t in hot]
    exponents = list({id(e): e for e, _ in parts if e is not None}.values())
    if cold or len(exponents) > 1:
        return _sigmoids(alg, hot, cold)
    alg.note("C6")
    return alg.mul(alg.exp(exponents[0]), alg.add(*(alg.mul(*rest) for _, rest in parts)))


def _sigmoids(alg: Algebra, hot: list[Node], cold: list[Node]) -> Node | None:
    # k sigmoid(-u) - k sigmoid(u) = -k tanh(u/2).
    if len(hot) != 2:
        return None
    (k, first), (other, second) = (coefficient(alg.table, t) for t in hot)
    parts = [coefficient(alg.table, f.args[0]) for f in (first, second) if f.op == "exp"]
    if k != -other or len(parts) < 2 or any(c != -1 or f.op != "softplus" for c, f in parts):
        return None
    u, v = parts[0][1].args[0], parts[1][1].args[0]
    if alg.neg(u) is not v:
        return None
    half = alg.call("tanh", alg.mul(alg.num(Fraction(1, 2)), u))
    return alg.add(*cold, alg.mul(alg.num(-k), half))


def relative(alg: Algebra, inside: Node, term: Node) -> tuple[Node, Node] | None:
    """Divide a sum by its own largest exponential where that cancels part of another exponent.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    inside : Node
        Exponent of the exponential that the sum is multiplied by.
    term : Node
        The sum; some of its terms have exponentials.

    Returns
    -------
    tuple or None
        The new exponent and the sum it then multiplies; None where nothing cancels.
    """
    exponents = exponents_of(alg, term)
    if all(e is alg.zero for e in exponents):
        return None
    top = total_log(alg, exponents)
    joined = alg.add(inside, top)
    if len(addends(joined)) >= len(addends(inside)) + len(addends(top)):
        return None
    return joined, divided(alg, term, top)


def exponents_of(alg: Algebra, term: Node) -> list[Node]:
    """Return the different exponents of the terms of a sum, 0 for a term without exponential."""
    return list({id(e): e for e in (_exponent(alg, t) for t in term.args)}.values())


def _exponent(alg: Algebra, term: Node) -> Node:
    # A running sum of exponentials counts with its running log-sum-exp: it is divided by that where it is multiplied.
    inside, rest = split_exp(term)
    tops = (carried(alg, f) for f in rest if f.op == "scan")
    found = [c.top for c in tops if c is not None]
    return alg.add(*(e for e in (inside, *found) if e is not None))


def divided(alg: Algebra, term: Node, top: Node) -> Node:
    """Return a sum times ``e^-top``, one exponential a term."""
    down = alg.neg(top)
    parts = (split_exp(t) for t in term.args)
    return alg.add(*(alg.mul(alg.exp(down if e is None else alg.add(e, down)), *rest) for e, rest in parts))


def at_most_zero(alg: Algebra, x: Node) -> bool:
    """Say whether an exponent is known to be at most 0, as what `divided` leaves is."""
    if alg.facts(x).nonpos:
        return True
    for t in addends(x):
        c, f = coefficient(alg.table, t)
        if c == -1 and f.op == "logaddexp":
            rest = alg.add(*(s for s in addends(x) if s is not t))
            return any(y is rest for y in chain(f))
    return False
