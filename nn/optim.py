"""Optimisers: the update rules of `rules.py`, applied to a model's parameters."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any, Self, final

from autograd import LengthError, OperandError, Value, clip, dot, minimum, sqrt
from nn.errors import HyperparameterError, StateDictError, UnknownNameError
from nn.rules import adadelta, adagrad, adam, adamw, amsgrad, nadam, rmsprop, sgd

Schedule = Callable[[int], float]  # the rate of an update, counted from 1; schedules.py makes some


class UnboundError(RuntimeError):
    """An optimiser was used before it was given parameters."""


# --- clipping -------------------------------------------------------------------------------------


def clip_by_value(grad: Any, limit: float) -> Any:
    """The gradient, or the nearer of -limit and limit where it is beyond them."""
    return clip(grad, -limit, limit)


def clip_by_norm(grads: Sequence[Any], limit: float) -> list[Any]:
    """All gradients, scaled alike so that their Euclidean norm is at most limit.

    Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063, algorithm 1.
    """
    norm = sqrt(dot(grads, grads))
    # the 1e-6, which spares a gradient of 0 a division by 0, is that of PyTorch's clip_grad_norm_
    factor = minimum(limit / (norm + 1e-6), 1.0)
    return [grad * factor for grad in grads]


# --- what all optimisers share --------------------------------------------------------------------


class Optimizer(ABC):
    """Base class: `step()` moves each parameter by the rule.

    params: the Values to move, such as `model.parameters()`; without them, `bind` gives them later.
    lr: the learning rate, or a schedule: a function of the update's number, from 1.
    state: what each parameter's state starts from.
    clipvalue: each gradient is first clipped to [-clipvalue, clipvalue].
    clipnorm: then all are scaled, if their Euclidean norm over all parameters is above this.
    Raises LengthError if there are no parameters, HyperparameterError if one comes twice or a
    setting is out of range.
    """

    def __init__(
        self,
        params: Iterable[Value] | None,
        lr: float | Schedule,
        state: tuple[float, ...],
        clipvalue: float | None = None,
        clipnorm: float | None = None,
    ) -> None:
        self.lr: Any = lr if callable(lr) else in_range("lr", lr)  # Any, so that lr *= 0.5 is typed
        self.clipvalue, self.clipnorm = [
            None if x is None else in_range(name, x, positive=True)
            for name, x in (("clipvalue", clipvalue), ("clipnorm", clipnorm))
        ]
        self.initial_state = state
        self.steps = 0
        self._params: list[Value] = []
        self.state: list[tuple[float, ...]] = []
        if params is not None:
            self.bind(params)

    @abstractmethod
    def update(self, param: Any, grad: Any, state: Sequence[Any], step: Any, lr: Any) -> Any:
        """The new number of one parameter, followed by its new state: numbers of any kind."""

    @final
    def bind(self, params: Iterable[Value]) -> Self:
        """Move these parameters from now on, from a fresh state."""
        if not isinstance(params, Iterable):
            raise TypeError(
                f"expected the parameters to move, such as model.parameters(), but got a "
                f"{type(params).__name__}"
            )
        found = list(params)
        if not found:
            raise LengthError("an optimiser needs at least one parameter to move, but got none")
        for p in found:
            if not isinstance(p, Value):
                raise OperandError(
                    f"expected parameters that are Values, but got {p!r:.80} ({type(p).__name__}); "
                    "model.parameters() gives them"
                )
        if len(set(found)) != len(found):
            raise HyperparameterError("a parameter came twice, and would be moved twice a step")
        self._params, self.steps, self.state = found, 0, [self.initial_state for _ in found]
        return self

    @property
    @final
    def params(self) -> list[Value]:
        """The parameters it moves. Raises UnboundError if there are none yet."""
        if not self._params:
            name = type(self).__name__
            raise UnboundError(
                f"expected an optimiser with parameters to move, but this {name} has none yet; "
                f"write {name}(model.parameters(), ...), or give it to model.compile(optimizer=...)"
            )
        return self._params

    @final
    def rate(self, step: int) -> float:
        """The learning rate of an update, counted from 1."""
        return in_range(f"the rate of step {step}", self.lr(step)) if callable(self.lr) else self.lr

    @final
    def clip(self, grads: Sequence[Any]) -> list[Any]:
        """The gradients of all parameters as the rule is given them: numbers of any kind."""
        clipped = list(grads)
        if self.clipvalue is not None:
            clipped = [clip_by_value(grad, self.clipvalue) for grad in clipped]
        return clipped if self.clipnorm is None else clip_by_norm(clipped, self.clipnorm)

    @final
    def step(self) -> None:
        """Move each parameter once."""
        grads = self.clip([p.grad for p in self.params])
        step = self.steps + 1
        lr, update, state = self.rate(step), self.update, self.state
        for i, p in enumerate(self._params):
            p.data, *rest = update(p.data, grads[i], state[i], step, lr)
            state[i] = tuple(rest)
        self.steps = step

    @final
    def zero_grad(self) -> None:
        """Set the gradient of each parameter to 0.0."""
        for p in self.params:
            p.grad = 0.0

    @final
    def config(self) -> dict[str, Any]:
        """The settings, as the arguments that make another such optimiser."""
        kept = {"_params", "initial_state", "steps", "state"}
        return {name: x for name, x in vars(self).items() if name not in kept}

    @final
    def state_dict(self) -> dict[str, Any]:
        """What it takes to go on later as if there had been no pause.

        Of a schedule, which is code, only the number of steps is kept: "lr" is None then.
        """
        state = [list(row) for _, row in zip(self.params, self.state, strict=True)]
        return {"steps": self.steps, "lr": None if callable(self.lr) else self.lr, "state": state}

    @final
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict()` of an optimiser of the same kind for as many parameters.

        Raises StateDictError if it does not fit; nothing is changed then.
        """
        expected = {"steps", "lr", "state"}
        if not isinstance(state, Mapping) or state.keys() != expected:
            got = sorted(state) if isinstance(state, Mapping) else type(state).__name__
            raise StateDictError(f"expected a dict with keys {sorted(expected)}, but got {got}")
        rows = [tuple([Value(x).data for x in row]) for row in state["state"]]
        size, n = len(self.initial_state), len(self.params)
        lengths = [len(row) for row in rows]
        if lengths != [size] * n:
            raise StateDictError(
                f"expected {size} numbers for each of {n} parameters, but got "
                f"{sorted(set(lengths))} for {len(rows)}; is it of another optimiser?"
            )
        if state["lr"] is None and not callable(self.lr):
            raise StateDictError(
                f"expected the state of an optimiser with a rate, but its rate was a schedule, and "
                f"this one's is {self.lr}; make this one with the schedule as its lr"
            )
        lr = self.lr if state["lr"] is None else in_range("lr", state["lr"])
        self.steps, self.lr, self.state = int(state["steps"]), lr, rows


def in_range(name: str, x: Any, below: float = inf, positive: bool = False) -> float:
    """The setting as a float. Raises HyperparameterError unless it is in [0, below).

    positive: 0 is refused too.
    """
    number = Value(x).data
    if not 0.0 <= number < below or (positive and not number):
        least = "above 0" if positive else "at least 0"
        most = "finite" if below == inf else f"below {below:g}"
        raise HyperparameterError(f"expected {name} to be {least} and {most}, but got {x!r}")
    return number


# --- the optimisers, with PyTorch's names and defaults --------------------------------------------


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
    if not isinstance(optimizer, str) or optimizer.lower() not in OPTIMIZERS:
        raise UnknownNameError("optimiser", optimizer, OPTIMIZERS)
    return OPTIMIZERS[optimizer.lower()]()
