"""A task may hang, exit, crash, print, fork or eat memory: only it fails, and the next one runs."""

import os
import sys
import time

import pytest

from dltsym.pool import GuardedPool, TaskTimeout, WorkerDied

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="tasks run in forked children on Linux only")


def add(a: int, b: int = 0) -> int:
    return a + b


def hang() -> None:
    while True:
        pass


def leave() -> None:
    os._exit(0)


def quit_politely() -> None:
    sys.exit("bye")


def crash() -> None:
    import ctypes

    ctypes.string_at(0)


def fail() -> None:
    raise ValueError("no")


class Untravelled(Exception):
    def __init__(self, a: int, b: int) -> None:
        super().__init__("cannot be rebuilt")


def fail_oddly() -> None:
    raise Untravelled(1, 2)


def chatter() -> str:
    sys.stdout.write("x" * 10_000)
    os.write(1, b"\0" * 100)
    sys.stderr.write("noise")
    return sys.stdin.read()


def leave_a_child_behind() -> int:
    if os.fork() == 0:
        time.sleep(600)
    return 1


def swallow() -> int:
    return len(bytearray(1 << 40))


def spoil() -> None:
    sys.modules["spoilt"] = sys


def spoilt() -> bool:
    return "spoilt" in sys.modules


def test_results_come_back_in_order_of_submission() -> None:
    with GuardedPool(2, timeout=60) as pool:
        assert list(pool.map(add, range(20), range(20))) == [2 * k for k in range(20)]
        assert pool.submit(add, 1, b=2).result() == 3


def test_a_hanging_task_is_stopped_and_the_rest_goes_on() -> None:
    with GuardedPool(1, timeout=0.5) as pool:
        stuck, after = pool.submit(hang), pool.submit(add, 1)
        with pytest.raises(TaskTimeout, match=r"0\.5 s"):
            stuck.result(60)
        assert after.result(60) == 1


@pytest.mark.parametrize(("task", "said"), [(leave, "status 0"), (quit_politely, "SystemExit"), (crash, "SIGSEGV")])
def test_a_task_that_ends_its_process_fails_alone(task: object, said: str) -> None:
    with GuardedPool(1, timeout=60) as pool:
        lost, after = pool.submit(task), pool.submit(add, 1)
        with pytest.raises(WorkerDied, match=said):
            lost.result(60)
        assert after.result(60) == 1


def test_exceptions_travel_with_their_traceback() -> None:
    with GuardedPool(1, timeout=60) as pool:
        with pytest.raises(ValueError, match="no") as caught:
            pool.submit(fail).result(60)
        assert "in fail" in "".join(caught.value.__notes__)
        with pytest.raises(RuntimeError, match="cannot be rebuilt"):
            pool.submit(fail_oddly).result(60)
        with pytest.raises(Exception, match="pickle"):
            pool.submit(lambda: 1).result(60)
        assert pool.submit(add, 1).result(60) == 1


def test_what_a_task_prints_is_not_an_answer() -> None:
    with GuardedPool(1, timeout=60) as pool:
        assert pool.submit(chatter).result(60) == ""
        assert pool.submit(add, 1).result(60) == 1


@LINUX
def test_a_task_leaves_nothing_behind() -> None:
    with GuardedPool(1, timeout=60) as pool:
        pool.submit(spoil).result(60)
        assert pool.submit(spoilt).result(60) is False


@LINUX
def test_a_grandchild_cannot_hold_the_answer_for_ever() -> None:
    with GuardedPool(1, timeout=1) as pool:
        held, after = pool.submit(leave_a_child_behind), pool.submit(add, 1)
        with pytest.raises(TaskTimeout):
            held.result(60)
        assert after.result(60) == 1


@LINUX
def test_memory_is_limited() -> None:
    with GuardedPool(1, timeout=60, memory=4 << 30) as pool, pytest.raises(MemoryError):
        pool.submit(swallow).result(60)


def test_a_worker_that_cannot_start_fails_its_tasks() -> None:
    with GuardedPool(1, preload=("no_such_module",)) as pool:
        first, second = pool.submit(add, 1), pool.submit(add, 2)
        for future in (first, second):
            with pytest.raises(WorkerDied, match="no_such_module"):
                future.result(60)


def test_an_interrupted_run_does_not_wait() -> None:
    start = time.perf_counter()
    pool = GuardedPool(1)
    futures = [pool.submit(add, 1), pool.submit(hang), pool.submit(add, 2)]
    futures[0].result(60)
    pool.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert time.perf_counter() - start < 30
    with pytest.raises(WorkerDied):
        futures[1].result(60)
    assert futures[2].cancelled()


def test_a_closed_pool_takes_no_tasks() -> None:
    pool = GuardedPool(1)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(add, 1)
