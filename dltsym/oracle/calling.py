"""One call of a callable: inputs by name in, arguments as it wants them, results back in the order of the statement."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dltsym.errors import KernelMapError
from dltsym.oracle.binding import Binding, own_axes
from dltsym.oracle.blame import ours, settled, theirs
from dltsym.oracle.expressions import CASTS, Axed, Evaluator, Expression
from dltsym.oracle.guards import Guarded, check_kept, guarded, kept
from dltsym.oracle.layouts import laid, lengths, unlaid
from dltsym.oracle.mapping import Buffer, Given, Place, Result, inverse
from dltsym.oracle.spec import Spec

if TYPE_CHECKING:
    import torch

MISSING = object()


@dataclass(frozen=True)
class Call:
    """A callable with its binding; calling it is `Candidate.call`.

    Attributes
    ----------
    function : callable
        It takes the arguments of the binding.
    binding : Binding
        What they are.
    spec : Spec
        Statement.
    outputs : tuple of str
        Outputs by position, for results that the mapping does not name.
    numbers : bool
        Whether inputs without axes are passed as Python numbers.
    convert : callable
        From a tensor to the arrays that the function takes.
    back : callable
        From what it returns to a tensor.
    """

    function: Callable[..., Any]
    binding: Binding
    spec: Spec
    outputs: tuple[str, ...]
    numbers: bool
    convert: Callable[[torch.Tensor], Any] = field(default=lambda x: x)
    back: Callable[[Any], torch.Tensor] = field(default=lambda x: x)

    def __call__(self, inputs: Mapping[str, Any], modes: Mapping[str, Any]) -> dict[str, Any]:
        """Call the function, batch by batch along the dimensions that it does not take.

        Those are batches beyond the ones that its layouts name, and batches of what it takes as a plain number.

        Parameters
        ----------
        inputs, modes : mapping
            Tensors, and choices.

        Returns
        -------
        dict of str to Tensor
        """
        with ours():
            return self._called(inputs, modes)

    def _called(self, inputs: Mapping[str, Any], modes: Mapping[str, Any]) -> dict[str, Any]:
        import torch

        axes = {i.name: i.axes for i in self.spec.inputs}
        batches = {n: tuple(x.shape[: x.ndim - len(axes[n])]) for n, x in inputs.items()}
        shape = tuple(torch.broadcast_shapes(*batches.values())) if batches else ()
        sizes, plain = self._sizes(inputs, axes), self._plain(axes) & {*inputs}
        turned = self._turned(shape, batches, plain)
        extra = self._extra(shape)
        if not turned:
            return Once(self, inputs, modes, sizes, shape)()
        lengths = [shape[k] for k in sorted(turned)]
        if math.prod(lengths) == 0:
            dtype = next(x.dtype for x in inputs.values() if x.is_floating_point())
            shapes = {o.name: [sizes.get(a, 0) for a in o.axes] for o in self.spec.outputs if o.name in self.outputs}
            return {name: torch.zeros((*shape, *own), dtype=dtype) for name, own in shapes.items()}
        wide = {n: x.double() if x.requires_grad else x for n, x in inputs.items()}  # in which autograd adds the parts
        rest = tuple(1 if k in turned else shape[k] for k in range(extra, len(shape)))
        calls = []
        for place in itertools.product(*map(range, lengths)):
            at = dict(zip(sorted(turned), place, strict=True))
            gone = {n: {*at} if n in plain else {*range(extra)} for n in inputs}
            part = {n: _entry(x, len(shape) - len(batches[n]), len(batches[n]), at, gone[n]) for n, x in wide.items()}
            part = {n: x.to(inputs[n].dtype) for n, x in part.items()}
            calls.append(Once(self, part, modes, sizes, rest)())
        ranks = {o.name: len(o.axes) for o in self.spec.outputs}
        inner = [k for k in sorted(turned) if k >= extra]
        return {n: _joined([c[n] for c in calls], lengths, inner, extra, len(rest) + ranks[n]) for n in calls[0]}

    def parts(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
        """Return the batches, counted from the last, along which the function is called part by part.

        A gradient by an input that is the same along them is then the sum of the gradients of the parts.

        Parameters
        ----------
        shapes : mapping of str to tuple of int
            Shapes of the inputs.

        Returns
        -------
        tuple of int
            Such as -1 for the last batch.
        """
        import torch

        axes = {i.name: i.axes for i in self.spec.inputs}
        batches = {n: tuple(shape[: len(shape) - len(axes[n])]) for n, shape in shapes.items()}
        shape = tuple(torch.broadcast_shapes(*batches.values())) if batches else ()
        return tuple(sorted(k - len(shape) for k in self._turned(shape, batches, self._plain(axes) & {*shapes})))

    def _extra(self, shape: tuple[int, ...]) -> int:
        """Return how many of the first batches no layout names; none where there are no layouts."""
        named = self.binding.batch
        return 0 if named is None else max(0, len(shape) - len(named))

    def _turned(self, shape: tuple[int, ...], batches: Mapping[str, tuple[int, ...]], plain: set[str]) -> set[int]:
        return {*range(self._extra(shape)), *(len(shape) - 1 - k for n in plain for k in range(len(batches[n])))}

    def _plain(self, axes: Mapping[str, tuple[str, ...]]) -> set[str]:
        """Return the inputs that the function takes as numbers: without axes, and not arrays by their layout."""
        if not self.numbers:
            return set()
        asked = [g.value.names for g in self.binding.arguments if isinstance(g.value, Expression) and not g.layout]
        return {n for names in asked for n in names if n in axes and not axes[n]}

    @staticmethod
    def _sizes(inputs: Mapping[str, Any], axes: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
        return {
            axis: x.shape[x.ndim - len(axes[name]) + k]
            for name, x in inputs.items()
            for k, axis in enumerate(axes[name])
        }


def _entry(x: torch.Tensor, first: int, count: int, at: Mapping[int, int], gone: set[int]) -> torch.Tensor:
    """Return an array at one place of some batches; of its own `count` batches the first is number `first` of all."""
    index: list[Any] = []
    for k in range(count):
        place = min(at.get(first + k, 0), x.shape[k] - 1)  # an array of length 1 there is the same everywhere
        if first + k in gone:
            index.append(place)
        else:
            index.append(slice(place, place + 1) if first + k in at else slice(None))
    return x[tuple(index)] if index else x


def _joined(
    parts: list[torch.Tensor], lengths: Sequence[int], inner: Sequence[int], extra: int, rank: int
) -> torch.Tensor:
    """Put results together: the first `extra` batches, and `inner`, of length 1 so far, get their lengths."""
    import torch

    with theirs():  # of different shapes
        whole = torch.stack(parts)
    if whole.ndim - 1 < rank:  # an output that the batches do not touch
        whole = whole.reshape(len(parts), *[1] * (rank + 1 - whole.ndim), *whole.shape[1:])
    if whole.ndim - 1 > rank or any(whole.shape[1 + k - extra] != 1 for k in inner):
        return whole.unflatten(0, tuple(lengths))  # no result of the statement has that shape
    whole = whole.squeeze([1 + k - extra for k in inner]).unflatten(0, tuple(lengths))
    return whole.movedim([extra + t for t in range(len(inner))], list(inner))


class Once:
    """One call at one input, with at most as many batches as the layouts name.

    Parameters
    ----------
    call : Call
        What is called.
    inputs, modes : mapping
        Inputs by name, and modes.
    sizes : mapping of str to int
        Lengths of the axes.
    shape : tuple of int
        Lengths of the batches.
    """

    def __init__(
        self, call: Call, inputs: Mapping[str, Any], modes: Mapping[str, Any], sizes: Mapping[str, int],
        shape: tuple[int, ...],
    ) -> None:  # fmt: skip
        self.call, self.inputs, self.sizes, self.shape = call, inputs, sizes, shape
        names = call.binding.batch or ()
        padded = (1,) * (len(names) - len(shape)) + shape
        self.batch = dict(zip(names, padded, strict=False))
        floating = [x for x in inputs.values() if x.is_floating_point()]
        first = next(iter(floating or inputs.values()))
        self.dtype, self.device = first.dtype, first.device
        self.evaluate = Evaluator(self._names(modes), self.dtype, self.device)
        self.buffers: dict[str, tuple[Guarded, Given]] = {}

    def _names(self, modes: Mapping[str, Any]) -> dict[str, Any]:
        import torch

        names: dict[str, Any] = {k: x for k, (x, *_) in self.call.spec.modes.items()}
        names |= {**modes, **self.sizes}
        for i in self.call.spec.inputs:
            rank = len(i.axes)
            if i.name in self.inputs:
                x = self.inputs[i.name]
                plain = self.call.numbers and not x.ndim and not x.requires_grad
                names[i.name] = x.item() if plain else Axed(x, rank)
            elif not rank:
                names[i.name] = i.absent
            else:
                full = [self.sizes.get(a, 1) for a in i.axes]
                dtype = torch.float64 if self.dtype == torch.float64 else self.dtype
                names[i.name] = Axed(torch.full(full, i.absent or 0.0, dtype=dtype, device=self.device), rank)
        if {"n", "m"} <= {*self.sizes}:
            n, m = self.sizes["n"], self.sizes["m"]
            rows, columns = (torch.arange(k, dtype=torch.float64, device=self.device) for k in (n, m))
            names["dist"] = Axed((rows[:, None] + m - n - columns).abs(), 2, made=True)
        return names

    def __call__(self) -> dict[str, Any]:
        """Call, look whether it behaved, and take the results apart."""
        binding = self.call.binding
        positional = [self._argument(str(k), g) for k, g in sorted(binding.positional.items())]
        named = {name: self._argument(name, g) for name, g in binding.named.items()}
        named = {name: x for name, x in named.items() if x is not MISSING}
        before = kept(self.inputs.items())
        with theirs():
            try:
                got = self.call.function(*(None if x is MISSING else x for x in positional), **named)
            except SystemExit as error:  # no Exception: it would end the whole check
                raise RuntimeError(f"it ended the program, with status {error.code}") from error
            settled(self.device)
            check_kept(before)
        out = {}
        for name, (buffer, given) in self.buffers.items():
            buffer.check()
            out[name] = self._canonical(buffer.inside, given.layout, given.value)
        return out | self._results(got)

    def _argument(self, name: str, given: Given) -> Any:
        """Return an argument as the callable wants it, or nothing where its input is absent and it has a default."""
        if isinstance(given.value, Buffer):
            return self.call.convert(self._buffer(given.value, given))
        symbol = given.value.symbol
        known = {i.name for i in self.call.spec.inputs}
        if symbol in known and symbol not in self.inputs and name in self.call.binding.optional:
            return MISSING
        return self._delivered(self.evaluate.evaluate(given.value), given)

    def _delivered(self, value: Any, given: Given) -> Any:
        import torch

        if isinstance(value, tuple | list):
            return type(value)(self._delivered(v, given) for v in value)
        if not isinstance(value, Axed):
            return value
        x = value.value
        if value.made and x.is_floating_point():
            x = x.to(torch.float64 if self.dtype == torch.float64 else torch.float32)
        if given.layout:
            assert isinstance(given.value, Expression)
            own = own_axes(self.call.spec, given.value, given.layout)
            if len(own) != value.rank:
                raise KernelMapError(f"the layout {given.layout!r} does not fit {given.value.text!r}")
            x = laid(x, given.layout, own, list(self.batch), list(self.batch.values()))
        if self.call.numbers and not x.ndim and not x.requires_grad:
            return x.item()
        return self.call.convert(x)

    def _buffer(self, value: Buffer, given: Given) -> torch.Tensor:
        import torch

        own = next(o.axes for o in self.call.spec.outputs if o.name == value.output)
        dtype = getattr(torch, CASTS[value.dtype]) if value.dtype else self.dtype
        if given.layout:
            shape = lengths(given.layout, own, self.sizes, self.batch)
        else:
            shape = [*self.shape, *(self.sizes[a] for a in own)]
        buffer = guarded(value.output, shape, dtype, self.device)
        self.buffers[value.output] = (buffer, given)
        return buffer.inside

    def _results(self, got: Any) -> dict[str, Any]:
        results = self.call.binding.results
        if not results and not self.buffers:
            return self._in_order(got)
        names = {o.name for o in self.call.spec.outputs}
        out = {}
        for result in results:
            name = next(iter(result.value.names & names))
            with theirs():
                y = self.call.back(_picked(got, result.place))
            y = self._canonical(y, result.layout, result.value)
            out[name] = self._inverted(y, result, name)
        return out

    def _in_order(self, got: Any) -> dict[str, Any]:
        outputs = self.call.outputs
        several = isinstance(got, tuple | list)
        if several and len(got) != len(outputs) and len(got) != 1:
            places = ", ".join(f"out[{k}]={o}" for k, o in enumerate(outputs))
            raise KernelMapError(
                f"it returns {len(got)} results, and {self.call.spec.key} has {', '.join(outputs)}; "
                f'add --map "{places}"'
            )
        values = got if several else [got]
        with theirs():
            return {name: self.call.back(y) for name, y in zip(outputs, values, strict=False)}

    def _canonical(self, y: torch.Tensor, layout: str, value: Expression | Buffer) -> torch.Tensor:
        """Bring a result into the order of the statement, without the batches of length 1 that layouts have added."""
        if layout:
            y = unlaid(y, layout, own_axes(self.call.spec, value, layout), self.sizes, self.batch)
        extra = len(self.batch) - len(self.shape)
        return y.reshape(y.shape[extra:]) if extra > 0 and {*y.shape[:extra]} == {1} else y

    def _inverted(self, y: torch.Tensor, result: Result, name: str) -> torch.Tensor:
        """Solve a result for the output in it, in double precision."""
        steps = inverse(result.value.tree, name)
        if not steps:
            return y
        y = y.double()
        for step, operand in steps:
            if step == "index":
                y = self._unindexed(y, operand)
                continue
            other = 0.0
            if operand is not None:
                value = self.evaluate.evaluate(Expression(ast.unparse(operand), operand, frozenset()))
                other = value.value.double() if isinstance(value, Axed) else value
            with theirs():  # of a shape that does not fit
                y = STEPS[step](y, other)
        return y

    def _unindexed(self, y: torch.Tensor, at: ast.expr | None) -> torch.Tensor:
        """Take the axes of length 1 away that an index has put in front of or between the own axes."""
        parts = at.elts if isinstance(at, ast.Tuple) else [at]
        batch = len(self.shape)
        new = [batch + k for k, p in enumerate(parts) if isinstance(p, ast.Constant)]
        if any(k >= y.ndim or y.shape[k] != 1 for k in new):
            raise KernelMapError(
                f"a result of shape {tuple(y.shape)} has no axis of length 1 where the mapping says so"
            )
        return y.squeeze(new)


def _picked(got: Any, place: Place) -> Any:
    if place.at is not None and not isinstance(got, Sequence | Mapping) and getattr(got, "shape", None) is not None:
        raise KernelMapError(f"it returns one array and no tuple, of which {place} would be an entry; write out=...")
    try:
        if place.at is not None:
            return got[place.at]
        if place.attribute:
            return getattr(got, place.attribute)
        if place.key:
            return got[place.key]
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise KernelMapError(f"it returns a {type(got).__name__} that has no {place}: {error}") from None
    if isinstance(got, tuple | list):
        if len(got) == 1:
            return got[0]
        raise KernelMapError(f"it returns {len(got)} results; say which one is meant: out[0]=...")
    return got


STEPS: Mapping[str, Callable[[Any, Any], Any]] = {
    "sub": lambda y, a: y - a, "add": lambda y, a: y + a, "from": lambda y, a: a - y, "div": lambda y, a: y / a,
    "mul": lambda y, a: y * a, "into": lambda y, a: a / y, "neg": lambda y, a: -y,
    "T": lambda y, a: y.transpose(-1, -2), "log": lambda y, a: y.log(), "exp": lambda y, a: y.exp(),
    "log2": lambda y, a: y.log2(), "exp2": lambda y, a: y.exp2(), "log1p": lambda y, a: y.log1p(),
    "expm1": lambda y, a: y.expm1(), "square": lambda y, a: y * y,
}  # fmt: skip
