"""Switches that change what operations record, each local to its thread or asyncio task."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from autograd.locks import Lock

paused: ContextVar[int] = ContextVar("no_grad", default=0)  # blocks open around this one
# where operations go instead of making nodes: a function of the primitive and its operands
recorder: ContextVar[Callable[..., Any] | None] = ContextVar("recorder", default=None)
# who is told of nodes and gradients (anomaly.py), the innermost last; None for a block that is off
_watchers: ContextVar[tuple[Any, ...]] = ContextVar("watchers", default=())
# whether what runs is the function of a derivative that is being taken
inside_derivative: ContextVar[bool] = ContextVar("inside_derivative", default=False)
# open blocks of any kind in all threads: a context variable costs too much to read per node
open_blocks = 0
_lock = Lock()


@contextmanager
def no_grad() -> Iterator[None]:
    """Inside, operations record nothing: results are leaves. Decorates plain functions: @no_grad().

    Holds for this thread (or asyncio task) alone.
    """
    with _open_block():
        paused.set(paused.get() + 1)
        try:
            yield
        finally:
            # no token: a generator may end in another context, or after a block opened inside it
            paused.set(max(0, paused.get() - 1))


@contextmanager
def recording(record: Callable[..., Any]) -> Iterator[None]:
    """Inside, `record(primitive, operands)` is what an operation on Values gives."""
    with _open_block():
        token = recorder.set(record)
        try:
            yield
        finally:
            recorder.reset(token)


@contextmanager
def watching(watch: Any) -> Iterator[None]:
    """Inside, `watch` is told of nodes and gradients; of blocks in one another, the inner one."""
    block = (watch,)  # an object of its own, to be found again
    with _open_block():
        _watchers.set((*_watchers.get(), block))
        try:
            yield
        finally:
            _watchers.set(tuple([b for b in _watchers.get() if b is not block]))


def watcher() -> Any:
    """Who is told of nodes and gradients in this thread; None if nobody. Ask open_blocks first."""
    blocks = _watchers.get()
    return blocks[-1][0] if blocks else None


def is_recording() -> bool:
    """Whether operations on Values go to a recorder in this thread."""
    return open_blocks > 0 and recorder.get() is not None


@contextmanager
def _open_block() -> Iterator[None]:
    global open_blocks
    with _lock:
        open_blocks += 1
    try:
        yield
    finally:
        with _lock:
            open_blocks -= 1
