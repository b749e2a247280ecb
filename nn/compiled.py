"""The training loop as machine code: a model, a loss and an optimiser, for autograd's compiler."""

from collections.abc import Callable, Sequence
from functools import partial
from math import isclose, isnan
from typing import Any

from autograd import Value, jit_training, no_grad
from nn.checks import call_loss
from nn.errors import TargetError
from nn.optim import Optimizer


class CompiledTraining:
    """Epochs in machine code, with the model and the optimiser kept up to date.

    loss: of one row of the data, as for `autograd.jit_training`. project: from the list of all
    parameters after an update to that which takes their place.
    """

    def __init__(
        self,
        loss: Callable[..., Any],
        optimizer: Optimizer,
        *data: Any,
        project: Callable[[list[Any]], Sequence[Any]] | None = None,
    ) -> None:
        self.optimizer = optimizer
        self._settings = settings(optimizer)
        self._state_kept: Callable[[], list[tuple[float, ...]]] | None = None
        self.loop = jit_training(
            loss,
            self._rule,
            optimizer.params,
            *data,
            states=len(optimizer.initial_state),
            transform_gradient=self._clip(),
            project=project,
        )

    def _rule(self, param: Any, grad: Any, *rest: Any) -> Any:
        *state, step, lr = rest
        return self.optimizer.update(param, grad, state, step, lr)

    def _clip(self) -> Callable[[list[Any]], list[Any]] | None:
        clips = (self.optimizer.clipvalue, self.optimizer.clipnorm) != (None, None)
        return self.optimizer.clip if clips else None

    def epoch(
        self,
        order: Sequence[int],
        batch_size: int,
        progress: Callable[[int], object] | None = None,
    ) -> Any:
        """Train on the rows in this order; what was done is kept if Ctrl-C ends it."""
        loop, optimizer = self.loop, self.optimizer
        if settings(optimizer) != self._settings:  # a callback may have changed some
            loop.change_rule(self._rule, self._clip())
            self._settings = settings(optimizer)
        loop.read()
        if self._state_kept is None or not optimizer.takes_state_from(self._state_kept):
            for k, numbers in enumerate(loop.state):
                numbers[:] = [state[k] for state in optimizer.state]
        # from here on the arrays are ahead of the optimiser, until it is told; if Ctrl-C comes
        # before that, all is as it was, and the arrays are filled anew
        self._state_kept = None
        loop.steps = optimizer.steps  # Ctrl-C may come before `epoch` gets to setting it
        before, batches = optimizer.steps, -(-len(order) // batch_size)
        lr = optimizer.lr
        if callable(lr):
            lr = [optimizer.rate(before + 1 + k) for k in range(batches)]
        try:
            return loop.epoch(order, batch_size, before, lr, progress)
        finally:
            n = len(optimizer.params)
            # the optimiser, which will hold it, is to hold nothing else
            kept = partial(state_rows, [numbers.copy() for numbers in loop.state], n)
            optimizer.move_to(loop.numbers.tolist(), kept, loop.steps, loop.gradient[:n].tolist())
            self._state_kept = kept


def state_rows(state: list[Any], n: int) -> list[tuple[float, ...]]:
    """For each of n parameters, its numbers in the arrays."""
    return list(zip(*[numbers.tolist() for numbers in state], strict=True)) or [()] * n


def settings(optimizer: Optimizer) -> dict[str, Any]:
    """What is compiled in: all hyperparameters but the rate."""
    return {name: x for name, x in optimizer.config().items() if name != "lr"}


def compile_training(
    model: Callable[[Any], Any],
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    inputs: list[Any],
    targets: list[Any],
    insist: bool,
) -> tuple[CompiledTraining | None, str]:
    """The compiled training, or None and the reason why there is none.

    insist: raise the error that says why.
    """

    def of_one_row(x: Any, y: Any) -> Any:
        row, target = (z.tolist() if hasattr(z, "tolist") else z for z in (x, y))
        return call_loss(loss, model([row]), [target])

    try:
        import numpy as np

        xs, ys = np.array(inputs, float), np.array(targets, float)
        training = CompiledTraining(of_one_row, optimizer, xs, ys)
        _check_targets(model, loss, inputs, targets)
        _check_mean(training.loop, model, loss, inputs, targets)
    except TargetError:
        raise
    except Exception as error:  # whatever else it is, the eager engine may do without, or will say
        if insist:
            raise
        return None, f"{type(error).__name__}: {error}"
    return training, ""


def _check_targets(model: Any, loss: Any, inputs: list[Any], targets: list[Any]) -> None:
    """Let the loss see every target once as a plain number, and refuse those it does not take."""
    with no_grad():
        first = model(inputs[:1])[0]
        prediction = [y.data for y in first] if isinstance(first, list) else first.data
        loss([prediction] * len(targets), targets)


def _check_mean(loop: Any, model: Any, loss: Any, inputs: list[Any], targets: list[Any]) -> None:
    """Let a batch of the eager engine's be compared with the compiled one."""
    rows = min(len(inputs), 16)
    with no_grad():
        error = loss(model(inputs[:rows]), targets[:rows])
    expected = error.data if isinstance(error, Value) else float(error)
    check_mean(expected, loop.loss(rows))


def check_mean(whole: float, mean: float) -> None:
    """Raise ValueError unless the loss of a batch is the mean over its rows: the compiler's is."""
    if not (isclose(mean, whole, rel_tol=1e-8, abs_tol=1e-12) or isnan(mean) or isnan(whole)):
        raise ValueError(
            f"the loss of a batch is not the mean over its rows ({whole!r}, but the mean is "
            f"{mean!r}), or differs from call to call"
        )
