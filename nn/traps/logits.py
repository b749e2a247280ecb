"""What a loss from logits is given: not what has been made probabilities already."""

from typing import Any

from autograd import Value, notice


def look_at_logits(predictions: Any) -> None:
    """predictions: rows of numbers, or numbers. How a node was made says what it is."""
    first = predictions[0] if isinstance(predictions, (list, tuple)) and predictions else None
    if isinstance(first, (list, tuple)) and first:
        first = first[0]
    if isinstance(first, Value) and (name := _activation(first)):
        notice(
            "double-softmax",
            f"a loss with from_logits=True applies the {name} itself, but was given what has been "
            "through one: take the activation away from the last layer, or from_logits=True from "
            "the loss",
        )


def _activation(v: Value) -> str:
    """The activation that made a probability; "" if none did."""
    if v.op == "sigmoid":
        return "sigmoid"
    return "softmax" if v.op == "div" and v.parents[0].op == "exp" else ""
