"""Value of a tree at one point, as it is written: the walker under `dltsym.lower.interpret.raw_arb`.

A tree becomes closures over a list with one slot per bound name. Nothing is rewritten: indices and limits are exact
integers, only the chosen branch of `Cases` is looked at, a product with a false mask has no other factor. Where balls
do not decide a comparison, a twin that computes with rationals only is asked before `Undecided` is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from flint import arb, fmpq

from dltsym.errors import DomainError, Undecided, UnsupportedError
from dltsym.lower.interpret.raw_loops import loop
from dltsym.lower.interpret.raw_rules import (
    EXTENDED,
    binomial,
    exact_over,
    exact_raised,
    irrational,
    is_exponential,
    is_mask,
    is_partition,
    plain_over,
    product_of,
    rational_call,
    real_function,
    sum_of,
)
from dltsym.notation import extended as ext
from dltsym.notation.balls import EXACT, NAN, REAL, NotRational
from dltsym.notation.extended import DEAD, Value
from dltsym.notation.folds import Cases, Fold, Iterate, Order, Recurrence
from dltsym.notation.tree import Add, Call, Const, Div, Expr, Index, Mul, Neg, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import expand_definitions, free_symbols, subterms

Fn = Callable[[list[Any]], Any]
WORTH = Call | Div | Pow | Sum | Fold | Recurrence | Order | Iterate


class Walk:
    """Closures of the nodes of one problem at one precision.

    Parameters
    ----------
    data : mapping of str to object
        For each free name a value, or for an array a function of the tuple of its indices.
    slots : dict of Sym to int
        Places of the names that nodes bind and of the free indices; shared by the twins.
    twin : Walk, optional
        Walker over rationals; None for that walker itself.
    """

    def __init__(self, data: Mapping[str, Any], slots: dict[Sym, int], twin: Walk | None) -> None:
        self.data, self.slots, self.twin = data, slots, twin
        self._known: dict[Expr, Fn] = {}

    def slot(self, sym: Sym) -> int:
        """Return the place of a bound name."""
        return self.slots.setdefault(sym, len(self.slots))

    def used(self, *nodes: Expr) -> tuple[int, ...]:
        """Return the places that the values of nodes depend on."""
        names = frozenset().union(*(free_symbols(n) for n in nodes))
        return tuple(sorted(self.slots[s] for s in names if s in self.slots))

    def keyed(self, f: Fn, used: tuple[int, ...]) -> Fn:
        """Remember the values of a closure by what is in the places that it depends on."""
        cache: dict[Any, Any] = {}
        take = itemgetter(*used) if used else lambda _: None

        def g(env: list[Any]) -> Any:
            at = take(env)
            out = cache.get(at)
            if out is None:
                out = cache[at] = f(env)
            return out

        return g

    def at(self, node: Expr) -> Fn:
        """Return the closure of a node.

        Parameters
        ----------
        node : Expr
            Tree without let-names and derivatives.

        Returns
        -------
        callable
        """
        f = self._known.get(node)
        if f is None:
            f = self._build(node)
            if isinstance(node, WORTH):
                f = self.keyed(f, self.used(node))
            self._known[node] = f
        return f

    def _build(self, node: Expr) -> Fn:
        match node:
            case Num(value):
                q = fmpq(value.numerator, value.denominator)
                return lambda env: q
            case Const("pi"):
                return self._constant(arb.pi)
            case Const("oo"):
                return self._constant(arb.pos_inf)
            case Sym():
                return self._symbol(node)
            case Neg(arg):
                return self._negative(self.at(arg))
            case Add(args):
                return sum_of([self.at(a) for a in args])
            case Mul(args):
                return self._product(args)
            case Div(a, b):
                return self.settled(self._quotient(a, b), (a, b), node)
            case Pow(a, b):
                return self.settled(ext.raised if self.twin else exact_raised, (a, b), node)
            case Call():
                return self._call(node)
            case Index():
                return self._entry(node)
            case Cases():
                return self._cases(node)
        return loop(self, node)

    def _product(self, args: tuple[Expr, ...]) -> Fn:
        masks, others = ([a for a in args if is_mask(a) is mask] for mask in (True, False))
        free = [a for a in others if not is_exponential(a)]
        weights = [a for a in others if isinstance(a, Index | Sym)]
        return product_of(*([self.at(a) for a in part] for part in (masks, others, free, weights)))

    def _quotient(self, above: Expr, below: Expr) -> Callable[..., Value]:
        if self.twin is None:
            return exact_over
        softmax = any(map(is_exponential, subterms(above))) and any(map(is_partition, subterms(below)))
        return ext.over if softmax else plain_over

    def _constant(self, make: Callable[[], arb]) -> Fn:
        if self.twin is None:
            return irrational
        value = make()
        return lambda env: value

    def _symbol(self, node: Sym) -> Fn:
        slot = self.slots.get(node)
        if slot is not None:

            def bound(env: list[Any]) -> Value:
                value = env[slot]
                return fmpq(value) if isinstance(value, int) else self._rational(value.table[()])

            return bound
        if node.name not in self.data:
            raise DomainError(f"no value is given for {node.name}")
        value = self.data[node.name]
        return lambda env: self._rational(value)

    def _rational(self, value: Value) -> Value:
        if self.twin is None and not isinstance(value, fmpq):
            if value.is_exact() and value.is_finite():
                return value.fmpq()
            raise NotRational
        return value

    def _negative(self, f: Fn) -> Fn:
        def g(env: list[Any]) -> Value:
            x = f(env)
            return x if x is DEAD else -x

        return g

    def whole(self, node: Expr) -> Callable[[list[Any]], int]:
        """Return the closure of an integer: an index, a limit, a number of rounds.

        Parameters
        ----------
        node : Expr
            Tree.

        Returns
        -------
        callable
            It raises `DomainError` where the value is no integer.
        """
        slot = self.slots.get(node) if isinstance(node, Sym) else None
        if slot is not None:
            return lambda env: env[slot]
        f = self.at(node)

        def g(env: list[Any]) -> int:
            value = f(env)
            if isinstance(value, arb) and value.is_exact() and value.is_integer():
                value = value.fmpq()
            if not isinstance(value, fmpq) or value.q != 1:
                raise DomainError(f"{node} is {value}, not an integer")
            return int(value.p)

        return g

    def _entry(self, node: Index) -> Fn:
        places = [self.whole(i) for i in node.idx]
        slot, name = self.slots.get(node.array), node.array.name
        if slot is not None:
            return lambda env: self._rational(env[slot].read(name, tuple([p(env) for p in places])))
        if name not in self.data:
            raise DomainError(f"no value is given for {name}")
        read = self.data[name]
        return lambda env: self._rational(read(tuple([p(env) for p in places])))

    # Decisions

    def settled(self, op: Callable[..., Value], nodes: tuple[Expr, ...], where: Expr | Rel) -> Fn:
        """Apply a function that may need a decision; the twin gives exact operands where balls do not suffice.

        Parameters
        ----------
        op : callable
            Function of as many values as `nodes`.
        nodes : tuple of Expr
            Operands.
        where : Expr or Rel
            What the message shows.

        Returns
        -------
        callable
            It raises `Undecided` where not even the twin knows.
        """
        fs = [self.at(n) for n in nodes]

        def f(env: list[Any]) -> Value:
            xs = [g(env) for g in fs]
            try:
                return op(*xs)
            except Undecided as e:
                try:
                    return op(*[self.exactly(n, x, env) for n, x in zip(nodes, xs, strict=True)])
                except Undecided:
                    raise Undecided(f"{e}: {where}") from None

        return f

    def exactly(self, node: Expr, x: Value, env: list[Any]) -> Value:
        """Return the value of a node as a rational if the twin knows it, else `x`, its value as a ball."""
        if self.twin is None or isinstance(x, fmpq) or (x.is_exact() and not x.is_nan()):
            return x
        try:
            return self.twin.at(node)(list(env))
        except (NotRational, Undecided):
            return x

    def truth(self, rel: Rel) -> Callable[[list[Any]], bool | None]:
        """Return the closure of a relation; its value is None where a side has no value.

        Parameters
        ----------
        rel : Rel
            Relation.

        Returns
        -------
        callable
        """

        def test(x: Value, y: Value) -> bool | None:
            return None if ext.undefined(x) or ext.undefined(y) else ext.compare(rel.op, x, y)

        return self.settled(test, (rel.lhs, rel.rhs), rel)

    def _cases(self, node: Cases) -> Fn:
        branches = [([self.truth(c) for c in conditions], self._branch(e)) for conditions, e in node.branches]
        last = self._branch(node.otherwise)

        def f(env: list[Any]) -> Value:
            for tests, value in branches:
                for test in tests:
                    holds = test(env)
                    if holds is None:
                        return NAN
                    if not holds:
                        break
                else:
                    return value(env)
            return last(env)

        return f

    def _branch(self, node: Expr) -> Fn:
        if isinstance(node, Num) and node.value == 0:  # what a false condition leaves out
            zero = self.nothing
            return lambda env: zero
        return self.at(node)

    @property
    def nothing(self) -> Value:
        """The value of an empty sum."""
        return fmpq(0) if self.twin is None else DEAD

    def _call(self, node: Call) -> Fn:
        if node.name == "delta":
            return self._kronecker(self.truth(Rel(node.args[0], "=", node.args[1])))
        exact = EXACT.get(node.name)
        if self.twin is None:
            return irrational if exact is None else rational_call(exact, [self.at(a) for a in node.args])
        if node.name == "binomial":
            return self.settled(binomial, node.args, node)
        if node.name in REAL:
            return self.settled(EXTENDED.get(node.name) or real_function(REAL[node.name]), node.args, node)
        wider = expand_definitions(node)
        if wider == node:
            raise UnsupportedError(f"the ball oracle does not know the function {node.name}")
        return self.at(wider)

    def _kronecker(self, test: Callable[[list[Any]], bool | None]) -> Fn:
        one, zero = fmpq(1), self.nothing

        def f(env: list[Any]) -> Value:
            holds = test(env)
            return NAN if holds is None else one if holds else zero

        return f
