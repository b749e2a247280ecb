"""Machine code that calls back into Python, for what only a Python function computes.

Each call takes Python's lock, which machine code runs without, and so may come from any thread. An
exception cannot pass through machine code: the call gives nan, and the exception is raised once the
code has run.
"""

import math
import threading
from typing import Any

from autograd.locks import Lock
from autograd.primitives import BUILT_IN, TABLE

_symbols: dict[tuple[str, int], str] = {}
_held: list[Any] = []  # what machine code may call lives as long as the process
_lock = Lock()
# What was raised, with the thread that ran into it; None for one that works for another's call
_raised: list[tuple[int | None, BaseException]] = []
WORKERS = "glassgrad worker"  # the name of threads that machine code has rows computed by


def is_callback(op: str) -> bool:
    """Whether an operation that is left on a tape is computed in Python."""
    return op in TABLE and op not in BUILT_IN


def symbol(op: str, n: int) -> str:
    """The name under which machine code finds the forward function of n operands."""
    with _lock:
        if (op, n) not in _symbols:
            import ctypes

            import llvmlite.binding as llvm

            name = f"glassgrad_own_{len(_symbols)}"
            prototype = ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_double] * n)
            function = prototype(_trampoline(op))
            _held.append(function)
            llvm.add_symbol(name, ctypes.cast(function, ctypes.c_void_p).value)
            _symbols[op, n] = name
        return _symbols[op, n]


def _trampoline(op: str) -> Any:
    def run(*operands: float) -> float:
        try:
            # looked up each time: the code outlives an entry that is replaced
            return TABLE[op].forward(*operands)
        except BaseException as error:
            thread = threading.current_thread()
            _raised.append((None if thread.name == WORKERS else thread.ident, error))
            return math.nan

    return run


def raise_if_any() -> None:
    """Raise what was raised while this thread's machine code ran; all but the first is dropped."""
    if not _raised:
        return
    with _lock:
        mine = (None, threading.get_ident())
        found = [error for thread, error in _raised if thread in mine]
        _raised[:] = [x for x in _raised if x[0] not in mine]
    if found:
        raise found[0]
