"""The bar that `fit` shows for an epoch."""

import sys
from types import TracebackType
from typing import Any, Self

from autograd import MissingExtraError

FORMAT = "{n_fmt}/{total_fmt} {bar:24} {elapsed} {rate_fmt}"
FULL = "━" * 24
PATIENCE = 0.3  # seconds: an epoch that is over sooner needs no bar that moves


class EpochBar:
    """A bar for one epoch, with Keras's words. verbose: 1 or "auto" a bar, 2 a line, 0 nothing.

    Raises MissingExtraError without tqdm.
    """

    def __init__(self, epoch: int, epochs: int, steps: int, verbose: int | str) -> None:
        self.steps, self.verbose = steps, 1 if verbose == "auto" else int(verbose)
        self._bar: Any = None
        if self.verbose:
            print(f"Epoch {epoch + 1}/{epochs}")
        if self.verbose == 1:
            try:
                from tqdm import tqdm
            except ImportError:
                raise MissingExtraError(
                    "the progress bar needs tqdm: pip install tqdm, or pass verbose=2"
                ) from None
            self._bar = tqdm(
                total=steps,
                bar_format=FORMAT,
                file=sys.stdout,
                ascii=" ╸━",
                unit="step",
                leave=False,
                delay=PATIENCE,
            )

    def show(self, done: int) -> None:
        """How many batches are done."""
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def finish(self, seconds: float, logs: dict[str, float]) -> None:
        """What came out."""
        if not self.verbose:
            return
        bar = f" {FULL} " if self._bar is not None else " - "
        if self._bar is not None:
            self._bar.close()
        numbers = [f"{name}: {_number(x)}" for name, x in logs.items()]
        time = _time(seconds, self.steps)
        print(f"{self.steps}/{self.steps}{bar}" + " - ".join([time, *numbers]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def _time(seconds: float, steps: int) -> str:
    each = seconds / max(steps, 1)
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if each >= size:
            return f"{seconds:.0f}s {each / size:.0f}{unit}/step"
    return f"{seconds:.0f}s {each * 1e6:.0f}us/step"


def _number(x: Any) -> str:
    if not isinstance(x, (int, float)):
        return str(x)
    return f"{x:.4f}" if x == 0.0 or 1e-3 <= abs(x) < 1e4 else f"{x:.4e}"
