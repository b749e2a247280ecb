"""Processes that run tests: forked, limited, and told apart by their exit codes."""

import contextlib
import math
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "mutants"  # surveys and results, from run to run
TIMEOUT = 124  # the exit code where a signal ended the process
NO_TESTS = 5  # pytest's
BROKEN = 70  # where something was raised that pytest did not catch
MEMORY = 6 << 30  # bytes of address space: a loop that allocates for ever ends


class Child(NamedTuple):
    """A process that was forked."""

    pid: int
    told: Path  # where it writes what it has to tell
    end: float  # when it is ended, for it may sleep

    @property
    def log(self) -> Path:
        return self.told.with_suffix(".log")


def fork(work: Callable[[Path], int], seconds: float) -> Child:
    """Does the work in a process of its own, with so much processor time. Its code: what it gives.

    Waiting costs none, and other processes may have the processors: ten times as long by the clock.
    """
    told = KEPT / f"child-{os.getpid()}-{time.monotonic_ns()}"
    child = Child(os.fork(), told, time.monotonic() + 10 * seconds + 60)
    if child.pid:
        return child
    code = BROKEN
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        log = os.open(child.log, os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = work(told)
    finally:
        os._exit(code)


def first_to_end(children: list[Child]) -> tuple[Child, int]:
    """Waits for one of the children; gives its exit code."""
    while True:
        for child in children:
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if not pid and time.monotonic() > child.end:
                os.kill(child.pid, signal.SIGKILL)
                pid, status = os.waitpid(child.pid, 0)
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)  # what it started and left behind
                child.log.unlink(missing_ok=True)
                code = os.waitstatus_to_exitcode(status)
                return child, TIMEOUT if code < 0 else code
        time.sleep(0.01)


def alone(run: Callable[..., int], *operands: Any) -> int:
    """The exit code of a run in a process of its own, which leaves nothing behind for the next."""
    pid = os.fork()
    if not pid:
        code = BROKEN
        try:
            code = run(*operands)
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return TIMEOUT if code < 0 else 0 if code == NO_TESTS else code
