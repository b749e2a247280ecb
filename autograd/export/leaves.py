"""A function's graph at an example, with its arguments' numbers as leaves that have names."""

from collections.abc import Callable, Sequence
from typing import Any

from autograd.export.portable import _names
from autograd.tree import flatten
from autograd.value import Value


def leaves_of(f: Callable[..., Any], examples: Sequence[Any]) -> tuple[list[Any], list[Value]]:
    """The arguments with a leaf for each number, and these leaves.

    They are labelled as the parameter, numbered from 0 where it holds several.
    """
    arguments, leaves = [], []
    taken: set[str] = set()
    for name, example in zip(_names(f, len(examples)), examples, strict=True):
        numbers, rebuild = flatten(example)
        alone = len(numbers) == 1 and numbers[0] is example
        found = []
        for k, x in enumerate(numbers):
            label = name if alone else f"{name}{k}"
            while label in taken:  # as x0 of a list x, and a parameter x0
                label += "_"
            taken.add(label)
            found.append(Value(x, label))
        arguments.append(rebuild(found))
        leaves += found
    return arguments, leaves


def result_of(f: Callable[..., Any], examples: Sequence[Any]) -> Any:
    """What the function gives, a Value or a list of them; a plain number is a leaf."""
    arguments, _ = leaves_of(f, examples)
    found = f(*arguments)
    if isinstance(found, Value):
        return found
    return [y if isinstance(y, Value) else Value(y) for y in flatten(found)[0]]
