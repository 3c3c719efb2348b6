"""What a closed kernel says of itself beyond its value: read off the same outputs compiled by `dltsym.compile`.

A closed kernel evaluates scalar closed forms with extended exponents; outputs over arrays run the tensor kernel, and a
free index may be given as an integer argument.
The tensor kernel of the same outputs has that index as an axis. Bounds, findings, IR and derivatives are about the
tensor kernel; where indices are given, the entry they name is picked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dltsym.errors import DomainError, UnsupportedError

if TYPE_CHECKING:
    from dltsym.lower.kernel import Kernel as TensorKernel
    from dltsym.record import Theorem


class Views:
    """The part of a closed kernel that is read off the tensor kernel of the same outputs."""

    backend: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    theorem: Theorem
    lowered: TensorKernel | None

    @property
    def tensor(self) -> Any:
        """The same outputs compiled by `dltsym.compile`, with free indices as axes."""
        return self.lowered or tensor(self)

    @property
    def signature(self) -> str:
        """Arguments and results, ``kernel(eps, C[..., i:n, j:m], i, j) -> attention``."""
        rows = self.tensor.arguments
        shown = {i.name: rows.signature(i) for i in rows.inputs}
        return f"kernel({', '.join(shown.get(n, n) for n in self.inputs)}) -> {', '.join(self.outputs)}"

    @property
    def ir(self) -> str:
        """Program of the tensor kernel as text."""
        return self.tensor.ir

    @property
    def report(self) -> Any:
        """Findings of the tensor kernel; this one carries extended exponents and may do better."""
        return self.tensor.report

    def latex(self) -> str:
        """Return the outputs as LaTeX.

        Returns
        -------
        str
        """
        return self.tensor.latex()

    def oracle(self, prec: int = 128, **inputs: Any) -> Any:
        """Evaluate the outputs as written in balls.

        Parameters
        ----------
        prec : int
            Bits.
        **inputs
            Inputs, taken as exact.

        Returns
        -------
        flint.arb, or dict of them
        """
        from flint import ctx

        before, ctx.prec = ctx.prec, prec
        try:
            of = self.outputs[0] if len(self.outputs) == 1 else None
            return self.theorem.kernel("ball", of)(**inputs)
        finally:
            ctx.prec = before

    def bound(self, dtype: Any, **inputs: Any) -> Any:
        """Return a guaranteed bound of the rounding error of the tensor kernel at given inputs.

        Parameters
        ----------
        dtype : dtype or str
            Type of the inputs; they are rounded to it first.
        **inputs
            Inputs of this kernel.

        Returns
        -------
        numpy.ndarray, or dict of them
        """
        return rounding(self, "bound", dtype, inputs)

    def sigma(self, dtype: Any, **inputs: Any) -> Any:
        """Return the standard deviation of the rounding error of the tensor kernel at given inputs.

        Parameters
        ----------
        dtype : dtype or str
            Type of the inputs; they are rounded to it first.
        **inputs
            Inputs of this kernel.

        Returns
        -------
        numpy.ndarray, or dict of them
        """
        return rounding(self, "sigma", dtype, inputs)

    def grad(self, wrt: str, of: str | None = None) -> Any:
        """Return the tensor kernel of the symbolic gradient of an output.

        Parameters
        ----------
        wrt : str
            Input.
        of : str, optional
            Output; the only one by default.

        Returns
        -------
        dltsym.lower.kernel.Kernel
        """
        return self.tensor.grad(wrt, of)

    def jac(self, wrt: str, of: str | None = None) -> Any:
        """Return the tensor kernel of all partial derivatives of an output.

        Parameters
        ----------
        wrt : str
            Input.
        of : str, optional
            Output; the only one by default.

        Returns
        -------
        dltsym.lower.kernel.Kernel
        """
        return self.tensor.jac(wrt, of)

    def check(self, other: Callable[..., Any], **inputs: Any) -> Any:
        """Hold another implementation against the oracle; free indices are axes of its result.

        Parameters
        ----------
        other : callable
            It takes the same keyword arguments, without indices.
        **inputs
            Arrays and parameters in the type that `other` computes in.

        Returns
        -------
        CheckResult
        """
        return self.tensor.check(other, **inputs)

    def validate(self, trials: int = 3, seed: int = 0) -> Any:
        """Check the translation of the tensor kernel; see `dltsym.lower.kernel.Kernel.validate`.

        Parameters
        ----------
        trials : int
            Size assignments.
        seed : int
            Seed of the inputs.

        Returns
        -------
        Validation
        """
        return self.tensor.validate(trials, seed)


@lru_cache(maxsize=256)
def tensor(kernel: Views) -> TensorKernel:
    """Return the tensor kernel of the outputs of a closed kernel.

    Parameters
    ----------
    kernel : Views
        Closed kernel.

    Returns
    -------
    TensorKernel
    """
    from dltsym.lower.compiler import compile as compiled

    backend = "torch" if kernel.backend == "torch" else "numpy"
    of = kernel.outputs[0] if len(kernel.outputs) == 1 else None
    return compiled(kernel.theorem, backend=backend, of=of)


def rounding(kernel: Views, kind: str, dtype: Any, inputs: Mapping[str, Any]) -> Any:
    """Return a bound or a standard deviation of the tensor kernel, at the entry that index arguments name.

    Parameters
    ----------
    kernel : Views
        Closed kernel.
    kind : {"bound", "sigma"}
        What to return.
    dtype : dtype or str
        Type of the inputs.
    inputs : mapping of str
        Arguments of the closed kernel.

    Returns
    -------
    numpy.ndarray, or dict of them

    Raises
    ------
    UnsupportedError
        When an index is an array.
    """
    found = kernel.tensor
    at = {k: x for k, x in inputs.items() if kernel.theorem.symbols[k].decl.sort == "index"}
    if any(not isinstance(x, int) for x in at.values()):
        raise UnsupportedError(f"{kernel.theorem.key}: no {kind} for a batch of indices; use the kernel with axes=()")
    rest = {k: x for k, x in inputs.items() if k not in at and (k in found.inputs or k in found.arguments.floors)}
    out = getattr(found, kind)(dtype, **rest)
    many = out if isinstance(out, Mapping) else {found.outputs[0]: out}
    picked = {name: _entry(x, found.axes[name], at) for name, x in many.items()}
    return picked if isinstance(out, Mapping) else picked[found.outputs[0]]


def _entry(x: Any, axes: Any, at: Mapping[str, int]) -> Any:
    for k in range(len(axes), 0, -1):
        s = axes[k - 1]
        if s.name in at:
            dim = k - 1 - len(axes)
            place = at[s.name] - int(s.decl.lo.value)
            if not 0 <= place < x.shape[dim]:
                raise DomainError(f"{s.name} = {at[s.name]} is out of range")
            x = x.take(place, axis=x.ndim + dim)
            axes = (*axes[: k - 1], *axes[k:])
    return x
