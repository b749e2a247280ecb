"""A function's graph at an example, with its arguments' numbers as leaves that have names."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd.export.portable import names_of_parameters
from autograd.tree import flatten
from autograd.value import Value


def labels_of(f: Callable[..., Any], examples: Sequence[Any]) -> list[list[str]]:
    """A name for each number of each argument, no two alike.

    The parameter's, numbered from 0 where it holds several; of a dict's items their keys.
    """
    taken: set[str] = set()
    found = []
    for name, example in zip(names_of_parameters(f, len(examples)), examples, strict=True):
        labels = []
        for label in _labels(name, example):
            while label in taken:  # as x0 of a list x, and a parameter x0
                label += "_"
            taken.add(label)
            labels.append(label)
        found.append(labels)
    return found


def _labels(name: str, example: Any) -> Iterator[str]:
    if isinstance(example, dict) and all(isinstance(k, str) and k.isidentifier() for k in example):
        for key, item in example.items():
            yield from _labels(key, item)
        return
    numbers, _ = flatten(example)
    alone = len(numbers) == 1 and numbers[0] is example
    yield from [name] if alone else [f"{name}{k}" for k in range(len(numbers))]


def result_of(f: Callable[..., Any], examples: Sequence[Any]) -> Any:
    """What the function gives, a Value or a list of them; a plain number is a leaf."""
    arguments = []
    for labels, example in zip(labels_of(f, examples), examples, strict=True):
        numbers, rebuild = flatten(example)
        arguments.append(rebuild([Value(x, s) for x, s in zip(numbers, labels, strict=True)]))
    found = f(*arguments)
    if isinstance(found, Value):
        return found
    return [y if isinstance(y, Value) else Value(y) for y in flatten(found)[0]]
