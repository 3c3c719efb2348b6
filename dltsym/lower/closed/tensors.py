"""Outputs over arrays: the tensor kernel of the same outputs, at the entries that index arguments name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, prod
from typing import TYPE_CHECKING, Any

from dltsym.errors import DomainError, UnknownNode, UnsupportedError
from dltsym.lower.closed.space import detach, integers, space
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.evaluate import evaluate_exact
from dltsym.notation.tree import Add, Call, Const, Div, Expr, Index, Mul, Neg, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import expand_lets, free_symbols, substitute, subterms

if TYPE_CHECKING:
    from dltsym.lower.kernel import Kernel

MAX_TERMS = 10**7
_ENTRYWISE = (Num, Const, Sym, Neg, Add, Mul, Div, Pow, Call)


def over_arrays(outputs: Iterable[Expr]) -> bool:
    """Tell whether some outputs take entries of arrays or sum, so that the tensor compiler lowers them.

    Parameters
    ----------
    outputs : iterable of Expr
        Trees.

    Returns
    -------
    bool

    Raises
    ------
    UnknownNode
        When such an output has no elementwise form either (an integral, a limit).
    """
    nodes = [t for e in outputs for t in subterms(evaluate_derivatives(expand_lets(e)))]
    found = any(isinstance(t, Sum | Index) for t in nodes)
    strange = next((t for t in nodes if not isinstance(t, (*_ENTRYWISE, Sum, Index))), None)
    if found and strange is not None:
        raise UnknownNode(f"{type(strange).__name__} has no elementwise form: {strange}")
    return found


@dataclass(frozen=True)
class Tensors:
    """A tensor kernel that takes checked arrays of one type; integers and indices are such arrays too.

    Attributes
    ----------
    key : str
        Record, named in errors.
    kernel : Kernel
        The tensor kernel; free indices are axes, in declared order.
    symbols : mapping of str to Sym
        Inputs.
    lengths : frozenset of str
        Names in the limits of sums.
    outputs : mapping of str to Expr
        What the kernel computes.
    given : tuple of Rel
        Hypotheses that it was compiled with.
    """

    key: str
    kernel: Kernel
    symbols: Mapping[str, Sym]
    lengths: frozenset[str]
    outputs: Mapping[str, Expr]
    given: tuple[Rel, ...] = ()

    def __call__(self, like: Any, values: Mapping[str, Any]) -> dict[str, Any]:
        """Evaluate; an index that is not given stays an axis.

        Parameters
        ----------
        like : array
            Sets module, type and device.
        values : mapping of str to array
            Inputs.

        Returns
        -------
        dict of str to array
        """
        values = {n: x for n, x in values.items() if n in self.symbols}
        whole = {n: integers(detach(x)) for n, x in values.items() if self.symbols[n].decl.sort == "integer"}
        at = {n: integers(detach(x)) for n, x in values.items() if self.symbols[n].decl.sort == "index"}
        rest = {n: x for n, x in values.items() if n not in whole and n not in at}
        counts = [n for n, k in whole.items() if prod(k.shape) > 1]
        if not counts:
            fixed = {n: int(k.reshape(-1)[0]) for n, k in whole.items() if prod(k.shape)}
            if at and self.single is not None and _one_entry(rest, at) and self._inside(rest, fixed, at):
                return self.single._run(like, rest, fixed | {n: int(k) for n, k in at.items()})
            return self._picked(self._run(like, rest, fixed), fixed, at)
        return self._grouped(like, rest, whole, at)

    @cached_property
    def single(self) -> Tensors | None:
        """Kernel of one entry, whose indices are numbers; None where the compiler has none.

        The gradient of a picked entry is nan where another entry is infinite, so this one is used for gradients.
        """
        named = {s: Sym(replace(s.decl, sort="integer")) for s in self.symbols.values() if s.decl.sort == "index"}
        outputs = {n: substitute(expand_lets(e), named) for n, e in self.outputs.items()}
        symbols = [named.get(s, s) for s in self.symbols.values()]
        try:
            return tensors(self.key, outputs, outputs, symbols, self.kernel.backend, given=self.given)
        except UnsupportedError:
            return None

    def _inside(self, rest: Mapping[str, Any], fixed: Mapping[str, int], at: Mapping[str, Any]) -> bool:
        """Tell whether every index is given and in its range; what is not is told when entries are picked."""
        ranges = {n: [hi for _, hi in self.symbols[n].decl.shape] for n in rest}
        tails = {n: rest[n].shape[len(rest[n].shape) - len(own) :] for n, own in ranges.items()}
        sizes = [pair for n, own in ranges.items() for pair in zip(own, tails[n], strict=True)]
        fixed = {s.name: k for s, k in sizes if isinstance(s, Sym)} | dict(fixed)
        for s in (s for axes in self.kernel.axes.values() for s in axes):
            lo, hi = (None if b is None else evaluate_exact(expand_lets(b), fixed) for b in (s.decl.lo, s.decl.hi))
            if s.name not in at or lo is None or hi is None or not lo <= int(at[s.name]) <= hi:
                return False
        return True

    def _run(self, like: Any, rest: Mapping[str, Any], fixed: Mapping[str, int]) -> dict[str, Any]:
        args: list[Any] = []
        for i in self.kernel.arguments.inputs:
            if i.entries == "integer" and not i.shape:
                args.append(fixed[i.name])
            elif i.entries == "real":
                args.append(rest[i.name])
            else:
                args.append(rest[i.name] != 0 if i.entries == "bool" else integers(rest[i.name]))
        if long := [n for n in fixed if n in self.lengths and fixed[n] >= MAX_TERMS]:
            raise DomainError(f"{self.key}: {long[0]} = {fixed[long[0]]} gives too many terms for an array kernel")
        out = self.kernel(*args)
        return {n: x + 0 * like for n, x in (out if isinstance(out, dict) else {self.kernel.outputs[0]: out}).items()}

    def _picked(self, out: Mapping[str, Any], fixed: Mapping[str, int], at: Mapping[str, Any]) -> dict[str, Any]:
        """Take the entries that indices name; each index may be a batch."""
        return {name: self._entry(x, self.kernel.axes[name], fixed, at) for name, x in out.items()}

    def _entry(self, x: Any, axes: tuple[Sym, ...], fixed: Mapping[str, int], at: Mapping[str, Any]) -> Any:
        named = [k for k, s in enumerate(axes) if s.name in at]
        if not named:
            return x
        xp, start = space(x), len(x.shape) - len(axes)
        kept = [k for k in range(len(axes)) if k not in named]
        places = [self._place(axes[k], x.shape[start + k], fixed, at[axes[k].name]) for k in named]
        batch = tuple(xp.broadcast_shapes(tuple(x.shape[:start]), *(tuple(p.shape) for p in places)))
        order = [*range(start), *(start + k for k in kept), *(start + k for k in named)]
        x = x.permute(order) if xp.__name__ == "torch" else x.transpose(order)
        sizes, inner = tuple(x.shape[start + len(kept) :]), tuple(x.shape[start : start + len(kept)])
        flat = xp.broadcast_to(x, (*batch, *inner, *sizes)).reshape((*batch, *inner, prod(sizes)))
        pos = 0
        for p, size in zip(places, sizes, strict=True):
            pos = pos * size + p
        pos = xp.broadcast_to(pos.reshape((*pos.shape, *(1,) * len(inner))), (*batch, *inner))[..., None]
        taken = xp.take_along_dim(flat, pos, -1) if xp.__name__ == "torch" else xp.take_along_axis(flat, pos, -1)
        return taken[..., 0]

    def _place(self, s: Sym, size: int, fixed: Mapping[str, int], k: Any) -> Any:
        assert s.decl.lo is not None
        first = evaluate_exact(expand_lets(s.decl.lo), fixed)
        first = 1 if first is None else ceil(first)
        if bool(((k < first) | (k >= first + size)).any()):
            bad = int(k.min()) if int(k.min()) < first else int(k.max())
            raise DomainError(f"{self.key}: index {bad} is outside {first}..{first + size - 1}")
        return k - first

    def _grouped(
        self, like: Any, rest: Mapping[str, Any], whole: Mapping[str, Any], at: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Evaluate a batch of integers once for each of their values: sizes and counts are no arrays of a kernel."""
        xp = space(like)
        every = {**rest, **whole, **at}
        own = {n: len(self.symbols[n].decl.shape) for n in every}
        batches = {n: tuple(x.shape[: len(x.shape) - own[n]]) for n, x in every.items()}
        batch = tuple(xp.broadcast_shapes(*batches.values()))
        flat = {}
        for n, x in every.items():
            tail = tuple(x.shape[len(x.shape) - own[n] :])
            flat[n] = xp.broadcast_to(x, (*batch, *tail)).reshape((-1, *tail))
        rows: dict[tuple[int, ...], list[int]] = {}
        for row, values in enumerate(zip(*(flat[n].tolist() for n in whole), strict=True)):
            rows.setdefault(values, []).append(row)
        found: dict[str, list[Any]] = {n: [] for n in self.kernel.outputs}
        for values, those in rows.items():
            fixed = dict(zip(whole, values, strict=True))
            part = self._run(like, {n: flat[n][those] for n in rest}, fixed)
            part = self._picked(part, fixed, {n: flat[n][those] for n in at})
            for n, x in part.items():
                tail = len(x.shape) - len(self.kernel.axes[n]) + sum(s.name in at for s in self.kernel.axes[n])
                found[n].append(xp.broadcast_to(x, (len(those), *x.shape[tail:])))
        back = sorted(range(prod(batch)), key=[r for those in rows.values() for r in those].__getitem__)
        join = xp.cat if xp.__name__ == "torch" else xp.concatenate
        return {n: (y := join(parts)[back]).reshape((*batch, *y.shape[1:])) for n, parts in found.items()}


def _one_entry(rest: Mapping[str, Any], at: Mapping[str, Any]) -> bool:
    """Tell whether the gradient of a single entry may be asked for."""
    return all(k.ndim == 0 for k in at.values()) and any(getattr(x, "requires_grad", False) for x in rest.values())


def tensors(
    key: str,
    what: Any,
    outputs: Mapping[str, Expr],
    symbols: Iterable[Sym],
    backend: str,
    of: str | None = None,
    given: tuple[Rel, ...] = (),
) -> Tensors:
    """Compile outputs over arrays, with their free indices as axes in the order of the symbols.

    Parameters
    ----------
    key : str
        Record.
    what : Theorem or mapping of str to Expr
        What the compiler is asked for.
    outputs : mapping of str to Expr
        The outputs of it.
    symbols : iterable of Sym
        Inputs in order.
    backend : {"numpy", "torch"}
        Where it runs.
    of : str, optional
        The only output of a record that is wanted.
    given : tuple of Rel
        Hypotheses besides those of a record.

    Returns
    -------
    Tensors
    """
    from dltsym.lower.compiler import compile as compiled
    from dltsym.lower.front.reading import indices

    symbols = tuple(symbols)
    place = {s.name: k for k, s in enumerate(symbols)}
    axes = {n: sorted((s.name for s in indices(e)), key=lambda a: place.get(a, 0)) for n, e in outputs.items()}
    kernel = compiled(what, axes=axes, backend=backend, of=of, given=given)
    known = tuple(r for r in getattr(what, "given", given) if isinstance(r, Rel))
    spans = [end for e in outputs.values() for t in subterms(expand_lets(e)) if isinstance(t, Sum)
             for _, lo, hi in t.limits for end in (lo, hi)]  # fmt: skip
    lengths = frozenset(s.name for e in spans for s in free_symbols(e))
    return Tensors(key, kernel, {s.name: s for s in symbols}, lengths, dict(outputs), known)
