"""What a check is of and on: statements by name, our own kernels by name, cases; and cases again by their name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dltsym.errors import KernelMapError, UnknownKey, suggest
from dltsym.implementation import DTYPES, Case, implementation_of
from dltsym.oracle.candidate import Candidate
from dltsym.oracle.spec import Spec

if TYPE_CHECKING:
    from dltsym.oracle.sandbox import Request

KEPT = "kernel-checks"


@dataclass(frozen=True)
class Replay:
    """A case by its name, ``key:dtype:case:seed``."""

    key: str
    dtype: str
    case: str
    seed: int


def parsed(text: str) -> Replay:
    """Read the name of a case.

    Parameters
    ----------
    text : str
        ``attention.one_sided_eot:f32:2x2 causal:1``; the case itself may contain colons.

    Returns
    -------
    Replay

    Raises
    ------
    KernelMapError
        When it cannot be read.

    Examples
    --------
    >>> parsed("attention.one_sided_eot:bf16:63x63 causal:3")
    Replay(key='attention.one_sided_eot', dtype='bf16', case='63x63 causal', seed=3)
    """
    parts = text.split(":")
    if len(parts) < 4 or parts[1] not in DTYPES or not parts[-1].lstrip("-").isdigit():
        raise KernelMapError(f"cannot read {text!r}; write KEY:DTYPE:CASE:SEED as a report prints it")
    return Replay(parts[0], parts[1], ":".join(parts[2:-1]), int(parts[-1]))


def statement(against: str) -> Spec:
    """Find what is checked against.

    Parameters
    ----------
    against : str
        Key of a theorem; or ``module:name`` or ``file.py:name`` of a theorem, a compiled expression, an expression.

    Returns
    -------
    Spec
    """
    from dltsym.oracle.statement import spec_of

    if ":" not in against:
        return spec_of(against)
    from dltsym.oracle.adapters import resolve

    return spec_of(resolve(against))


def ours(name: str) -> Callable[..., Any] | None:
    """Return one of our own kernels by its name, or nothing.

    Parameters
    ----------
    name : str
        ``family.kernel``.

    Returns
    -------
    callable or None

    Raises
    ------
    UnknownKey
        When it has no colon and is none of them.
    """
    if ":" in name:
        return None
    from dltsym import kernels

    known = kernels.everything()
    if name not in known:
        raise UnknownKey(
            f"no kernel {name!r}{suggest(name, known)}; there are {', '.join(known)}; "
            "for a function of yours write package.module:function"
        )
    return known[name]


def cases(spec: Spec, own: Candidate, function: Any, request: Request) -> tuple[Case, ...]:
    """Choose the inputs of a check: those that a kernel of this statement brings, or automatic ones.

    Parameters
    ----------
    spec : Spec
        Statement.
    own : Candidate
        What is checked.
    function : callable or str
        Where it came from.
    request : Request
        May limit their number, or name the only one.

    Returns
    -------
    tuple of Case

    Raises
    ------
    UnknownKey
        When there is no case of the name that is asked for.
    """
    from dltsym.oracle.cases import automatic
    from dltsym.oracle.run import refusal, settled

    found = curated(spec, function)
    if request.only:
        named = [c for c in (*found, *automatic(spec)) if c.name == request.only]
        if not named:
            known = [c.name for c in (*found, *automatic(spec))]
            raise UnknownKey(f"{spec.key} has no case {request.only!r}{suggest(request.only, known)}")
        return (replace(named[0], seed=0),)  # the seed of the request is added
    chosen = found or automatic(spec)
    if not request.cases:
        return chosen
    taken = tuple(c for c in chosen if any(not refusal(own, settled(spec, own, c), d) for d in request.dtypes))
    return spread(taken or chosen, request.cases)


def curated(spec: Spec, function: Any) -> tuple[Case, ...]:
    """Return the cases that a kernel brings, or that our kernels of the same statement bring.

    Parameters
    ----------
    spec : Spec
        Statement.
    function : callable or str
        What is checked.

    Returns
    -------
    tuple of Case
    """
    from dltsym import kernels

    told = None if isinstance(function, str) else implementation_of(function)
    if told is not None and told.cases:
        return told.cases
    others = [implementation_of(f) for f in kernels.everything().values()]
    return next((o.cases for o in others if o is not None and o.key == spec.key and o.cases), ())


def spread(items: Sequence[Case], count: int) -> tuple[Case, ...]:
    """Choose some, spread evenly.

    Parameters
    ----------
    items : sequence
        Cases.
    count : int
        How many at most.

    Returns
    -------
    tuple of Case
    """
    step = max(1.0, len(items) / count)
    return tuple(items[int(k * step)] for k in range(min(count, len(items))))


# The last check of a statement, for a replay that names no callable


def remember(key: str, request: Request) -> None:
    """Keep a request, so that a case of it can be run again by its name alone.

    Parameters
    ----------
    key : str
        Key of the statement.
    request : Request
        Request of a check.
    """
    path = _kept(key)
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**asdict(request), "cwd": str(Path.cwd())}), encoding="utf-8")
    except OSError:  # a cache that cannot be written costs a convenience, nothing else
        return


def remembered(key: str) -> dict[str, Any] | None:
    """Return the last request against a statement, and the folder it was made in.

    Parameters
    ----------
    key : str
        Key.

    Returns
    -------
    dict or None
    """
    path = _kept(key)
    try:
        return None if path is None else json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _kept(key: str) -> Path | None:
    from dltsym.cache import default_folder, digest

    folder = default_folder()
    return None if folder is None else folder / KEPT / f"{digest(key)[:32]}.json"
