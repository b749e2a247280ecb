"""What a model is: units that start equal, activations that let no gradient through."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import autograd
from autograd import notice, watches
from nn.activations import activation_function
from nn.layers import MLP, Layer, Neuron


def stages(model: Any) -> Sequence[Any]:
    """The layers of a model that is known to be a chain of them; else none."""
    from nn.models import Sequential  # which imports this

    if isinstance(model, (MLP, Sequential)):
        return model.layers
    return [model] if isinstance(model, (Layer, Neuron)) else []


def units(stage: Any) -> Sequence[Any]:
    """The neurons of a layer, each with weights w and a bias b; none if it has no weights."""
    found: Sequence[Any] = [stage] if isinstance(stage, Neuron) else getattr(stage, "neurons", ())
    return found


def activation(stage: Any) -> Any:
    """The function of a layer that has one; None if it has none, or is of a kind not known."""
    return activation_function(stage.activation or "linear") if _has_activation(stage) else None


def _has_activation(stage: Any) -> bool:
    return type(stage).__module__.startswith("nn.") and hasattr(stage, "activation")


def called(stage: Any) -> str:
    """A layer by its name or its place."""
    name = getattr(stage, "name", None) or stage.path
    return f"layer {str(name)!r}" if name else f"the {type(stage).__name__}"


def look_at_network(model: Any) -> None:
    """Before training."""
    chain = stages(model)
    for stage in chain:
        f = activation(stage)
        if f is autograd.step:
            notice(
                "flat-activation",
                f"{called(stage)} has the activation step, whose slope is 0 everywhere: no "
                "gradient passes it, and neither it nor what stands before it learns; take "
                "sigmoid or tanh, or teach a single Neuron by nn.perceptron_rule",
                about=model,
            )
        if f is autograd.softmax and _outputs(stage) == 1:
            notice(
                "softmax-of-one",
                f"{called(stage)} is a softmax over a single number, which is 1 whatever the "
                "input; take sigmoid for two classes, or a unit for each class",
                about=model,
            )
    if watches("symmetric-units"):
        _look_for_symmetry(model, chain)


def _outputs(stage: Any) -> int:
    return len(units(stage)) or stage.output_shape[-1]


def _look_for_symmetry(model: Any, chain: Sequence[Any]) -> None:
    """Hidden units equal in what they see and in what sees them get equal gradients for ever."""
    if any(getattr(stage, "random_numbers", 0) for stage in chain):
        return  # each unit is dropped at other times
    for stage, after in pairwise([stage for stage in chain if units(stage)]):
        first, *others = map(_numbers, units(stage))
        if not others or any(numbers != first for numbers in others):
            continue
        seeing = [_numbers(unit)[:-1] for unit in units(after)]
        if all(len(ws) == len(others) + 1 and len(set(ws)) == 1 for ws in seeing):
            notice(
                "symmetric-units",
                f"all {len(others) + 1} units of {called(stage)} start with equal weights, and so "
                "get equal gradients and stay equal, as if there were one: start from random "
                "weights, which the default initialiser draws",
                about=model,
            )


def _numbers(unit: Any) -> list[float]:
    return [getattr(number, "data", number) for number in (*unit.w, unit.b)]
