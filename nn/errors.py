"""The errors nn raises by name, beside autograd's. Each is a subclass of the builtin that fits."""

from collections.abc import Iterable


class UnknownNameError(ValueError):
    """No activation, initialiser, gate ... has this name; the message lists those there are."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        super().__init__(f"unknown {kind} {name!r}; expected one of: {', '.join(known)}")


class HyperparameterError(ValueError):
    """A size, rate or count that makes no sense."""


class TargetError(ValueError):
    """A label or a prediction outside the range the loss is defined for."""


class StateDictError(ValueError):
    """A state dictionary does not fit what it is loaded into; nothing was changed."""


class DataError(ValueError):
    """A file or a table is not the data it should be; the message says where."""


class NotCompiledError(RuntimeError):
    """A model was asked to train or to evaluate before it was told how, by `compile`."""


class ModelFileError(ValueError):
    """A file is not a model, or is damaged; nothing was changed."""


class WorkerError(RuntimeError):
    """A job of a worker failed; the cause is the worker's own error, with its traceback."""


class WorkerTimeoutError(TimeoutError):
    """No worker answered in time; the message says which job, and who was not heard of."""


class LostWorkersError(RuntimeError):
    """The executor broke, as when a worker was killed, and could not be made anew."""
