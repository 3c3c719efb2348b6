"""The arguments of one call: names, ranks, sizes, types, devices and domains, each fault in one line."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from dltsym.errors import DomainError, DTypeError, ShapeError, suggest
from dltsym.lower.front.arrays import Backend
from dltsym.lower.passes.places import Check, Range
from dltsym.lower.program import Input
from dltsym.lower.sizes import Poly, carriers, parse_size

_HOLDS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class Call:
    """Checked values of a call in order, type of its real arrays (None without any), batch dimensions, and sizes."""

    values: list[Any]
    dtype: Any
    batch: tuple[int, ...]
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Arguments:
    """What a kernel takes.

    Attributes
    ----------
    inputs : tuple of Input
        Arguments in order.
    floors : mapping of str to int
        Smallest value of each size.
    checks : tuple of Check or Range
        What else a call has to hold.
    letters : mapping
        Index name by array name and dimension, for messages.
    """

    inputs: tuple[Input, ...]
    floors: Mapping[str, int] = field(default_factory=dict)
    checks: tuple[Check | Range, ...] = ()
    letters: Mapping[tuple[str, int], str] = field(default_factory=dict)

    def signature(self, i: Input) -> str:
        """Return one argument as ``Q[..., i:n, k:d]``.

        Parameters
        ----------
        i : Input
            Argument.

        Returns
        -------
        str
        """
        if not i.shape:
            return i.name
        dims = (f"{self.letters.get((i.name, k), '_')}:{size}" for k, size in enumerate(i.shape))
        return f"{i.name}[..., {', '.join(dims)}]"

    def bind(self, name: str, args: Sequence[Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """Give each argument its value; sizes that arrays carry may be given too, and are then checked.

        Parameters
        ----------
        name : str
            Kernel, for messages.
        args : sequence
            Positional values.
        given : mapping
            Values by name.

        Returns
        -------
        dict

        Raises
        ------
        DomainError
            When one is missing, unknown or given twice.
        """
        names = [i.name for i in self.inputs]
        if len(args) > len(names):
            raise DomainError(f"{name} takes {len(names)} inputs ({', '.join(names)}), got {len(args)}")
        out = dict(zip(names, args, strict=False))
        for key, value in given.items():
            plain = key if key in names or key in self.floors else key.removesuffix("_")
            if plain in out:
                raise DomainError(f"{name}: input {plain} is given twice")
            if plain not in names and plain not in self.floors:
                raise DomainError(f"{name}: unknown input {key}{suggest(key, names)}; inputs are {', '.join(names)}")
            out[plain] = value
        missing = [n for n in names if n not in out]
        if missing:
            raise DomainError(f"{name}: missing input {', '.join(missing)}; inputs are {', '.join(names)}")
        return out

    def read(self, backend: Backend, bound: Mapping[str, Any], *, validate: bool = False) -> Call:
        """Check the values of a call.

        Parameters
        ----------
        backend : Backend
            Array library.
        bound : mapping of str
            Values by name.
        validate : bool
            Check the entries of real arrays against their declared range too.

        Returns
        -------
        Call
        """
        values = {i.name: backend.enter(i.name, bound[i.name], i, bool(i.shape)) for i in self.inputs}
        dtype = self._types(backend, values)
        sizes = self._sizes(backend, values, {k: v for k, v in bound.items() if k not in values})
        batch = self._batches(backend, values)
        self._values(backend, values, sizes)
        for i in self.inputs if validate else ():
            _domain(backend, i, values[i.name])
        for check in self.checks:
            self._check(check, sizes)
        return Call([backend.cast(values[i.name], i, dtype) for i in self.inputs], dtype, batch, sizes)

    def look(self, backend: Backend, values: Sequence[Any], sizes: Mapping[str, int]) -> None:
        """Check what shapes and types do not say: the values of parameters and of indices.

        Parameters
        ----------
        backend : Backend
            Array library.
        values : sequence
            Values in order, of shapes and types that were found fine.
        sizes : mapping of str to int
            Sizes that these shapes have.
        """
        if all(_plain(values[k], tests) for k, tests in self._quick):
            return
        named = dict(zip((i.name for i in self.inputs), values, strict=True))
        sizes = self._sizes(backend, named, {}) if self._sized else sizes
        self._values(backend, named, sizes)
        if self._sized:
            for check in self.checks:
                self._check(check, sizes)

    def _values(self, backend: Backend, values: Mapping[str, Any], sizes: Mapping[str, int]) -> None:
        for i in self._valued:
            x = values[i.name]
            if not i.shape or i.entries == "bool":
                _domain(backend, i, x)
                continue
            ends = backend.extremes(x)
            if ends is None:
                continue
            _domain(backend, i, x, ends)
            for c in self.checks:
                if isinstance(c, Range) and c.name == i.name:
                    _within(backend, c, x, ends, sizes)

    @property
    def valued(self) -> bool:
        """Whether some argument is a number, or an array of integers."""
        return bool(self._valued)

    @cached_property
    def _valued(self) -> tuple[Input, ...]:
        return tuple(i for i in self.inputs if not i.shape or i.entries == "integer")

    @cached_property
    def _quick(self) -> tuple[tuple[int, tuple[tuple[Any, int | float], ...] | None], ...]:
        # The place of each input to look at, and the tests that a Python number passes; None where that is not all.
        def tests(i: Input) -> tuple[tuple[Any, int | float], ...] | None:
            free = i.entries == "real" and not i.shape
            return tuple((_HOLDS[op], _exact(b)) for op, b in _bounds(i)) if free else None

        return tuple((k, tests(i)) for k, i in enumerate(self.inputs) if i in self._valued)

    @cached_property
    def _sized(self) -> bool:
        return any(i.entries == "integer" and not i.shape for i in self._valued)

    # Types

    def _types(self, backend: Backend, values: Mapping[str, Any]) -> Any:
        first: tuple[str, Any] | None = None
        place: tuple[str, Any] | None = None
        for i in self.inputs:
            x = values[i.name]
            if not backend.is_array(x):
                continue
            backend.check_kind(i, x)
            if i.entries == "real" and not backend.weak(x):
                if first is not None and x.dtype != first[1]:
                    raise DTypeError(f"{first[0]} is {_short(first[1])} but {i.name} is {_short(x.dtype)}")
                first = first or (i.name, x.dtype)
            device = backend.device(x)
            if device is not None and (i.shape or backend.rank(x)):
                if place is not None and device != place[1]:
                    raise DomainError(f"{place[0]} is on {place[1]} but {i.name} is on {device}")
                place = place or (i.name, device)
        return None if first is None else first[1]

    # Sizes

    def _sizes(self, backend: Backend, values: Mapping[str, Any], stated: Mapping[str, Any]) -> dict[str, int]:
        sizes: dict[str, int] = {}
        source: dict[str, tuple[str, str, int]] = {}
        later: list[tuple[Input, int, int, Poly]] = []
        for i in self.inputs:
            x = values[i.name]
            if not i.shape:
                if i.entries == "integer":
                    sizes[i.name], source[i.name] = x, ("", i.name, 0)
                continue
            if backend.rank(x) < len(i.shape):
                indices = ",".join(self.letters.get((i.name, k), size) for k, size in enumerate(i.shape))
                need = f"{i.name} needs at least {len(i.shape)} trailing dims ({indices}), got shape {_shape(x)}"
                raise ShapeError(f"{need}; expected {self.signature(i)}")
            for dim in range(-len(i.shape), 0):
                text, got = i.shape[dim], int(x.shape[dim])
                letter = self.letters.get((i.name, dim + len(i.shape)), text)
                if not text.isidentifier():
                    later.append((i, dim, got, parse_size(text)))
                elif text not in sizes:
                    sizes[text], source[text] = got, (letter, i.name, dim)
                elif sizes[text] != got:
                    raise ShapeError(self._clash(text, source[text], sizes[text], letter, i.name, dim, got, values))
        self._composite(later, sizes, values)
        for name, value in stated.items():
            if name in sizes and value != sizes[name]:
                raise ShapeError(f"{name} is given as {value}, but the arrays say {sizes[name]}")
        for name, least in self.floors.items():
            if sizes.get(name, least) < least:
                where = source.get(name, ("", "", 0))
                told = f" ({where[1]}, dim {where[2]})" if where[2] else ""
                kind = ShapeError if where[2] else DomainError
                raise kind(f"{name} must be at least {least}, got {sizes[name]}{told}")
        return sizes

    def _composite(self, later: list[tuple[Input, int, int, Poly]], sizes: dict[str, int], values: Any) -> None:
        lengths: dict[str, tuple[Input, int, int]] = {}
        for i, dim, got, _ in later:
            lengths.setdefault(i.shape[dim], (i, dim, got))
        for size, carrier in carriers(tuple(t for i in self.inputs for t in i.shape)).items():
            if size not in sizes and carrier.text in lengths:
                i, dim, got = lengths[carrier.text]
                value = carrier.solve(got, sizes)
                if value is None:
                    raise ShapeError(
                        f"{i.name} has size {got} in dim {dim}, which is no {carrier.text}; {self._seen(values)}"
                    )
                sizes[size] = value
        for i, dim, got, p in later:
            if p.names <= sizes.keys() and p.at(sizes) != got:
                known = ", ".join(f"{n} = {sizes[n]}" for n in sorted(p.names))
                told = f" because {known}" if known else ""
                raise ShapeError(
                    f"{i.name} has size {got} in dim {dim}, expected {p.text} = {p.at(sizes)}{told}; "
                    f"{self._seen(values)}"
                )

    def _clash(
        self, text: str, first: tuple[str, str, int], size: int, letter: str, name: str, dim: int, got: int, values: Any
    ) -> str:
        axis = f"axis {first[0]}" if first[0] == letter else f"size {text}"
        if not first[2]:
            return f"{text} is given as {size}, but {name} has {got} in dim {dim}; {self._seen(values)}"
        where = f"{axis} has size {size} ({first[1]}, dim {first[2]}) but {got} ({name}, dim {dim})"
        return f"{where}; {self._seen(values)}"

    def _seen(self, values: Mapping[str, Any]) -> str:
        arrays = [i for i in self.inputs if i.shape]
        wanted = ", ".join(self.signature(i) for i in arrays)
        got = ", ".join(f"{i.name} {_shape(values[i.name])}" for i in arrays)
        return f"expected {wanted}; got {got}"

    def _batches(self, backend: Backend, values: Mapping[str, Any]) -> tuple[int, ...]:
        longest = 0
        seen: dict[int, tuple[int, str]] = {}
        for i in self.inputs:
            x = values[i.name]
            shape = tuple(x.shape) if backend.is_array(x) else ()
            longest = max(longest, len(shape) - len(i.shape))
            for k, size in enumerate(reversed(shape[: len(shape) - len(i.shape)]), 1):
                other, name = seen.get(k, (1, i.name))
                if size != 1 and other not in (1, size):
                    raise ShapeError(
                        f"batch dim -{k} has size {other} ({name}) but {size} ({i.name}); {self._seen_all(values)}"
                    )
                if size != 1:
                    seen[k] = (int(size), i.name)
        return tuple(seen.get(k, (1, ""))[0] for k in range(longest, 0, -1))

    def _seen_all(self, values: Mapping[str, Any]) -> str:
        wanted = ", ".join(self.signature(i) for i in self.inputs)
        got = ", ".join(f"{i.name} {_shape(values[i.name])}" for i in self.inputs)
        return f"expected {wanted}; got {got}"

    # Values

    def _check(self, check: Check | Range, sizes: Mapping[str, int]) -> None:
        if isinstance(check, Range):
            return
        need = parse_size(check.need)
        if need.at(sizes) < 0 and not any(parse_size(s).at(sizes) <= 0 for s in check.unless):
            known = ", ".join(f"{n} = {sizes[n]}" for n in sorted(need.names))
            raise ShapeError(f"{check.says}: {check.need} must not be negative, but {known}")


def _within(backend: Backend, check: Range, x: Any, ends: tuple[int, int], sizes: Mapping[str, int]) -> None:
    lo, hi = parse_size(check.lo).at(sizes), parse_size(check.hi).at(sizes)
    if lo <= ends[0] and ends[1] <= hi:
        return
    bad = backend.failing(x, lambda v: (v >= lo) & (v <= hi))
    where, entry = (list(bad[0]) or "", bad[1]) if bad else ("", ends)
    raise DomainError(f"{check.name}{where} = {entry} is out of range, {check.name} runs from {lo} to {hi}")


def _short(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _shape(x: Any) -> str:
    return str(tuple(int(s) for s in getattr(x, "shape", ())))


def _bounds(i: Input) -> Iterator[tuple[str, Fraction]]:
    if i.lo is not None:
        yield (">" if i.lo_open else ">="), i.lo
    if i.hi is not None:
        yield ("<" if i.hi_open else "<="), i.hi


def _domain(backend: Backend, i: Input, x: Any, ends: tuple[int, int] | None = None) -> None:
    for op, bound in _bounds(i):
        if ends is not None and all(_HOLDS[op](e, _exact(bound)) for e in ends):
            continue
        bad = backend.failing(x, lambda v, op=op, bound=bound: _HOLDS[op](v, _exact(bound)))
        if bad is not None:
            place, entry = bad
            if not place and not i.shape:
                raise DomainError(f"{i.name} must be {_words(op, bound)}, got {entry}")
            where = f"{i.name}[{', '.join(map(str, place))}]"
            raise DomainError(f"{where} = {entry} but {i.name} is declared {_words(op, bound)}")


def _plain(x: Any, tests: tuple[tuple[Any, int | float], ...] | None) -> bool:
    return tests is not None and isinstance(x, int | float) and all(holds(x, bound) for holds, bound in tests)


def _exact(bound: Fraction) -> int | float:
    return int(bound) if bound.denominator == 1 else float(bound)


def _words(op: str, bound: Fraction) -> str:
    if bound == 0:
        return {">": "positive", ">=": "nonnegative", "<": "negative", "<=": "nonpositive"}[op]
    words = {">": "greater than", ">=": "at least", "<": "less than", "<=": "at most"}[op]
    return f"{words} {_exact(bound)}"
