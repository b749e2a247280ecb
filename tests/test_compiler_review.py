"""What a review of the compiler found, each held by a test of its own."""

import copy
import os
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import OperandError, Packed, StructureError, Value, jit
from autograd.compiler import jit as compiler
from autograd.compiler.loops import Access
from autograd.compiler.merge import _places

pytest.importorskip("llvmlite")


def in_a_fresh_python(program: str) -> str:
    """What a program prints; it must end well."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("first", ["float64", "float32"])
def test_large_batches_of_both_widths(first: str) -> None:
    """The helping threads serve float64 and float32, whichever was first in the process."""
    second = "float32" if first == "float64" else "float64"
    program = f"""
import autograd, numpy as np
xs = np.random.default_rng(0).normal(size=(4096, 3))
expected = float(np.tanh(xs @ [0.1, 0.2, 0.3]).mean())
def f(w, x): return autograd.tanh(sum(a * b for a, b in zip(w, x)))
for dtype in ("{first}", "{second}"):
    got = autograd.jit(f, batch_argnums=1, dtype=dtype)([0.1, 0.2, 0.3], xs)
    print(abs(got - expected) < 1e-6)
"""
    assert in_a_fresh_python(program).split() == ["True", "True"]


def test_threads_with_batches_that_grow() -> None:
    """Each call has the addresses of its own arrays, and row numbers that stay while it runs."""
    program = """
import sys, threading, time
import autograd, numpy as np
sys.setswitchinterval(1e-5)
f = autograd.jit(lambda w, x: w[0] * x[0] + x[1], batch_argnums=1)
f([1.0], np.ones((4, 2)))
end = time.time() + 2.0
def work(i):
    rng, rows = np.random.default_rng(i), 1000
    while time.time() < end and rows < 4e6:
        xs = np.full((rows, 2), float(i))
        assert abs(f([2.0], xs) - 3.0 * i) < 1e-9, "wrong"
        rows = int(rows * rng.uniform(1.0, 1.2))
threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
failed = []
threading.excepthook = failed.append
[t.start() for t in threads]
[t.join() for t in threads]
print(len(failed))
"""
    assert in_a_fresh_python(program) == "0\n"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rows", [1, 7, 600, 1025])
def test_a_mean_over_rows_of_several_products(rows: int, dtype: str) -> None:
    """Where what is averaged is a sum of products itself, each of its terms counts."""
    rng = np.random.default_rng(rows)
    w, xs = rng.normal(size=9), rng.normal(size=(rows, 9))
    f = jit(lambda w, x: autograd.total([a * b for a, b in zip(w, x, strict=True)]),
            batch_argnums=1, dtype=dtype)  # fmt: skip
    assert f(w, xs) == pytest.approx((xs @ w).mean(), abs=1e-12 if dtype == "float64" else 1e-5)
    shuffled = [4, 0, 7, 1, 8, 2, 6, 3, 5]
    g = jit(lambda w, x: autograd.total([w[i] * x[j] for i, j in enumerate(shuffled)]),
            batch_argnums=1, dtype=dtype)  # fmt: skip
    expected = (xs[:, shuffled] @ w).mean()
    assert g(w, xs) == pytest.approx(expected, abs=1e-12 if dtype == "float64" else 1e-5)


@pytest.mark.parametrize("rows", [1, 65])
def test_overlapping_windows_in_a_batch(rows: int) -> None:
    """The gradient of a convolution by hand, of which each weight is used by every window."""
    rng = np.random.default_rng(0)
    w, xs = rng.normal(size=3).tolist(), rng.normal(size=(rows, 10))

    def loss(w: Any, x: Any) -> Any:
        windows = [autograd.total([w[j] * x[i + j] for j in range(3)]) for i in range(8)]
        return autograd.total([autograd.tanh(y) for y in windows])

    gradient = autograd.grad(loss)
    expected = np.mean([gradient(w, x.tolist()) for x in xs], axis=0)
    assert jit(gradient, batch_argnums=1)(w, xs) == pytest.approx(expected, abs=1e-12)


def test_a_rule_writes_where_it_may_only() -> None:
    """A view with gaps or a read-only array is refused before anything is written."""
    update = compiler.jit_rule(lambda p, g, step, lr: (p - lr * g,))
    base, gradient = np.zeros(8), np.ones(4)
    fixed = np.zeros(4)
    fixed.flags.writeable = False
    for parameters in (base[::2], base[:4][::-1], fixed):
        with pytest.raises(StructureError, match="side by side"):
            update(parameters, gradient, step=1, lr=1.0)
    with pytest.raises(StructureError, match="side by side"):
        update(np.zeros(4), np.broadcast_to(np.array(1.0), (4,)), step=1, lr=1.0)
    assert not base.any()
    assert not fixed.any()
    gradient.flags.writeable = False
    update(base[:4], gradient, step=1, lr=1.0)
    assert base.tolist() == [-1.0] * 4 + [0.0] * 4
    with pytest.raises(StructureError, match="flat arrays"):
        update(3.0, gradient, step=1, lr=1.0)
    update(np.zeros(0), np.zeros(0), step=1, lr=1.0)


def test_training_stays_inside_its_data() -> None:
    """Rows that are not there, no rows to a batch, and a parameter given twice are refused."""
    w = autograd.Value(1.0)
    xs = np.ones((4, 1))

    def make(parameters: list[Any]) -> Any:
        rule = lambda p, g, step, lr: (p - lr * g,)  # noqa: E731
        return compiler.jit_training(
            lambda x, y: (w * x[0] - y) ** 2, rule, parameters, xs, np.zeros(4)
        )

    loop = make([w])
    for order in ([-1], [4], [0, 10**9]):
        with pytest.raises(IndexError, match="0 to 3"):
            loop.epoch(order, 1, 0, 0.1)
    for rows in (0, 5):
        with pytest.raises(IndexError, match="0 to 3"):
            loop.loss(rows)
    for batch_size in (0, -3):
        with pytest.raises(ValueError, match="batch_size"):
            loop.epoch([0], batch_size, 0, 0.1)
    assert loop.numbers.tolist() == [1.0]
    assert loop.loss(4) == 1.0
    with pytest.raises(ValueError, match="twice"):
        make([w, w])


def test_training_refuses_what_would_train_nothing() -> None:
    """A loss that is a list, and a rule too long for one pass over the parameters."""
    w = autograd.Value(1.0)
    data = np.ones((4, 1)), np.zeros(4)
    with pytest.raises(StructureError, match="one number"):
        compiler.jit_training(
            lambda x, y: [w * x[0]], lambda p, g, step, lr: (p - lr * g,), [w], *data
        )

    def long(p: Any, g: Any, step: Any, lr: Any) -> Any:
        for _ in range(600):
            p = autograd.tanh(p + lr * g)
        return (p,)

    with pytest.raises(ValueError, match="operations"):
        compiler.jit_training(lambda x, y: w * x[0], long, [w], *data)


@pytest.mark.parametrize("exact", [False, True])
def test_a_mean_over_rows_keeps_a_constant_term(exact: bool) -> None:
    """What is added to each row's products, in the value or in a gradient, is in their mean."""
    xs = np.arange(4.0)
    assert jit(lambda x: x * x + 2.0, batch_argnums=0, exact=exact)(xs) == 5.5
    slope = autograd.grad(lambda p, x: autograd.relu(p + x) ** 2 + p)
    assert jit(slope, batch_argnums=1, exact=exact)(0.0, xs) == 4.0


def test_what_is_read_through_a_table_and_a_stride_is_kept() -> None:
    """All places that a loop reads count as read, or their numbers would not be stored."""
    access = Access(100, (0, 1), np.array([5, 9, 20]))
    space, places = _places(access, (3,), (2,))
    assert space == 0
    assert sorted(places.tolist()) == [105, 106, 109, 110, 120, 121]


def test_no_grad_inside_a_compiled_gradient() -> None:
    """What is computed under no_grad gets no gradient, compiled or not."""

    def f(x: Any) -> Any:
        with autograd.no_grad():
            y = x * x + autograd.exp(x)
        return y * x

    gradient = autograd.grad(f)
    assert jit(gradient, exact=True)(3.0) == gradient(3.0)


def test_a_packed_structure_over_too_few_numbers() -> None:
    """Another array put in place of a structure's own is not read beyond its end."""
    f = jit(lambda p: p[2])
    packed = autograd.Packed.of([1.0, 2.0, 3.0])
    assert f(packed) == 3.0
    packed.flat = np.arange(1.0)
    with pytest.raises(IndexError):
        f(packed)


def test_compiled_functions_inside_others() -> None:
    """Among traced numbers, Values and dual numbers it is the function itself, with derivatives."""
    square = jit(lambda x: x * x)
    assert jit(lambda x: square(x) + 1.0)(3.0) == 10.0
    assert autograd.grad(square)(3.0) == 6.0
    assert jit(autograd.grad(square))(3.0) == 6.0
    assert autograd.jvp(square, (3.0,), (1.0,)) == (9.0, 6.0)
    x = autograd.Value(3.0)
    square(x).backward()
    assert x.grad == 6.0
    rows = jit(lambda w, x: w * x, batch_argnums=1)
    with pytest.raises(OperandError, match="batch_argnums"):
        autograd.grad(rows)(3.0, np.ones(4))


def test_compiled_functions_are_copied_and_pickled() -> None:
    """By the function they were made from, also after they have been called."""
    f = jit(autograd.functions.mean, exact=True)
    assert f([1.0, 3.0]) == 2.0
    for twin in (copy.copy(f), copy.deepcopy(f), pickle.loads(pickle.dumps(f))):
        assert twin.exact
        assert twin([1.0, 3.0]) == 2.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_while_code_is_compiled_in_the_background() -> None:
    """The child compiles as its parent does, with none of its locks held."""
    program = """
import faulthandler, os, random
import autograd
from autograd.compiler import llvm
def f(xs):
    rng, v = random.Random(0), list(xs)
    for _ in range(3000):
        a, b = rng.choice(v[-50:]), rng.choice(v[-50:])
        v.append(rng.choice([lambda: a + b, lambda: autograd.tanh(a) * b])())
    return v[-1]
autograd.jit(autograd.grad(f))([0.1, 0.2])
assert llvm._worker is not None
child = os.fork()
if not child:
    faulthandler.dump_traceback_later(40, exit=True)
    autograd.jit(lambda x: autograd.exp(x * 1.2345))(1.0)
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""
    assert in_a_fresh_python(program) == "0\n"


def test_an_outer_derivative_by_a_captured_value() -> None:
    """A compiled function inside a derivative gives its part, by what it captured as well."""
    got = autograd.grad(lambda w: autograd.jit(lambda x: w * x)(2.0))(3.0)
    assert got == 2.0
    with pytest.raises(OperandError, match="compile the outermost"):
        autograd.grad(lambda w: autograd.jit(lambda x: w * x, batch_argnums=0)([2.0]))(3.0)


def test_a_traced_number_does_not_stay_behind() -> None:
    """A function that stores a traced number in a Value is refused, and the Value keeps its own."""
    w = Value(1.0)

    def store(x: Any) -> Any:
        w.data = x
        return x

    with pytest.raises(autograd.TraceError, match="return it"):
        autograd.jit(store)(2.0)
    assert w.data == 1.0


def test_packed_structures_are_told_apart_by_their_types() -> None:
    """Keys and types decide, not how they print; copies and pickles are alike."""

    class Loud(str):
        def __repr__(self) -> str:
            return "'a'"

    fast = autograd.jit(lambda p: next(iter(p.values())) * 2.0)
    assert fast(Packed.of({"a": 1.0})) == 2.0
    assert fast(Packed.of({Loud("b"): 2.0})) == 4.0
    packed = Packed.of({"w": [1.0, 2.0], "b": np.ones(2)})
    again = pickle.loads(pickle.dumps(packed))
    assert again.key is packed.key
    assert again.flat.tolist() == [1.0, 2.0, 1.0, 1.0]


def test_rows_in_a_tuple_of_arrays() -> None:
    """A tuple of batched arrays is a structure, as a dict is."""
    xs, ys = np.arange(4.0), np.array([1.0, 1.0, 2.0, 2.0])
    assert autograd.jit(lambda row: row[0] * row[1], batch_argnums=np.int64(0))((xs, ys)) == 2.75
    with pytest.raises(TypeError, match="Packed"):
        autograd.jit(lambda x: x, batch_argnums=0)(Packed.of([1.0]))
    with pytest.raises(ValueError, match="none"):
        autograd.jit(lambda x: 1.0, batch_argnums=0)({})


@pytest.mark.parametrize("index", [float("nan"), float("inf"), 0.5, -1.0, 2.0])
def test_take_where_there_is_no_row(index: float) -> None:
    """An index that names no row is an IndexError, and nan in compiled code."""
    with pytest.raises(IndexError):
        autograd.take([1.0, 2.0], index)
    for exact in (True, False):
        assert np.isnan(autograd.jit(lambda i: autograd.take([1.0, 2.0], i), exact=exact)(index))
