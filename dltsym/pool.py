"""`GuardedPool`: an executor whose tasks may hang, exit, crash or eat memory, and only they pay for it.

Each worker is a fresh interpreter that we talk to over its own pipes. On Linux it runs every task in a forked child,
so that a task cannot leave anything behind for the next one. A task that outlives its time takes the whole process
group of its worker with it. What a task prints goes to a log, whose end is quoted when a worker dies.

Traps: the standard pools break as a whole when one worker dies, have no time limit, and re-import the user's main
module. A forked child of a task may hold the answer pipe open for ever, therefore groups are killed, not processes.
"""

from __future__ import annotations

import json
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from dltsym.errors import DltsymError

START_LIMIT = 120.0
_BOOT = "import json, sys; o = json.loads(sys.argv[1]); sys.path[:] = o['path']; import dltsym.worker as w; w.serve(o)"
_HEAD = struct.Struct(">Q")


def cores() -> int:
    """Return how many processor cores this process may use.

    Returns
    -------
    int
    """
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


class TaskTimeout(DltsymError):
    """A task used up its time and was stopped."""


class WorkerDied(DltsymError):
    """The process that ran a task ended before it answered."""


def read_frame(read: Callable[[int], bytes]) -> bytes | None:
    """Read one length-prefixed message.

    Parameters
    ----------
    read : callable
        Returns at most so many bytes, and nothing at the end.

    Returns
    -------
    bytes or None
        None at the end of the stream.
    """

    def exactly(size: int) -> bytes | None:
        chunks = []
        while size:
            chunk = read(min(size, 1 << 20))
            if not chunk:
                return None
            chunks.append(chunk)
            size -= len(chunk)
        return b"".join(chunks)

    head = exactly(_HEAD.size)
    return None if head is None else exactly(_HEAD.unpack(head)[0])


def frame(data: bytes) -> bytes:
    """Put the length in front of a message.

    Parameters
    ----------
    data : bytes
        Message.

    Returns
    -------
    bytes
    """
    return _HEAD.pack(len(data)) + data


class _Worker:
    """One interpreter, used by one thread."""

    def __init__(self, preload: tuple[str, ...], memory: int) -> None:
        options = {"path": sys.path, "preload": preload, "memory": memory}
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the worker
        self.expired = False
        # One thread of arithmetic per worker: there are as many workers as cores.
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            bufsize=0,
            env=environment,
            start_new_session=True,
        )

    def start(self) -> _Worker:
        """Wait until the interpreter has imported what it needs."""
        try:
            self.ask(None, START_LIMIT)
        except DltsymError:
            self.close()
            raise
        return self

    def ask(self, message: bytes | None, limit: float | None) -> bytes:
        """Send a message, wait for the answer; the worker is unusable after any exception."""
        alarm = threading.Timer(limit, self._expire) if limit is not None else None
        if alarm:
            alarm.daemon = True
            alarm.start()
        try:
            if message is not None:
                self.log.seek(0)
                self.log.truncate()
                self.process.stdin.write(frame(message))  # type: ignore[union-attr]
            answer = read_frame(self.process.stdout.read)  # type: ignore[union-attr]
        except OSError:
            answer = None
        finally:
            if alarm:
                alarm.cancel()
        if self.expired:
            raise TaskTimeout(f"stopped after {limit:g} s")
        if answer is None:
            self.kill()
            raise WorkerDied(self._obituary(f"the worker ended with status {self.process.returncode}"))
        return answer

    def _expire(self) -> None:
        self.expired = True
        self.kill(wait=False)

    def _obituary(self, reason: str) -> str:
        said = self.said()
        return f"{reason}; its last words:\n{said}" if said else reason

    def said(self) -> str:
        """Return the end of what was printed during the last task."""
        size = self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, size - 2000))
        return self.log.read().decode("utf-8", "replace").strip()

    def kill(self, wait: bool = True) -> None:
        """End the worker and everything it started."""
        try:
            if os.name == "posix":
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        except (ProcessLookupError, PermissionError):
            pass
        if wait:
            self.process.wait()

    def close(self) -> None:
        """End the worker and give its files back."""
        self.kill()
        for file in (self.process.stdin, self.process.stdout, self.log):
            file.close()  # type: ignore[union-attr]


class GuardedPool(Executor):
    """Executor over `workers` processes with a time limit per task, in which a task can only fail itself.

    Parameters
    ----------
    workers : int, optional
        Processes, by default one per core.
    timeout : float, optional
        Seconds per task; the start of a worker does not count.
    preload : tuple of str
        Modules that every worker imports once before its first task.
    memory : int
        Bytes of address space per task; 0 for no limit.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        timeout: float | None = None,
        preload: tuple[str, ...] = (),
        memory: int = 8 << 30,
    ) -> None:
        self._size = max(1, workers or cores())
        self._timeout, self._preload, self._memory = timeout, preload, memory
        self._queue: queue.SimpleQueue[tuple[Future[Any], Any] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._busy: set[_Worker] = set()
        self._closed = self._killed = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Schedule a call of a picklable function.

        Parameters
        ----------
        fn : callable
            Importable function.
        *args, **kwargs
            Picklable arguments.

        Returns
        -------
        Future
            Fails with `TaskTimeout` or `WorkerDied` when the task hung or took its process down.

        Raises
        ------
        RuntimeError
            After `shutdown`.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool is shut down")
            future: Future[Any] = Future()
            self._queue.put((future, (fn, args, kwargs)))
            if len(self._threads) < self._size:
                thread = threading.Thread(target=self._work, daemon=True, name=f"dltsym-pool-{len(self._threads)}")
                self._threads.append(thread)
                thread.start()
            return future

    def _work(self) -> None:
        worker = None
        while (item := self._queue.get()) is not None:
            future, task = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                message = pickle.dumps(task)
                worker = worker or self._start()
                status, value = pickle.loads(worker.ask(message, self._timeout))
            except Exception as error:  # the guarded door of the pool: it goes to the caller through the future
                worker = self._drop(worker)
                future.set_exception(error)
                continue
            if status == "died":
                future.set_exception(WorkerDied(worker._obituary(value)))
            elif status == "error":
                future.set_exception(value)
            else:
                future.set_result(value)
        self._drop(worker)

    def _start(self) -> _Worker:
        with self._lock:
            if self._killed:
                raise WorkerDied("the pool was killed")
            worker = _Worker(self._preload, self._memory)
            self._busy.add(worker)
        try:
            return worker.start()
        except DltsymError:
            with self._lock:
                self._busy.discard(worker)
            raise

    def _drop(self, worker: _Worker | None) -> None:
        if worker is not None:
            with self._lock:
                self._busy.discard(worker)
            worker.close()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks; end the workers when the tasks taken so far are done.

        Parameters
        ----------
        wait : bool
            Return only when they have ended.
        cancel_futures : bool
            Drop the tasks that have not started.
        """
        with self._lock:
            first, self._closed = not self._closed, True
        if cancel_futures:
            self._cancel_waiting()
        if first:
            for _ in self._threads:
                self._queue.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _cancel_waiting(self) -> None:
        ends = 0
        while not self._queue.empty():
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                ends += 1
            else:
                item[0].cancel()
        for _ in range(ends):
            self._queue.put(None)

    def kill(self) -> None:
        """Stop at once: running tasks fail with `WorkerDied`, waiting ones are cancelled."""
        with self._lock:
            self._killed = True
            running = list(self._busy)
        for worker in running:
            worker.kill(wait=False)
        self.shutdown(wait=True, cancel_futures=True)

    def __exit__(self, exc_type: Any, exc: Any, traceback: Any) -> None:
        if exc_type is None:
            self.shutdown()
        else:
            self.kill()  # an interrupted run does not wait for proofs nobody will read
