"""A team of threads, one for each further processor core, that share the rows of a large batch.

They wait inside machine code, where Python's lock is released, for a semaphore: waking one takes
microseconds, where a thread pool of Python's would take as long as the work.
"""

import ctypes
import os
import sys
import threading
from typing import Any

import numpy as np

from autograd.compiler.driver import ORDERS, SEMAPHORE, TEAM
from autograd.locks import Lock

LEAST_ROWS = 512  # fewer are not worth waking anyone

_lock = Lock()
_team: Any = None
_orders: Any = None


def cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def team(run_worker: int) -> Any:
    """The team's fields, as a NumPy array; with no workers where there is one core.

    run_worker: the address of the function that a worker runs for good.
    """
    global _team, _orders
    with _lock:
        if _team is None:
            # unnamed semaphores of at most 32 bytes are Linux's
            workers = cores() - 1 if sys.platform == "linux" else 0
            _orders = np.zeros((workers, SEMAPHORE + len(ORDERS)), np.int64)
            found = np.zeros(len(TEAM), np.int64)
            found[TEAM.index("workers")] = workers
            found[TEAM.index("orders")] = _orders.ctypes.data
            found[TEAM.index("least")] = LEAST_ROWS
            run = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(run_worker)
            for orders in _orders:
                _sem_init(orders.ctypes.data)
                thread = threading.Thread(
                    target=run, args=(orders.ctypes.data,), name="glassgrad worker", daemon=True
                )
                thread.start()
            _team = found
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=_dismiss)
        return _team


def _sem_init(address: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.sem_init(ctypes.c_void_p(address), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "sem_init failed")


def _dismiss() -> None:
    """Threads do not survive a fork: the child works alone."""
    _team[TEAM.index("workers")] = 0
    _team[TEAM.index("busy")] = 0
