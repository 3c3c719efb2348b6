"""Kernels of a record: numpy and torch functions with domain checks, and the ball oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dltsym.errors import DltsymError, DomainError, UnknownKey, UnknownNode, suggest
from dltsym.lower.closed.arrays import to_arrays
from dltsym.lower.closed.domain import check_inputs, sizes
from dltsym.lower.closed.printer import source
from dltsym.lower.closed.space import detach, is_number, space
from dltsym.lower.closed.tensors import Tensors, over_arrays, tensors
from dltsym.lower.closed.views import Views
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.tree import Expr, Index, Num, Rel, Sym
from dltsym.notation.walk import expand_lets, free_symbols, subterms
from dltsym.record import Theorem

if TYPE_CHECKING:
    from dltsym.lower.kernel import Kernel as TensorKernel

BACKENDS = ("numpy", "torch", "ball")


@dataclass(frozen=True, eq=False)
class Kernel(Views):
    """A callable that evaluates outputs of a record; call it with inputs by name or in the order of `inputs`.

    Attributes
    ----------
    key : str
        Record.
    backend : str
        ``numpy``, ``torch`` or ``ball``.
    inputs, outputs : tuple of str
        Argument names and output names. With one output the call returns its value, else a dict.
    source : str
        Generated Python (empty for balls).
    theorem : Theorem
        The record.
    run : callable
        From inputs by name to outputs by name.
    lowered : dltsym.lower.kernel.Kernel or None
        For outputs over arrays what computes them.
    """

    key: str
    backend: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    source: str
    theorem: Theorem
    run: Callable[[Mapping[str, Any]], dict[str, Any]]
    lowered: TensorKernel | None = None

    def __call__(self, *args: Any, **inputs: Any) -> Any:
        """Evaluate.

        Parameters
        ----------
        *args, **inputs
            Values. Leading axes are batches and broadcast against each other; an array symbol uses its last axes. The
            size of an array may be left out, and so may an index of an output over arrays: the result then has an axis
            for it, last. Other symbols of the record may be given, to have its hypotheses checked.

        Returns
        -------
        array, ball or dict of them

        Raises
        ------
        DomainError
            When an input is missing, unknown or outside its domain; the message names symbol, range and value.
        """
        if len(args) > len(self.inputs):
            names = ", ".join(self.inputs)
            raise DomainError(f"{self.key}: takes {len(self.inputs)} inputs ({names}), got {len(args)}")
        given = dict(zip(self.inputs, args, strict=False))
        twice = sorted(set(given) & set(inputs))
        if twice:
            raise DomainError(f"{self.key}: input {twice[0]} is given twice")
        given |= inputs
        known = {k for k, s in self.theorem.symbols.items() if s.decl.sort != "let"}
        extra = [k for k in given if k not in known]
        if extra:
            hint = suggest(extra[0], self.inputs)
            raise DomainError(f"{self.key}: unknown input {extra[0]}{hint}; inputs are {', '.join(self.inputs)}")
        sized = {hi for s in self.theorem.symbols.values() if s.name in given for _, hi in s.decl.shape}
        if self.lowered is not None:
            sized |= {s for s in self.theorem.symbols.values() if s.decl.sort == "index"}
        missing = [k for k in self.inputs if k not in given and self.theorem.symbols[k] not in sized]
        if missing:
            raise DomainError(f"{self.key}: missing input {', '.join(missing)}; inputs are {', '.join(self.inputs)}")
        out = self.run(given)
        return out[self.outputs[0]] if len(self.outputs) == 1 else out

    def __repr__(self) -> str:
        return f"<{self.backend} kernel of {self.key}: ({', '.join(self.inputs)}) -> {', '.join(self.outputs)}>"


def needed(theorem: Theorem, outputs: Mapping[str, Expr]) -> tuple[Sym, ...]:
    """Return the input symbols of some outputs, in declared order (sizes of arrays included).

    Parameters
    ----------
    theorem : Theorem
        Record.
    outputs : mapping of str to Expr
        Outputs.

    Returns
    -------
    tuple of Sym
    """
    used = _used(outputs.values())
    return tuple(s for s in theorem.symbols.values() if s in used)


def _used(trees: Iterable[Expr]) -> frozenset[Sym]:
    trees = [evaluate_derivatives(expand_lets(e)) for e in trees]
    arrays = {t.array for e in trees for t in subterms(e) if isinstance(t, Index)}
    return frozenset().union(*map(free_symbols, trees), arrays)


def backends(theorem: Theorem) -> list[str]:
    """Return the backends that can evaluate every output of a record.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Returns
    -------
    list of str
    """
    if not theorem.outputs:
        return []
    try:
        kernel(theorem)
    except DltsymError:
        return []
    return list(BACKENDS)


def kernel(theorem: Theorem, backend: str = "numpy", of: str | None = None) -> Kernel:
    """Lower the outputs of a record to a callable.

    Parameters
    ----------
    theorem : Theorem
        Record.
    backend : {"numpy", "torch", "ball"}
        Where it runs.
    of : str, optional
        One output.

    Returns
    -------
    Kernel

    Raises
    ------
    UnknownKey
        For an unknown backend or output.
    UnknownNode
        When an output has no elementwise form (an integral or a limit), or there is no output.
    """
    if backend not in BACKENDS:
        raise UnknownKey(f"no backend {backend!r}; there are {', '.join(BACKENDS)}{suggest(backend, BACKENDS)}")
    if of is not None and of not in theorem.outputs:
        hint = suggest(of, theorem.outputs)
        raise UnknownKey(f"{theorem.key} has no output {of!r}; it has {', '.join(theorem.outputs)}{hint}")
    outputs = {of: theorem.outputs[of]} if of is not None else dict(theorem.outputs)
    if not outputs:
        raise UnknownNode(f"{theorem.key} has no numeric output")
    symbols = needed(theorem, outputs)
    names, results = tuple(s.name for s in symbols), tuple(outputs)
    arrays = over_arrays(outputs.values())
    plain = None if arrays else source(outputs, symbols, theorem.title)
    if backend == "ball":
        return Kernel(theorem.key, backend, names, results, "", theorem, _Balls(theorem, outputs, symbols))
    if plain is not None:
        run = _Arrays(theorem, backend, _Function.compile(theorem.key, plain, symbols))
        return Kernel(theorem.key, backend, names, results, plain, theorem, run)
    found = tensors(theorem.key, theorem, outputs, symbols, backend, of)
    run = _Arrays(theorem, backend, found)
    return Kernel(theorem.key, backend, names, results, found.kernel.source, theorem, run, found.kernel)


@dataclass(frozen=True)
class _Balls:
    theorem: Theorem
    outputs: Mapping[str, Expr]
    symbols: tuple[Sym, ...]

    def __call__(self, given: Mapping[str, Any]) -> dict[str, Any]:
        from dltsym.lower.closed.oracle import enclose

        return enclose(self.theorem, self.outputs, self.symbols, given)


@dataclass(frozen=True)
class _Function:
    """A compiled source with its inputs."""

    call: Callable[..., dict[str, Any]]
    symbols: tuple[Sym, ...]

    @classmethod
    def compile(cls, name: str, text: str, symbols: tuple[Sym, ...]) -> _Function:
        space: dict[str, Any] = {}
        exec(compile(text, f"<kernel {name}>", "exec"), space)  # our own text; names in it are checked identifiers
        return cls(space["kernel"], symbols)

    def __call__(self, like: Any, values: Mapping[str, Any]) -> dict[str, Any]:
        out = self.call(like, *(values[s.name] for s in self.symbols))
        return {name: x + like if is_number(x) else x for name, x in out.items()}


@dataclass(frozen=True)
class _Arrays:
    """Numpy or torch evaluation: convert, check, compute, convert back."""

    theorem: Theorem
    backend: str
    function: _Function | Tensors

    def __call__(self, given: Mapping[str, Any]) -> dict[str, Any]:
        key = self.theorem.key
        flags = {n for n in given if self.theorem.symbols[n].decl.entries == "bool"}
        values, final, like = to_arrays(self.backend, key, given, flags)
        symbols = tuple(s for s in self.theorem.symbols.values() if s.name in values)
        for name, size in sizes(key, symbols, values).items():
            if name not in values:
                values[name] = like + size
        symbols = tuple(s for s in self.theorem.symbols.values() if s.name in values)
        check_inputs(key, symbols, values, given)
        _check_batches(key, symbols, values)
        if self.backend == "torch":
            return self.finish(values, final, like)
        import numpy as np

        with np.errstate(all="ignore"):
            return self.finish(values, final, like)

    def finish(self, values: Mapping[str, Any], final: Any, like: Any) -> dict[str, Any]:
        for rel in (r for r in self.theorem.given if isinstance(r, Rel)):
            hypothesis = _hypothesis(rel, self.backend)
            if hypothesis is not None and hypothesis.needs <= values.keys():
                _check_hypothesis(self.theorem.key, hypothesis, values, like)
        done = {}
        for name, x in self.function(like, values).items():
            x = x[()] if self.backend == "numpy" else x
            done[name] = x if x.dtype == final else x.to(final) if self.backend == "torch" else x.astype(final)
        return done


def _check_batches(key: str, symbols: tuple[Sym, ...], values: Mapping[str, Any]) -> None:
    batches = {s.name: tuple(values[s.name].shape[: len(values[s.name].shape) - len(s.decl.shape)]) for s in symbols}
    seen: dict[int, tuple[int, str]] = {}
    for name, shape in batches.items():
        for axis, size in enumerate(reversed(shape), 1):
            other, first = seen.get(axis, (1, name))
            if size != 1 and other not in (1, size):
                raise DomainError(
                    f"{key}: the batch axes of {first} {batches[first]} and {name} {shape} do not broadcast"
                )
            if size != 1:
                seen[axis] = (size, name)


# Hypotheses that the inputs can be held against


@dataclass(frozen=True)
class _Hypothesis:
    """A compiled hypothesis, and the names that it needs; a free index takes all its values."""

    rel: Rel
    function: _Function | Tensors
    needs: frozenset[str]


@lru_cache(maxsize=1024)
def _hypothesis(rel: Rel, backend: str) -> _Hypothesis | None:
    """Compile both sides of a hypothesis; None when it cannot be lowered, as with an integral."""
    sides = {"lhs": rel.lhs, "rhs": rel.rhs}
    symbols = tuple(sorted(_used(sides.values()), key=lambda s: s.name))
    inputs = tuple(s for s in symbols if s.decl.sort != "index")
    try:
        if over_arrays(sides.values()) or len(inputs) < len(symbols):
            function = tensors(str(rel), sides, sides, symbols, backend)
            return _Hypothesis(rel, function, frozenset(function.kernel.inputs))
        function = _Function.compile("hypothesis", source(sides, inputs, str(rel)), inputs)
    except DltsymError:
        return None
    return _Hypothesis(rel, function, frozenset(s.name for s in inputs))


def _sides(hypothesis: _Hypothesis, values: Mapping[str, Any], like: Any) -> tuple[Any, Any]:
    """Return both sides; an axis that one of them lacks has size 1 there."""
    if isinstance(hypothesis.function, _Function):
        out = hypothesis.function(like, values)
        return detach(out["lhs"]), detach(out["rhs"])
    kernel = hypothesis.function.kernel
    names = {n: tuple(s.name for s in kernel.axes[n]) for n in ("lhs", "rhs")}
    every = sorted({a for own in names.values() for a in own})
    out = hypothesis.function(like, {n: x for n, x in values.items() if n not in every})
    a, b = (_spread(detach(out[n]), names[n], every) for n in ("lhs", "rhs"))
    return a, b


def _spread(x: Any, own: tuple[str, ...], every: list[str]) -> Any:
    return x[(..., *(slice(None) if name in own else None for name in every))]


def _check_hypothesis(key: str, hypothesis: _Hypothesis, values: Mapping[str, Any], like: Any) -> None:
    # Rounding in either side is forgiven.
    rel = hypothesis.rel
    a, b = _sides(hypothesis, values, like)
    xp = space(a)
    exact = isinstance(rel.lhs, Sym) and isinstance(rel.rhs, Sym | Num)
    slack = 0 if exact else 256 * xp.finfo(a.dtype).eps * xp.maximum(abs(a + 0 * b), abs(b + 0 * a))
    op = rel.op
    good = {"<": a < b if exact else a <= b + slack, "<=": a <= b + slack, ">": a > b if exact else a >= b - slack,
            ">=": a >= b - slack, "=": abs(a - b) <= slack, "!=": a != b}[op]  # fmt: skip
    if not bool(good.all()):
        a, b, good = xp.broadcast_tensors(a, b, good) if xp.__name__ == "torch" else xp.broadcast_arrays(a, b, good)
        bad = ~good.reshape(-1)
        left, right = (x.reshape(-1)[bad][0].item() for x in (a, b))
        told = f"left side {left:.9g}, right side {right:.9g}"
        raise DomainError(f"{key}: the inputs violate the hypothesis {rel} ({told})")
