"""Kernels: a compiled expression that can be called, read, doubted and differentiated."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from dltsym.errors import ShapeError, UnsupportedError, suggest
from dltsym.lower.front.arguments import Arguments
from dltsym.lower.front.calling import Caller
from dltsym.lower.front.reading import Question, indices
from dltsym.lower.program import Program
from dltsym.lower.report import Finding
from dltsym.lower.show import show_axes, show_program
from dltsym.notation.tree import Sym


@dataclass(frozen=True, eq=False)
class Kernel:
    """A compiled expression; call it with arrays and parameters, by name or in the order of `inputs`.

    Attributes
    ----------
    asked : Question
        What was compiled: the trees, the symbols, the hypotheses.
    backend : str
        ``torch``, ``numpy``, ``ball`` or ``triton``.
    arguments : Arguments
        What a call takes.
    normal, grouped, final : Program
        After the hazards; before the layout; as it is printed.
    source : str
        Generated Python, empty for balls.
    compiled : bool
        Whether ``torch.compile`` wraps the function.
    acc : str
        Type in which half precision is computed with.
    name : str
        Name of the function.
    taken : tuple or None
        For a derivative: by which function, of which kernel, by which input, of which output.
    """

    asked: Question
    backend: str
    arguments: Arguments
    compiled: bool
    acc: str
    name: str
    normal: Program = field(repr=False)
    grouped: Program = field(repr=False)
    final: Program = field(repr=False)
    source: str = field(default="", repr=False)
    cells: tuple[str, ...] = ()
    typical: Mapping[str, int] | None = None
    accuracy: str = "safe"
    taken: tuple[Callable[..., Kernel], Kernel, str, str | None] | None = field(default=None, repr=False)

    @classmethod
    def printed(
        cls,
        asked: Question,
        backend: str,
        arguments: Arguments,
        stages: tuple[Program, Program, Program],
        **options: Any,
    ) -> Kernel:
        """Return the kernel of a program with its source.

        Parameters
        ----------
        asked : Question
            What was compiled.
        backend : str
            Where it runs.
        arguments : Arguments
            What a call takes.
        stages : tuple of Program
            Normal form, after the cells, and final.
        **options
            Other fields.

        Returns
        -------
        Kernel
        """
        bare = cls(asked, backend, arguments, normal=stages[0], grouped=stages[1], final=stages[2], **options)
        return replace(bare, source=bare._print())

    def _print(self) -> str:
        from dltsym.lower.printers.base import Header, print_program
        from dltsym.notation.walk import digest, key

        formula = "; ".join(f"{o.name}{show_axes(o.axes)} = {self.asked.outputs[o.name]}" for o in self.final.outputs)
        header = Header(formula, digest(*(key(e) for e in self.asked.outputs.values()))[:16])
        if self.backend == "ball":
            return ""
        if self.backend == "triton":
            from dltsym.lower.printers.triton import print_triton

            return print_triton(self.grouped, self.name, header=header).text
        return print_program(self.final, self.backend, self.name, header).text

    # Calling

    @cached_property
    def function(self) -> Callable[..., Any]:
        """The generated function, without checks; arguments in the order of `inputs`."""
        from dltsym.lower.printers.names import python_name
        from dltsym.notation.walk import digest

        if self.backend == "ball":
            raise UnsupportedError(f"{self.name} is evaluated in balls; it has no generated function")
        file = f"<dltsym {self.name} {digest(self.source)[:16]}>"
        linecache.cache[file] = (len(self.source), None, self.source.splitlines(keepends=True), file)
        space: dict[str, Any] = {"__name__": f"dltsym_{self.name}"}
        exec(compile(self.source, file, "exec"), space)  # our own text; its names are checked identifiers
        out = space[python_name(self.name)]
        if not self.compiled:
            return out
        import torch

        return torch.compile(out, fullgraph=True)

    def __call__(self, *args: Any, validate: bool = False, **inputs: Any) -> Any:
        """Evaluate.

        Parameters
        ----------
        *args, **inputs
            Arrays and parameters. Leading dimensions are batches and broadcast against each other.
        validate : bool
            Check the entries of real arrays against their declared range too.

        Returns
        -------
        array, ball array, or dict of them when there are several outputs
        """
        return self._caller(args, inputs, validate)

    @cached_property
    def _caller(self) -> Caller:
        return Caller(self)

    # Doubting

    def oracle(self, prec: int = 128, **inputs: Any) -> Any:
        """Evaluate the expression as written in balls of relative radius below 2**-60; nothing is rewritten.

        Parameters
        ----------
        prec : int
            Bits to begin with.
        **inputs
            Arrays and parameters; floating inputs are taken as exact.

        Returns
        -------
        BallArray, or dict of them when there are several outputs
        """
        from dltsym.lower.checks.rounding import numpy_inputs
        from dltsym.lower.interpret.raw_arb import oracle

        known = numpy_inputs(self, inputs)
        known |= {k: x for k, x in inputs.items() if isinstance(x, Fraction)}  # exact where it can be
        return self.one(oracle(self.asked.outputs, self.axes, known, prec))

    def bound(self, dtype: Any, **inputs: Any) -> Any:
        """Return a guaranteed bound of the rounding error of this kernel at given inputs.

        Parameters
        ----------
        dtype : dtype or str
            Type of the inputs; they are rounded to it first.
        **inputs
            Arrays and parameters.

        Returns
        -------
        numpy.ndarray, or dict of them when there are several outputs
        """
        from dltsym.lower.checks.rounding import worst

        return self.one(worst(self, dtype, inputs))

    def sigma(self, dtype: Any, **inputs: Any) -> Any:
        """Return the standard deviation of the rounding error of this kernel at given inputs.

        Parameters
        ----------
        dtype : dtype or str
            Type of the inputs; they are rounded to it first.
        **inputs
            Arrays and parameters.

        Returns
        -------
        numpy.ndarray, or dict of them when there are several outputs
        """
        from dltsym.lower.checks.rounding import typical

        return self.one(typical(self, dtype, inputs))

    def check(self, other: Callable[..., Any], **inputs: Any) -> Any:
        """Hold another implementation against the oracle, in units of the rounding error to be expected.

        Parameters
        ----------
        other : callable
            It takes the same keyword arguments.
        **inputs
            Arrays and parameters in the type that `other` computes in.

        Returns
        -------
        CheckResult
        """
        from dltsym.lower.checks.judge import check

        return check(self, other, **inputs)

    def validate(self, trials: int = 3, seed: int = 0) -> Any:
        """Check the translation: expression as written against program and generated code, at tiny sizes.

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
        from dltsym.lower.checks.validate import validate

        return validate(self, trials, seed)

    def one(self, results: Mapping[str, Any]) -> Any:
        """Return the only result, or all by name.

        Parameters
        ----------
        results : mapping of str
            Results by name.

        Returns
        -------
        Any
        """
        return results if len(results) > 1 else next(iter(results.values()))

    # Other kernels

    def to(self, backend: str) -> Kernel:
        """Return the kernel of the same program for another backend.

        Parameters
        ----------
        backend : {"torch", "numpy", "ball", "triton"}
            Where it runs.

        Returns
        -------
        Kernel
        """
        bare = replace(self, backend=backend, compiled=self.compiled and backend == "torch", source="")
        return replace(bare, source=bare._print())

    def grad(self, wrt: str, of: str | None = None) -> Kernel:
        """Return the kernel of the gradient of an output, summed against a cotangent if the output has axes.

        The derivative is taken of the normal form, so it is as stable as the value; nothing is recorded or replayed.

        Parameters
        ----------
        wrt : str
            Input.
        of : str, optional
            Output; the only one by default.

        Returns
        -------
        Kernel
            Its output ``grad_<wrt>`` is shaped as `wrt`; an output with axes adds the input ``cotangent``.
        """
        from dltsym.lower.derivatives import gradient

        return gradient(self, wrt, of)

    def jac(self, wrt: str, of: str | None = None) -> Kernel:
        """Return the kernel of all partial derivatives of an output.

        Parameters
        ----------
        wrt : str
            Input.
        of : str, optional
            Output; the only one by default.

        Returns
        -------
        Kernel
            Its output ``jac_<wrt>`` has the axes of the output, then those of `wrt`.
        """
        from dltsym.lower.derivatives import jacobian

        return jacobian(self, wrt, of)

    # Reading

    @property
    def program(self) -> Program:
        """The program as it is printed."""
        return self.final

    @property
    def axes(self) -> dict[str, tuple[Sym, ...]]:
        """For each output its free indices in the order of its axes."""
        out = {}
        for o in self.final.outputs:
            free = {s.name: s for s in indices(self.asked.outputs[o.name])}
            out[o.name] = tuple(free[a.name] for a in o.axes)
        return out

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the arguments in order."""
        return tuple(i.name for i in self.arguments.inputs)

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """Names of the results."""
        return tuple(o.name for o in self.final.outputs)

    @property
    def signature(self) -> str:
        """Arguments and results with their axes, ``kernel(Q[..., i:n, k:d]) -> value[..., i:n]``."""
        args = ", ".join(self.arguments.signature(i) for i in self.arguments.inputs)
        return f"{self.name}({args}) -> {', '.join(f'{o.name}{show_axes(o.axes)}' for o in self.final.outputs)}"

    @property
    def ir(self) -> str:
        """The printed program as text, one line per output."""
        return show_program(self.final)

    @property
    def report(self) -> tuple[Finding, ...]:
        """What could not be made safe."""
        return self.final.findings

    def cheaper(self, **sizes: int) -> tuple[Finding, ...]:
        """Return the contractions whose order is frozen and costs more than twice the best at given sizes.

        Parameters
        ----------
        **sizes
            Sizes by name; the others count as typical.

        Returns
        -------
        tuple of Finding

        Raises
        ------
        ShapeError
            For a name that is no size of this kernel.
        """
        from dltsym.lower.passes.factor import TYPICAL, cheaper

        known = self.arguments.floors
        if wrong := sorted(sizes.keys() - known):
            raise ShapeError(f"{self.name} has no size {wrong[0]}{suggest(wrong[0], known)}")
        return cheaper(self.grouped.frozen, TYPICAL | dict(self.typical or {}) | sizes)

    def latex(self) -> str:
        """Return the compiled expressions as LaTeX.

        Returns
        -------
        str
        """
        from dltsym.notation.latex import to_latex

        lines = [to_latex(e) for e in self.asked.outputs.values()]
        return lines[0] if len(lines) == 1 else "\n".join(
            rf"\text{{{n.replace('_', ' ')}}} = {t}" for n, t in zip(self.asked.outputs, lines, strict=True)
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<{self.backend} {self.signature}>"
