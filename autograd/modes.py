"""Switches that change what operations record, each local to its thread or asyncio task."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

paused: ContextVar[bool] = ContextVar("no_grad", default=False)
no_grad_blocks = 0  # open blocks in all threads: a context variable costs too much to read per node
_lock = Lock()


@contextmanager
def no_grad() -> Iterator[None]:
    """Inside, operations record nothing: results are leaves. Also a decorator: `@no_grad()`.

    Holds for this thread (or asyncio task) alone.
    """
    global no_grad_blocks
    with _lock:
        no_grad_blocks += 1
    token = paused.set(True)
    try:
        yield
    finally:
        paused.reset(token)
        with _lock:
            no_grad_blocks -= 1
