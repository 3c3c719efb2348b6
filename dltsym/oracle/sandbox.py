"""A check in a process of its own: whatever a user's kernel does, it does it there.

The process starts with the variables that Triton and the numeric libraries read once, before anything is imported. It
tells through a pipe which case it is about to run, so a crash or a hang has a name. What a kernel prints goes to a
log, whose end is quoted when the process dies.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from dltsym.errors import BrokenRecord, DltsymError, InternalError, KernelMapError, UnsupportedError
from dltsym.oracle.blame import by_candidate
from dltsym.oracle.candidate import Misbehaved

START = 300.0
"""Seconds until the first case: imports, and the statement is compiled."""
BETWEEN = 240.0
"""Seconds that references and tolerances of one case may take besides the call itself."""
QUIET = 1800.0
"""Seconds for everything after the last case: relations, null kernels, wrong formulas, search."""
PASS, WRONG, USAGE, VACUOUS, CRASH, MISSING = range(6)
INTERNAL = 70
"""Exit code where the oracle itself fails, which says nothing of the callable."""
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Request:
    """What is to be checked, as plain data.

    Attributes
    ----------
    what : str
        ``package.module:function``, ``file.py:function``, ``library.so:symbol``, or ``family.kernel`` of ours.
    against : str
        Key of a theorem, or ``module:name`` of a theorem, compiled expression or expression.
    dtypes, mapping : tuple of str
        Types, and texts of the mapping.
    device, contract, arrays, c_signature : str
        As in `candidate`.
    cases : int
        At most so many cases; 0 for all.
    only : str
        Name of the only case to run.
    seed : int
        Added to the seeds.
    grads : tuple of str
        Inputs to differentiate by; ``("all",)`` for all that the callable can.
    relations, canaries, selftest : bool
        What else to run.
    search : float
        Seconds of search.
    plot : str
        File of a plot.
    timeout : float
        Seconds for one call.
    colour : bool
        Whether the table is coloured.
    task : str
        ``module:function`` that answers in place of the check, such as that of the lints.
    options : str
        JSON for it.
    """

    what: str
    against: str
    dtypes: tuple[str, ...] = ("float32",)
    mapping: tuple[str, ...] = ()
    device: str = "cpu"
    contract: str = ""
    arrays: str = "auto"
    c_signature: str = ""
    cases: int = 0
    only: str = ""
    seed: int = 0
    grads: tuple[str, ...] = ()
    relations: bool = True
    canaries: bool = True
    selftest: bool = True
    search: float = 0.0
    plot: str = ""
    timeout: float = 60.0
    colour: bool = False
    task: str = ""
    options: str = ""


@dataclass(frozen=True)
class Answer:
    """What came of it: the exit code of `dltsym kernel check`, a text for people, data for machines."""

    exit_code: int
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


def environment(device: str) -> dict[str, str]:
    """Return the variables that the process starts with.

    Parameters
    ----------
    device : str
        Where tensors are: on the CPU, Triton is interpreted.

    Returns
    -------
    dict of str to str
    """
    on_cpu = device == "cpu"
    own = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"} if on_cpu else {}
    bare = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    return bare | own | ({"TRITON_INTERPRET": "1"} if on_cpu else {})


def run(request: Request, progress: Progress | None = None) -> Answer:
    """Check in a process of its own.

    Parameters
    ----------
    request : Request
        What is to be checked.
    progress : callable, optional
        Called before each case with number done, total and label.

    Returns
    -------
    Answer
    """
    read, write = os.pipe()
    os.set_inheritable(write, True)
    command = [sys.executable, "-m", "dltsym.oracle.sandbox", str(write)]
    path = os.pathsep.join(p or str(Path.cwd()) for p in sys.path)
    variables = environment(request.device) | {"PYTHONPATH": path}
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory(prefix="dltsym-triton-") as cache:
        variables.setdefault("TRITON_CACHE_DIR", cache)
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=variables, pass_fds=(write,),
            start_new_session=True,
        )  # fmt: skip
        os.close(write)
        grace = 0.0  # an interrupted check has nothing more to say, nor one whose answer came
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(asdict(request)).encode())
            process.stdin.close()
            answer, case, hung = _listen(read, request, progress)
            grace = 0.0 if answer else 5.0
        finally:
            _end(process, grace)
            os.close(read)
        return answer or _obituary(request, process, log, case, hung)


def _listen(read: int, request: Request, progress: Progress | None) -> tuple[Answer | None, str, float]:
    """Wait for messages; return the answer, or the last case and after how many seconds of silence it was given up."""
    case, limit, buffer = "", START, b""
    deadline = time.monotonic() + limit
    while True:
        ready, _, _ = select.select([read], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None, case, limit
        chunk = os.read(read, 1 << 16)
        if not chunk:
            return None, case, 0.0
        *lines, buffer = (buffer + chunk).split(b"\n")
        for message in map(_message, lines):
            if message is None:
                continue
            if "answer" in message:
                return Answer(**message["answer"]), case, 0.0
            case, last = message["label"], message["done"] + 1 >= message["total"]
            limit = request.timeout + BETWEEN + (QUIET + request.search if last else 0.0)
            deadline = time.monotonic() + limit
            if progress is not None:
                progress(message["done"], message["total"], case)


def _message(line: bytes) -> dict[str, Any] | None:
    """Read a line of the pipe; what a callable wrote into it by mistake is no message."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    answer = found.get("answer")
    whole = {"exit_code", "text", "data"} if isinstance(answer, dict) else {"done", "total", "label"}
    return found if whole <= {*(answer if isinstance(answer, dict) else found)} else None


def _end(process: subprocess.Popen[bytes], grace: float) -> None:
    """End the process and everything it started, after so many seconds in which it may end by itself."""
    try:
        process.wait(timeout=grace)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _obituary(request: Request, process: subprocess.Popen[bytes], log: IO[bytes], case: str, hung: float) -> Answer:
    log.seek(max(0, log.seek(0, os.SEEK_END) - 8000))
    said = log.read().decode("utf-8", "replace").strip()
    before, fault, frames = said.rpartition("Fatal Python error")  # the innermost frame comes first there
    words = [*before.splitlines()[-4:], *(fault + frames).splitlines()[:12]] if fault else said.splitlines()[-12:]
    code = process.returncode
    if hung:
        verdict, how = "timeout", f"nothing was heard of it for {hung:g} s"
    else:
        verdict, how = "crash", f"ended by {signal.Signals(-code).name}" if code < 0 else f"exited with status {code}"
    where = f"in the case {case}" if case else "before the first case"
    against = f"{request.against}  vs  " if request.against else ""
    lines = [f"{against}{request.what}", f"{verdict.upper()}  {where}: the process {how}"]
    lines += [f"replay: dltsym kernel replay '{case}'"] if case else []
    lines += ["its last words:", *("  " + x for x in words)] if said else []
    data = {"verdict": verdict, "exit_code": CRASH, "case": case, "how": how, "said": said[-2000:]}
    return Answer(CRASH, "\n".join(lines), data)


# In the process


def main() -> None:
    """Read a request from standard input, run it, answer through the pipe whose number is the argument."""
    pipe = os.fdopen(int(sys.argv[1]), "wb", buffering=0)
    request = Request(**{k: tuple(x) if isinstance(x, list) else x for k, x in json.load(sys.stdin).items()})

    def send(message: Mapping[str, Any]) -> None:
        pipe.write(json.dumps(message).encode() + b"\n")

    case = ""

    def progress(done: int, total: int, label: str) -> None:
        nonlocal case
        case = label
        send({"done": done, "total": total, "label": label})

    try:
        answer = answered(request, progress)
    except Exception as error:  # every error of a callable is a verdict by now: this one is ours, unless it says not
        if isinstance(error, OSError | MemoryError) or by_candidate(error):
            raise
        answer = broken(request, case, error)
    send({"answer": asdict(answer)})


def broken(request: Request, case: str, error: Exception) -> Answer:
    """Answer for an error of the oracle itself: nothing is said of the callable.

    Parameters
    ----------
    request : Request
        What was to be checked.
    case : str
        Case that was being worked on; empty before the first.
    error : Exception
        With its traceback.

    Returns
    -------
    Answer
    """
    where = f"in the case {case}" if case else "before the first case"
    lines = [f"InternalError: dltsym itself failed {where}, which says nothing of {request.what}. Please report this:"]
    lines += ["  " + x for x in "".join(traceback.format_exception(error)).strip().splitlines()[-12:]]
    text = "\n".join(lines)
    return Answer(INTERNAL, text, {"verdict": "error", "exit_code": INTERNAL, "case": case, "error": text})


def answered(request: Request, progress: Progress | None = None) -> Answer:
    """Run a check in this process; errors on purpose become answers.

    Parameters
    ----------
    request : Request
        What is to be checked.
    progress : callable, optional
        Called before each case.

    Returns
    -------
    Answer

    Raises
    ------
    InternalError
        When the oracle itself fails; any other error that is not on purpose comes as it is.
    """
    try:
        if request.task:
            home, _, name = request.task.partition(":")
            return getattr(import_module(home), name)(request, progress)
        return _checked(request, progress)
    except InternalError:
        raise
    except UnsupportedError as error:
        missing = "not installed" in str(error) or "no CUDA device" in str(error)
        return _refused(error, MISSING if missing else USAGE)
    except BrokenRecord as error:
        return _refused(error, WRONG)
    except Misbehaved as error:  # on the small sample, before the first case
        return replace(_refused(error, CRASH), data={"verdict": "crash", "exit_code": CRASH, "error": str(error)})
    except DltsymError as error:
        return _refused(error, USAGE)


def _refused(error: DltsymError, code: int) -> Answer:
    text = f"{type(error).__name__}: {error}"
    return Answer(code, text, {"verdict": "error", "exit_code": code, "error": text})


def _checked(request: Request, progress: Progress | None) -> Answer:
    from dltsym.oracle import replay, trials
    from dltsym.oracle.adapters import candidate
    from dltsym.oracle.run import check

    _device(request.device)
    spec = replay.statement(request.against)
    function = replay.ours(request.what) or request.what
    on_cpu = request.device == "cpu" and trials.repaired()
    own = candidate(
        function, spec, request.mapping, device=request.device, contract=request.contract, arrays=request.arrays,
        c_signature=request.c_signature, name=request.what, timeout=request.timeout,
    )  # fmt: skip
    guarded = trials.limited(own, request.timeout)
    cases = replay.cases(spec, own, function, request)
    grads = own.grads if request.grads == ("all",) else request.grads
    unknown = [g for g in grads if g not in own.grads]
    if unknown:
        raise KernelMapError(
            f"{request.what} cannot be differentiated by {unknown[0]}; "
            + (f"it can by {', '.join(own.grads)}" if own.grads else f"there are no gradients of {own.kind} functions")
        )
    if not request.only:
        replay.remember(spec.key, request)
    with trials.watched() if on_cpu else nullcontext():
        report = check(
            spec, guarded, dtypes=request.dtypes, cases=cases, seed=request.seed, grads=grads,
            relations=request.relations, canaries=request.canaries, selftest=request.selftest, search=request.search,
            progress=progress,
        )  # fmt: skip
    if report.results and all(r.kind == "map" for r in report.results):
        return _refused(KernelMapError(f"{request.what}: {report.results[0].message.partition(': ')[2]}"), USAGE)
    if request.plot:
        report.plot(request.plot)
    return Answer(report.exit_code, report.table(request.colour), report.json())


def _device(device: str) -> None:
    from dltsym.kernels.dispatch import torch_module

    torch = torch_module()
    if device != "cpu" and not torch.cuda.is_available():
        raise UnsupportedError(f"no CUDA device for --device {device}; leave it out to check on the CPU")


if __name__ == "__main__":
    main()
