"""Optimisers, against PyTorch's trajectories and the papers' formulas written out once more."""

import json
import math
from pathlib import Path
from random import Random

import numpy as np
import pytest

import autograd
from autograd import LengthError, OperandError, Value, jit, jit_rule
from nn import SGD, Adam, HyperparameterError, StateDictError, UnknownNameError, schedules
from nn.optim import (
    OPTIMIZERS,
    Adadelta,
    Adagrad,
    AdamW,
    Nadam,
    RMSprop,
    UnboundError,
    adam,
    clip_by_norm,
    clip_by_value,
    optimizer_named,
    sgd,
)

FIGURES = json.loads((Path(__file__).parent / "data" / "optimizers.json").read_text())


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


# --- trajectories ---------------------------------------------------------------------------------


def reference_loss(a, b, c, d):
    """The loss of tools/reference_optimizers.py."""
    points = FIGURES["points"]
    errors = [a * autograd.tanh(b * x + c) + autograd.sin(d * x) - y for x, y in points]
    return autograd.mean([e * e for e in errors])


@pytest.mark.parametrize("run", FIGURES["runs"], ids=lambda z: z["name"])
def test_trajectories_are_pytorchs(run):
    """Over 50 steps on a loss that is not convex, all parameters agree with PyTorch's to 1e-10."""
    settings = dict(run["settings"])
    if isinstance(settings.get("lr"), list):
        name, arguments = settings["lr"]
        settings["lr"] = getattr(schedules, name)(**arguments)
    params = [Value(x) for x in FIGURES["start"]]
    optimizer = OPTIMIZERS[run["name"]](params, **settings)
    path = []
    for step in range(1, 51):
        optimizer.zero_grad()
        reference_loss(*params).backward()
        optimizer.step()
        if step % FIGURES["every"] == 0:
            path.append([p.data for p in params])
    assert len(path) == len(run["path"]) == 10
    for got, expected in zip(path, run["path"], strict=True):
        assert got == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_every_optimiser_is_held_against_pytorch():
    """No optimiser is left out of the stored figures, nor any of its settings."""
    settings = {name: set() for name in OPTIMIZERS}
    for run in FIGURES["runs"]:
        settings[run["name"]] |= run["settings"].keys()
    for name, make in OPTIMIZERS.items():
        fixed = {"clipvalue", "clipnorm", *getattr(make, "keywords", ()), "nesterov", "amsgrad"}
        fixed |= {"momentum"} if name == "sgd" else set()
        assert settings[name] | fixed >= make().config().keys(), name


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


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_one_step_goes_downhill(name):
    """From a fresh state each parameter moves against its gradient, and a gradient of 0 moves none.

    Weight decay is set aside: it moves without a gradient.
    """
    make, extra = OPTIMIZERS[name], {"weight_decay": 0.0}
    params = [Value(x) for x in (1.0, -2.0, 0.5, 3.0)]
    optimizer = make(params, **extra)
    for p, grad in zip(params, (1e-3, -50.0, 7.0, 0.0), strict=True):
        p.grad = grad
    optimizer.step()
    moves = [p.data - x for p, x in zip(params, (1.0, -2.0, 0.5, 3.0), strict=True)]
    assert moves[0] < 0.0 < moves[1]
    assert moves[2] < 0.0
    assert moves[3] == 0.0


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_defaults_train(name):
    """With its default settings every optimiser makes the reference loss smaller in 200 steps."""
    params = [Value(x) for x in FIGURES["start"]]
    optimizer = OPTIMIZERS[name](params)
    before = reference_loss(*params).data
    for _ in range(200):
        optimizer.zero_grad()
        reference_loss(*params).backward()
        optimizer.step()
    assert reference_loss(*params).data < 0.95 * before


# --- the compiler ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("step", [1, 2, 1000])
def test_a_compiled_rule_has_the_bits_of_the_formula(name, weight_decay, step):
    """With exact=True every parameter moves as the plain function of floats says, to the bit."""
    optimizer = OPTIMIZERS[name](weight_decay=weight_decay)
    states = len(optimizer.initial_state)

    def rule(param, grad, *rest):
        *state, step, lr = rest
        return optimizer.update(param, grad, state, step, lr)

    rng = np.random.default_rng(step)
    arrays = [rng.normal(size=101) for _ in range(2)]
    arrays += [rng.uniform(0.0, 0.9, 101) for _ in range(states)]
    arrays[1][:3] = 0.0, 1e-200, 1e100
    expected = [rule(*xs, step, 0.1) for xs in zip(*[a.tolist() for a in arrays], strict=True)]
    loose = [a.copy() for a in arrays]
    jit_rule(rule, states=states, exact=True)(*arrays, step=step, lr=0.1)
    jit_rule(rule, states=states)(*loose, step=step, lr=0.1)
    parameters, _, *state = arrays
    for got, want in zip((parameters, *state), zip(*expected, strict=True), strict=True):
        assert got.tolist() == list(want)
    assert loose[0] == pytest.approx(parameters, rel=1e-12, abs=1e-14)


# --- clipping -------------------------------------------------------------------------------------


def test_clipping_by_value():
    """A gradient within the limits is untouched, and one beyond becomes the nearer limit."""
    assert [clip_by_value(g, 0.5) for g in (0.3, -0.5, 9.0, -math.inf)] == [0.3, -0.5, 0.5, -0.5]


def test_clipping_by_norm():
    """Above the limit the direction stays and the norm becomes it; below, every bit stays."""
    assert clip_by_norm([0.3, -0.4], 1.0) == [0.3, -0.4]
    assert clip_by_norm([0.0, 0.0], 1.0) == [0.0, 0.0]
    clipped = clip_by_norm([3.0, -4.0, 12.0], 2.0)
    assert math.hypot(*clipped) == pytest.approx(2.0, rel=1e-6)
    assert clipped == pytest.approx([x * clipped[0] / 3.0 for x in (3.0, -4.0, 12.0)], rel=1e-15)


@pytest.mark.parametrize("clipping", [{"clipvalue": 0.7}, {"clipnorm": 1.0},
                                      {"clipvalue": 0.7, "clipnorm": 1.0}])  # fmt: skip
def test_clipping_takes_all_kinds_of_numbers(clipping):
    """Floats, Values and the compiler's numbers are clipped alike."""
    optimizer = SGD(**clipping)
    grads = [0.6, -0.8, 0.1, 2.0]
    expected = optimizer.clip(grads)
    assert expected != grads
    assert [v.data for v in optimizer.clip([Value(g) for g in grads])] == expected
    assert jit(optimizer.clip, exact=True)(grads) == expected


def test_clipping_is_of_the_gradient_and_over_all_parameters():
    """By value before the norm; `grad` itself, which others may read, stays as it was measured."""
    params = [Value(0.0), Value(0.0)]
    optimizer = SGD(params, 1.0, clipvalue=3.0, clipnorm=1.0)
    params[0].grad, params[1].grad = 30.0, -4.0
    optimizer.step()
    assert [p.data for p in params] == pytest.approx([-(0.5**0.5), 0.5**0.5], rel=1e-6)
    assert [p.grad for p in params] == [30.0, -4.0]


# --- names, binding, schedules --------------------------------------------------------------------


def test_names():
    """Names are taken in either case, an optimiser as it is; others are refused with the list."""
    assert isinstance(optimizer_named("Adam"), Adam)
    assert isinstance(optimizer_named("SGD"), SGD)
    assert isinstance(optimizer_named("rmsprop"), RMSprop)
    assert optimizer_named("Nesterov").config() == SGD(momentum=0.9, nesterov=True).config()
    optimizer = Adagrad()
    assert optimizer_named(optimizer) is optimizer
    assert optimizer_named("adam") is not optimizer_named("adam")
    for wrong in ("adamax", None):
        with pytest.raises(UnknownNameError, match="sgd, momentum, nesterov, adagrad"):
            optimizer_named(wrong)
    with pytest.raises(TypeError, match=r"Adam\(\)"):
        optimizer_named(Adam)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_config_makes_the_same_again(name):
    """The settings are JSON and the arguments of another optimiser like it."""
    optimizer = OPTIMIZERS[name](lr=0.3, weight_decay=0.2, clipnorm=5.0)
    config = json.loads(json.dumps(optimizer.config()))
    again = type(optimizer)([Value(1.0)], **config)
    assert again.config() == optimizer.config()
    assert again.initial_state == optimizer.initial_state


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimiser_without_parameters_says_what_to_do(name):
    """Whatever needs parameters raises UnboundError until `bind` gives them."""
    optimizer = OPTIMIZERS[name]()
    for use in (
        optimizer.step,
        optimizer.zero_grad,
        optimizer.state_dict,
        lambda: optimizer.load_state_dict({"steps": 1, "lr": 0.1, "state": []}),
        lambda: optimizer.params,
    ):
        with pytest.raises(UnboundError, match=r"model\.parameters\(\)"):
            use()
    p = Value(1.0)
    p.grad = 1.0
    assert optimizer.bind([p]) is optimizer
    optimizer.step()
    assert p.data < 1.0


def test_binding_anew_starts_anew():
    """`bind` gives other parameters a fresh state; what it refuses changes nothing."""
    first, second = Value(1.0), Value(1.0)
    first.grad = second.grad = 1.0
    optimizer = Adam([first], lr=0.1)
    optimizer.step()
    state = optimizer.state_dict()
    with pytest.raises(LengthError):
        optimizer.bind([])
    assert optimizer.state_dict() == state
    optimizer.bind([second]).step()
    assert optimizer.steps == 1
    assert first.data == second.data


def test_a_rate_may_be_a_schedule():
    """Update k moves at the rate schedule(k), and `rate` tells it."""
    p = Value(10.0)
    p.grad = 1.0
    optimizer = SGD([p], lr=lambda step: 1.0 / step)
    for _ in range(3):
        optimizer.step()
    assert p.data == pytest.approx(10.0 - 1.0 - 1.0 / 2.0 - 1.0 / 3.0)
    assert [optimizer.rate(k) for k in (1, 4)] == [1.0, 0.25]
    assert SGD(lr=0.3).rate(7) == 0.3


def test_a_schedule_that_gives_nonsense():
    """A rate that is negative or no number is refused before anything moves."""
    p = Value(1.0)
    p.grad = 1.0
    for schedule, error in (
        (lambda step: -0.1, HyperparameterError),
        (lambda step: None, OperandError),
    ):
        optimizer = SGD([p], lr=schedule)
        with pytest.raises(error):
            optimizer.step()
        assert (p.data, optimizer.steps) == (1.0, 0)


# --- saving ---------------------------------------------------------------------------------------

MAKERS = {
    **{name: lambda ps, make=make: make(ps, lr=0.1) for name, make in OPTIMIZERS.items()},
    "scheduled": lambda ps: Adam(ps, lr=schedules.cosine_decay(0.1, 15), clipnorm=20.0),
    "decayed": lambda ps: SGD(ps, 0.1, 0.9, True, 0.01),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
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
    if not callable(second.lr):
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
    with pytest.raises(StateDictError, match="schedule as its lr"):
        optimizer.load_state_dict(Adam([one], lr=lambda step: 0.1).state_dict())
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
        (lambda p: Adam(p, eps=0.0), "eps"),
        (lambda p: Adam(p, weight_decay=-0.1), "weight_decay"),
        (lambda p: AdamW(p, betas=(0.9, 1.0)), r"betas\[1\]"),
        (lambda p: AdamW(p, weight_decay=math.inf), "weight_decay"),
        (lambda p: Nadam(p, momentum_decay=-0.1), "momentum_decay"),
        (lambda p: Nadam(p, betas=(-0.1, 0.9)), r"betas\[0\]"),
        (lambda p: Adagrad(p, initial_accumulator_value=-1.0), "initial_accumulator_value"),
        (lambda p: Adagrad(p, eps=0.0), "eps"),
        (lambda p: Adadelta(p, rho=1.0), "rho"),
        (lambda p: RMSprop(p, alpha=1.5), "alpha"),
        (lambda p: RMSprop(p, momentum=1.0), "momentum"),
        (lambda p: SGD(p, clipvalue=0.0), "clipvalue"),
        (lambda p: SGD(p, clipnorm=-1.0), "clipnorm"),
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


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_two_rates_are_refused(name):
    """lr and learning_rate are one setting: each goes, and two that differ do not."""
    make = OPTIMIZERS[name]
    assert make(lr=0.2).lr == make(learning_rate=0.2).lr == 0.2
    with pytest.raises(HyperparameterError, match=r"lr=0\.1 and learning_rate=0\.2"):
        make(lr=0.1, learning_rate=0.2)
    with pytest.raises(HyperparameterError, match=r"lr=<function.* and learning_rate=0"):
        make(lr=lambda step: 0.1, learning_rate=0.2)
