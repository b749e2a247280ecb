"""What a step is taken with: gradients of earlier steps, or none at all."""

from collections.abc import Sequence
from typing import Any, final

from autograd import Value, notice, watches

PATIENCE = (
    10  # steps without any gradient: a hinge loss may be 0 for one batch, not for the first ten
)


@final
class UsedGradient(float):
    """A gradient that a step was taken with.

    Setting it to 0 replaces it; adding to it gives another that knows it was added to. So the next
    step can tell, exactly and for next to nothing, whether anybody has set it to 0.
    """

    __slots__ = ("by", "grew")

    by: object
    grew: bool

    def __add__(self, other: float) -> "UsedGradient":
        return _used(float(self) + other, self.by, grew=True)

    def __reduce__(self) -> tuple[Any, ...]:
        return float, (float(self),)


def _used(number: float, by: object, grew: bool = False) -> UsedGradient:
    gradient = UsedGradient(number)
    gradient.by, gradient.grew = by, grew
    return gradient


@final
class StepWatch:
    """An optimiser's: looks at the gradients of each step, and marks one of them as used."""

    def __init__(self) -> None:
        self._marked: Value | None = None
        self._mine = object()  # and not the watch itself, which would be a cycle of references
        self._idle: int | None = 0  # steps without any gradient so far; None once there was one

    def look(self, optimizer: object, params: Sequence[Value], grads: Sequence[float]) -> None:
        """Before a step with these gradients, which stand in these parameters."""
        p = self._marked
        if (
            p is not None
            and type(p.grad) is UsedGradient
            and p.grad.by is self._mine
            and p.grad.grew
        ):
            notice(
                "stale-gradient",
                "step() was called with gradients to which those of an earlier step were added: "
                "call zero_grad() before each backward()",
                about=optimizer,
            )
        self._marked = next((p for p, g in zip(params, grads, strict=True) if g), None)
        if self._marked is not None:
            self._marked.grad = _used(self._marked.grad, self._mine)
            self._idle = None
        elif self._idle is not None:
            self._idle += 1
            if self._idle == PATIENCE and watches("constant-loss"):
                notice(
                    "constant-loss",
                    f"the first {PATIENCE} steps moved nothing, for every gradient was exactly 0: "
                    "call backward() of the loss after zero_grad() and before step(), and make the "
                    "loss of Values all the way, without float(), .data or no_grad",
                    about=optimizer,
                )

    def __reduce__(self) -> tuple[Any, ...]:
        return StepWatch, ()  # a copy begins anew
