"""Kernels of the results of an algorithm: one call of its code over balls or floats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dltsym.algorithms import enclosed, entry, place
from dltsym.errors import DomainError, UnknownKey, UnsupportedError, suggest

if TYPE_CHECKING:
    from dltsym.record import Theorem

BACKENDS = ("numpy", "torch", "ball")
DIGITS = 15


@dataclass(frozen=True, eq=False)
class ComputedKernel:
    """A callable that computes results of a record by its algorithm.

    Attributes
    ----------
    theorem : Theorem
        The record, with an algorithm.
    backend : str
        ``numpy``, ``torch`` (double precision both, without gradients) or ``ball``.
    outputs : tuple of str
        Results, or entries of them such as ``A[1,2]``. With one the call returns its value, else a dict.
    """

    theorem: Theorem
    backend: str
    outputs: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(s.name for s in self._code.takes)

    @property
    def _code(self) -> Any:
        return self.theorem.algorithm

    def __call__(self, *, digits: int = DIGITS, **inputs: Any) -> Any:
        """Compute.

        Parameters
        ----------
        digits : int
            Digits that have to be certain, for balls.
        **inputs
            Values by name. The size of an array may be left out. Other symbols of the record may be given, to have its
            hypotheses checked.

        Returns
        -------
        array, ball, nested list of balls, or dict of them

        Raises
        ------
        DomainError
            When an input is missing, unknown or outside its domain.
        """
        from dltsym.lower.closed.oracle import point

        known = [k for k, s in self.theorem.symbols.items() if s.decl.sort != "let" and k not in self._code.computes]
        extra = [k for k in inputs if k not in known]
        if extra:
            hint = suggest(extra[0], known)
            raise DomainError(f"{self.theorem.key}: unknown input {extra[0]}{hint}; inputs are {', '.join(known)}")
        env = point(self.theorem, inputs)
        missing = [k for k in self.inputs if k not in env]
        if missing:
            names = ", ".join(self.inputs)
            raise DomainError(f"{self.theorem.key}: missing input {', '.join(missing)}; inputs are {names}")
        found = self._balls(env, digits) if self.backend == "ball" else self._floats(env)
        return found[self.outputs[0]] if len(self.outputs) == 1 else found

    def _balls(self, env: Mapping[str, Any], digits: int) -> dict[str, Any]:
        runs: dict[int, Any] = {}
        return {name: enclosed(self._code, env, name, digits, runs) for name in self.outputs}

    def _floats(self, env: Mapping[str, Any]) -> dict[str, Any]:
        from dltsym.lower.floats import Floats

        found = self._code(Floats(), env)
        out = {}
        for text in self.outputs:
            name, at = place(text, self._code.computes)
            out[text] = self._array(entry(found[name], at, text))
        return out

    def _array(self, value: Any) -> Any:
        if self.backend == "torch":
            import torch

            return torch.tensor(value, dtype=torch.float64)
        import numpy as np

        return np.asarray(value, np.float64)[()]

    def __repr__(self) -> str:
        what = f"({', '.join(self.inputs)}) -> {', '.join(self.outputs)}"
        return f"<{self.backend} kernel of {self.theorem.key} by its algorithm: {what}>"


def computed(theorem: Theorem, backend: str, of: str | None, options: Mapping[str, Any]) -> ComputedKernel:
    """Return the kernel of the results of an algorithm.

    Parameters
    ----------
    theorem : Theorem
        Record with an algorithm.
    backend : {"numpy", "torch", "ball"}
        Where it runs.
    of : str or None
        A result or an entry of one; all results by default.
    options : mapping
        Options of the tensor compiler, of which there are none here.

    Returns
    -------
    ComputedKernel

    Raises
    ------
    UnknownKey
        For an unknown backend or result.
    UnsupportedError
        For Triton, and for options.
    """
    code = theorem.algorithm
    if code is None:
        raise UnknownKey(f"{theorem.key} has no algorithm")
    if of is not None:
        try:
            place(of, code.computes)
        except UnknownKey:
            names = (*theorem.outputs, *code.computes)
            hint = suggest(of.split("[")[0], names)
            raise UnknownKey(f"{theorem.key} has no output {of!r}; it has {', '.join(names)}{hint}") from None
    if backend == "triton" or options:
        raise UnsupportedError(f"{theorem.key}: an algorithm is no kernel; its backends are {', '.join(BACKENDS)}")
    if backend not in BACKENDS:
        raise UnknownKey(f"no backend {backend!r}; there are {', '.join(BACKENDS)}{suggest(backend, BACKENDS)}")
    return ComputedKernel(theorem, backend, (of,) if of is not None else code.computes)
