"""The function under the lints: called on probe inputs, it shows its matrix of weights.

Values that are the identity make an output the matrix of weights itself, so any attention function shows its weights
without being asked to.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltsym.errors import DltsymError
from dltsym.implementation import implementation_of
from dltsym.lints.arguments import Reading, parameters_of
from dltsym.oracle.adapters import candidate
from dltsym.oracle.binding import signature_of
from dltsym.oracle.blame import by_candidate
from dltsym.oracle.candidate import Candidate, Misbehaved
from dltsym.oracle.trials import limited

if TYPE_CHECKING:
    import torch

Array = NDArray[np.float64]


class Failed(DltsymError):
    """The function raised, or gave back something that is no result; the message says what."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of a probe: queries, keys, width of a key and of a value, and batches."""

    n: int
    m: int
    d: int
    dv: int
    batch: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"n={self.n}, m={self.m}, d={self.d}" + (f", batch {self.batch}" if self.batch else "")


@dataclass(frozen=True)
class Subject:
    """A function with the way to call it.

    Attributes
    ----------
    name : str
        For reports.
    reading : Reading
        Its arguments.
    candidate : Candidate
        It as the oracle calls it.
    sizes : Sizes
        Sizes that it works for.
    fixed : mapping
        Inputs that every call gets, such as a temperature of 1; a function of n and m for one that depends on them.
    """

    name: str
    reading: Reading
    candidate: Candidate
    sizes: Sizes = Sizes(5, 7, 4, 7, (2,))
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def takes(self) -> frozenset[str]:
        """Names of the inputs that it takes, and of its modes."""
        return frozenset([i.name for i in self.reading.spec.inputs] + [*self.reading.spec.modes])

    @property
    def of_scores(self) -> bool:
        """Whether it takes scores or costs in place of queries and keys."""
        return "q" not in self.takes

    def weights(self, probe: Mapping[str, Any], dtype: str = "float64", **more: Any) -> Array:
        """Return the matrix of weights, by values that are the identity.

        Parameters
        ----------
        probe : mapping
            ``q`` and ``k``, or ``S``; arrays.
        dtype : str
            Type of the inputs.
        **more : object
            More inputs and modes; None for one that is to be absent.

        Returns
        -------
        ndarray, shape (..., n, m)

        Raises
        ------
        Failed
            When it raises, or the shape is not (..., n, m).
        """
        m = probe["S"].shape[-1] if "S" in probe else probe["k"].shape[-2]
        lead = _lead(probe)
        identity = np.broadcast_to(np.eye(m), (*lead, m, m)).copy()
        out, _ = self.output({**probe, "v": identity}, dtype, **more)
        n = probe["S"].shape[-2] if "S" in probe else probe["q"].shape[-2]
        if out.shape != (*lead, n, m):
            raise Failed(f"the shape is {out.shape} where {(*lead, n, m)} is expected")
        return out * n if self.reading.spec.outputs[0].name == "P" else out

    def output(self, probe: Mapping[str, Any], dtype: str = "float64", **more: Any) -> tuple[Array, str]:
        """Call it.

        Parameters
        ----------
        probe : mapping
            Arrays by name.
        dtype : str
            Type of the inputs.
        **more : object
            More inputs and modes.

        Returns
        -------
        tuple of ndarray and str
            What it returns in double precision, and the type in which it came.

        Raises
        ------
        Failed
            When it raises.
        Misbehaved
            When it changes its inputs.
        """  # noqa: DOC501 - what is raised again is an error of ours
        import torch

        full = {**self.fixed, **probe, **more}
        if self.of_scores and "C" in self.takes and "S" in full:
            full["C"] = -full["S"]
        shape = full["S"].shape[-2:] if "S" in full else (full["q"].shape[-2], full["k"].shape[-2])
        for name, size in zip("ab", shape, strict=True):
            full.setdefault(name, np.full(size, 1 / size))
        full = {name: x(*shape) if callable(x) else x for name, x in full.items()}
        given = {n: _tensor(x, dtype) for n, x in full.items() if n in self.takes and n != "causal" and x is not None}
        modes = {n: full.get(n, values[0]) for n, values in self.reading.spec.modes.items()}
        try:
            with warnings.catch_warnings(), torch.no_grad(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                got = self.candidate.call(given, modes)
        except Misbehaved:
            raise
        except (Exception, SystemExit) as error:  # the door to code that is not ours
            if not (by_candidate(error) or isinstance(error, DltsymError | TimeoutError | SystemExit)):
                raise
            raise Failed(_first(error)) from error
        y = got[self.reading.spec.outputs[0].name]
        if not isinstance(y, torch.Tensor):
            raise Failed(f"it returned a {type(y).__name__}")
        return y.detach().double().cpu().numpy(), str(y.dtype).removeprefix("torch.")

    def resized(self, **sizes: Any) -> Subject:
        """Return the same function with other sizes.

        Parameters
        ----------
        **sizes : int
            New sizes.

        Returns
        -------
        Subject
        """
        return replace(self, sizes=replace(self.sizes, **sizes))


def prepared(
    function: Callable[..., Any], reading: Reading, name: str, timeout: float, arrays: str = "auto"
) -> Subject:
    """Prepare a function.

    Parameters
    ----------
    function : callable
        Function.
    reading : Reading
        Its arguments.
    name : str
        For reports.
    timeout : float
        Seconds for one call.
    arrays : str
        What arrays it takes, as for `candidate`.

    Returns
    -------
    Subject
    """
    plain = _plain(function) if implementation_of(function) or not _told(function) else function
    own = candidate(plain, reading.spec, reading.mapping, name=name, timeout=timeout, arrays=arrays)
    return Subject(name, reading, limited(own, timeout))


def _told(function: Callable[..., Any]) -> bool:
    """Tell whether Python knows the parameters, or nobody does."""
    return bool(signature_of(function).parameters) or not parameters_of(function)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Hide what a kernel of ours implements, and give a built-in function the parameters of its docstring."""

    def plain(*args: Any, **named: Any) -> Any:
        return function(*args, **named)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind, default=x) for name, x in parameters_of(function).items()]
    plain.__signature__ = inspect.Signature(_ordered(parameters))  # type: ignore[attr-defined]
    plain.__module__ = getattr(function, "__module__", None) or plain.__module__
    return plain


def _ordered(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    """Make those after a default ones that are passed by name: a signature refuses to leave them bare."""
    seen, out = False, []
    for p in parameters:
        bare = p.default is inspect.Parameter.empty
        out.append(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) if seen and bare else p)
        seen = seen or not bare
    return sorted(out, key=lambda p: p.kind)


def draw(sizes: Sizes, seed: int, of_scores: bool = False) -> dict[str, Array]:
    """Draw queries and keys, or scores.

    Parameters
    ----------
    sizes : Sizes
        Sizes.
    seed : int
        Seed.
    of_scores : bool
        Whether scores are wanted.

    Returns
    -------
    dict of str to ndarray
    """
    random = np.random.default_rng(seed)
    b, n, m, d = sizes.batch, sizes.n, sizes.m, sizes.d
    if of_scores:
        return {"S": 1.5 * random.normal(size=(*b, n, m))}
    return {"q": random.normal(size=(*b, n, d)), "k": random.normal(size=(*b, m, d))}


def scores(probe: Mapping[str, Array]) -> Array:
    """Return the raw scores of a probe.

    Parameters
    ----------
    probe : mapping
        As `draw` makes it.

    Returns
    -------
    ndarray, shape (..., n, m)
    """
    return probe["S"] if "S" in probe else probe["q"] @ np.swapaxes(probe["k"], -1, -2)


def _lead(probe: Mapping[str, Array]) -> tuple[int, ...]:
    if "S" in probe:
        return probe["S"].shape[:-2]
    return np.broadcast_shapes(probe["q"].shape[:-2], probe["k"].shape[:-2])


def _tensor(x: Any, dtype: str) -> torch.Tensor:
    import torch

    made = torch.as_tensor(np.array(x) if not isinstance(x, int) else x)
    return made.to(getattr(torch, dtype)) if made.is_floating_point() else made


def _first(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__
