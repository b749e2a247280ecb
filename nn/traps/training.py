"""What `nn.train` looks at, before, while and after it trains."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, final

from nn.history import History
from nn.module import Module
from nn.optim import Optimizer
from nn.traps.before import look_at_rate, look_at_start_of
from nn.traps.graph import look_at_graph, place_of_cut
from nn.traps.outcome import look_at_loss, look_at_outcome


@final
class TrainingWatch:
    """Of one training. inputs, targets: lists of rows."""

    def __init__(
        self,
        model: Callable[[Any], Any],
        loss: Callable[[Any, Any], Any],
        optimizer: Optimizer,
        inputs: Sequence[Any],
        targets: Sequence[Any],
    ) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.inputs, self.targets = inputs, targets
        self.arrays = _arrays(inputs, targets)
        look_at_rate(model, optimizer)
        if self.arrays and isinstance(model, Module) and not optimizer.steps:
            look_at_start_of(model, loss, *self.arrays)

    @property
    def rate(self) -> float:
        """The learning rate of the last update."""
        return self.optimizer.rate(max(self.optimizer.steps, 1))

    def look_at_graph(self, *first: Any) -> None:
        """first: a loss that has been computed already; the user's functions make others."""
        params = self.optimizer.params
        look_at_graph(
            self.model,
            params,
            chain(first, self._losses()),
            lambda: place_of_cut(self.model, self.inputs[0], params),
        )

    def look_at_loss(self, history: History) -> None:
        """After an epoch."""
        if self.arrays:
            look_at_loss(self.model, self.loss, self.arrays[1], history.losses, self.rate)

    def look_at_outcome(self, history: History) -> None:
        """After training."""
        if not self.arrays or not history.losses or history.stopped == "diverged":
            return  # of a loss that is not finite was told already
        self.look_at_loss(history)
        if isinstance(self.model, Module):
            xs, ys = self.arrays
            look_at_outcome(self.model, self.loss, xs, ys, self.optimizer.steps)

    def _losses(self) -> Iterator[Any]:
        for x, y in zip(self.inputs, self.targets, strict=True):
            yield self.loss(self.model([x]), [y])


def _arrays(xs: Any, ys: Any) -> tuple[Any, ...]:
    """Both as arrays of floats; nothing if they cannot be, or there is no NumPy."""
    try:
        import numpy as np

        return np.array(xs, float), np.array(ys, float)
    except (ImportError, TypeError, ValueError):
        return ()
