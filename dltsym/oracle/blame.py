"""Whose fault an error is: it is marked where a call happens, on its way out of the code of one side or the other.

The innermost mark stays. What leaves the callable under test is marked as the candidate's; what leaves our own code
around it, such as the laying out of its arguments, as ours; what carries no mark never was near a candidate.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MARK = "_dltsym_by_candidate"


@contextmanager
def theirs() -> Iterator[None]:
    """Mark an error as one of the candidate: its code is called inside, or what it returned is taken as it is.

    Yields
    ------
    None
    """
    try:
        yield
    except Exception as error:  # marked, and raised again as it is
        vars(error).setdefault(MARK, True)
        raise


@contextmanager
def ours() -> Iterator[None]:
    """Mark an error as one of the oracle, unless it comes from a candidate that is called inside.

    A TimeoutError is left alone: it is the limit that the candidate has used up, whatever it strikes.

    Yields
    ------
    None
    """
    try:
        yield
    except Exception as error:  # marked, and raised again as it is
        if not isinstance(error, TimeoutError):
            vars(error).setdefault(MARK, False)
        raise


def by_candidate(error: BaseException) -> bool:
    """Tell whether an error comes out of a callable under test.

    Parameters
    ----------
    error : BaseException
        As it was caught.

    Returns
    -------
    bool
        False for an error of the oracle itself, of which nothing follows for the callable.
    """
    return bool(vars(error).get(MARK, False))


def internal(error: BaseException, where: str, what: str) -> str:
    """Say that the oracle itself failed, for an `InternalError`.

    Parameters
    ----------
    error : BaseException
        Error.
    where : str
        What was being done, such as ``in the case small``.
    what : str
        Name of the candidate, of which nothing follows.

    Returns
    -------
    str
    """
    told = f"dltsym itself failed {where}, which says nothing of {what}; please report this"
    return f"{told}: {type(error).__name__}: {error}"


def settled(device: Any) -> None:
    """Wait for a device, inside `theirs`: what goes wrong in a kernel there is raised late, by the next that looks.

    Parameters
    ----------
    device : torch.device
        Where the candidate works.
    """
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)
