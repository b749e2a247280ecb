"""Epochs in machine code by themselves: what each batch leaves, pace, and the processor's mode."""

import inspect
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Packed, StructureError, Value, jit_step, jit_training
from autograd.compiler import llvm, training
from autograd.compiler.step import _Memory

pytest.importorskip("llvmlite")


@pytest.fixture(autouse=True)
def _afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions that run epochs are written anew, not those that another test left."""
    monkeypatch.setattr(llvm, "addresses", {})


def descend(p: Any, g: Any, step: Any, lr: Any) -> Any:
    return (p - lr * g,)


def line(rows: int, dtype: str = "float64", exact: bool = False, **more: Any) -> Any:
    """A loop that fits two Values to points of a line, and the points."""
    rng = np.random.default_rng(rows)
    xs = rng.uniform(-1.0, 1.0, rows)
    ys = 3.0 * xs - 0.5
    w = [Value(0.25), Value(1.0)]
    loop = jit_training(
        lambda x, y: ((w[0] * x + w[1] - y) ** 2, x), descend, w, xs, ys, dtype=dtype, exact=exact,
        **more,
    )  # fmt: skip
    return loop, xs, ys


@pytest.mark.parametrize("batch", [1, 3, 4, 10, 100])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_an_epoch_is_its_batches(batch: int, dtype: str) -> None:
    """Losses, measures, parameters, steps and the mean gradient, against NumPy; two in a row."""
    loop, xs, ys = line(10, dtype)
    close = 1e-12 if dtype == "float64" else 1e-5
    w, steps = np.array([0.25, 1.0]), 0
    for order in (np.arange(10), np.array([3, 3, 9, 0, 1, 7, 2]), np.array([], int), [5]):
        rates = [0.1 / (k + 1) for k in range(-(-len(order) // batch))]
        losses, measures, total = [], [], np.zeros(2)
        for k, rate in enumerate(rates):
            x, y = (a[order[k * batch : (k + 1) * batch]] for a in (xs, ys))
            off = w[0] * x + w[1] - y
            losses.append((off**2).mean())
            measures.append([x.mean()])
            gradient = np.array([(2.0 * off * x).mean(), (2.0 * off).mean()])
            total += gradient * len(x)
            w = w - rate * gradient
        epoch = loop.epoch(order, batch, steps, rates)
        steps += len(rates)
        assert epoch.losses.tolist() == pytest.approx(losses, abs=close)
        assert epoch.measures == pytest.approx(np.array(measures).reshape(-1, 1), abs=close)
        assert epoch.gradient == pytest.approx(total / max(len(order), 1), abs=close)
        assert loop.numbers == pytest.approx(w, abs=close)
        assert not epoch.diverged
        assert loop.steps == steps
    assert loop.loss(10) == pytest.approx(((w[0] * xs + w[1] - ys) ** 2).mean(), abs=close)
    assert loop.loss(4) == pytest.approx(((w[0] * xs + w[1] - ys)[:4] ** 2).mean(), abs=close)
    loop.steps = 7
    assert loop.steps == 7
    loop.epoch([0, 1, 2], batch, 40, 0.0)
    assert loop.steps == 40 - (-3 // batch)


@pytest.mark.parametrize("n", [1, 5, 64, 65, 130])
def test_each_of_many_parameters_counts(n: int) -> None:
    """A number that is not finite is found wherever it is; the others' means are right."""
    w = [Value(0.5) for _ in range(n)]
    xs = np.random.default_rng(n).normal(size=(6, n))
    loop = jit_training(lambda x: autograd.dot(w, x), descend, w, xs)
    assert loop.gradient.size % 64 == loop._sums.size % 64 == 0, "machine code takes whole vectors"
    assert loop.gradient.size >= n
    epoch = loop.epoch(range(6), 4, 0, 0.01)
    assert epoch.gradient == pytest.approx(xs.mean(axis=0), abs=1e-13)
    for k in {0, n // 2, n - 1}:
        for bad in (np.nan, np.inf, -np.inf):
            broken = xs.copy()
            broken[4, k] = bad
            loop.use(broken)
            before = loop.numbers.copy()
            epoch = loop.epoch([0, 1, 4, 2, 3], 2, 0, 0.5)
            assert epoch.diverged
            assert len(epoch.losses) == 1
            moved = before - 0.5 * xs[:2].mean(axis=0)
            assert loop.numbers == pytest.approx(moved, abs=1e-13)
    loop.use(xs)
    assert not loop.epoch(range(6), 6, 0, 0.0).diverged


def test_a_loss_that_is_not_finite_ends_an_epoch() -> None:
    """Though the gradient is; before the update, with the batches before it reported."""
    w, x = Value(1.0), np.array([1.0, 2.0, np.inf, 3.0])
    loop = jit_training(lambda x: w + autograd.stop_gradient(x), descend, [w], x)
    epoch = loop.epoch(range(4), 1, 0, 0.5)
    assert epoch.diverged
    assert epoch.losses.tolist() == [2.0, 2.5]
    assert epoch.gradient.tolist() == [1.0], "the mean over all rows whose gradient was taken"
    assert loop.numbers.tolist() == [0.0]
    assert loop.steps == 2
    assert loop.epoch([2], 1, 0, 0.5).losses.tolist() == []


def test_memory_of_steps_is_in_whole_vectors() -> None:
    """Gradient and sums alike, of any number of parameters."""
    for n in (1, 63, 64, 65, 128, 129):
        memory = _Memory(n, np.dtype(np.float64))
        for array in (memory.gradient, memory.sums):
            assert n <= array.size < n + 64
            assert array.size % 64 == 0


# --- pace -----------------------------------------------------------------------------------------


class Clock:
    """Each look at it, so many seconds later."""

    def __init__(self) -> None:
        self.now, self.tick = 1000.0, 0.0

    def perf_counter(self) -> float:
        self.now += self.tick
        return self.now


def test_progress_is_told_every_twentieth_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """First after 8 batches, then after as many as that time takes by the last; at least one."""
    clock = Clock()
    monkeypatch.setattr(training, "time", clock)
    loop, _, _ = line(100)
    told: list[int] = []
    clock.tick = 0.02
    loop.epoch(range(100), 2, 0, 0.01, told.append)
    # 8 batches took 0.02 s, so 20 take a twentieth of a second, then 50; 50 are all there are
    assert told == [8, 28, 50]
    clock.tick, told[:] = 0.5, []
    # 44 rows took 0.02 s, so 110 of them take it; then the machine is busy
    loop.epoch(list(range(100)) * 2, 10, 0, 0.01, told.append)
    assert told == list(range(11, 21))
    fresh, _, _ = line(100)
    told.clear()
    clock.tick = 0.05
    fresh.epoch(range(100), 3, 0, 0.01, told.append)  # the last batch has one row
    assert told == [8, 16, 24, 32, 34]


def test_progress_is_not_told_after_the_end() -> None:
    """All batches are done with the last time, or it diverged there."""
    loop, _, _ = line(10)
    told: list[int] = []
    loop.epoch(range(10), 1, 0, 0.1, told.append)
    assert told[-1] == 10
    assert told == sorted(set(told))
    loop.epoch([], 1, 0, 0.1, told.append)
    assert told[-1] == 10


# --- the processor's mode -------------------------------------------------------------------------

# beside the smallest normal numbers: in float64 for the rule alone, in float32 for the gradient too
SMALL = {"float64": 1e-310, "float32": 1e-40}


def keeps_small_numbers() -> bool:
    """Whether the processor computes with subnormal numbers here."""
    # by their bits, for a processor that does not would find them equal to 0
    found = np.array([5e-324, 1e-310]) * np.ones(2), np.full(2, 1e-40, np.float32) * np.ones(2)
    return all(np.all(x.view(np.int64) != 0) for x in found)


def kept(p: Any, g: Any, m: Any, step: Any, lr: Any) -> Any:
    """Leaves all as it is, but computes with it."""
    return p, m * 1.0000001


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("exact", [False, True])
def test_where_subnormal_numbers_are_zeros(dtype: str, exact: bool) -> None:
    """In the rule, and for float32 in the gradient, of each batch; never if exact, never after."""
    if not llvm.is_x86():
        pytest.skip("other processors are as fast with them")
    small = SMALL[dtype]
    w = Value(1.0)
    xs = np.array([small, 2.0 * small, 0.0, small, 1.0])
    loop = jit_training(lambda x: w * x, kept, [w], xs, states=1, dtype=dtype, exact=exact)
    flushed = dtype == "float32" and not exact
    for _ in range(2):
        loop.state[0][:] = small
        losses = loop.epoch(range(5), 1, 0, 0.1).losses
        assert [x != 0.0 for x in losses] == [not flushed, not flushed, False, not flushed, True]
        assert (loop.state[0][0] != 0.0) == exact
        assert keeps_small_numbers()
    bad = np.array([np.inf, 1.0, 1.0, 1.0, 1.0])
    loop.use(bad)
    assert loop.epoch(range(5), 1, 0, 0.1).diverged
    assert keeps_small_numbers()
    step = jit_step(lambda p, x: p[0] * x, kept, states=1, dtype=dtype, exact=exact)
    packed, state = Packed.of([1.0], dtype), [np.full(1, small, dtype)]
    for k in (1, 2):
        assert (step(packed, state, small, step=k, lr=0.1) != 0.0) == (not flushed)
        assert keeps_small_numbers()
    assert (state[0][0] != 0.0) == exact
    with pytest.raises(FloatingPointError):
        step(packed, state, float("inf"), step=1, lr=0.1)
    assert keeps_small_numbers()


# --- what is refused, and what is the default -----------------------------------------------------


def test_transforms_that_do_not_fit() -> None:
    """As many numbers must come back; Values of one's own have no place there."""
    w = Value(1.0)
    for key in ("transform_gradient", "project"):
        for f in (lambda p: [*p, 1.0], lambda p: []):
            with pytest.raises(StructureError, match="expected 2 numbers back, but got"):
                line(4, **{key: f})
        with pytest.raises(StructureError, match="without Values"):
            line(4, **{key: lambda p: [x * w for x in p]})


def test_one_row_too_far_is_refused() -> None:
    """The first and the last may be used, and be the same; the one before and after may not."""
    loop, _, _ = line(4)
    for order in ([0], [3], [0, 3], [2, 2]):
        loop.epoch(order, 2, 0, 0.0)
    for order in ([4], [-1], [0, 4], [3, -1]):
        with pytest.raises(IndexError, match="rows from 0 to 3, but got"):
            loop.epoch(order, 2, 0, 0.0)
    for rows in (1, 4):
        loop.loss(rows)
    for rows in (0, 5, -2):
        with pytest.raises(IndexError):
            loop.loss(rows)


def test_errors_of_python_functions_arrive_from_a_loss() -> None:
    """What a primitive of one's own raises in `loss` is raised there."""

    def picky(x: float) -> float:
        if x == 2.75:
            raise KeyError("there")
        return x

    with autograd.temporary_primitives():
        f = autograd.primitive("raises_somewhere", picky, lambda m, y, x: (1.0,))
        w, xs = Value(1.0), np.array([1.0, 2.75])
        loop = jit_training(lambda x: w * f(x), descend, [w], xs)
        assert loop.loss(1) == 1.0
        with pytest.raises(KeyError, match="there"):
            loop.loss(2)
        assert loop.loss(1) == 1.0


def test_a_step_that_diverges_is_named() -> None:
    """Inside detect_anomaly the row is named, of a batched argument counted from either end."""
    xs = np.array([[1.0], [2.0], [-1.0], [3.0]])
    for batch in (1, -1):
        step = jit_step(lambda p, x: autograd.log(p[0] * x[0]), descend, batch_argnums=batch)
        packed = Packed.of([1.0])
        with autograd.detect_anomaly(), pytest.raises(autograd.AnomalyError, match="row 2"):
            step(packed, [], xs, step=1, lr=0.1)
        with pytest.raises(FloatingPointError, match="not moved"):
            step(packed, [], xs, step=1, lr=0.1)
        assert packed.flat.tolist() == [1.0]
        assert step(packed, [], xs[:2], step=1, lr=0.0) == pytest.approx(np.log(2.0) / 2.0)


def test_a_training_that_diverges_is_named() -> None:
    """Inside detect_anomaly the row of the batch that was not finite is named, wherever it is."""
    w = Value(1.0)
    xs = np.array([1.0, 2.0, 3.0, -1.0, 4.0, 5.0])
    loop = jit_training(lambda x: autograd.log(w * x), descend, [w], xs)
    for order in ([0, 1, 2, 3], [3, 0, 1, 2], [4, 5, 2, 1, 0, 3]):
        with autograd.detect_anomaly(), pytest.raises(autograd.AnomalyError, match="row 3"):
            loop.epoch(order, 2, 0, 0.0)
    with autograd.detect_anomaly():
        assert not loop.epoch([0, 1, 2], 2, 0, 0.0).diverged


def test_the_defaults_are_one_another() -> None:
    """Of all that compiles: float64, not exact, without batches, state or results by row."""
    defaults = {"dtype": "float64", "exact": False, "states": 0, "batch_argnums": (), "mean": True}
    defaults |= {"transform_gradient": None, "project": None}
    makers: list[Any] = [autograd.jit, autograd.jit_graph, autograd.jit_rule]
    for make in [*makers, jit_step, jit_training, autograd.portable_gradient]:
        for name, parameter in inspect.signature(make).parameters.items():
            if parameter.default is not inspect.Parameter.empty:
                assert parameter.default == defaults[name], (make, name)
