"""Nothing grows: what was made goes with its last name. In full: python -m benchmarks.soak."""

import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, jit, modes
from autograd.compiler import llvm
from autograd.compiler.newest import Newest
from benchmarks import soak

WORKS = {**soak.FUNCTIONS, **soak.TRAININGS, **soak.PICTURES, "faults": soak.faults}
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@contextmanager
def by_reference_counting_alone() -> Iterator[None]:
    """Inside, Python's collector of cycles does not run."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def code_of(f: Any) -> list[Any]:
    """Weak references to the machine code of a compiled function."""
    return [weakref.ref(code) for code in set(f._latest.machine._code.values())]


# --- no cycles, no modes --------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WORKS)
def test_no_cycles(name: str) -> None:
    """Graphs, models, compiled functions, pictures and errors leave nothing to the collector."""
    if name == "estimator":
        pytest.importorskip("sklearn")
    work = WORKS[name]
    work(0)  # what is made once, for good
    with by_reference_counting_alone():
        assert any(leaves_nothing(lambda k=k: work(k)) for k in (1, 2, 3))


def leaves_nothing(work: Callable[[], None]) -> bool:
    """Whether the collector finds nothing after it.

    With each engine that goes, llvmlite leaves a pointer to the collector: so all that can go goes
    before. Engines of other tests may go meanwhile; what the work itself leaves, it leaves always.
    """
    llvm.forget()
    llvm.finish()
    gc.collect()
    work()
    return gc.collect() == 0


@pytest.mark.filterwarnings("ignore")
def test_errors_leave_no_mode_on() -> None:
    """After errors in the middle of everything, operations are recorded as usual."""
    data = Value.__dict__["data"]
    soak.faults(0)
    assert modes.open_blocks == 0
    assert Value.__dict__["data"] is data
    assert gc.isenabled()
    x = Value(2.0)
    (x * x).backward()
    assert x.grad == 4.0


def test_a_model_goes_and_its_data_too() -> None:
    """A trained model is freed with its last name; its optimiser holds neither it nor the data."""
    from nn.layers import Dense
    from nn.models import Sequential

    xs, ys = np.ones((4, 2)), np.ones(4)
    model = Sequential([Dense(1, input_dim=2, kernel_constraint="non_neg")])
    optimizer = nn.Adam(lr=0.1)
    model.compile(optimizer=optimizer, loss="mse")
    model.fit(xs, ys, epochs=2, verbose=0, validation_data=(xs, ys))
    model.predict(xs)
    moments = optimizer.state
    model.fit(xs, ys, epochs=2, verbose=0)
    found = weakref.ref(model), weakref.ref(model.engine_for.__self__._engines.popitem()[1][0])
    with by_reference_counting_alone():
        del model
        assert [x() for x in found] == [None, None]
    assert optimizer.state != moments


# --- memory ---------------------------------------------------------------------------------------


@linux
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "times"), [("plain", 40), ("fit_eager", 6)])
def test_memory_stays(name: str, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither memory nor code grows with functions compiled (it was 870 kB each) or trainings."""
    monkeypatch.setattr(llvm, "RECENT", 4)
    llvm.forget()
    _, late, _ = soak.growth(WORKS[name], times, warm_up=10)
    assert late.memory <= 2048  # kB: the allocator takes pages in larger pieces
    assert late.code <= 16  # kB
    assert late.objects <= 100
    assert late.threads <= 0
    assert late.files <= 0


@linux
@pytest.mark.parametrize("name", soak.HUGE)
def test_huge_graphs(name: str) -> None:
    """A node takes less than 300 bytes through backward, so that ten million fit in 3 GB."""
    n = 100_000 if name == "a chain" else 10_000
    said = soak.huge(name, n)
    assert "Error" not in said.replace("GraphTooLargeError", ""), said
    peak = [int(line.split()[-2]) for line in said.splitlines() if line.endswith("MiB")]
    backward = next(k for k, line in enumerate(said.splitlines()) if "backward" in line)
    assert said.splitlines()[-1].split()[0] == "free", said
    if name == "a chain":
        assert peak[backward] - peak[0] < 300 * n / 2**20, said


# --- machine code ---------------------------------------------------------------------------------


def test_code_goes_with_its_function() -> None:
    """The last function that uses code frees it, at once; one of the same kinds keeps it."""
    llvm.forget()
    first, second = (jit(soak.formula(10**6)) for _ in range(2))
    expected = first(0.1, 0.2)
    assert second(0.1, 0.2) == expected
    code = code_of(first)
    assert set(code) == set(code_of(second))  # shared
    llvm.forget()
    with by_reference_counting_alone():
        del first
        llvm.forget()
        assert None not in [c() for c in code]
        assert second(0.1, 0.2) == expected
        del second
        assert {c() for c in code} == {None}


def test_code_used_lately_stays_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function like one that has just gone is not compiled again; there is an end to that."""
    monkeypatch.setattr(llvm, "RECENT", 4)
    llvm.forget()
    f = jit(soak.formula(10**6 + 1))
    f(0.1, 0.2)
    (code,) = code_of(f)
    again = jit(soak.formula(10**6 + 1))
    del f
    soak.plain(10**6 - 1)
    again(0.1, 0.2)  # and is the latest again
    assert code_of(again) == [code]
    del again
    for k in range(llvm.RECENT):
        assert code() is not None
        soak.plain(2 * 10**6 + k)
    assert code() is None
    assert len(llvm._recent) == llvm.RECENT


def test_code_that_becomes_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long code is replaced in the background, in all that use it, and freed as any other."""
    monkeypatch.setattr(llvm, "LONG", 10)
    llvm.forget()
    go = threading.Event()
    llvm._in_background(lambda: go.wait(20))
    first, second = (jit(soak.formula(10**6 + 2)) for _ in range(2))
    expected = first(0.1, 0.2)
    second(0.1, 0.2)
    quick = [lists.copy() for lists in second._latest.machine._lists]
    go.set()
    llvm.finish()
    for f in (first, second):
        machine = f._latest.machine
        for before, phase, now in zip(quick, machine.calls, machine._lists, strict=True):
            addresses = [machine._code[call.kind].addresses[call.kind] for call in phase]
            assert now[:, 0].tolist() == addresses
            assert not set(addresses) & set(before[:, 0].tolist())
        assert f(0.1, 0.2) == pytest.approx(expected, rel=1e-14)
    code = code_of(first)
    with by_reference_counting_alone():
        del first, second, f, machine
        assert {c() for c in code} == {None}


def test_better_code_that_nobody_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has gone before the background came to it is not compiled; engines wait for no one."""
    monkeypatch.setattr(llvm, "LONG", 10)
    started, go = threading.Event(), threading.Event()
    llvm._in_background(lambda: (started.set(), go.wait(20)))
    assert started.wait(20)
    compiled = []
    engine = llvm._engine
    monkeypatch.setattr(llvm, "_engine", lambda *args: compiled.append(args) or engine(*args))
    f = jit(soak.formula(10**6 + 3))
    f(0.1, 0.2)
    code = code_of(f)
    del f
    assert {c() for c in code} == {None}
    assert not llvm._dead.empty()
    before = len(compiled)
    go.set()
    llvm.finish()
    assert len(compiled) == before
    assert llvm._dead.empty()


def _run(program: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, *options, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_code_that_runs_is_not_freed() -> None:
    """Threads compile, share and drop functions, while others run and the collector interferes."""
    program = """
import gc, sys, threading
import numpy as np
import autograd
from autograd import jit
from autograd.compiler import llvm
from benchmarks import soak
llvm.RECENT, llvm.LONG = 1, 150
gc.set_threshold(20)
sys.setswitchinterval(1e-5)
shared = {}
failed = []
threading.excepthook = failed.append
rows = np.linspace(0.0, 1.0, 600)
def work(i):
    for turn in range(12):
        k = 3 * turn + i % 3
        f = soak.formula(k)
        fast = shared[i % 2] = jit(f, batch_argnums=1)
        other = shared.get(1 - i % 2, fast)
        cycle = [fast]
        cycle.append(cycle)  # freed by the collector, whenever it comes
        other(0.1, rows)
        got = fast(0.1, rows)
        del fast, other, cycle
        expected = np.mean([f(0.1, y) for y in rows[::60]])
        again = jit(f, batch_argnums=1)(0.1, rows[::60])
        assert abs(again - expected) < 1e-12, (again, expected)
        assert abs(got - expected) < 0.1
threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
llvm.finish()
print(len(failed), *failed)
"""
    assert _run(program, "-X", "faulthandler") == "0\n"


def test_the_end_of_the_process() -> None:
    """It ends as usual with code in use, in a cycle, in a team of threads and being compiled."""
    program = """
import numpy as np
from autograd import jit
from autograd.compiler import llvm
from benchmarks import soak
llvm.LONG = 10
kept = [jit(soak.formula(k), batch_argnums=1) for k in range(5)]
kept.append(kept)
for f in kept[:-1]:
    f(0.1, np.ones(2000))
print("done")
"""
    assert _run(program, "-X", "faulthandler") == "done\n"


def test_code_in_a_cycle() -> None:
    """The collector frees it as reference counting does: an engine before the context it needs."""
    program = """
import gc
from autograd import jit
from autograd.compiler import llvm
from benchmarks import soak
llvm.RECENT = 0
for k in range(20):
    f = jit(soak.formula(k))
    f(0.1, 0.2)
    f.__wrapped__.itself = f
    code = f._latest.machine._code
    code["itself"] = code
    del f, code
    assert gc.collect()
print("done")
"""
    assert _run(program, "-X", "faulthandler") == "done\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_frees_its_own() -> None:
    """After a fork, parent and child drop the same functions, and compile others."""
    program = """
import os
from autograd import jit
from autograd.compiler import llvm
from benchmarks import soak
fast = [jit(soak.formula(k)) for k in range(4)]
expected = [f(0.1, 0.2) for f in fast]
child = os.fork()
last = fast.pop()
fast.clear()
llvm.forget()
soak.plain(77)
assert last(0.1, 0.2) == expected[-1]
if child:
    print(os.waitpid(child, 0)[1])
else:
    os._exit(0)
"""
    assert _run(program) == "0\n"


# --- caches ---------------------------------------------------------------------------------------


def test_ever_new_structures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function keeps the newest programs alone, and one that went is compiled again."""
    monkeypatch.setattr(Newest, "MOST", 3)
    f = jit(lambda xs: autograd.total([x * x for x in xs]))
    update = autograd.jit_rule(lambda p, g, step, lr: (p - lr * g,))
    step = autograd.jit_step(
        lambda p, xs: autograd.dot(p, xs), lambda p, g, step, lr: (p - lr * g,)
    )
    for n in [1, 2, 3, 4, 5, 1, 5]:
        assert f([2.0] * n) == 4.0 * n
        numbers, packed = np.ones(n), f.pack([1.0] * n)
        update(numbers, np.full(n, 2.0), step=1, lr=0.25)
        assert numbers.tolist() == [0.5] * n
        assert step(packed, (), [2.0] * n, step=1, lr=0.25) == 2.0 * n
        assert packed.flat.tolist() == [0.5] * n
    for cache in (f._programs, update._compiled, step._steps, step._memories, step._rule._compiled):
        assert len(cache) == 3
    assert list(update._compiled) == [4, 5, 1]


def test_an_epoch_goes_on_with_what_it_began_with() -> None:
    """A progress callback that changes data and rule changes the next epoch, not this one."""

    def trained(change: bool) -> list[float]:
        w = [Value(0.5), Value(-0.5)]
        data = [np.linspace(-1.0, 1.0, 64), np.linspace(0.0, 1.0, 64)]

        def slow(p: Any, g: Any, step: Any, lr: Any) -> Any:
            return (p - lr * g,)

        loop = autograd.jit_training(lambda x, y: (w[0] * x + w[1] - y) ** 2, slow, w, *data)
        data.clear()

        def progress(done: int) -> None:
            if change:
                loop.use(np.full(64, 7.0), np.full(64, 7.0))
                loop.change_rule(lambda p, g, step, lr: (p + lr * g * 3.0,))
                llvm.forget()
                poison.extend(np.full(n, 9e9) for n in range(1, 200))

        poison: list[Any] = []
        loop.epoch(np.arange(64), 1, 0, 0.05, progress)
        return list(loop.numbers.tolist())

    assert trained(change=True) == trained(change=False)
