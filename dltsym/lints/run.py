"""The door of the lints: a callable, its name, a matrix or parameters in, findings out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from dltsym.errors import DltsymError, KernelMapError
from dltsym.lints import extremes, heat, masks, rows, steps
from dltsym.lints.arguments import reading
from dltsym.lints.finding import Fact, Finding, Findings, Untested, found
from dltsym.lints.matrix import Parameters, lint_parameters
from dltsym.lints.seen import Item, Seen, Unusable, look
from dltsym.lints.subject import Failed, Subject, prepared
from dltsym.lints.tolerances import lint_tolerance
from dltsym.oracle.adapters import named, resolve
from dltsym.oracle.candidate import Misbehaved
from dltsym.oracle.sandbox import Answer, Progress, Request

CLEAN, WRONG, USAGE = 0, 1, 2


def lint_attention(
    what: Callable[..., Any] | str | None = None,
    mapping: str | Iterable[str] | Mapping[str, Any] | None = None,
    *,
    half_steps: int | None = None,
    tolerance: tuple[float, float] | None = None,
    shape: tuple[int, int] | None = None,
    ignore: Iterable[str] = (),
    arrays: str = "auto",
    timeout: float = 60.0,
    **parameters: Any,
) -> Findings:
    """Look for known mistakes in attention code, in a matrix of weights, or in parameters.

    A callable is run on probe inputs and judged by what comes out; its source is not read. It runs in this process,
    with a time limit for each call; `dltsym lint attention` gives it a process of its own.

    Parameters
    ----------
    what : callable or str, optional
        Function of queries, keys and values, of queries and keys, or of scores; or where it is, as
        ``package.module:function`` or ``file.py:function``.
    mapping : str, iterable of str or mapping, optional
        What its arguments are, such as ``"x=q, y=k, z=v, softmax_scale=1/tau"``: queries ``q``, keys ``k``, values
        ``v``, scores ``S``, costs ``C``, temperature ``tau`` on raw scores, bias of pairs ``bias``, log-prior of keys
        ``lp``, masks ``keep`` and ``keep_keys``, masses ``a`` and ``b``, half-steps ``T``; results ``o``, weights
        ``A``, or a plan ``P``. Arguments with usual names need not be mapped.
    half_steps : int, optional
        Half-steps of Sinkhorn's iteration that are meant; 1 is softmax.
    tolerance : (float, float), optional
        Absolute and relative tolerance of a test of yours, which is judged too.
    shape : (int, int), optional
        Queries and keys in that test; 64 and 64 by default.
    ignore : iterable of str
        Lints that are to be left out, such as ``("L2",)``.
    arrays : {"auto", "torch", "numpy", "jax", "cupy"}
        What it takes.
    timeout : float
        Seconds for one call.
    **parameters : object
        Fields of `Parameters` where there is no callable: a matrix of weights or a plan, scores, temperatures, a mask.

    Returns
    -------
    Findings

    Raises
    ------
    KernelMapError
        When arguments cannot be read, or there is nothing to look at.

    Examples
    --------
    >>> import torch
    >>> def wrong(q, k, v):
    ...     return torch.softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, dim=-2) @ v
    >>> lint_attention(wrong).lints
    ('L1',)
    >>> lint_attention(torch.nn.functional.scaled_dot_product_attention).ok
    True
    """
    parts: list[Findings] = []
    if what is not None:
        if parameters:
            raise KernelMapError(f"{next(iter(parameters))} is for calls without a callable")
        with _one_thread():
            parts.append(_callable(what, mapping, half_steps, arrays, timeout))
    elif parameters or half_steps is not None:
        parts.append(lint_parameters(Parameters(**parameters, half_steps=half_steps)))
    if tolerance is not None:
        parts.append(lint_tolerance(*tolerance, shape=shape or (64, 64)))
    if not parts:
        raise KernelMapError("there is nothing to look at: give a callable, a matrix, parameters or a tolerance")
    whole = Findings(
        parts[0].subject, tuple(f for p in parts for f in p.findings), tuple(f for p in parts for f in p.facts),
        tuple(u for p in parts for u in p.untested),
    )  # fmt: skip
    return whole.without(ignore)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in one thread: probes are tiny, and threads that wait for each other cost more than they bring."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _callable(what: Any, mapping: Any, half_steps: int | None, arrays: str, timeout: float) -> Findings:
    function = resolve(what) if isinstance(what, str) else what
    name = what if isinstance(what, str) else named(function)
    read = reading(function, mapping)
    own = prepared(function, read, name, timeout, arrays)
    fixed = {"tau": 1.0} if "tau" in own.takes else {}
    fixed |= {"T": 20 if half_steps is None else half_steps} if "T" in own.takes else {}
    own = masks.opened(replace(own, fixed=fixed), read.required)
    guessed = [f"{g} is read as {read.mapping[g]}" for g in read.guessed if str(read.mapping[g]) != g]
    items: list[Item] = [Fact(", ".join(guessed))] if guessed else []
    try:
        items += _looked(own, half_steps)
    except Misbehaved as error:
        items.append(found("L24", str(error), advice="leave the inputs as they are"))
    return _sorted(name, items)


def _looked(own: Subject, half_steps: int | None) -> list[Item]:
    try:
        seen, items = look(own)
    except Unusable as error:
        return [*error.items]
    return items + [x for detector in _detectors(seen, half_steps) for x in _safely(detector)]


def _detectors(seen: Seen, half_steps: int | None) -> list[Iterator[Item]]:
    return [
        rows.rows(seen), rows.values(seen), rows.locality(seen), rows.measured(seen), heat.temperature(seen),
        heat.prior(seen), steps.steps(seen, half_steps), masks.masks(seen), masks.causal(seen), extremes.extremes(seen),
        rows.single(seen), rows.batches(seen),
    ]  # fmt: skip


def _safely(detector: Iterator[Item]) -> Iterator[Item]:
    """Turn a failure on a probe of one detector into words: the others go on."""
    try:
        yield from detector
    except Failed as error:
        yield Untested(f"it fails on a probe: {error}")


def _sorted(name: str, items: Iterable[Item]) -> Findings:
    items = [*dict.fromkeys(items)]
    return Findings(
        name, tuple(x for x in items if isinstance(x, Finding)), tuple(x.text for x in items if isinstance(x, Fact)),
        tuple(x.text for x in items if isinstance(x, Untested)),
    )  # fmt: skip


def answered(request: Request, progress: Progress | None = None) -> Answer:
    """Answer a request in the sandbox.

    Parameters
    ----------
    request : Request
        Its ``what`` and ``mapping``; the other options stand in ``options`` as JSON.
    progress : callable, optional
        Called once, before the first call.

    Returns
    -------
    Answer
        Exit code 0 without findings, 1 with findings, 2 where arguments cannot be read.
    """
    options = json.loads(request.options or "{}")
    if progress is not None:
        progress(0, 1, "")
    try:
        seen = lint_attention(request.what, request.mapping, arrays=request.arrays, timeout=request.timeout, **options)
    except DltsymError as error:
        text = f"{type(error).__name__}: {error}"
        return Answer(USAGE, text, {"verdict": "error", "exit_code": USAGE, "error": text})
    return Answer(CLEAN if seen.ok else WRONG, str(seen), seen.json())
