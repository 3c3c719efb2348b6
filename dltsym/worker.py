"""The other end of `dltsym.pool`: the loop that runs in a worker process. It imports the standard library only."""

from __future__ import annotations

import faulthandler
import gc
import importlib
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Mapping
from typing import Any

from dltsym.pool import WorkerDied, frame, read_frame

LOG_LIMIT = 64 << 20
COLLECT = 100_000, 20, 100  # expressions are rarely cyclic: with the defaults a sixth of the time goes into collecting


def serve(options: Mapping[str, Any]) -> None:
    """Answer tasks from standard input on standard output until the owner goes away.

    Parameters
    ----------
    options : mapping
        ``preload``: modules to import first; ``memory``: bytes of address space, 0 for no limit.
    """
    tasks, answers = os.dup(0), os.dup(1)
    _redirect(0, os.devnull)
    os.dup2(2, 1)  # whatever a task prints must not look like an answer
    faulthandler.enable()
    _limit(options["memory"])
    for name in options["preload"]:
        importlib.import_module(name)
    _send(answers, b"")
    gc.freeze()
    gc.set_threshold(*COLLECT)
    # Elsewhere than on Linux, system libraries may not survive a fork.
    run = _in_a_child if sys.platform == "linux" else _in_this_process
    while (message := read_frame(lambda size: os.read(tasks, size))) is not None:
        _send(answers, run(message, tasks, answers))


def _redirect(descriptor: int, path: str) -> None:
    opened = os.open(path, os.O_RDWR)
    os.dup2(opened, descriptor)
    os.close(opened)


def _send(descriptor: int, data: bytes) -> None:
    view = memoryview(frame(data))
    while view:
        view = view[os.write(descriptor, view) :]


def _limit(memory: int) -> None:
    if os.name != "posix":
        return
    import resource

    wanted = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, LOG_LIMIT)]
    wanted += [(resource.RLIMIT_AS, memory)] if memory else []
    for what, limit in wanted:
        _, hard = resource.getrlimit(what)
        if hard == resource.RLIM_INFINITY or limit < hard:
            resource.setrlimit(what, (limit, hard))


def _answer(message: bytes) -> bytes:
    """Run one task; every outcome is an answer."""
    try:
        fn, args, kwargs = pickle.loads(message)
        return pickle.dumps(("done", fn(*args, **kwargs)))
    except BaseException as error:  # the guarded door: sys.exit in a task is the task's failure
        return _failure(error)


def _failure(error: BaseException) -> bytes:
    text = "".join(traceback.format_exception(error))
    if not isinstance(error, Exception):
        return pickle.dumps(("error", WorkerDied(f"the task raised {type(error).__name__}\n{text}")))
    try:
        error.add_note(text)
        data = pickle.dumps(("error", error))
        pickle.loads(data)
    except Exception:  # an exception that cannot travel travels as text
        return pickle.dumps(("error", RuntimeError(text)))
    return data


def _in_this_process(message: bytes, tasks: int, answers: int) -> bytes:
    return _answer(message)


def _in_a_child(message: bytes, tasks: int, answers: int) -> bytes:
    """Fork, run the task in the child, collect what it writes into a pipe of its own."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for descriptor in (read, tasks, answers):
                os.close(descriptor)
            data = _answer(message)
            with os.fdopen(write, "wb") as pipe:
                pipe.write(data)
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    data = _collect(read, tasks)
    os.close(read)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 0 and data:
        return data
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with status {code}"
    return pickle.dumps(("died", f"the process of the task {how}"))


def _collect(read: int, tasks: int) -> bytes:
    """Read until the child closes its end. The owner sends one task at a time, so more input means it is gone."""
    import select

    chunks = []
    while True:
        ready, _, _ = select.select([read, tasks], [], [])
        if read in ready:
            chunk = os.read(read, 1 << 16)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
        elif tasks in ready:
            os.killpg(0, signal.SIGKILL)
