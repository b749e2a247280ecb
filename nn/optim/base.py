"""What all optimisers share: binding, the rate, clipping, the step, saving."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import signature
from math import inf
from typing import Any, Self, final

from autograd import LengthError, OperandError, Value, clip, dot, minimum, sqrt
from nn.errors import HyperparameterError, StateDictError
from nn.interrupts import set_at_once
from nn.traps.gradients import StepWatch

Schedule = Callable[[int], float]  # the rate of an update, counted from 1; schedules.py makes some


class UnboundError(RuntimeError):
    """An optimiser was used before it was given parameters."""


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


class Optimizer(ABC):
    """Base class: `step()` moves each parameter by the rule.

    params: the Values to move, such as `model.parameters()`; without them, `bind` gives them later.
    lr: the learning rate, or a schedule: a function of the update's number, from 1; learning_rate,
        its name in Keras, goes as well.
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
        learning_rate: float | Schedule | None = None,
    ) -> None:
        if learning_rate is not None:
            own = signature(type(self)).parameters.get("lr")
            if own is not None and lr != own.default:
                raise HyperparameterError(
                    f"expected lr or learning_rate, which is its name in Keras, but got {lr=} and "
                    f"{learning_rate=}"
                )
            lr = learning_rate
        self.lr: Any = lr if callable(lr) else in_range("lr", lr)  # Any, so that lr *= 0.5 is typed
        self.clipvalue, self.clipnorm = [
            None if x is None else in_range(name, x, positive=True)
            for name, x in (("clipvalue", clipvalue), ("clipnorm", clipnorm))
        ]
        self.initial_state = state
        self.steps = 0
        self._params: list[Value] = []
        self._state: list[tuple[float, ...]] | Callable[[], list[tuple[float, ...]]] = []
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
        self._watch = StepWatch()
        return self

    @property
    def state(self) -> list[tuple[float, ...]]:
        """The numbers that are kept for each parameter from one update to the next."""
        if callable(self._state):
            self._state = self._state()
        return self._state

    @state.setter
    def state(self, state: list[tuple[float, ...]]) -> None:
        self._state = state

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_state": self.state}  # in place of where it is to be had

    @final
    def takes_state_from(self, source: object) -> bool:
        """Whether that is where the state still is."""
        return self._state is source

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
    def step(self, project: Callable[[list[float]], Sequence[float]] | None = None) -> None:
        """Move each parameter once: all of them, or none if Ctrl-C or an error comes between.

        project: from the numbers of all parameters after the update to those that take their place.
        """
        grads = [p.grad for p in self.params]
        self._watch.look(self, self._params, grads)
        grads = self.clip(grads)
        step = self.steps + 1
        lr, update = self.rate(step), self.update
        numbers, state = [], []
        for p, grad, kept in zip(self._params, grads, self.state, strict=True):
            number, *rest = update(p.data, grad, kept, step, lr)
            numbers.append(number)
            state.append(tuple(rest))
        self.move_to(numbers if project is None else project(numbers), state, step)

    @final
    def move_to(
        self,
        numbers: Sequence[float],
        state: list[tuple[float, ...]] | Callable[[], list[tuple[float, ...]]],
        steps: int,
        gradient: Sequence[float] = (),
    ) -> None:
        """The parameters' numbers, their state and the count of steps, all at one moment.

        state: or where it is to be had, if it is asked for. gradient: of the parameters, if new.
        """
        set_at_once(
            [*self._params, self, self, *(self._params if gradient else ())],
            ["data"] * len(self._params) + ["_state", "steps"] + ["grad"] * len(gradient),
            [*numbers, state, steps, *gradient],
        )

    @final
    def zero_grad(self) -> None:
        """Set the gradient of each parameter to 0.0."""
        for p in self.params:
            p.grad = 0.0

    @final
    def config(self) -> dict[str, Any]:
        """The settings, as the arguments that make another such optimiser."""
        kept = {"_params", "initial_state", "steps", "_state", "_watch"}
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
                "expected a state with a rate, but it was saved with a schedule, which is code and "
                f"not stored; make this {type(self).__name__} with the schedule as its lr"
            )
        lr = self.lr if state["lr"] is None else in_range("lr", state["lr"])
        self.steps, self.lr, self.state = int(state["steps"]), lr, rows

    @final
    def go_on_from(self, kind: str, steps: int, columns: Sequence[Sequence[float]]) -> None:
        """The state of an optimiser of this kind, a column for each number that it keeps.

        That of another kind is no use to this one, which stays as it is.
        """
        if kind == type(self).__name__ and len(columns) == len(self.initial_state):
            rows = list(zip(*columns, strict=True)) or self.state
            lr = None if callable(self.lr) else self.lr
            self.load_state_dict({"steps": steps, "lr": lr, "state": rows})


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
