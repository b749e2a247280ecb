"""Switches that change what operations record, each local to its thread or asyncio task."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

paused: ContextVar[int] = ContextVar("no_grad", default=0)  # blocks open around this one
no_grad_blocks = 0  # open blocks in all threads: a context variable costs too much to read per node
_lock = Lock()


@contextmanager
def no_grad() -> Iterator[None]:
    """Inside, operations record nothing: results are leaves. Decorates plain functions: @no_grad().

    Holds for this thread (or asyncio task) alone.
    """
    global no_grad_blocks
    with _lock:
        no_grad_blocks += 1
    paused.set(paused.get() + 1)
    try:
        yield
    finally:
        # no token: a generator may end in another context, or after a block opened inside it
        paused.set(max(0, paused.get() - 1))
        with _lock:
            no_grad_blocks -= 1
