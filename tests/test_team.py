"""The threads that share large batches: how many, what they are told, and what a fork leaves."""

import ctypes
import os
import signal
import sys
import threading
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import jit
from autograd.compiler import team
from autograd.compiler.callbacks import WORKERS
from autograd.compiler.driver import ORDERS, SEMAPHORE, TEAM

pytest.importorskip("llvmlite")

linux = pytest.mark.skipif(sys.platform != "linux", reason="others have no team")


@pytest.fixture
def _afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No team yet, and nothing that is made here stays at forks."""
    monkeypatch.setattr(team, "_team", None)
    monkeypatch.setattr(team, "_orders", None)
    monkeypatch.setattr(os, "register_at_fork", lambda **_: None, raising=False)


def field(members: Any, name: str) -> int:
    return int(members[TEAM.index(name)])


def test_how_many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that the process may use; where that is not told, those there are; one at least."""
    of_process = {0: {0, 3, 5}}  # 0 is this one
    monkeypatch.setattr(os, "sched_getaffinity", of_process.__getitem__, raising=False)
    assert team.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    for found, cores in ((6, 6), (1, 1), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda found=found: found)
        assert team.cores() == cores


@linux
@pytest.mark.usefixtures("_afresh")
@pytest.mark.parametrize("cores", [1, 2, 4])
def test_a_thread_for_each_further_core(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each runs the function it is given with orders of its own, whose semaphore is at 0."""
    monkeypatch.setattr(team, "cores", lambda: cores)
    seen: list[tuple[int, str, bool]] = []
    forked: list[Any] = []
    monkeypatch.setattr(os, "register_at_fork", lambda **kinds: forked.append(kinds))
    threads: list[threading.Thread] = []

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    def run(orders: int) -> None:
        thread = threading.current_thread()
        seen.append((orders, thread.name, thread.daemon))

    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda t: (threads.append(t), start(t))[1])
    members = team.team(ctypes.cast(run, ctypes.c_void_p).value or 0)
    for thread in threads:
        thread.join(20)
    workers = cores - 1
    assert field(members, "workers") == workers == len(threads)
    assert field(members, "busy") == 0
    assert field(members, "least") == team.LEAST_ROWS == 512
    begin, size = field(members, "orders"), 8 * (SEMAPHORE + len(ORDERS))
    assert team._orders.nbytes == workers * size
    assert team._orders.ctypes.data == begin
    assert sorted(seen) == [(begin + k * size, WORKERS, True) for k in range(workers)]
    libc = ctypes.CDLL(None)
    for k in range(workers):
        value = ctypes.c_int(-1)
        assert libc.sem_getvalue(ctypes.c_void_p(begin + k * size), ctypes.byref(value)) == 0
        assert value.value == 0
    assert team.team(0) is members, "there is one team in a process"
    assert len(threads) == workers
    (kinds,) = forked
    assert list(kinds) == ["after_in_child"]
    members[TEAM.index("busy")] = 1
    kinds["after_in_child"]()
    assert (field(members, "workers"), field(members, "busy")) == (0, 0)
    assert field(members, "least") == 512


@pytest.mark.usefixtures("_afresh")
def test_other_systems_have_no_team(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their semaphores may be larger."""
    monkeypatch.setattr(team, "sys", types.SimpleNamespace(platform="darwin"))
    monkeypatch.setattr(team, "cores", lambda: 4)
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    assert field(team.team(0), "workers") == 0


def test_a_semaphore_that_there_is_no_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system says is raised, with its number."""

    def library(name: None, use_errno: bool = False) -> Any:
        def sem_init(*_: Any) -> int:
            if use_errno:
                ctypes.set_errno(28)
            return -1

        return types.SimpleNamespace(sem_init=sem_init)

    monkeypatch.setattr(ctypes, "CDLL", library)
    ctypes.set_errno(0)
    with pytest.raises(OSError, match="sem_init failed") as caught:
        team._sem_init(0)
    assert caught.value.errno == 28


def in_child(work: Callable[[], bool]) -> bool:
    """Whether it is so in a forked process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a process with threads forks: that is what is tested
        child = os.fork()
    if not child:
        good = False
        try:
            signal.alarm(20)  # ends it if it hangs
            good = work()
        finally:
            os._exit(0 if good else 1)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_works_alone() -> None:
    """Large batches are right in a forked process, and in one forked from that, and here again."""
    f = jit(lambda w, x: w * x[0] + x[1], batch_argnums=1)
    xs = np.random.default_rng(0).normal(size=(4096, 2))
    want = 2.0 * xs[:, 0].mean() + xs[:, 1].mean()

    def right() -> bool:
        return bool(abs(f(2.0, xs) - want) < 1e-12)

    assert right()
    assert in_child(right)
    assert in_child(lambda: in_child(right))
    assert right()
