"""What notices a block gives."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from autograd import Notice


@contextmanager
def told() -> Iterator[list[str]]:
    """The names of a block's notices, in order, under Python's filter "always"."""
    names: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield names
    names += [w.message.name for w in caught if isinstance(w.message, Notice)]
