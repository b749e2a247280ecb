"""The errors this library raises by name.

Each is a subclass of the builtin that fits, so `except TypeError` keeps working.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograd.anomaly.watch import Anomaly


class OperandError(TypeError):
    """Something that is not a real number was used as one."""


class LengthError(ValueError):
    """Sequences that belong together differ in length, or one that must not be is empty."""


class StructureError(TypeError):
    """Arguments or results are not made of nested lists, tuples and dicts of numbers."""


class TraceError(TypeError):
    """A function to be compiled does something that depends on the value of a number."""


class RenderError(RuntimeError):
    """A picture could not be laid out; `.dot` holds its DOT text all the same."""

    def __init__(self, message: str, dot: str) -> None:
        super().__init__(message)
        self.dot = dot


class GraphTooLargeError(ValueError):
    """A graph has more nodes than a picture can show."""


class GradientError(AssertionError):
    """A gradient is wrong; the message has the numbers, and a diagnosis where there is one."""


class PrimitiveError(ValueError):
    """An entry for the table of primitives is not well formed; nothing was entered."""


class UnknownPrimitiveError(LookupError):
    """There is no primitive of this name, perhaps not any more, or not in this process."""


class ForwardError(ArithmeticError):
    """The forward function of a user's own primitive has no result inside its domain."""


class SaveError(OSError):
    """A file could not be written, as on a full disk; what stood there before is as it was."""


class ExportError(RuntimeError):
    """A function cannot leave Python as it is, or what was written does not compute the same."""


class GraphFormatError(ValueError):
    """A text is not the JSON of a graph, or its numbers are not what its operations compute."""


class AnomalyError(FloatingPointError):
    """A number or a gradient turned nan or infinite; `.anomaly` is which, as data."""

    def __init__(self, message: str, anomaly: "Anomaly | None" = None) -> None:
        super().__init__(message)
        self.anomaly = anomaly


class MissingExtraError(ImportError):
    """An optional package is not installed; the message names the extra that brings it."""
