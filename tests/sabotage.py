"""Executors that misbehave, and jobs for them: what workers do to those who rely on them."""

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from itertools import count
from random import Random
from typing import Any

import numpy as np

import nn
from nn.layers import Dense, Dropout
from nn.models import Sequential

RNG = np.random.default_rng(5)
XS = RNG.normal(size=(70, 4))
YS = (XS.sum(axis=1) > 0.0).astype(float)
WEIGHTS = RNG.random(70) + 0.5


def network(compiled: bool | None = None, loss: Any = "binary_crossentropy", **options: Any) -> Any:
    """With all that an epoch may depend on: dropout, penalties, constraints, clipping, metrics."""
    model = Sequential(
        [
            Dense(5, "tanh", input_dim=4, kernel_regularizer="l2"),
            Dropout(0.3),
            Dense(1, "sigmoid", kernel_constraint=nn.constraints.MaxNorm(1.0)),
        ],
        seed=3,
    )
    optimizer = nn.Adam(lr=0.05, clipnorm=0.5)
    model.compile(optimizer, loss, metrics=["accuracy"], compiled=compiled)
    return model


def fit(model: Any, epochs: int = 3, **options: Any) -> Any:
    """Batches of 32, 32 and 6 rows; gives the history."""
    given = {"batch_size": 32, "verbose": 0, "sample_weight": WEIGHTS, "shards": 2, **options}
    if "executor" not in given:
        del given["shards"]
    return model.fit(XS, YS, epochs=epochs, **given)


def numbers(model: Any) -> Any:
    """All that training changes: parameters, the optimiser's state, its steps."""
    return [p.data for p in model.parameters()], model.optimizer.state, model.optimizer.steps


class Sabotaged(Executor):
    """Another executor, of which job `at`, counted from 0, is `act`'s: act(fn, *arguments)."""

    def __init__(self, inner: Executor, at: int, act: Callable[..., Any]) -> None:
        self.inner, self.at, self.act, self.jobs = inner, at, act, count()
        self.sent: list[tuple[Any, ...]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.sent.append(args)
        if next(self.jobs) == self.at:
            return self.inner.submit(self.act, fn, *args)
        return self.inner.submit(fn, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.inner.shutdown(wait, cancel_futures=cancel_futures)


class AnyOrder(Executor):
    """Each job runs twice, and the second answer counts; they come in any order."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def later() -> None:
            fn(*args)
            time.sleep(0.003 * self.random.random())
            future.set_result(fn(*args))

        threading.Thread(target=later).start()
        return future


class Deaf(Executor):
    """Never answers."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]


class DieOnce:
    """Kills the process that it is called in, the first time in all processes."""

    def __init__(self, marker: Any) -> None:
        self.marker = str(marker)

    def __call__(self, fn: Callable[..., Any], *args: Any) -> Any:
        try:
            os.close(os.open(self.marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return fn(*args)
        return os.kill(os.getpid(), signal.SIGKILL)


def die(fn: Callable[..., Any], *args: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(fn: Callable[..., Any], *args: Any) -> Any:
    time.sleep(600.0)


def double(x: Any) -> Any:
    return 2 * x


def wait_and_give(seconds: float, thing: Any) -> Any:
    time.sleep(seconds)
    return thing


def reciprocal(x: Any) -> Any:
    return 1.0 / x


class AwkwardError(Exception):
    """Pickles, and cannot be made again of what it pickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


def awkward(x: Any) -> Any:
    raise AwkwardError("this", "that")
