"""Threads, asyncio tasks and processes: each as if it were alone."""

import asyncio
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import programs

import autograd
from autograd import Value, jit, no_grad, record_sources, value_and_grad
from autograd.notices import is_strict, watches
from nn.layers import Dense, Dropout
from nn.models import Sequential

ROOT = Path(__file__).resolve().parent.parent
THREADS = 8


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """What each gives, all begun together."""
    gate = threading.Barrier(len(works))

    def begun(work: Callable[[], Any]) -> Any:
        gate.wait(30)
        return work()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # so that they take turns all the time
    try:
        with ThreadPoolExecutor(len(works)) as pool:
            return [future.result(60) for future in [pool.submit(begun, work) for work in works]]
    finally:
        sys.setswitchinterval(before)


@settings(max_examples=15)
@given(st.lists(programs(size=8), min_size=2, max_size=THREADS))
def test_graphs_in_threads_are_those_of_one(made: list[Any]) -> None:
    """Values and gradients are equal to the bit, whatever the other threads compute."""

    def work(program: Any) -> tuple[Any, ...]:
        leaves = [Value(x) for x in program.leaves]
        y = program(leaves)
        y.backward()
        return y.data, *[v.grad for v in leaves]

    expected = [work(program) for program in made]
    found = at_once([lambda p=program: work(p) for program in made])
    assert np.array(np.concatenate(found)).tobytes() == np.concatenate(expected).tobytes()


# --- blocks ---------------------------------------------------------------------------------------


def records() -> bool:
    """Whether operations make nodes here."""
    return (Value(2.0) * Value(3.0)).op is not None


def noted() -> bool:
    """Whether it is noted here which line makes a node."""
    from autograd.sources import source_of

    return source_of(autograd.exp(Value(2.0))) is not None


def stopped() -> bool:
    """Whether a nan is an error here."""
    try:
        autograd.log(Value(-1.0))
    except autograd.AnomalyError:
        return True
    return False


Block = Callable[[], AbstractContextManager[Any]]
BLOCKS: dict[str, tuple[Block, Callable[[], bool], bool]] = {
    "no_grad": (no_grad, records, False),
    "record_sources": (record_sources, noted, True),
    "detect_anomaly": (autograd.detect_anomaly, stopped, True),
    "strict": (autograd.strict, is_strict, True),
    "silence": (lambda: autograd.silence("dead-relu"), lambda: not watches("dead-relu"), True),
}
"""By name: the block, something that tells whether one is inside, and what it tells there."""


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_holds_for_its_thread_alone(name: str) -> None:
    """Open in one thread, it is not in another, whichever began first; nor is it left behind."""
    block, look, inside = BLOCKS[name]
    entered, looked = threading.Event(), threading.Event()
    found: list[bool] = []

    def holds() -> None:
        with block():
            entered.set()
            assert looked.wait(30)
            found.append(look())
        found.append(look())

    thread = threading.Thread(target=holds)
    thread.start()
    assert entered.wait(30)
    outside = look()
    with ThreadPoolExecutor(1) as pool:
        another = pool.submit(look).result(30)
    looked.set()
    thread.join(30)
    assert (outside, another) == (not inside, not inside)
    assert found == [inside, not inside]


@pytest.mark.parametrize("name", ["no_grad"])
def test_a_block_holds_for_its_task_alone(name: str) -> None:
    """Two asyncio tasks that take turns: each is inside its own block or outside of it."""
    block, look, inside = BLOCKS[name]

    async def within(times: int) -> list[bool]:
        found = []
        with block():
            for _ in range(times):
                await asyncio.sleep(0)
                found.append(look())
        return found

    async def without(times: int) -> list[bool]:
        found = []
        for _ in range(times):
            await asyncio.sleep(0)
            found.append(look())
        return found

    async def both() -> list[list[bool]]:
        return await asyncio.gather(within(5), without(9), within(3), without(9))

    first, second, third, fourth = asyncio.run(both())
    assert set(first + third) == {inside}
    assert set(second + fourth) == {not inside}
    assert look() == (not inside)


def test_many_blocks_at_once_leave_nothing_open() -> None:
    """Opened and closed by many threads, the count of open blocks is 0 again."""
    from autograd import modes

    def work() -> None:
        for _ in range(200):
            with no_grad():
                assert not records()
            assert records()

    before = modes.open_blocks
    at_once([work] * THREADS)
    assert modes.open_blocks == before


# --- compiled functions ---------------------------------------------------------------------------


def loss(w: Any, x: Any, y: Any) -> Any:
    """Of one row."""
    return (autograd.tanh(autograd.dot(w, x)) - y) ** 2


@pytest.mark.parametrize("rows", [1, 64, 3000])  # of 3,000 each core takes a part
def test_a_compiled_function_called_by_many_threads(rows: int) -> None:
    """The first call included, which compiles it: each gets the results of a serial call."""
    rng = np.random.default_rng(rows)
    data = [
        (rng.normal(size=5), rng.normal(size=(rows, 5)), rng.normal(size=rows))
        for _ in range(THREADS)
    ]

    def make() -> Any:
        return jit(value_and_grad(loss), batch_argnums=(1, 2), exact=True)

    serial, shared = make(), make()
    expected = [serial(*arguments) for arguments in data]

    def work(k: int) -> list[Any]:
        return [shared(*data[k]) for _ in range(20)]

    for k, results in enumerate(at_once([lambda k=k: work(k) for k in range(THREADS)])):
        for value, gradient in results:
            assert value == expected[k][0]
            assert gradient.tolist() == expected[k][1].tolist()


def test_many_structures_are_compiled_at_once() -> None:
    """Each thread brings arguments of another length to one function."""
    f = jit(value_and_grad(lambda xs: autograd.total([x * x for x in xs])))
    found = at_once([lambda n=n: f([1.0] * n) for n in range(1, THREADS + 1)])
    assert found == [(float(n), [2.0] * n) for n in range(1, THREADS + 1)]


def network(seed: int) -> Sequential:
    layers = [Dense(4, input_dim=3, activation="tanh"), Dropout(0.2), Dense(1)]
    model = Sequential(layers, seed=seed)
    model.compile("adam", "mse")
    return model


XS = np.random.default_rng(1).normal(size=(40, 3))
YS = XS.sum(axis=1)


def test_fits_in_threads() -> None:
    """Two networks trained at once are those trained one after the other."""
    alone = []
    for seed in range(2):
        model = network(seed)
        model.fit(XS, YS, epochs=5, verbose=0)
        alone.append(model.state_dict())
    models = [network(seed) for seed in range(2)]
    at_once([lambda m=m: m.fit(XS, YS, epochs=5, verbose=0) for m in models])
    assert [m.state_dict() for m in models] == alone


# --- processes ------------------------------------------------------------------------------------


def sum_of_squares(xs: Any) -> Any:
    return autograd.total([x * x for x in xs])


square = jit(sum_of_squares)


@jit
def doubled(x: Any) -> Any:
    return [2.0 * number for number in x]


def call(f: Any) -> Any:
    return f([1.0, 2.0])


def fitted(seed: int) -> dict[str, float]:
    model = network(seed)
    model.fit(XS, YS, epochs=2, verbose=0)
    return model.state_dict()


def test_compiled_functions_and_models_go_to_other_processes() -> None:
    """Pickled, they compile anew there: the same results. A lambda cannot go; pickle says so."""
    expected = [fitted(seed) for seed in range(2)]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(call, square).result(60) == 5.0
        assert pool.submit(call, doubled).result(60) == [2.0, 4.0]
        assert list(pool.map(fitted, range(2))) == expected
    model = network(0)
    model.fit(XS, YS, epochs=1, verbose=0)
    again = pickle.loads(pickle.dumps(model))
    model.fit(XS, YS, epochs=1, verbose=0)
    again.fit(XS, YS, epochs=1, verbose=0)
    assert again.state_dict() == model.state_dict()
    assert pickle.loads(pickle.dumps(doubled)) is doubled
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(jit(lambda x: x * x))


FORKS = """
import os, signal, sys, threading, time
import numpy as np
import autograd, nn
from autograd import Value, jit, no_grad, value_and_grad

def loss(w, x, y):
    return (autograd.tanh(autograd.dot(w, x)) - y) ** 2

f = jit(value_and_grad(loss), batch_argnums=(1, 2))
rng = np.random.default_rng(0)
w, xs, ys = rng.normal(size=5), rng.normal(size=(3000, 5)), rng.normal(size=3000)

def check(where):
    value, gradient = f(w, xs, ys)
    assert abs(value - expected[0]) <= 1e-12 and abs(gradient - expected[1]).max() <= 1e-12, where

def model():
    layers = nn.layers.Dense(2, input_dim=5, activation="tanh"), nn.layers.Dense(1)
    made = nn.models.Sequential(layers)
    made.compile("adam", "mse")
    return made

def in_child(action):
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # ends it if it hangs
        try:
            action()
        except BaseException as error:
            print(type(error).__name__, error, file=sys.stderr)
            os._exit(9)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, status

def child():
    check("child: called")
    g = jit(value_and_grad(lambda x: autograd.exp(x) * autograd.sin(x)))
    g(0.5)
    model().fit(xs, ys, epochs=1, verbose=0)
    with no_grad():
        assert (Value(1.0) * Value(2.0)).op is None
    assert (Value(1.0) * Value(2.0)).op == "mul"

expected = f(w, xs, ys)
check("parent")
in_child(child)
check("parent, after the fork")
in_child(lambda: in_child(child))
# while other threads call, compile and open blocks
stop = False
def caller():
    while not stop:
        check("a thread of the parent")
def compiler():
    k = 0
    while not stop:
        k += 1
        jit(value_and_grad(lambda x, k=k: autograd.sin(x) * float(k) + x ** (k % 7)))(0.5)
def opener():
    while not stop:
        with no_grad():
            pass
threads = [threading.Thread(target=t, daemon=True) for t in (caller, compiler, opener)]
for t in threads:
    t.start()
for _ in range(int(sys.argv[1])):
    time.sleep(0.01)
    in_child(child)
stop = True
for t in threads:
    t.join()
print("forked")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_forks() -> None:
    """The child works on alone, also if other threads of the parent were calling and compiling."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS, "5"],
        capture_output=True, text=True, cwd=ROOT, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "forked\n"


IN_THE_MIDDLE = """
import os, signal, threading
import autograd
from autograd import jit
from autograd.compiler.packed import Packed

inside, go_on = threading.Semaphore(0), threading.Event()

def waits(x):
    if threading.current_thread() is not threading.main_thread():
        inside.release()
        go_on.wait()
    return x * 2.0

def rule(p, g, step, lr):
    return [p - lr * g]

traced = jit(waits)
stepped = autograd.jit_step(lambda p, x: waits(p[0]) * x, rule)
start = lambda: Packed.of([1.0])
calls = [lambda: traced(3.0), lambda: stepped(start(), [], 3.0, step=1, lr=0.1)]
threads = [threading.Thread(target=call, daemon=True) for call in calls]
for thread in threads:
    thread.start()
    inside.acquire()
child = os.fork()
if child == 0:
    signal.alarm(20)  # ends it if it hangs
    print([call() for call in calls], flush=True)
    os._exit(0)
_, status = os.waitpid(child, 0)
go_on.set()
for thread in threads:
    thread.join()
print(status, [call() for call in calls])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_in_the_middle_of_a_trace() -> None:
    """What a thread of the parent is just tracing, the child compiles for itself."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_THE_MIDDLE],
        capture_output=True, text=True, cwd=ROOT, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[6.0, 6.0]\n0 [6.0, 6.0]\n"
