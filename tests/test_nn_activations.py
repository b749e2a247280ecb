"""Activations: of one number and of a whole row. Most tests loop over the table."""

import json
import math
from pathlib import Path
from random import Random

import pytest

import autograd
from autograd import Value
from nn.activations import (
    ACTIVATIONS,
    activate,
    activation_function,
    activation_name,
    row_activation,
)

FIGURES = json.loads((Path(__file__).parent / "data" / "losses.json").read_text())["activations"]
every_activation = pytest.mark.parametrize("name", ACTIVATIONS)


def weighted(name):
    """The outputs of a row times weights, added up: a number to differentiate."""
    f = ACTIVATIONS[name]
    return lambda zs, ws: autograd.dot(ws, activate(f, zs))


def row(seed, n=6):
    rng = Random(seed)
    return [rng.uniform(-4.0, 4.0) for _ in range(n)], [rng.uniform(-1.0, 1.0) for _ in range(n)]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda f: f["activation"])
def test_figures_of_others(figure):
    """Outputs and gradient are PyTorch's, to 1e-10."""
    name = figure["activation"]
    outputs = activate(ACTIVATIONS[name], figure["inputs"])
    assert outputs == pytest.approx(figure["outputs"], rel=1e-10, abs=1e-14)
    gradient = autograd.grad(weighted(name))(figure["inputs"], figure["weights"])
    assert gradient == pytest.approx(figure["gradient"], rel=1e-10, abs=1e-14)


@every_activation
def test_there_is_a_figure(name):
    """No activation is without a figure of somebody else's."""
    assert name in {figure["activation"] for figure in FIGURES}


@every_activation
@pytest.mark.parametrize("seed", range(3))
def test_the_gradient(name, seed):
    """Reverse mode gives the slope of the value (central differences), and so does forward mode."""
    f = weighted(name)
    zs, ws = row(seed)
    gradient = autograd.grad(f)(zs, ws)
    h = 1e-6
    for i, z in enumerate(zs):
        above, below = [*zs], [*zs]
        above[i], below[i] = z + h, z - h
        slope = (f(above, ws) - f(below, ws)) / (2 * h)
        assert gradient[i] == pytest.approx(slope, rel=1e-6, abs=1e-9)
    direction, _ = row(seed + 10)
    _, forward = autograd.jvp(lambda zs: f(zs, ws), zs, direction)
    expected = math.fsum(g * d for g, d in zip(gradient, direction, strict=True))
    assert forward == pytest.approx(expected, rel=1e-10, abs=1e-14)


@every_activation
def test_compiled_equals_eager(name):
    """As machine code, value and gradient are the eager ones to 1e-12, large sums included."""
    eager = autograd.value_and_grad(weighted(name))
    compiled = autograd.jit(eager)
    _, ws = row(0)
    for zs in (row(0)[0], row(1)[0], [1000.0, 999.0, 0.0, -0.0, -40.0, -1000.0]):
        (value, gradient), (fast_value, fast_gradient) = eager(zs, ws), compiled(zs, ws)
        assert fast_value == pytest.approx(value, rel=1e-12, abs=1e-15)
        assert fast_gradient == pytest.approx(gradient, rel=1e-12, abs=1e-15)


@every_activation
@pytest.mark.parametrize("z", [-1000.0, 0.0, 1000.0])
def test_large_sums_are_finite(name, z):
    """At +-1000, alone or beside others, neither an output nor a gradient is nan or infinite."""
    _, ws = row(0)
    for zs in ([z] * 6, [z, 0.0, 1.0, -z, 5.0, -5.0]):
        value, gradient = autograd.value_and_grad(weighted(name))(zs, ws)
        assert math.isfinite(value)
        assert all(map(math.isfinite, gradient))


@every_activation
def test_floats_and_nodes_agree(name):
    """As many outputs as sums: floats of floats, nodes of nodes, of the same numbers."""
    f = ACTIVATIONS[name]
    zs, _ = row(0)
    plain, nodes = activate(f, zs), activate(f, [Value(z) for z in zs])
    assert [type(y) for y in plain] == [float] * 6
    assert [y.data for y in nodes] == plain
    assert activate(f, tuple(zs)) == plain


def test_softmax():
    """Positive shares of 1 that do not change under a shift; a single sum has all of it."""
    zs, _ = row(0)
    shares = activate(activation_function("softmax"), zs)
    assert all(s > 0.0 for s in shares)
    assert math.fsum(shares) == pytest.approx(1.0, abs=1e-15)
    assert shares == pytest.approx(activate(autograd.softmax, [z + 1000.0 for z in zs]), rel=1e-12)
    assert activate(autograd.softmax, [3.0]) == [1.0]


def test_your_own():
    """A function of one number goes to each sum; one marked `@row_activation` gets all at once."""

    @row_activation
    def less_the_largest(zs):
        return [z - max(zs) for z in zs]

    assert activation_function(less_the_largest) is less_the_largest
    assert activation_name(less_the_largest) == "less_the_largest"
    assert activate(less_the_largest, [1.0, 3.0]) == [-2.0, 0.0]
    assert activate(lambda z: z * z, [2.0, 3.0]) == [4.0, 9.0]


@every_activation
def test_names(name):
    """The name of the function of a name is the name: what is saved can be found again."""
    assert activation_name(activation_function(name)) == activation_name(name) == name
