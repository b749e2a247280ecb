"""A cache with an end: a function that is called with ever new structures compiles ever more."""

from typing import Any


class Newest(dict[Any, Any]):
    """The newest entries: with one too many, the oldest goes.

    One that is still in use is compiled again, after as many others have been.
    """

    MOST = 128

    def __setitem__(self, key: Any, entry: Any) -> None:
        super().__setitem__(key, entry)
        if len(self) > self.MOST:
            self.pop(next(iter(self)), None)
