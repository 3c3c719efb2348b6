"""Smart constructors of the tensor IR: the exponent-logarithm pair form (dltsym design note, table 4.2).

A positive quantity is carried as the exponential of its logarithm, and a sum that contains an exponential as a pair
``e^L * r``. Every rule is an identity wherever the expression as written is defined; where it is not (``inf - inf``,
``0/0``, ``0*inf``, the logarithm of a negative number) the rewritten expression may have a value. A softmax over
nothing is 0 and a log-sum-exp over nothing minus infinity.

All constructors are idempotent. With ``raw=True`` nothing is done but flattening and sorting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cached_property

from dltsym.lower.algebra import calls, factors, folds, renormal, sums, terms, truths
from dltsym.lower.algebra.facts import Facts, infer
from dltsym.lower.axes import Axis, Shift, Slot
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node
from dltsym.lower.program import Input
from dltsym.lower.sizes import Poly, parse_size

Place = Axis | Shift | Slot | int


class Algebra:
    """The constructors, and what they know about the inputs of one compilation.

    Parameters
    ----------
    table : Table
        Owner of the nodes.
    inputs : mapping of str to Input, or iterable of Input
        What references refer to.
    raw : bool
        Whether to leave everything as written.
    floors : mapping of str to int
        Smallest value of a size name; 0 where none is given, so a sum may be empty.
    """

    def __init__(
        self,
        table: Table,
        inputs: Mapping[str, Input] | Iterable[Input] = (),
        raw: bool = False,
        floors: Mapping[str, int] | None = None,
    ) -> None:
        known = inputs.values() if isinstance(inputs, Mapping) else inputs
        self.table, self.raw = table, raw
        self.inputs = {i.name: i for i in known}
        self.floors = dict(floors or {})
        self.applied: dict[str, None] = {}
        self.slopes = False  # whether a derivative is being built
        self._facts: dict[int, Facts] = {}
        self._normal: dict[int, Node] = {}

    # What is known

    def facts(self, node: Node) -> Facts:
        """Return what is known of every value of a node.

        Parameters
        ----------
        node : Node
            Node.

        Returns
        -------
        Facts
        """
        known = self._facts.get(id(node))
        if known is None:
            known = self._facts[id(node)] = infer(self, node)
        return known

    def least(self, size: str) -> Fraction | None:
        """Return a lower bound of a size, None if there is none.

        Parameters
        ----------
        size : str
            Canonical text.

        Returns
        -------
        Fraction or None
        """
        total = Fraction(0)
        for names, c in parse_size(size).terms:
            if c < 0 and names:
                return None
            for n in names:
                c *= self.floors.get(n, 0)
            total += c
        return total

    def exact_size(self, size: str) -> Fraction | None:
        """Return a size that is a number, else None.

        Parameters
        ----------
        size : str
            Canonical text.

        Returns
        -------
        Fraction or None
        """
        return parse_size(size).constant

    def note(self, rule: str) -> None:
        """Record that a rule was applied, for the header of the source.

        Parameters
        ----------
        rule : str
            Its name in the design note.
        """
        self.applied[rule] = None

    # Leaves

    def num(self, value: Fraction | int) -> Node:
        """Return a rational number."""
        return self.table.num(value)

    @cached_property
    def zero(self) -> Node:
        """The number 0."""
        return self.num(0)

    @cached_property
    def one(self) -> Node:
        """The number 1."""
        return self.num(1)

    @cached_property
    def inf(self) -> Node:
        """Infinity."""
        return self.table.make("const", (), ("inf",))

    @cached_property
    def minus_inf(self) -> Node:
        """Minus infinity, the product of -1 and ``inf``."""
        return self.table.make("mul", (self.num(-1), self.inf))

    def const(self, name: str) -> Node:
        """Return ``pi`` or ``inf``."""
        return self.table.make("const", (), (name,))

    def size(self, text: str | Poly) -> Node:
        """Return a size as a value; a number where it is one."""
        p = text if isinstance(text, Poly) else parse_size(text)
        value = p.constant
        return self.num(value) if value is not None else self.table.make("size", (), (p.text,))

    def iota(self, axis: Axis) -> Node:
        """Return the index along an axis, counted from 0."""
        return self.table.make("iota", (), (axis,))

    def ref(self, name: str, places: Iterable[Place] = (), *args: Node) -> Node:
        """Return an array entry, or with no places a scalar parameter.

        Parameters
        ----------
        name : str
            Array.
        places : iterable of Axis, Shift, int or Slot
            One per dimension.
        *args : Node
            The integer nodes that slots refer to.

        Returns
        -------
        Node
        """
        return self.table.make("ref", args, (name, tuple(places)))

    # Arithmetic

    def add(self, *xs: Node) -> Node:
        """Return a sum: flat, like terms collected (C2), positive exponentials merged (C6)."""
        return terms.add(self, xs)

    def mul(self, *xs: Node) -> Node:
        """Return a product: flat, powers of equal bases and exponentials merged (C1, C2), masks folded (C8)."""
        return factors.mul(self, xs)

    def power(self, x: Node, k: Fraction | int) -> Node:
        """Return a power with a constant exponent."""
        return factors.power(self, x, Fraction(k))

    def sub(self, a: Node, b: Node) -> Node:
        """Return a difference."""
        return self.add(a, self.neg(b))

    def neg(self, x: Node) -> Node:
        """Return the negative."""
        return self.mul(self.num(-1), x)

    def div(self, a: Node, b: Node) -> Node:
        """Return a quotient."""
        return self.mul(a, self.power(b, -1))

    def exp(self, x: Node) -> Node:
        """Return an exponential."""
        return factors.exp(self, x)

    def log(self, x: Node) -> Node:
        """Return a logarithm, split over factors known to be nonnegative (C3, C7)."""
        return calls.log(self, x)

    def call(self, op: str, *args: Node) -> Node:
        """Return a pointwise operation of the table `dltsym.lower.ops.OPS`, ``add`` and ``mul`` included."""
        return calls.call(self, op, args)

    # Truths

    def where(self, c: Node, a: Node, b: Node) -> Node:
        """Return ``a`` where ``c`` holds, else ``b``; a mask on an exponential moves into the exponent (C8)."""
        return truths.where(self, c, a, b)

    def mask(self, c: Node) -> Node:
        """Return 1 where ``c`` holds, else 0."""
        return self.where(c, self.one, self.zero)

    def cmp(self, op: str, a: Node, b: Node) -> Node:
        """Return the truth of ``a op b``; `op` is one of ``< <= = != > >=``."""
        return truths.compare(self, op, a, b)

    def both(self, *cs: Node) -> Node:
        """Return the truth that all hold."""
        return truths.junction(self, "and", cs)

    def either(self, *cs: Node) -> Node:
        """Return the truth that one holds."""
        return truths.junction(self, "or", cs)

    def negate(self, c: Node) -> Node:
        """Return the truth that it does not hold."""
        return truths.negate(self, c)

    # Binders

    def contract(self, factors: Iterable[Node], bound: Iterable[Axis]) -> Node:
        """Return the sum over the bound axes of the product of the factors (C4, C9, C10)."""
        return sums.contract(self, tuple(factors), tuple(bound))

    def reduce(self, monoid: str, x: Node, bound: Iterable[Axis]) -> Node:
        """Return a fold over the bound axes: ``sum prod max min lse argmax argmin`` (C5 for ``lse``)."""
        return folds.reduce(self, monoid, x, tuple(bound))

    def scan(self, monoid: str, axis: Axis, direction: int, inclusive: bool, *args: Node) -> Node:
        """Return prefix folds along an axis; running sums with an exponential are carried as pairs too."""
        return folds.scan(self, monoid, axis, direction, inclusive, args)

    def order(self, kind: str, axis: Axis, k: int, x: Node) -> Node:
        """Return an order statistic along an axis: ``topk`` or ``rank``."""
        return self.table.make("order", (x,), (kind, axis, k))

    def take(self, x: Node, axis: Axis, place: int | Slot, index: Node | None = None) -> Node:
        """Return `x` read at one place of an axis: an int, or ``Slot(1)`` with the integer node `index`."""
        return renormal.take(self, x, axis, place if index is None else index)

    def renorm(self, node: Node) -> Node:
        """Rebuild a node bottom-up through these constructors.

        Parameters
        ----------
        node : Node
            Node.

        Returns
        -------
        Node
        """
        done = self._normal.get(id(node))
        if done is None:
            done = self._normal[id(node)] = renormal.renorm(self, node)
            self._normal[id(done)] = done
        return done
