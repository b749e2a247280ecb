"""Optimisers, against the formulas of their papers written out once more."""

import json
import math
from random import Random

import pytest

import autograd
from autograd import LengthError, OperandError, Value
from nn import SGD, Adam, HyperparameterError, StateDictError
from nn.optim import adam, sgd


def trajectory(make, steps=50, seed=0):
    """Three parameters under random gradients of very different sizes, moved by the optimiser."""
    rng = Random(seed)
    params = [Value(rng.gauss(0, 1)) for _ in range(3)]
    start = [p.data for p in params]
    optimizer = make(iter(params))  # a generator will do
    gradients, path = [], []
    for _ in range(steps):
        gradients.append([rng.gauss(0, 1) * scale for scale in (1e-3, 1.0, 50.0)])
        optimizer.zero_grad()
        assert [p.grad for p in params] == [0.0] * 3
        for p, g in zip(params, gradients[-1], strict=True):
            p.grad = g
        optimizer.step()
        path.append([p.data for p in params])
    return start, gradients, path


def check(make, step):
    """`step(t, param, grad, memory)` is the paper's rule; memory is a dict of its own each."""
    start, gradients, path = trajectory(make)
    for i, param in enumerate(start):
        memory = {}
        for t, (g, p) in enumerate(zip(gradients, path, strict=True), 1):
            param = step(t, param, g[i], memory)
            assert p[i] == pytest.approx(param, rel=1e-12, abs=1e-14)


def test_sgd():
    """theta <- theta - lr * g."""
    check(lambda ps: SGD(ps, 0.1), lambda t, p, g, memory: p - 0.1 * g)


def test_weight_decay():
    """g grows by weight_decay * theta, the gradient of weight_decay / 2 * theta^2."""
    check(
        lambda ps: SGD(ps, 0.1, weight_decay=0.3), lambda t, p, g, memory: p - 0.1 * (g + 0.3 * p)
    )


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.05])
def test_momentum(nesterov, weight_decay):
    """PyTorch's buffer starts as g, then is mu * buffer + g; Nesterov moves by g + mu * buffer."""

    def step(t, p, g, memory):
        g = g + weight_decay * p
        memory["b"] = g if t == 1 else 0.9 * memory["b"] + g
        return p - 0.02 * (g + 0.9 * memory["b"] if nesterov else memory["b"])

    check(lambda ps: SGD(ps, 0.02, 0.9, nesterov, weight_decay), step)


def test_momentum_is_the_sum_over_the_past():
    """Without a recurrence: the t-th move is lr times the sum of mu^(t-k) g_k over all k <= t."""
    start, gradients, path = trajectory(lambda ps: SGD(ps, 0.02, momentum=0.9), steps=20)
    for i in range(3):
        moved = math.fsum(
            0.02 * 0.9 ** (t - k) * gradients[k][i] for t in range(20) for k in range(t + 1)
        )
        assert path[-1][i] == pytest.approx(start[i] - moved, rel=1e-10)


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.7), (0.0, 0.9)])
def test_adam(betas):
    """Algorithm 1 of the paper, with both means written as sums over the past, bias-corrected."""
    b1, b2 = betas

    def step(t, p, g, memory):
        past = memory.setdefault("g", [])
        past.append(g)
        m = (1 - b1) * math.fsum(b1 ** (t - k) * x for k, x in enumerate(past, 1))
        v = (1 - b2) * math.fsum(b2 ** (t - k) * x * x for k, x in enumerate(past, 1))
        return p - 0.01 * (m / (1 - b1**t)) / (math.sqrt(v / (1 - b2**t)) + 1e-8)

    check(lambda ps: Adam(ps, 0.01, betas), step)


def test_adam_moves_by_lr_at_first():
    """The first step is lr against the gradient's sign, however small or large the gradient."""
    for g in (1e-4, -1.0, 1e6):
        p = Value(1.0)
        optimizer = Adam([p], lr=0.1)
        p.grad = g
        optimizer.step()
        assert p.data == pytest.approx(1.0 - math.copysign(0.1, g), abs=1e-4)


def test_the_rules_take_values():
    """The rules are differentiable formulas: on Values they give nodes with the same numbers."""
    args, kwargs = (0.5, -2.0, 0.3), {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}
    expected = sgd(*args, **kwargs)
    nodes = sgd(*map(Value, args), **kwargs)
    assert [v.data for v in nodes] == list(expected)
    args, kwargs = (0.5, -2.0, 0.3, 0.2, 3.0), {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8}
    expected = adam(*args, **kwargs)
    nodes = adam(*map(Value, args), **kwargs)
    assert [v.data for v in nodes] == pytest.approx(list(expected), rel=1e-14)
    assert all(isinstance(v, autograd.Value) for v in nodes)


MAKERS = [
    lambda ps: SGD(ps, 0.1),
    lambda ps: SGD(ps, 0.1, 0.9, True, 0.01),
    lambda ps: Adam(ps, 0.1),
]


@pytest.mark.parametrize("make", MAKERS)
def test_a_pause_changes_nothing(make):
    """Saved as JSON after 10 steps and loaded into a new optimiser: the same bits as without."""
    _, gradients, path = trajectory(make, steps=20)
    params = [Value(x) for x in path[9]]
    first = make([Value(x) for x in trajectory(make, steps=20)[0]])
    for g in gradients[:10]:
        for p, x in zip(first.params, g, strict=True):
            p.grad = x
        first.step()
    second = make(params)
    second.lr = 77.0
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    for g, expected in zip(gradients[10:], path[10:], strict=True):
        for p, x in zip(params, g, strict=True):
            p.grad = x
        second.step()
        assert [p.data for p in params] == expected


def test_a_state_that_does_not_fit():
    """A state of another optimiser or of more parameters is refused, and changes nothing."""
    one, two = Value(1.0), Value(2.0)
    optimizer = Adam([one])
    before = optimizer.state_dict()
    for state in (SGD([one], 0.5).state_dict(), Adam([one, two]).state_dict(), {}, [1]):
        with pytest.raises(StateDictError, match="expected"):
            optimizer.load_state_dict(state)
    with pytest.raises(OperandError):
        optimizer.load_state_dict({**before, "state": [["a", 0.0]]})
    with pytest.raises(HyperparameterError, match="lr"):
        optimizer.load_state_dict({**before, "lr": -1.0, "state": [[5.0, 5.0]]})
    assert optimizer.state_dict() == before


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda p: SGD(p, lr=-0.1), "lr"),
        (lambda p: SGD(p, lr=math.nan), "lr"),
        (lambda p: SGD(p, lr=math.inf), "lr"),
        (lambda p: SGD(p, lr=0.1, momentum=1.0), "momentum"),
        (lambda p: SGD(p, lr=0.1, momentum=-0.5), "momentum"),
        (lambda p: SGD(p, lr=0.1, nesterov=True), "momentum"),
        (lambda p: SGD(p, lr=0.1, weight_decay=-1.0), "weight_decay"),
        (lambda p: Adam(p, lr=-1.0), "lr"),
        (lambda p: Adam(p, betas=(1.0, 0.9)), r"betas\[0\]"),
        (lambda p: Adam(p, betas=(0.9, -0.1)), r"betas\[1\]"),
        (lambda p: Adam(p, eps=-1e-8), "eps"),
    ],
)
def test_hyperparameters_out_of_range(make, name):
    """Rates and decays that make no sense are refused by name."""
    with pytest.raises(HyperparameterError, match=name):
        make([Value(1.0)])


def test_parameters_that_make_no_sense():
    """No parameters, one twice, or something that is no Value: each an error that says so."""
    v = Value(1.0)
    for make in (lambda ps: SGD(ps, 0.1), Adam):
        with pytest.raises(LengthError, match="at least one parameter"):
            make([])
        with pytest.raises(HyperparameterError, match="twice"):
            make([v, Value(1.0), v])
        with pytest.raises(OperandError, match=r"2.0 \(float\); model.parameters"):
            make([v, 2.0])
    with pytest.raises(OperandError, match=r"'0\.1'"):
        SGD([v], lr="0.1")
