"""What a process is left with after ten thousand compilations, a thousand trainings, huge graphs.

    python -m benchmarks.soak                      all, about half an hour on two cores
    python -m benchmarks.soak functions --times 1000

Each kind of work is done some times to warm up, then `times` times; what counts is what the second
half adds to the process: resident memory, memory that holds code, mappings, objects that Python's
collector knows, threads, open files. The huge graphs run in processes of their own.
"""

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import autograd
from autograd import Value, value_and_grad

Work = Callable[[int], object]
XOR = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 1.0, 1.0, 0.0]


# --- what a process holds -------------------------------------------------------------------------


class Held(NamedTuple):
    """memory and code in kB; the others are counts. Linux's: elsewhere there is no /proc."""

    memory: int
    code: int
    mappings: int
    objects: int
    threads: int
    files: int

    @classmethod
    def now(cls) -> "Held":
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
        code = 0
        for place, rights, *rest in lines:
            if "x" in rights and len(rest) == 3:  # without a file: made by the process itself
                first, last = (int(x, 16) for x in place.split("-"))
                code += last - first
        return cls(
            pages * os.sysconf("SC_PAGE_SIZE") // 1024,
            code // 1024,
            len(lines),
            len(gc.get_objects()),
            threading.active_count(),
            len(os.listdir("/proc/self/fd")),
        )

    def since(self, before: "Held") -> "Held":
        return Held(*[a - b for a, b in zip(self, before, strict=True)])


def growth(work: Work, times: int, warm_up: int) -> tuple[Held, Held, float]:
    """What the first and the second half of so many turns add, and the seconds a turn."""
    for k in range(warm_up):
        work(k)
    start = Held.now()
    began = time.perf_counter()
    for k in range(times // 2):
        work(warm_up + k)
    middle = Held.now()
    for k in range(times // 2, times):
        work(warm_up + k)
    seconds = (time.perf_counter() - began) / times
    return middle.since(start), Held.now().since(middle), seconds


# --- functions, each unlike all others ------------------------------------------------------------

_OPS = [autograd.tanh, autograd.atan, autograd.sin, autograd.sigmoid, autograd.cos]


def formula(k: int) -> Callable[[Any, Any], Any]:
    """A function whose kernels no other number gives: another order of operations and constants."""

    def f(x: Any, y: Any) -> Any:
        z = x * (k + 2.0)
        for j in range(6):
            z = _OPS[k // 5**j % 5](z * z + y + (k * 7 + j) * 0.001)
        return z

    return f


def plain(k: int) -> None:
    """A function."""
    autograd.jit(formula(k))(0.1, 0.2)


def gradient(k: int) -> None:
    """The gradient of one."""
    autograd.jit(value_and_grad(formula(k), (0, 1)))(0.1, 0.2)


def batch(k: int) -> None:
    """The mean gradient over rows, shared by the cores."""
    autograd.jit(autograd.grad(formula(k)), batch_argnums=1)(0.1, np.full(600, 0.2))


def rule(k: int) -> None:
    """An optimiser's rule."""
    f = formula(k)
    update = autograd.jit_rule(lambda p, g, m, step, lr: (p - lr * f(g, m), m + g), states=1)
    update(np.ones(9), np.ones(9), np.zeros(9), step=1, lr=0.1)


def step(k: int) -> None:
    """A step of training."""
    f = formula(k)
    move = autograd.jit_step(lambda p, x: f(p[0], x) * p[1], lambda p, g, step, lr: (p - lr * g,))
    move(autograd.jit(f).pack([0.1, 0.2]), (), 0.3, step=1, lr=1e-9)


def training(k: int) -> None:
    """An epoch of training."""
    f, w = formula(k), Value(0.1)
    loop = autograd.jit_training(
        lambda x, y: (f(w, x) - y) ** 2,
        lambda p, g, step, lr: (p - lr * g,),
        [w],
        np.linspace(0.0, 1.0, 8),
        np.ones(8),
    )
    loop.epoch(range(8), 4, 0, 1e-9)
    loop.write_back()


def many_structures(k: int) -> None:
    """One function, called with ever new structures."""
    _SUM([0.5] * (k + 1))


_SUM = autograd.jit(lambda xs: autograd.total([x * x for x in xs]))


# --- trainings ------------------------------------------------------------------------------------


def _model() -> Any:
    from nn.layers import Dense
    from nn.models import Sequential

    hidden = Dense(4, input_dim=2, activation="tanh")
    return Sequential([hidden, Dense(1, activation="sigmoid")])


def _fit(compiled: bool) -> None:
    from nn import Adam

    model = _model()
    model.compile(
        optimizer=Adam(lr=0.1), loss="binary_crossentropy", metrics=["accuracy"], compiled=compiled
    )
    model.fit(*XOR, epochs=20, verbose=0, validation_data=XOR)
    model.predict(XOR[0])
    model.evaluate(*XOR)


def fit(k: int) -> None:
    """Sequential: fit, predict, evaluate."""
    _fit(compiled=True)


def fit_eager(k: int) -> None:
    """The same without machine code."""
    _fit(compiled=False)


def train(k: int) -> None:
    """nn.train, compiled and not."""
    import nn

    for compiled in (True, False):
        model = nn.MLP(2, [4, 1])
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        nn.train(model, *XOR, optimizer=optimizer, epochs=5, progress=False, compiled=compiled)


def estimator(k: int) -> None:
    """A scikit-learn estimator."""
    from nn.sklearn import MLPClassifier

    found = MLPClassifier(hidden_layer_sizes=(4,), max_iter=20)
    found.fit(XOR[0], XOR[1]).score(XOR[0], XOR[1])


# --- pictures -------------------------------------------------------------------------------------


def _loss() -> Value:
    model = _model()
    error: Value = (model.forward([0.5, 1.0])[0] - 1.0) ** 2
    error.backward()
    return error


def pictures(k: int) -> None:
    """draw, steps, explain and explore of a network's loss."""
    loss = _loss()
    str(autograd.draw(loss).dot)
    len(list(autograd.steps(loss)))
    leaf = next(v for v in autograd.topological_order(loss) if v.op is None)
    str(autograd.explain(loss, leaf))
    with tempfile.TemporaryDirectory() as folder:
        autograd.explore(loss).save(Path(folder) / "loss.html")


def film(k: int) -> None:
    """A training as a film."""
    import nn

    model = _model()
    model.compile(optimizer="adam", loss="binary_crossentropy")
    with tempfile.TemporaryDirectory() as folder:
        nn.film(model, *XOR, epochs=2).save(Path(folder) / "film.html")


# --- what goes wrong ------------------------------------------------------------------------------


def _attempt(f: Callable[[], object], error: type[Exception]) -> None:
    try:
        f()
    except error:
        return
    raise AssertionError(f"expected {error.__name__}")


def faults(k: int) -> None:
    """Errors in the middle of backward, of tracing, of compiled code and of a fit."""
    x = Value(1.0)
    y = autograd.tanh(x * 2.0)
    x.data = "one"  # type: ignore[assignment]
    _attempt(lambda: x.backward(), TypeError)
    _attempt(lambda: y.backward("one"), TypeError)  # type: ignore[arg-type]

    def branch(x: Any) -> Any:
        return x if autograd.tanh(x) > 0.5 else -x

    _attempt(lambda: autograd.jit(branch)(1.0), autograd.TraceError)
    _attempt(lambda: autograd.jit(lambda x: 1 / 0 * x)(1.0), ZeroDivisionError)
    _attempt(lambda: autograd.grad(lambda x: x * [][0])(1.0), IndexError)

    def stop(number: int, loss: float) -> None:
        raise KeyError(number)

    import nn

    def stopped(compiled: bool) -> None:
        model = nn.MLP(2, [2, 1])
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        nn.train(model, *XOR, optimizer=optimizer, progress=False, compiled=compiled, callback=stop)

    _attempt(lambda: stopped(True), KeyError)
    _attempt(lambda: stopped(False), KeyError)


# --- huge graphs, each in a process of its own ----------------------------------------------------

_BEGIN = """
import copy, pickle, resource, time
import autograd
from autograd import Value
n = {n}
last = time.process_time()
def done(what):
    global last
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"  {{what:20}} {{time.process_time() - last:7.2f}} s of processor, at most {{peak}} MiB")
    last = time.process_time()
def attempt(what, f):
    try:
        f()
        done(what)
    except ValueError as error:
        done(what + ", refused")
        print("   ", error)
done("import")
"""
_REST = """
attempt("draw", lambda: autograd.draw(v).dot)
attempt("steps", lambda: autograd.steps(v))
data = pickle.dumps(v)
done("pickle")
twin = pickle.loads(data)
done("unpickle")
assert twin.data == v.data
twin = copy.deepcopy(v)
done("deepcopy")
assert twin.data == v.data
del twin, data
done("free the copies")
f = autograd.jit_graph(v, xs)
result = f([x.data for x in xs])
done("compile and run")
assert result == v.data
del f, v
done("free")
"""

HUGE = {
    "a chain": (
        10_000_000,
        """
x = v = Value(1.0)
one = Value(1.0)
for _ in range(n // 2):
    v = v * one + x
done("build")
v.backward()
done("backward")
assert x.grad == n // 2 + 1, x.grad
del v
done("free")
""",
    ),
    "a chain, and all that is done with it": (
        1_000_000,
        """
v = Value(1.0, "x")
xs = [v]
for _ in range(n):
    v = v * 1.0
done("build")
v.backward()
done("backward")
assert xs[0].grad == 1.0
"""
        + _REST,
    ),
    "leaves of one sum": (
        1_000_000,
        """
xs = [Value(float(k % 7)) for k in range(n)]
done("build")
v = autograd.total(xs)
done("total")
v.backward()
done("backward")
assert xs[3].grad == 1.0
"""
        + _REST,
    ),
}


def huge(name: str, n: int | None = None) -> str:
    """What a process of its own says of a huge graph, of n nodes."""
    usual, program = HUGE[name]
    text = _BEGIN.format(n=n or usual) + program
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    return done.stdout + done.stderr


# --- the whole ------------------------------------------------------------------------------------

FUNCTIONS: dict[str, Work] = {
    f.__name__: f for f in (plain, gradient, batch, rule, step, training, many_structures)
}
TRAININGS: dict[str, Work] = {f.__name__: f for f in (fit, fit_eager, train, estimator)}
PICTURES: dict[str, Work] = {f.__name__: f for f in (pictures, film)}
GROUPS: dict[str, tuple[dict[str, Work], int]] = {
    "functions": (FUNCTIONS, 10_000),
    "trainings": (TRAININGS, 1_000),
    "pictures": (PICTURES, 1_000),
    "faults": ({"faults": faults}, 1_000),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("only", nargs="*", help=f"of {[*GROUPS, 'graphs']}, or one kind of work")
    parser.add_argument("--times", type=int, help="turns of each, in place of the usual number")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'':16} turns  ms each   added by the second half, to each turn")
    for group, (works, usual) in GROUPS.items():
        for name, work in works.items():
            if not given.only or group in given.only or name in given.only:
                times = given.times or usual
                _, late, seconds = growth(work, times, warm_up=max(times // 10, 200))
                each = late.memory * 1024 / (times - times // 2)
                print(
                    f"{name:16} {times:5d} {seconds * 1e3:8.2f}   {each:8.1f} bytes; in all "
                    f"code {late.code} kB, mappings {late.mappings}, objects {late.objects}, "
                    f"threads {late.threads}, files {late.files}",
                    flush=True,
                )
    for name, (n, _) in HUGE.items():
        if not given.only or "graphs" in given.only:
            print(f"{n:,} nodes: {name}")
            print(huge(name), end="", flush=True)


if __name__ == "__main__":
    main()
