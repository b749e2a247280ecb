"""History: what happened in training, epoch by epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nn.interrupts import append_at_once


@dataclass
class History:
    """What happened in training.

    history: for each name, such as "loss", "accuracy", "val_loss", its value in each epoch. The
        loss and the metrics of training are means over the epoch's samples, each measured just
        before the update.
    epoch: the epochs' numbers, from 0 (`Sequential.fit`).
    updates: how many times the parameters were moved.
    stopped: why it ended: "epochs" (all done), "callback", "loss" or "gradient" (under the
        threshold), "interrupted" (Ctrl-C), or "diverged" (the loss or a gradient was nan or
        infinite; the parameters are those before that update).
    engine: "compiled", or "eager" and, after a colon, why it was not compiled.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    epoch: list[int] = field(default_factory=list)
    updates: int = 0
    stopped: str = "epochs"
    engine: str = "eager"

    @property
    def losses(self) -> list[float]:
        """The loss of each epoch."""
        return self.history.setdefault("loss", [])

    @property
    def gradient_norms(self) -> list[float]:
        """For each epoch the Euclidean norm of the mean gradient (`nn.train` alone measures it)."""
        return self.history.setdefault("gradient_norm", [])

    def add(self, logs: Mapping[str, float], epoch: int | None = None) -> None:
        """An epoch's numbers, of which Ctrl-C leaves all or none."""
        columns: list[list[Any]] = [self.history.setdefault(name, []) for name in logs]
        if epoch is None:
            append_at_once(columns, list(logs.values()))
        else:
            append_at_once([*columns, self.epoch], [*logs.values(), epoch])

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self.stopped == "interrupted"

    def __str__(self) -> str:
        """Why it ended, as a sentence."""
        epochs = len(self.losses)
        after = f"stopped after {epochs} epochs"
        reason = {
            "epochs": f"{after}, as asked",
            "callback": f"{after}, as a callback asked",
            "loss": f"{after}: the loss reached its threshold",
            "gradient": f"{after}: the slope reached its threshold",
            "interrupted": f"interrupted after {epochs} epochs; what was learned is kept",
            "diverged": f"{after}: the loss or its gradient was no longer a finite number; a "
            "smaller learning rate usually helps, and autograd.detect_anomaly() around the "
            "training tells which number it was",
        }[self.stopped]
        return reason + (f" (loss {self.losses[-1]:.4g})" if self.losses else "")
