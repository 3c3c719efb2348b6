"""Kernels of a record: numpy and torch functions with domain checks, and the ball oracle."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dltsym.errors import DltsymError, DomainError, UnknownKey, UnknownNode, suggest
from dltsym.lower.domain import check_inputs
from dltsym.lower.printer import python_name, source
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.tree import Expr, Index, Sym
from dltsym.notation.walk import expand_lets, free_symbols, subterms
from dltsym.record import Theorem

BACKENDS = ("numpy", "torch", "ball")


@dataclass(frozen=True)
class Kernel:
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
    """

    key: str
    backend: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    source: str
    theorem: Theorem
    run: Callable[[Mapping[str, Any]], dict[str, Any]]

    def __call__(self, *args: Any, **inputs: Any) -> Any:
        """Evaluate.

        Parameters
        ----------
        *args, **inputs
            Values; arrays broadcast against each other, array symbols use their last axes.

        Returns
        -------
        array, ball or dict of them

        Raises
        ------
        DomainError
            When an input is missing, unknown or outside its domain; the message names symbol, range and value.
        """
        if len(args) > len(self.inputs):
            raise DomainError(f"{self.key}: takes {len(self.inputs)} inputs ({', '.join(self.inputs)}), got {len(args)}")
        given = dict(zip(self.inputs, args, strict=False))
        twice = sorted(set(given) & set(inputs))
        if twice:
            raise DomainError(f"{self.key}: input {twice[0]} is given twice")
        given |= inputs
        extra = [k for k in given if k not in self.theorem.symbols]
        if extra:
            raise DomainError(f"{self.key}: unknown input {extra[0]}{suggest(extra[0], self.inputs)}")
        missing = [k for k in self.inputs if k not in given]
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
    used = frozenset().union(*(free_symbols(evaluate_derivatives(expand_lets(e))) for e in outputs.values()))
    arrays = {t.array for e in outputs.values() for t in subterms(expand_lets(e)) if isinstance(t, Index)}
    return tuple(s for s in theorem.symbols.values() if s in used or s in arrays)


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
    try:
        source(dict(theorem.outputs), needed(theorem, theorem.outputs), theorem.title)
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
    """
    if backend not in BACKENDS:
        raise UnknownKey(f"no backend {backend!r}; there are {', '.join(BACKENDS)}{suggest(backend, BACKENDS)}")
    if of is not None and of not in theorem.outputs:
        raise UnknownKey(f"{theorem.key} has no output {of!r}; it has {', '.join(theorem.outputs)}{suggest(of, theorem.outputs)}")
    outputs = {of: theorem.outputs[of]} if of else dict(theorem.outputs)
    if not outputs:
        raise UnknownNode(f"{theorem.key} has no numeric output")
    symbols = needed(theorem, outputs)
    text = "" if backend == "ball" else source(outputs, symbols, theorem.title)
    run = _balls(theorem, outputs, symbols) if backend == "ball" else _arrays(theorem, backend, text, symbols)
    return Kernel(theorem.key, backend, tuple(s.name for s in symbols), tuple(outputs), text, theorem, run)


def _balls(theorem: Theorem, outputs: Mapping[str, Expr], symbols: tuple[Sym, ...]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    def run(given: Mapping[str, Any]) -> dict[str, Any]:
        from dltsym.lower.oracle import enclose

        return enclose(theorem, outputs, symbols, given)

    return run


def _arrays(theorem: Theorem, backend: str, text: str, symbols: tuple[Sym, ...]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    from dltsym.lower import stable

    space: dict[str, Any] = {"math": math}
    exec(compile(text, f"<{theorem.key}: {backend}>", "exec"), space)

    def run(given: Mapping[str, Any]) -> dict[str, Any]:
        xp, erf, arrays = _inputs(backend, theorem, given)
        check_inputs(theorem, symbols, {s.name: arrays[s.name] for s in symbols} | arrays)
        values = {python_name(s.name): arrays[s.name] for s in symbols}
        if backend == "numpy":
            with xp.errstate(all="ignore"):
                return space["kernel"](xp, stable, erf, **values)
        return space["kernel"](xp, stable, erf, **values)

    return run


def _inputs(backend: str, theorem: Theorem, given: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    if backend == "torch":
        import torch

        return torch, torch.erf, {k: _tensor(torch, v, given) for k, v in given.items()}
    import numpy as np
    from scipy.special import erf

    arrays = {k: np.asarray(v) for k, v in given.items()}
    floats = [a.dtype for a in arrays.values() if a.dtype.kind == "f" and a.ndim]
    dtype = np.result_type(*floats) if floats else np.float64
    out = {}
    for k, a in arrays.items():
        if a.dtype.kind not in "fiub":
            raise DomainError(f"{theorem.key}: {k} = {given[k]!r} is not a number or an array of numbers")
        out[k] = a.astype(dtype)
    return np, erf, out


def _tensor(torch: Any, value: Any, given: Mapping[str, Any]) -> Any:
    if isinstance(value, torch.Tensor):
        return value if value.is_floating_point() else value.to(torch.get_default_dtype())
    tensors = [t for t in given.values() if isinstance(t, torch.Tensor) and t.is_floating_point()]
    like = next((t for t in tensors if t.dim()), tensors[0] if tensors else None)
    dtype, device = (like.dtype, like.device) if like is not None else (torch.float64, "cpu")
    return torch.as_tensor(value, dtype=dtype, device=device)
