"""One task of `benchmarks.eager` on one engine: prints a line of JSON. Run in a fresh process.

    python -m benchmarks.eager_tasks chain glassgrad

Python's garbage collector stays on, as users have it.
"""

import json
import math
import random
import resource
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

CHAIN = 100_000


def engine(name: str) -> Any:
    """The class of nodes."""
    if name == "micrograd":
        from micrograd.engine import Value

        return Value
    from autograd import Value as OurValue

    return OurValue


def build_chain(value: Any, n: int) -> tuple[Any, Any]:
    """n nodes, half products and half sums, each on the one before."""
    w, b = value(1.0000001), value(1e-9)
    x = w
    for _ in range(n // 2):
        x = x * w
        x = x + b
    return x, w


def timed(step: Callable[[], Any], repeats: int, warm_up: int = 2) -> list[float]:
    """Seconds for each of the repeats, after the warm-up."""
    for _ in range(warm_up):
        step()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = step()
        seconds.append(time.perf_counter() - start)
        del result
    return seconds


def chain(name: str) -> dict[str, Any]:
    """Nanoseconds a node: build, backward, and free, a chain of 100,000."""
    value = engine(name)

    def step() -> Any:
        x, w = build_chain(value, CHAIN)
        x.backward()
        return x, w

    x, w = step()
    check = [x.data, w.grad]
    del x, w
    return {"seconds": timed(step, 5), "check": check}


def memory(name: str) -> dict[str, Any]:
    """Bytes of resident memory a node: of the graph alone, and after backward()."""
    value = engine(name)
    n = 10 * CHAIN
    build_chain(value, 1000)[0].backward()
    before = _resident()
    x, _ = build_chain(value, n)
    built = _resident()
    if name == "glassgrad":  # micrograd recurses: a million nodes deep is beyond any stack
        x.backward()
    return {"built": (built - before) / n, "after": (_resident() - before) / n, "check": [n]}


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def moons_data(n: int = 100) -> tuple[list[list[float]], list[float]]:
    """Two half circles with a little noise; labels -1 and +1."""
    r = random.Random(1337)
    xs, ys = [], []
    for i in range(n):
        angle, upper = math.pi * r.random(), i % 2 == 0
        x, y = math.cos(angle), math.sin(angle)
        point = [x, y] if upper else [1 - x, 0.5 - y]
        xs.append([c + r.gauss(0, 0.1) for c in point])
        ys.append(1.0 if upper else -1.0)
    return xs, ys


def moons(name: str) -> dict[str, Any]:
    """One step on all 100 points: MLP 2-16-16-1, relu, hinge loss + L2, backward, update."""
    xs, ys = moons_data()
    if name == "micrograd":
        step, parameters = micrograd_moons(xs, ys)
    else:
        step, parameters = our_moons(xs, ys, fused=name.endswith("fused"))
    r = random.Random(0)
    for p in parameters:
        p.data = r.uniform(-0.5, 0.5)
    check = [step().data for _ in range(3)]
    check += [p.grad for p in parameters[:5]]
    return {"seconds": timed(step, 10), "check": check}


def micrograd_moons(xs: list[list[float]], ys: list[float]) -> tuple[Callable[[], Any], list[Any]]:
    """The step of micrograd's own demo."""
    from micrograd.engine import Value
    from micrograd.nn import MLP

    model = MLP(2, [16, 16, 1])
    parameters: list[Any] = model.parameters()

    def step() -> Any:
        inputs = [list(map(Value, row)) for row in xs]
        scores = list(map(model, inputs))
        losses = [(1 + -y * score).relu() for y, score in zip(ys, scores, strict=True)]
        total = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in parameters)
        model.zero_grad()
        total.backward()
        for p in parameters:
            p.data -= 0.1 * p.grad
        return total

    return step, parameters


def our_moons(
    xs: list[list[float]], ys: list[float], fused: bool
) -> tuple[Callable[[], Any], list[Any]]:
    """The same step as our users write it."""
    import autograd
    from nn import MLP, SGD, hinge

    model = MLP(2, [16, 16, 1], activation="relu", fused=fused)
    parameters = model.parameters()
    optimizer = SGD(parameters, lr=0.1)

    def step() -> Any:
        l2 = autograd.dot(parameters, parameters) if fused else sum(p * p for p in parameters)
        total = hinge(model(xs), ys) + 1e-4 * l2
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        return total

    return step, parameters


def startup(name: str) -> dict[str, Any]:
    """Seconds that `import autograd` takes, in a fresh Python."""
    start = time.perf_counter()
    engine(name)
    return {"seconds": [time.perf_counter() - start], "check": [0]}


TASKS = {"chain": chain, "moons": moons, "memory": memory, "startup": startup}


def main() -> None:
    """Run the task in a thread with room for micrograd's recursion."""
    task, name = sys.argv[1:]
    sys.setrecursionlimit(10**6)
    threading.stack_size(512 * 1024 * 1024)
    results: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: results.append(TASKS[task](name)))
    thread.start()
    thread.join()
    print(json.dumps(results[0]))


if __name__ == "__main__":
    main()
