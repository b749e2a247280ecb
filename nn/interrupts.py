"""What Ctrl-C must not tear apart."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from autograd import LengthError


def set_at_once(objects: Sequence[Any], names: Sequence[str], values: Sequence[Any]) -> None:
    """Set an attribute of each object, so that Ctrl-C comes before all of it or after.

    Python answers a signal between two of its own instructions, and this is one.
    Raises LengthError, with nothing set, unless there are as many of each.
    """
    if not len(objects) == len(names) == len(values):
        raise LengthError(f"expected {len(objects)} values, but got {len(values)}")
    deque(map(setattr, objects, names, values), maxlen=0)


def append_at_once(lists: Sequence[list[Any]], items: Sequence[Any]) -> None:
    """Append an item to each list, likewise."""
    deque(map(list.append, lists, items), maxlen=0)
