"""Optimisers: how a parameter moves, given its gradient.

Each update rule is a plain function of one scalar parameter, its gradient and its state, with no
choice that depends on their numbers: floats go in here, and any kind of number may.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from math import inf
from typing import Any, final

from autograd import LengthError, OperandError, Value, sqrt
from nn.errors import HyperparameterError, StateDictError

# --- the rules ------------------------------------------------------------------------------------


def sgd(
    param: Any,
    grad: Any,
    velocity: Any,
    *,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> tuple[Any, Any]:
    """Gradient descent with momentum (Polyak 1964; Nesterov's as in Sutskever et al. 2013).

    Gives the new parameter and the new velocity, which starts from 0.
    """
    if weight_decay:
        grad = grad + weight_decay * param
    if not momentum:
        return param - lr * grad, velocity
    velocity = momentum * velocity + grad
    return param - lr * (grad + momentum * velocity if nesterov else velocity), velocity


def adam(
    param: Any,
    grad: Any,
    m: Any,
    v: Any,
    step: Any,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
) -> tuple[Any, Any, Any]:
    """Adam. Kingma & Ba 2015, arXiv:1412.6980, algorithm 1.

    Gives the new parameter and the running means m of the gradient and v of its square, which start
    from 0; `step` counts from 1.
    """
    b1, b2 = betas
    m = b1 * m + (1.0 - b1) * grad
    v = b2 * v + (1.0 - b2) * grad * grad
    # the corrections for starting from 0, which are the same for all parameters; m and v corrected
    # one by one would cost two more divisions each
    rate = lr / (1.0 - b1**step)
    correction = 1.0 / sqrt(1.0 - b2**step)
    return param - rate * (m / (sqrt(v) * correction + eps)), m, v


# --- the rules applied to a model's parameters ----------------------------------------------------


class Optimizer(ABC):
    """Base class: `step()` moves each parameter by the rule.

    params: the Values to move, such as `model.parameters()`.
    Raises LengthError if there are none, HyperparameterError if one comes twice.
    """

    lr: float

    def __init__(self, params: Iterable[Value], state: tuple[float, ...]) -> None:
        if not isinstance(params, Iterable):
            raise TypeError(
                f"expected the parameters to move, such as model.parameters(), but got a "
                f"{type(params).__name__}"
            )
        self.params = list(params)
        if not self.params:
            raise LengthError("an optimiser needs at least one parameter to move, but got none")
        for p in self.params:
            if not isinstance(p, Value):
                raise OperandError(
                    f"expected parameters that are Values, but got {p!r:.80} ({type(p).__name__}); "
                    "model.parameters() gives them"
                )
        if len(set(self.params)) != len(self.params):
            raise HyperparameterError("a parameter came twice, and would be moved twice a step")
        self.steps = 0
        self.state = [state for _ in self.params]

    @abstractmethod
    def update(self, param: float, grad: float, state: tuple[float, ...]) -> tuple[float, ...]:
        """The new number of one parameter, followed by its new state."""

    @final
    def step(self) -> None:
        """Move each parameter once."""
        self.steps += 1
        update, state = self.update, self.state
        for i, p in enumerate(self.params):
            p.data, *rest = update(p.data, p.grad, state[i])
            state[i] = tuple(rest)

    @final
    def zero_grad(self) -> None:
        """Set the gradient of each parameter to 0.0."""
        for p in self.params:
            p.grad = 0.0

    @final
    def state_dict(self) -> dict[str, Any]:
        """What it takes to go on later as if there had been no pause."""
        return {"steps": self.steps, "lr": self.lr, "state": [list(s) for s in self.state]}

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
        lengths, expected_lengths = [[len(row) for row in z] for z in (rows, self.state)]
        if lengths != expected_lengths:
            raise StateDictError(
                f"expected {expected_lengths[0]} numbers for each of {len(self.state)} parameters, "
                f"but got {sorted(set(lengths))} for {len(rows)}; is it of another optimiser?"
            )
        lr = _number("lr", state["lr"])
        self.steps, self.lr, self.state = int(state["steps"]), lr, rows


@final
class SGD(Optimizer):
    """Stochastic gradient descent, as PyTorch's: param -= lr * gradient.

    momentum: the part of the last move that is kept, in [0, 1); nesterov looks ahead along it.
    weight_decay: adds weight_decay * param to the gradient, an L2 penalty.
    Raises HyperparameterError if one of them is out of range.
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, (0.0,))
        self.lr = _number("lr", lr)
        self.momentum = _number("momentum", momentum, below=1.0)
        self.nesterov = bool(nesterov)
        self.weight_decay = _number("weight_decay", weight_decay)
        if nesterov and not momentum:
            raise HyperparameterError("nesterov=True needs a momentum above 0, such as 0.9")

    def update(self, param: float, grad: float, state: tuple[float, ...]) -> tuple[float, ...]:
        return sgd(
            param,
            grad,
            *state,
            lr=self.lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )


@final
class Adam(Optimizer):
    """Adam, as PyTorch's: steps of size about lr, whatever the size of the gradient.

    betas: how much of the running means of the gradient and of its square is kept, in [0, 1).
    eps: added to the divisor.
    Raises HyperparameterError if one of them is out of range.
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, (0.0, 0.0))
        self.lr = _number("lr", lr)
        b1, b2 = betas
        self.betas = (_number("betas[0]", b1, below=1.0), _number("betas[1]", b2, below=1.0))
        self.eps = _number("eps", eps)

    def update(self, param: float, grad: float, state: tuple[float, ...]) -> tuple[float, ...]:
        m, v = state
        return adam(param, grad, m, v, self.steps, lr=self.lr, betas=self.betas, eps=self.eps)


def _number(name: str, x: Any, below: float = inf) -> float:
    number = Value(x).data
    if not 0.0 <= number < below:
        most = "finite" if below == inf else f"below {below:g}"
        raise HyperparameterError(f"expected {name} to be at least 0 and {most}, but got {x!r}")
    return number
