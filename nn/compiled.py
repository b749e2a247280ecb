"""The training loop as machine code: a model, a loss and an optimiser, for autograd's compiler."""

from collections.abc import Callable, Sequence
from math import isclose, isnan
from typing import Any

from autograd import Value, jit_training, no_grad
from nn.errors import TargetError
from nn.optim import Optimizer


class CompiledTraining:
    """Epochs in machine code, with the model and the optimiser kept up to date."""

    def __init__(self, loop: Any, optimizer: Optimizer) -> None:
        self.loop, self.optimizer = loop, optimizer
        self._settings = _settings(optimizer)

    def epoch(self, order: Sequence[int], batch_size: int, step: int, lr: float) -> Any:
        """Train on the rows in this order."""
        loop = self.loop
        if _settings(self.optimizer) != self._settings:  # a callback may have changed some
            self._settings = _settings(self.optimizer)
            loop.change_rule(rule_of(self.optimizer))
        loop.read()
        for k, numbers in enumerate(loop.state):
            numbers[:] = [state[k] for state in self.optimizer.state]
        return loop.epoch(order, batch_size, step, lr)

    def write_back(self) -> None:
        """Give what was learned so far to the model and the optimiser."""
        loop, optimizer = self.loop, self.optimizer
        loop.write_back()
        optimizer.steps = loop.steps
        optimizer.state = list(zip(*[numbers.tolist() for numbers in loop.state], strict=True))


def rule_of(optimizer: Optimizer) -> Callable[..., Any]:
    """The optimiser's update, a function of a parameter, its gradient, its state, step and rate."""
    if (optimizer.clipvalue, optimizer.clipnorm) != (None, None) or callable(optimizer.lr):
        raise NotImplementedError("clipping and schedules are not compiled")  # so it runs eagerly

    def rule(param: Any, grad: Any, *rest: Any) -> Any:
        *state, step, lr = rest
        return optimizer.update(param, grad, state, step, lr)

    return rule


def _settings(optimizer: Optimizer) -> dict[str, Any]:
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
        return loss(model([row]), [target])

    try:
        import numpy as np

        xs, ys = np.array(inputs, float), np.array(targets, float)
        states = len(optimizer.state[0])
        loop = jit_training(of_one_row, rule_of(optimizer), optimizer.params, xs, ys, states=states)
        _check_targets(model, loss, inputs, targets)
        _check_mean(loop, model, loss, inputs, targets)
    except TargetError:
        raise
    except Exception as error:  # whatever else it is, the eager engine may do without, or will say
        if insist:
            raise
        return None, f"{type(error).__name__}: {error}"
    return CompiledTraining(loop, optimizer), ""


def _check_targets(model: Any, loss: Any, inputs: list[Any], targets: list[Any]) -> None:
    """Let the loss see every target once as a plain number, and refuse those it does not take."""
    with no_grad():
        first = model(inputs[:1])[0]
        prediction = [y.data for y in first] if isinstance(first, list) else first.data
        loss([prediction] * len(targets), targets)


def _check_mean(loop: Any, model: Any, loss: Any, inputs: list[Any], targets: list[Any]) -> None:
    """Raise ValueError unless a batch's loss is the mean over its rows: the compiler's is."""
    rows = min(len(inputs), 16)
    with no_grad():
        error = loss(model(inputs[:rows]), targets[:rows])
    expected = error.data if isinstance(error, Value) else float(error)
    got = loop.loss(rows)
    if not (isclose(got, expected, rel_tol=1e-8, abs_tol=1e-12) or isnan(got) or isnan(expected)):
        raise ValueError(
            f"the loss of a batch is not the mean over its rows ({expected!r}, but the mean is "
            f"{got!r}), or differs from call to call"
        )
