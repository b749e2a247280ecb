"""Schedules: the learning rate of each update, for an optimiser's `lr`.

Each function here gives a schedule, a function of the update's number, from 1: with
`adam = Adam(params, lr=cosine_decay(0.01, steps=1000))`, adam.rate(1) is 0.01. In PyTorch's terms
update k runs at the rate after k - 1 calls of scheduler.step(). For a schedule in epochs, multiply
its length by the updates of an epoch.
"""

from math import cos, pi

from nn.errors import HyperparameterError
from nn.optim import Schedule, in_range


def step_decay(lr: float, step_size: int, gamma: float = 0.1) -> Schedule:
    """The rate lr, times gamma after each step_size updates. PyTorch's StepLR.

    Raises HyperparameterError if a setting is out of range, as all functions here do.
    """
    lr, gamma, every = in_range("lr", lr), in_range("gamma", gamma), _count("step_size", step_size)
    return lambda step: lr * gamma ** ((step - 1) // every)


def exponential_decay(lr: float, gamma: float) -> Schedule:
    """The rate lr, times gamma after each update. PyTorch's ExponentialLR."""
    lr, gamma = in_range("lr", lr), in_range("gamma", gamma)
    return lambda step: lr * gamma ** (step - 1)


def polynomial_decay(lr: float, steps: int, power: float = 1.0) -> Schedule:
    """From lr down to 0 after `steps` updates: (what is left)^power. PyTorch's PolynomialLR."""
    lr, n, power = in_range("lr", lr), _count("steps", steps), in_range("power", power)
    return lambda step: lr * (1.0 - min(step - 1, n) / n) ** power


def cosine_decay(lr: float, steps: int, lr_min: float = 0.0) -> Schedule:
    """From lr down to lr_min after `steps` updates, along half a cosine; then up again, and so on.

    PyTorch's CosineAnnealingLR. Loshchilov & Hutter 2017, arXiv:1608.03983, equation 5.
    """
    n, lr_min = _count("steps", steps), in_range("lr_min", lr_min)
    half = 0.5 * (in_range("lr", lr) - lr_min)
    return lambda step: lr_min + half * (1.0 + cos(pi * (step - 1) / n))


def warmup(after: float | Schedule, steps: int, start_factor: float = 1.0 / 3.0) -> Schedule:
    """A line from start_factor of the first rate up to all of it, in `steps` updates; then `after`.

    after: the rate to stay at, or a schedule, whose updates are counted from the end of the line.
    PyTorch's LinearLR, followed by another scheduler as in SequentialLR.
    """
    n, start = _count("steps", steps), in_range("start_factor", start_factor)
    rest: Schedule = after if callable(after) else _constant(in_range("lr", after))

    def rate(step: int) -> float:
        if step > n:
            return rest(step - n)
        return rest(1) * (start + (1.0 - start) * (step - 1) / n)

    return rate


def _constant(lr: float) -> Schedule:
    return lambda step: lr


def _count(name: str, n: int) -> int:
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise HyperparameterError(f"expected {name} to be a whole number from 1, but got {n!r}")
    return n
