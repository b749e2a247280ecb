"""Many workers: what a step costs beside its work: `python -m benchmarks.workers [--dask]`.

A step with workers takes work / shards + shards * A + megabytes * B. A and B are fitted here to
steps of next to no work; then the formula is held against steps with work, and asked how many
workers pay. Two processes of one machine; it should have nothing else to do.
"""

import argparse
import pickle
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

import nn
from nn.callbacks import Callback
from nn.layers import Dense
from nn.models import Sequential

STEPS = 10  # in an epoch, which itself costs something
SMALL, LARGE, WIDE = (10, 64, 32, 16, 8, 4, 1), (784, 128, 64, 10), (64, 256, 256, 10)


class Counting(Executor):
    """Another executor; bytes: of all that is handed to it and comes back."""

    def __init__(self, inner: Executor) -> None:
        self.inner, self.bytes = inner, 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.bytes += len(pickle.dumps(args))
        future = self.inner.submit(fn, *args)
        future.add_done_callback(self._count)
        return future

    def _count(self, future: Future[Any]) -> None:
        self.bytes += len(pickle.dumps(future.result()))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.inner.shutdown(wait, cancel_futures=cancel_futures)


class Step(NamedTuple):
    """Seconds of a step, the least of several epochs; bytes sent in one, both ways."""

    seconds: float
    bytes: float


class _Clock(Callback):
    def __init__(self, executor: Counting) -> None:
        super().__init__()
        self.executor = executor
        self.seen: list[tuple[float, int]] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.seen.append((time.perf_counter(), self.executor.bytes))

    def on_train_end(self, logs: Any = None) -> None:
        self.seen.append((time.perf_counter(), self.executor.bytes))


def network(sizes: tuple[int, ...]) -> Sequential:
    """relu layers of these sizes, for a mean squared error."""
    layers = [
        Dense(n, "relu", input_dim=sizes[k] if not k else None) for k, n in enumerate(sizes[1:])
    ]
    model = Sequential(layers)
    model.compile("sgd", "mse")
    return model


def step(sizes: tuple[int, ...], rows: int, shards: int, executor: Executor, epochs: int) -> Step:
    """A step on a batch of so many rows."""
    model, counting = network(sizes), Counting(executor)
    rng = np.random.default_rng(0)
    xs, ys = [rng.random((STEPS * rows, n)) for n in (sizes[0], sizes[-1])]
    if sizes[-1] == 1:
        ys = ys[:, 0]
    clock = _Clock(counting)
    model.fit(xs, ys, rows, epochs, 0, clock, executor=counting, shards=shards)
    pairs = list(pairwise(clock.seen))[2:]  # workers have begun by then
    return Step(
        min(b[0] - a[0] for a, b in pairs) / STEPS,
        min(b[1] - a[1] for a, b in pairs) / STEPS,
    )


@contextmanager
def _pool(dask: bool) -> Iterator[Executor]:
    if not dask:
        with nn.processes(2)() as pool:
            yield pool
        return
    from distributed import Client, LocalCluster

    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        yield client.get_executor(pure=False)


def main() -> None:
    """Measure, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--dask", action="store_true", help="a LocalCluster, not a process pool")
    parser.add_argument("--epochs", type=int, default=12, help="of which the quickest counts")
    arguments = parser.parse_args()
    n = arguments.epochs
    serial = nn.SerialExecutor()
    with _pool(arguments.dask) as pool:
        print("next to no work: ms a step, MB a step, of these beyond the same shards here")
        equations, beyond = [], []
        for sizes in (SMALL, LARGE):
            for shards in (1, 2, 4, 8):
                there = step(sizes, 8, shards, pool, n)
                here = step(sizes, 8, shards, serial, n)
                extra = there.seconds - here.seconds
                equations.append([shards, there.bytes / 1e6])
                beyond.append(extra)
                print(
                    f"  {shards} shards: {there.seconds * 1e3:7.2f} {there.bytes / 1e6:7.3f} "
                    f"{extra * 1e3:7.2f}"
                )
        each, megabyte = np.linalg.lstsq(np.array(equations), np.array(beyond))[0].tolist()
        print(f"overhead = {each * 1e3:.2f} ms a shard + {megabyte * 1e3:.2f} ms a megabyte")

        print("with work, two workers: ms a shard, ms here, ms there, by the formula, speed-up")
        for sizes, rows in ((SMALL, 2**16), (SMALL, 2**18), (LARGE, 2**11), (WIDE, 2**15)):
            here = step(sizes, rows, 2, serial, 4)
            there = step(sizes, rows, 2, pool, 4)
            expected = here.seconds / 2 + 2 * each + there.bytes / 1e6 * megabyte
            print(
                f"  {here.seconds / 2 * 1e3:7.1f} {here.seconds * 1e3:7.1f} "
                f"{there.seconds * 1e3:7.1f} {expected * 1e3:7.1f} "
                f"{here.seconds / there.seconds:5.2f}"
            )

    print("by the formula: the work of a step, in seconds on one core, from which on n workers are")
    print("half as fast as n would be without overhead")
    for sizes in (SMALL, LARGE):
        parameters = sum((a + 1) * b for a, b in pairwise(sizes))
        for workers in (10, 100, 1000):
            overhead = workers * (each + 2 * 8 * parameters / 1e6 * megabyte)
            print(f"  {parameters:7,} parameters, {workers:5} workers: {workers * overhead:10.2f}")


if __name__ == "__main__":
    main()
