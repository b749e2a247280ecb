"""The logic gates of two inputs, as truth tables."""

from nn.errors import UnknownNameError

INPUTS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
GATES: dict[str, tuple[float, float, float, float]] = {  # the outputs, in the order of INPUTS
    "and": (0.0, 0.0, 0.0, 1.0),
    "or": (0.0, 1.0, 1.0, 1.0),
    "nand": (1.0, 1.0, 1.0, 0.0),
    "nor": (1.0, 0.0, 0.0, 0.0),
    "xor": (0.0, 1.0, 1.0, 0.0),
    "xnor": (1.0, 0.0, 0.0, 1.0),
}
NOT_LINEARLY_SEPARABLE = ("xor", "xnor")


def gate(name: str) -> tuple[list[list[float]], list[float]]:
    """A gate's truth table: inputs [4, 2] and outputs [4], of 0.0 and 1.0.

    Raises UnknownNameError if there is no such gate.
    """
    if name not in GATES:
        raise UnknownNameError("gate", name, GATES)
    return [list(row) for row in INPUTS], list(GATES[name])
