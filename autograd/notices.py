"""Notices: what is said when a program runs and yet cannot mean what it does.

Such a trap is no error, for every number is what was asked for; but silence would leave a learner
to hunt for hours. A notice is one sentence with the remedy, and goes the way of Python's warnings.
`TRAPS` lists them all; those of networks are looked for in nn, those of the engine in stale.py.
"""

import sys
import warnings
from contextvars import ContextVar
from types import FrameType
from typing import Any, final
from weakref import WeakKeyDictionary

TRAPS = {
    # looked for always, since looking is cheap and what is found practically never meant
    "stale-gradient": "a step with gradients that still hold those of an earlier step",
    "constant-loss": "a loss that depends on no parameter",
    "unused-parameter": "a layer (strict: a single parameter) that the loss does not depend on",
    "symmetric-units": "units that start equal, and so stay equal",
    "flat-activation": "a step activation in training by gradients, which it lets none through",
    "softmax-of-one": "a softmax over a single number, which is always 1",
    "dead-relu": "a layer of relus of which all (strict: half) give 0 for every row",
    "saturated": "a hidden layer of which all (strict: half of) the units are stuck at a limit",
    "unreachable-target": "targets beyond what the last activation can give",
    "not-probabilities": "a cross-entropy of outputs that are no probabilities",
    "double-softmax": "a loss from logits that is given probabilities",
    "constant-label": "rows that all have one class (strict: one target)",
    "unseen-class": "rows to validate with of classes that are not trained on",
    "unscaled-input": "a column of numbers beyond 100 (strict: 10)",
    "exploding-loss": "a loss that has grown a thousandfold",
    "file-suffix": "a model file named as of another format",
    "small-shards": "batches in parts too small to be worth sending to workers",
    # looked for by strict() alone: they cost time, or may be meant
    "zero-rate": "a learning rate of 0",
    "tanh-labels": "labels 0 and 1 for outputs from -1 to 1",
    "sorted-rows": "batches of rows sorted by class",
    "majority-class": "a trained model that predicts one class for every row",
}
"""What each name is said of."""
STRICT_ONLY = {"zero-rate", "tanh-labels", "sorted-rows", "majority-class"}

_OURS = ("autograd", "nn")


@final
class Notice(UserWarning):
    """A trap; `name` is what `silence` takes, and stands in brackets at the end of the text."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(name, sentence)
        self.name, self.sentence = name, sentence

    def __str__(self) -> str:
        return f"{self.sentence} [{self.name}]"


@final
class Setting:
    """A setting that holds from now on; of a `with` block, to its end."""

    def __init__(self, variable: ContextVar[Any], value: object) -> None:
        self._variable, self._before = variable, variable.get()
        variable.set(value)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        # no token: a generator may end in another context than it began in
        self._variable.set(self._before)


@final
class Strictness:
    """One call of `strict`. seen: what the watch over backward() remembers of it."""

    def __init__(self, errors: bool) -> None:
        self.errors = errors
        self.seen: dict[Any, tuple[float, float]] = {}


strictness: ContextVar[Strictness | None] = ContextVar("strict", default=None)
_silenced: ContextVar[frozenset[str]] = ContextVar("silenced", default=frozenset())
_said: WeakKeyDictionary[object, set[str]] = WeakKeyDictionary()


def strict(on: bool = True, *, errors: bool = False) -> Setting:
    """Look for every trap, also where that costs time: from now on, or in a `with` block.

    on: False ends it. errors: a notice is raised as an error instead of said.
    Holds for this thread (or asyncio task) alone.
    """
    if on:
        from autograd.stale import watch_backward

        watch_backward()
    return Setting(strictness, Strictness(errors) if on else None)


def silence(*names: str) -> Setting:
    """Say nothing of these traps, such as "dead-relu": from now on, or in a `with` block.

    Holds for this thread (or asyncio task) alone. Raises ValueError for a name that no trap has.
    """
    for name in names:
        _check(name)
    return Setting(_silenced, _silenced.get() | set(names))


def is_strict() -> bool:
    """Whether `strict` holds here."""
    return strictness.get() is not None


def watches(name: str) -> bool:
    """Whether this trap is to be looked for now. Raises ValueError for a name that no trap has."""
    _check(name)
    return name not in _silenced.get() and (is_strict() or name not in STRICT_ONLY)


def notice(name: str, sentence: str, about: object = None) -> None:
    """Say it, at the line of the user's code, unless it is silenced.

    about: what it is said of, such as a model: of one thing each name is said once.
    Raises Notice inside `strict(errors=True)`, ValueError for a name that no trap has.
    """
    if not watches(name) or (about is not None and name in _said.get(about, ())):
        return
    found, now = Notice(name, sentence), strictness.get()
    if now is not None and now.errors:
        raise found
    warnings.warn(found, stacklevel=_levels_to_user())
    if about is not None:  # only now: a filter may have made it an error, which comes every time
        _said.setdefault(about, set()).add(name)


def _check(name: str) -> None:
    if name not in TRAPS:
        raise ValueError(f"unknown trap {name!r}; expected one of: {', '.join(TRAPS)}")


def _levels_to_user() -> int:
    """How many frames above `notice` the first is that is neither autograd's nor nn's."""
    frame: FrameType | None = sys._getframe(1)
    levels = 1
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in _OURS:
        frame, levels = frame.f_back, levels + 1
    return levels
