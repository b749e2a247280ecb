"""Ctrl-C at a moment of one's choice: after so many of Python's instructions."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import autograd
import nn

OURS = tuple(str(Path(package.__file__ or "").parent) for package in (autograd, nn))


def run(action: Callable[[], object], at: int, within: tuple[str, ...] = OURS) -> int | None:
    """Do it, with a KeyboardInterrupt before instruction `at` of the code in these folders.

    Python raises it at just these moments: between two instructions. Gives None if it came, else
    how many instructions there were.
    """
    seen = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal seen
        if not frame.f_code.co_filename.startswith(within):
            return None
        frame.f_trace_opcodes = True
        # instructions without a line close a generator, where an error is only told of
        if event == "opcode" and frame.f_lineno is not None:
            seen += 1
            if seen == at + 1:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # or Python 3.12 sends none the first time
    sys.settrace(trace)
    try:
        action()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return None if seen > at else seen
