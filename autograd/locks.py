"""Locks that a forked child does not find held for ever by a thread of its parent."""

import os
import weakref
from threading import RLock
from typing import Any


class Lock:
    """A lock for `with`, which its thread may enter again."""

    def __init__(self) -> None:
        self._lock = RLock()
        _all.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *raised: Any) -> None:
        self._lock.release()

    def _free(self) -> None:
        """Threads do not survive a fork, but the one that forked: what others held is free."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = RLock()


_all: weakref.WeakSet[Lock] = weakref.WeakSet()


def _after_fork() -> None:
    for lock in list(_all):
        lock._free()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
