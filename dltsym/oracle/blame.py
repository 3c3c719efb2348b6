"""Whose fault an error is: the candidate's, when it was raised behind the door to it; otherwise our own."""

from __future__ import annotations

import traceback

from dltsym.oracle.calling import Once


def by_candidate(error: BaseException) -> bool:
    """Tell whether an error comes out of a callable under test.

    Parameters
    ----------
    error : BaseException
        As it was caught, with its traceback.

    Returns
    -------
    bool
        False for an error of the oracle itself, of which nothing follows for the callable.
    """
    door = Once.__call__.__code__
    codes = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
    if door not in codes:
        return False
    behind = codes[len(codes) - codes[::-1].index(door) :]
    return not behind or behind[0].co_filename != door.co_filename
