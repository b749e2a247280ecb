"""The optimisers, with PyTorch's names and defaults: each a rule of `rules.py` and its settings."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, final

from autograd import Value
from nn.errors import HyperparameterError, UnknownNameError
from nn.optim.base import Optimizer, Schedule, in_range
from nn.optim.rules import adadelta, adagrad, adam, adamw, amsgrad, nadam, rmsprop, sgd


@final
class SGD(Optimizer):
    """Stochastic gradient descent: param -= lr * gradient.

    momentum: the part of the last move that is kept, in [0, 1); nesterov looks ahead along it.
    weight_decay: adds weight_decay * param to the gradient, an L2 penalty; so for all but AdamW.
    """

    def __init__(
        self,
        params: Iterable[Value] | None = None,
        lr: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        **clipping: float | None,
    ) -> None:
        self.momentum = in_range("momentum", momentum, below=1.0)
        self.nesterov = bool(nesterov)
        if nesterov and not momentum:
            raise HyperparameterError("nesterov=True needs a momentum above 0, such as 0.9")
        self.weight_decay = in_range("weight_decay", weight_decay)
        super().__init__(params, lr, (0.0,), **clipping)

    def update(self, param: Any, grad: Any, state: Sequence[Any], step: Any, lr: Any) -> Any:
        return sgd(
            param, grad, *state, lr=lr, momentum=self.momentum, nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )  # fmt: skip


@final
class Adagrad(Optimizer):
    """Adagrad: each parameter's steps shrink by the size of all its gradients so far.

    initial_accumulator_value: what the sum of squared gradients starts from.
    """

    def __init__(
        self,
        params: Iterable[Value] | None = None,
        lr: float | Schedule = 0.01,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        **clipping: float | None,
    ) -> None:
        start = in_range("initial_accumulator_value", initial_accumulator_value)
        self.weight_decay = in_range("weight_decay", weight_decay)
        self.initial_accumulator_value = start
        self.eps = in_range("eps", eps, positive=True)
        super().__init__(params, lr, (start,), **clipping)

    def update(self, param: Any, grad: Any, state: Sequence[Any], step: Any, lr: Any) -> Any:
        return adagrad(param, grad, *state, lr=lr, eps=self.eps, weight_decay=self.weight_decay)


@final
class Adadelta(Optimizer):
    """Adadelta: steps in the parameter's own units, which need no rate.

    rho: how much of the running means of squared gradients and moves is kept, in [0, 1).
    """

    def __init__(
        self,
        params: Iterable[Value] | None = None,
        lr: float | Schedule = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        **clipping: float | None,
    ) -> None:
        self.rho = in_range("rho", rho, below=1.0)
        self.eps = in_range("eps", eps, positive=True)
        self.weight_decay = in_range("weight_decay", weight_decay)
        super().__init__(params, lr, (0.0, 0.0), **clipping)

    def update(self, param: Any, grad: Any, state: Sequence[Any], step: Any, lr: Any) -> Any:
        return adadelta(
            param, grad, *state, lr=lr, rho=self.rho, eps=self.eps, weight_decay=self.weight_decay
        )


@final
class RMSprop(Optimizer):
    """RMSprop: the gradient divided by the root of its running mean square.

    alpha: how much of that mean is kept, in [0, 1). momentum: of the moves, in [0, 1).
    """

    def __init__(
        self,
        params: Iterable[Value] | None = None,
        lr: float | Schedule = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        **clipping: float | None,
    ) -> None:
        self.alpha = in_range("alpha", alpha, below=1.0)
        self.eps = in_range("eps", eps, positive=True)
        self.weight_decay = in_range("weight_decay", weight_decay)
        self.momentum = in_range("momentum", momentum, below=1.0)
        super().__init__(params, lr, (0.0, 0.0), **clipping)

    def update(self, param: Any, grad: Any, state: Sequence[Any], step: Any, lr: Any) -> Any:
        return rmsprop(
            param, grad, *state, lr=lr, alpha=self.alpha, eps=self.eps, momentum=self.momentum,
            weight_decay=self.weight_decay,
        )  # fmt: skip


@final
class Adam(Optimizer):
    """Adam: steps of size about lr, whatever the size of the gradient.

    betas: how much of the running means of the gradient and of its square is kept, in [0, 1).
    eps: added to the divisor. amsgrad: divide by the largest mean square so far.
    """

    def __init__(
        self,
        params: Iterable[Value] | None = None,
        lr: float | Schedule = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        **clipping: float | None,
    ) -> None:
        self.betas = _betas(betas)
        self.eps = in_range("eps", eps, positive=True)
        self.weight_decay = in_range("weight_decay", weight_decay)
        self.amsgrad = bool(amsgrad)
        super().__init__(params, lr, (0.0, 0.0, 0.0) if amsgrad else (0.0, 0.0), **clipping)

    def update(self, param: Any, grad: Any, state: Sequence[Any], step: Any, lr: Any) -> Any:
        rule: Callable[..., Any] = amsgrad if self.amsgrad else adam
        return rule(
            param, grad, *state, step, lr=lr, betas=self.betas, eps=self.eps,
            weight_decay=self.weight_decay,
        )  # fmt: skip


@final
class AdamW(Optimizer):
    """Adam whose weight decay shrinks each parameter by lr * weight_decay, whatever its gradient.

    betas, eps: as for Adam.
    """

    def __init__(
        self,
        params: Iterable[Value] | None = None,
        lr: float | Schedule = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        **clipping: float | None,
    ) -> None:
        self.betas = _betas(betas)
        self.eps = in_range("eps", eps, positive=True)
        self.weight_decay = in_range("weight_decay", weight_decay)
        super().__init__(params, lr, (0.0, 0.0), **clipping)

    def update(self, param: Any, grad: Any, state: Sequence[Any], step: Any, lr: Any) -> Any:
        m, v = state
        return adamw(
            param, grad, m, v, step, lr=lr, betas=self.betas, eps=self.eps,
            weight_decay=self.weight_decay,
        )  # fmt: skip


@final
class Nadam(Optimizer):
    """Adam that looks ahead along its momentum, which grows to betas[0] as momentum_decay says.

    betas, eps: as for Adam.
    """

    def __init__(
        self,
        params: Iterable[Value] | None = None,
        lr: float | Schedule = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        **clipping: float | None,
    ) -> None:
        self.betas = _betas(betas)
        self.eps = in_range("eps", eps, positive=True)
        self.weight_decay = in_range("weight_decay", weight_decay)
        self.momentum_decay = in_range("momentum_decay", momentum_decay)
        super().__init__(params, lr, (0.0, 0.0, 1.0), **clipping)

    def update(self, param: Any, grad: Any, state: Sequence[Any], step: Any, lr: Any) -> Any:
        m, v, product = state
        return nadam(
            param, grad, m, v, product, step, lr=lr, betas=self.betas, eps=self.eps,
            momentum_decay=self.momentum_decay, weight_decay=self.weight_decay,
        )  # fmt: skip


def _betas(betas: tuple[float, float]) -> tuple[float, float]:
    b1, b2 = betas
    return in_range("betas[0]", b1, below=1.0), in_range("betas[1]", b2, below=1.0)


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": SGD,
    "momentum": partial(SGD, momentum=0.9),
    "nesterov": partial(SGD, momentum=0.9, nesterov=True),
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "rmsprop": RMSprop,
    "adam": Adam,
    "amsgrad": partial(Adam, amsgrad=True),
    "adamw": AdamW,
    "nadam": Nadam,
}


def optimizer_named(optimizer: str | Optimizer) -> Optimizer:
    """A new optimiser of this name, in either case, with its defaults; an optimiser as it is.

    Raises UnknownNameError.
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        raise TypeError(
            f"expected an optimiser or its name, but got the class; write {optimizer.__name__}()"
        )
    if not isinstance(optimizer, str) or optimizer.lower() not in OPTIMIZERS:
        raise UnknownNameError("optimiser", optimizer, OPTIMIZERS)
    return OPTIMIZERS[optimizer.lower()]()
