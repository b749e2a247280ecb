"""The layers of a Sequential: Keras's figures, gradients, compiled code, options."""

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest

import autograd
from autograd import LengthError, Scope, Value, jit, jvp, topological_order
from nn import HyperparameterError, Module, UnknownNameError, layers
from nn.activations import ACTIVATIONS
from nn.constraints import CONSTRAINTS, MaxNorm, NonNeg, UnitNorm, constraint
from nn.layers import (
    Activation,
    AveragePooling2D,
    Conv2D,
    Dense,
    DropConnect,
    Dropout,
    Flatten,
    Layer,
    MaxPooling2D,
    Pass,
    Reshape,
    SequentialLayer,
)
from nn.layers.base import flat, shape_of, shaped
from nn.models import Sequential
from nn.regularizers import L1, L1L2, L2, REGULARIZERS, regularizer

KERAS = json.loads((Path(__file__).parent / "data" / "layers.json").read_text(encoding="utf-8"))

# Every layer, with its options in use: what makes it, and the shape of a row
MADE = {
    "dense": (lambda: Dense(3, input_dim=4), (4,)),
    "dense_softmax": (lambda: Dense(3, "softmax", use_bias=False), (4,)),
    "dense_regularized": (
        lambda: Dense(
            3,
            activation="tanh",
            kernel_initializer="he_normal",
            bias_initializer="ones",
            kernel_regularizer=L1(0.1),
            bias_regularizer=L1L2(0.1, 0.2),
            activity_regularizer="l1_l2",
            kernel_constraint=MaxNorm(1.5),
            bias_constraint="non_neg",
            name="first",
        ),
        (4,),
    ),
    "dropconnect": (
        lambda: DropConnect(3, 0.3, "tanh", seed=4, kernel_constraint="unit_norm"),
        (4,),
    ),
    "dropconnect_no_bias": (lambda: DropConnect(3, use_bias=False), (4,)),
    "dropout": (lambda: Dropout(0.4), (6,)),
    "dropout_shared": (lambda: Dropout(0.4, noise_shape=(None, 1, 2), seed=7), (3, 2)),
    "conv": (lambda: Conv2D(2, 3, input_shape=(4, 5, 2), kernel_regularizer="l2"), (4, 5, 2)),
    "conv_same": (lambda: Conv2D(2, (2, 3), (2, 1), "same", "softmax", use_bias=False), (4, 3, 2)),
    "max_pooling": (lambda: MaxPooling2D((2, 3), strides=1), (4, 5, 2)),
    "max_pooling_same": (lambda: MaxPooling2D(3, 2, "same"), (4, 5, 1)),
    "average_pooling": (lambda: AveragePooling2D(), (4, 4, 2)),
    "average_pooling_same": (lambda: AveragePooling2D((2, 3), padding="same"), (3, 5, 2)),
    "flatten": (lambda: Flatten(input_shape=(2, 3, 2)), (2, 3, 2)),
    "reshape": (lambda: Reshape((2, -1, 1)), (3, 4)),
    "activation": (lambda: Activation(autograd.gelu), (2, 3)),
    "activation_softmax": (lambda: Activation("softmax"), (2, 3)),
}


def built(name, seed=0):
    make, shape = MADE[name]
    layer = make()
    layer.build(shape, Random(seed))
    return layer


def numbers(shape, seed=1):
    rng = Random(seed)
    count = len(flat(shaped(range(10**4), shape)[: shape[0]])) if len(shape) > 1 else shape[0]
    return shaped([rng.gauss(0.0, 1.0) for _ in range(count)], shape)


def floats(x):
    """Nested lists of nodes as nested lists of floats."""
    if isinstance(x, (list, tuple)):
        return [floats(item) for item in x]
    return x.data if isinstance(x, Value) else float(x)


def one_number(layer, x, uniforms, training=True):
    """Sine-weighted outputs and all penalties, so that each output and penalty counts."""
    run = Pass(training, uniforms)
    outputs = flat(layer.row(x, run))
    weighted = [y * (1.0 + 0.3 * i) for i, y in enumerate(outputs)]
    return autograd.total([*weighted, *run.penalties, *layer.penalty()])


def of_everything(layer):
    """The layer as a function of its input, its weights and its random numbers."""

    def f(x, weights, uniforms):
        neurons = getattr(layer, "neurons", [])
        kept = [(unit.w, unit.b) for unit in neurons]
        try:
            for unit, (w, b) in zip(neurons, weights, strict=True):
                unit.w, unit.b = tuple(w), b
            return one_number(layer, x, uniforms)
        finally:
            for unit, (w, b) in zip(neurons, kept, strict=True):
                unit.w, unit.b = w, b

    return f


def arguments(layer):
    rng = Random(3)
    weights = [
        [[rng.gauss(0.0, 1.0) for _ in unit.w], rng.gauss(0.0, 1.0)]
        for unit in getattr(layer, "neurons", [])
    ]
    uniforms = [rng.random() for _ in range(layer.random_numbers)]
    return numbers(layer.input_shape), weights, uniforms


def test_every_layer_is_tested():
    """The table above has each class that nn.layers names, but those that are no such layers."""
    made = {type(make()) for make, _ in MADE.values()}
    named = {
        x
        for x in vars(layers).values()
        if isinstance(x, type) and issubclass(x, SequentialLayer) and x is not SequentialLayer
    }
    assert made == named


# --- what a layer computes ------------------------------------------------------------------------


@pytest.mark.parametrize("case", KERAS["layers"], ids=lambda c: f"{c['layer']}-{c['options']}")
def test_outputs_and_gradients_are_those_of_keras(case):
    """For a batch: outputs, penalties and all gradients agree with Keras in float64 to 1e-10."""
    layer = getattr(layers, case["layer"])(**case["options"])
    layer.build(shape_of(case["x"][0]), Random(0))
    layer.set_weights(case["weights"])
    close = {"rel": 1e-10, "abs": 1e-12}

    rows = [shaped([Value(x) for x in flat(row)], layer.input_shape) for row in case["x"]]
    runs = [Pass() for _ in rows]
    outputs = [layer.row(row, run) for row, run in zip(rows, runs, strict=True)]
    assert shape_of(outputs) == shape_of(case["outputs"])
    assert shape_of(outputs[0]) == layer.output_shape
    assert flat(floats(outputs)) == pytest.approx(flat(case["outputs"]), **close)

    penalties = [p for run in runs for p in run.penalties]
    objective = autograd.dot(flat(outputs), flat(case["cotangent"]))
    objective = autograd.total([objective, *layer.penalty()])
    if penalties:
        objective = objective + autograd.total(penalties) / len(rows)
    assert objective.data == pytest.approx(case["objective"], **close)

    objective.backward()
    by_x = [x.grad for x in flat(rows)]
    assert by_x == pytest.approx(flat(case["by_x"]), **close)
    for p in layer.parameters():  # so that get_weights puts the gradients in Keras's order
        p.data = p.grad
    assert flat(layer.get_weights()) == pytest.approx(flat(case["by_weights"]), **close)


@pytest.mark.parametrize("name", MADE)
def test_gradients_three_ways(name):
    """Along a random direction of input and weights, in training: reverse mode, forward mode and
    central differences give one slope.
    """
    layer = built(name)
    f, (x, weights, uniforms) = of_everything(layer), arguments(layer)
    place = [x, weights]
    rng = Random(5)

    def like(tree):
        return [like(t) for t in tree] if isinstance(tree, list) else rng.gauss(0.0, 1.0)

    def moved(tree, by, h):
        if isinstance(tree, list):
            return [moved(t, b, h) for t, b in zip(tree, by, strict=True)]
        return tree + h * by

    direction = like(place)
    slopes = autograd.grad(lambda at: f(*at, uniforms))(place)
    reverse = sum(g * d for g, d in zip(flat(slopes), flat(direction), strict=True))
    _, forward = jvp(lambda at: f(*at, uniforms), (place,), (direction,))
    h = 1e-6
    above, below = [f(*moved(place, direction, s), uniforms) for s in (h, -h)]
    assert forward == pytest.approx(reverse, rel=1e-12, abs=1e-12)
    assert (above - below) / (2 * h) == pytest.approx(reverse, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", MADE)
def test_compiled_is_eager(name):
    """A row of traced numbers, with traced weights and random numbers, gives what floats give: the
    value and all gradients to 1e-12.
    """
    layer = built(name)
    f = autograd.value_and_grad(of_everything(layer), argnums=(0, 1))
    value, slopes = f(*arguments(layer))
    fast_value, fast_slopes = jit(f)(*arguments(layer))
    assert fast_value == pytest.approx(value, rel=1e-12, abs=1e-12)
    assert flat(floats(fast_slopes)) == pytest.approx(flat(floats(slopes)), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dense_is_a_layer(activation):
    """Dense of a seed gives what `Layer` of that seed does, with the same nodes under the same
    names.
    """
    dense, layer = Dense(3, activation), Layer(2, 3, activation, seed=8)
    dense.build((2,), Random(8))
    assert dense.state_dict() == layer.state_dict()
    x = numbers((2,))
    ys, zs = dense(x), layer(x)
    assert floats(ys) == floats(zs)
    nodes = [[(v.op, v.label, v.data) for v in topological_order(*out)] for out in (ys, zs)]
    assert nodes[0] == nodes[1]


def test_a_convolution_is_one_dot_for_each_output():
    """28 x 28 with a 3 x 3 kernel and 4 filters: 26 * 26 * 4 dots and as many relus, and no node
    besides, which is what keeps the compiler's time in seconds.
    """
    layer = Conv2D(4, 3, activation="relu")
    layer.build((28, 28, 1), Random(0))
    nodes = topological_order(*flat(layer(numbers((28, 28, 1)))))
    counts = Counter(v.op for v in nodes if v.op not in (None, "constant"))
    assert counts == {"dot": 26 * 26 * 4, "relu": 26 * 26 * 4}


def test_max_pooling_shares_the_gradient_among_equals():
    """Four equal numbers in a window get a quarter each, the minimum-norm subgradient."""
    layer = MaxPooling2D()
    layer.build((2, 2, 1), Random(0))
    x = shaped([Value(0.0) for _ in range(4)], (2, 2, 1))
    layer(x)[0][0][0].backward()
    assert [v.grad for v in flat(x)] == [0.25] * 4


def test_pooling_same_leaves_out_what_is_outside():
    """padding="same" takes the mean and the maximum of the pixels that are there, not of zeros."""
    for kind, corner in ((AveragePooling2D, -9.0), (MaxPooling2D, -9.0)):
        layer = kind(2, padding="same")
        layer.build((3, 3, 1), Random(0))
        y = layer(shaped([float(-i - 1) for i in range(9)], (3, 3, 1)))
        assert shape_of(y) == (2, 2, 1)
        assert y[1][1][0] == corner


# --- dropout --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_dropout_drops_the_share_it_says_and_keeps_the_mean(rate):
    """Of 20,000 ones a share near the rate is 0 and the others are 1 / (1 - rate)."""
    layer, n = Dropout(rate), 20_000
    layer.build((n,), Random(0))
    rng = Random(1)
    y = layer.row([1.0] * n, Pass(True, [rng.random() for _ in range(layer.random_numbers)]))
    assert y.count(0.0) / n == pytest.approx(rate, abs=0.015)
    assert sorted(set(y)) == [0.0, pytest.approx(1.0 / (1.0 - rate))]
    assert sum(y) / n == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("name", ["dropout", "dropout_shared"])
def test_dropout_is_the_identity_in_inference(name):
    """training=False gives the numbers themselves, takes no random numbers and makes no node."""
    layer = built(name)
    x = shaped([Value(z) for z in flat(numbers(layer.input_shape))], layer.input_shape)
    assert all(a is b for a, b in zip(flat(layer.row(x, Pass())), flat(x), strict=True))
    assert all(a is b for a, b in zip(flat(layer(x)), flat(x), strict=True))


def test_a_rate_of_zero_takes_no_random_numbers():
    """Dropout(0) and DropConnect with rate 0 train as if they were not there."""
    dropout, connect = Dropout(0.0), DropConnect(2, 0.0)
    for layer in (dropout, connect):
        layer.build((3,), Random(0))
        assert layer.random_numbers == 0
    x = numbers((3,))
    assert dropout.row(x, Pass(True)) == x
    assert floats(connect.row(x, Pass(True))) == floats(connect(x))


def test_noise_shape_makes_one_draw_for_an_axis():
    """noise_shape=(None, 1, 3): all rows of an image lose the same columns."""
    layer = Dropout(0.5, noise_shape=(None, 1, 3))
    layer.build((4, 3), Random(0))
    assert layer.random_numbers == 3
    y = layer.row([[1.0] * 3] * 4, Pass(True, [0.1, 0.7, 0.5]))
    assert y == [[0.0, 2.0, 2.0]] * 4


def test_a_pass_hands_out_each_random_number_once():
    """Two layers in a row take one stream's numbers in their order; too few raise LengthError."""
    run = Pass(True, [0.1, 0.2, 0.3])
    assert run.uniforms(2) == [0.1, 0.2]
    assert run.uniforms(1) == [0.3]
    with pytest.raises(LengthError, match="asked for 1 random numbers, but 0 were left"):
        run.uniforms(1)


def test_dropconnect_is_a_dense_without_some_weights():
    """In training it gives what a Dense does whose weights and biases are dropped and scaled by the
    same draws; in inference what a Dense does.
    """
    layer, dense = DropConnect(3, 0.3, "tanh", bias_initializer="ones"), Dense(3, "tanh")
    for each in (layer, dense):
        each.build((4,), Random(2))
    assert layer.random_numbers == 4 * 3 + 3
    rng = Random(3)
    uniforms = [rng.random() for _ in range(layer.random_numbers)]
    kernel, bias = layer.get_weights()
    kept = [0.0 if u < 0.3 else 1.0 / 0.7 for u in uniforms]
    assert 0.0 in kept
    masked = [[w * kept[unit * 4 + i] for unit, w in enumerate(ws)] for i, ws in enumerate(kernel)]
    x = numbers((4,))
    dense.set_weights([masked, [b * kept[12 + unit] for unit, b in enumerate(bias)]])
    assert floats(layer.row(x, Pass(True, uniforms))) == pytest.approx(floats(dense(x)), rel=1e-14)
    dense.set_weights([kernel, bias])
    assert floats(layer(x)) == floats(dense(x))


# --- penalties and constraints --------------------------------------------------------------------


def test_regularizers_are_those_of_keras():
    """L1, L2 and L1L2 of a matrix give Keras's figures, as floats and as nodes."""
    weights = flat(KERAS["kernel"])
    for name, f in {"l1": L1(0.3), "l2": L2(0.3), "l1_l2": L1L2(0.2, 0.3)}.items():
        expected = pytest.approx(KERAS["regularizers"][name], rel=1e-12)
        assert f(weights) == expected
        assert f([Value(w) for w in weights]).data == expected


def test_the_gradient_of_a_penalty():
    """d/dw of l1 |w| + l2 w^2 is l1 sign(w) + 2 l2 w: weights decay in proportion, or evenly."""
    slopes = autograd.grad(lambda ws: L1L2(0.1, 0.3)(ws))([2.0, -0.5, 0.0])
    assert slopes == pytest.approx([0.1 + 1.2, -0.1 - 0.3, 0.0])


def test_penalties_by_name_have_the_factor_of_keras():
    """A name stands for factors of 0.01, and a dict, as config gives, has its own."""
    assert [regularizer(name)([2.0, -3.0]) for name in REGULARIZERS] == pytest.approx(
        [0.05, 0.13, 0.18]
    )
    for f in (L1(0.5), L2(0.5), L1L2(0.5, 0.25)):
        assert regularizer(f.config()) == f


def test_a_layer_collects_its_penalties():
    """The kernel's and the bias's term, once a batch, and the outputs' once a row."""
    layer = built("dense_regularized")
    kernel, bias = layer.get_weights()
    expected = [L1(0.1)(flat(kernel)), L1L2(0.1, 0.2)(bias)]
    assert floats(layer.penalty()) == pytest.approx(expected)
    run = Pass()
    y = layer.row(numbers((4,)), run)
    assert floats(run.penalties) == pytest.approx([L1L2(0.01, 0.01)(floats(y))])


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints_are_those_of_keras(name):
    """On each unit's weights, a column of the kernel, they give Keras's figures, compiled too."""
    f = constraint(name)
    for column, expected in zip(
        zip(*KERAS["kernel"], strict=True),
        zip(*KERAS["constraints"][name], strict=True),
        strict=True,
    ):
        assert f(column) == pytest.approx(expected, rel=1e-10)
        assert jit(f)(column) == pytest.approx(expected, rel=1e-10)


def test_what_satisfies_a_constraint_stays_as_it_is():
    """Not a bit changes within the limit, and zeros have no direction to be scaled along."""
    assert MaxNorm(2.0)([1.1, -0.3]) == [1.1, -0.3]
    assert MaxNorm(2.0)([0.0, 0.0]) == UnitNorm()([0.0, 0.0]) == [0.0, 0.0]
    assert NonNeg()([0.3, -0.1]) == [0.3, 0.0]
    for f in (MaxNorm(0.7), UnitNorm(), NonNeg()):
        assert constraint(f.config()) == f


@pytest.mark.parametrize("name", ["dense_regularized", "dropconnect", "conv"])
def test_constraints_come_with_the_weights_of_each_unit(name):
    """One for each unit's incoming weights, and one for all biases; none if none was asked for."""
    layer = built(name)
    expected = {"dense_regularized": [4, 4, 4, 3], "dropconnect": [4, 4, 4], "conv": []}[name]
    found = layer.constraints()
    assert [len(weights) for _, weights in found] == expected
    for (f, weights), unit in zip(found, layer.neurons, strict=False):
        assert weights == list(unit.w)
        assert len(f([w.data for w in weights])) == len(weights)


# --- building, weights, options -------------------------------------------------------------------


@pytest.mark.parametrize("name", MADE)
def test_config_makes_the_layer_again(name):
    """config() goes through JSON and back to a layer with the same config, which is unbuilt and,
    built from the same seed, has the same weights and shapes.
    """
    layer = built(name)
    config = layer.config()
    again = type(layer)(**json.loads(json.dumps(config)))
    assert again.config() == config
    assert not again.built
    again.build(layer.input_shape, Random(0))
    assert again.get_weights() == layer.get_weights()
    assert (again.output_shape, again.name) == (layer.output_shape, layer.name)
    assert again.random_numbers == layer.random_numbers


def test_a_function_without_a_name_cannot_be_written_down():
    """config() of a lambda says which argument and what to do; one of the tables is named, and
    another function is told by its own name.
    """
    assert Dense(2, autograd.tanh).config()["activation"] == "tanh"
    assert Dense(2, autograd.sin).config()["activation"] == {"custom_object": "sin"}
    for option in ("activation", "kernel_regularizer", "kernel_constraint", "kernel_initializer"):
        with pytest.raises(HyperparameterError, match=f"{option}=.*has no name.*; def it"):
            Dense(2, **{option: lambda x: x}).config()


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("dense", [(4, 3), (3,)]),
        ("dense_softmax", [(4, 3)]),
        ("dropconnect", [(4, 3), (3,)]),
        ("conv", [(3, 3, 2, 2), (2,)]),
        ("conv_same", [(2, 3, 2, 2)]),
        ("flatten", []),
    ],
)
def test_weights_have_the_shapes_of_keras(name, shapes):
    """get_weights gives kernel and bias as Keras arranges them; set_weights takes them, as lists or
    arrays, and refuses other shapes and changes nothing then.
    """
    np = pytest.importorskip("numpy")
    layer, other = built(name), built(name, seed=9)
    weights = layer.get_weights()
    assert [shape_of(w) for w in weights] == shapes
    other.set_weights([np.array(w) for w in weights])
    assert other.get_weights() == weights
    for wrong in ([[1.0]], [*weights, [1.0]]):
        with pytest.raises(LengthError, match="expected"):
            other.set_weights(wrong)
    assert other.get_weights() == weights


def test_the_initialisers_know_what_a_unit_of_a_convolution_sees():
    """fan_in is window times channels, fan_out window times filters; orthogonal filters are so."""
    seen = []
    layer = Conv2D(4, (2, 3), kernel_initializer=lambda rng, *fans: seen.append(fans) or 0.0)
    layer.build((5, 5, 2), Random(0))
    assert set(seen) == {(12, 24)}
    assert len(seen) == 48
    pytest.importorskip("numpy")
    layer = Conv2D(4, 2, kernel_initializer="orthogonal")
    layer.build((3, 3, 2), Random(0))
    rows = [[w.data for w in unit.w] for unit in layer.neurons]
    products = [[autograd.dot(a, b) for b in rows] for a in rows]
    assert flat(products) == pytest.approx([float(i == j) for i in range(4) for j in range(4)])


def test_a_layer_takes_rows_batches_and_arrays():
    """Called, a layer gives for a batch what it gives for its rows, of lists or of an array."""
    np = pytest.importorskip("numpy")
    for name in MADE:
        layer = built(name)
        rows = [numbers(layer.input_shape, seed) for seed in (1, 2)]
        expected = [floats(layer(row)) for row in rows]
        for batch in (rows, np.array(rows), [np.array(row) for row in rows]):
            assert floats(layer(batch)) == expected
        assert shape_of(expected[0]) == layer.output_shape


def test_wrong_rows_are_refused():
    """Rows of another shape, ragged ones, and a layer that is not built raise errors saying so."""
    layer = built("conv")
    with pytest.raises(LengthError, match=r"row of shape \(4, 5, 2\).*got.*shape \(4, 5\)"):
        layer(numbers((4, 5)))
    with pytest.raises(LengthError, match="one shape"):
        layer([[[1.0, 2.0]], [[1.0]]])
    with pytest.raises(RuntimeError, match="not built yet"):
        Dense(3)([1.0])
    with pytest.raises(RuntimeError, match="not built yet"):
        Dense(3).get_weights()


WRONG = {
    "units": (lambda: Dense(0), "units to be a whole number from 1, but got 0"),
    "units_float": (lambda: Dense(2.0), "units"),
    "both shapes": (lambda: Dense(2, input_dim=2, input_shape=(2,)), "got both"),
    "input_dim": (lambda: Dense(2, input_dim=0), "input_shape"),
    "activation": (lambda: Dense(2, "rleu"), "unknown activation 'rleu'"),
    "initialiser": (lambda: Dense(2, kernel_initializer="xavier"), "unknown initialiser 'xavier'"),
    "bias initialiser": (lambda: Dense(2, bias_initializer="no"), "unknown initialiser 'no'"),
    "regulariser": (lambda: Dense(2, kernel_regularizer="l3"), "unknown regulariser 'l3'.*l1_l2"),
    "regulariser's dict": (lambda: Dense(2, bias_regularizer={"l2": 0.1}), "regulariser None"),
    "factor": (lambda: L2(-0.1), "l2 to be at least 0.*-0.1"),
    "constraint": (lambda: Dense(2, kernel_constraint="max"), "unknown constraint 'max'"),
    "max_value": (lambda: MaxNorm(0.0), "max_value to be above 0"),
    "rate": (lambda: Dropout(1.0), "rate.*below 1, but got 1.0"),
    "connect rate": (lambda: DropConnect(2, -0.1), "rate.*got -0.1"),
    "noise_shape": (lambda: Dropout(0.5, noise_shape=(1, 2)), "starts with None"),
    "noise_shape a number": (lambda: Dropout(0.5, noise_shape=3), "starts with None"),
    "target_shape": (lambda: Reshape((0, 2)), r"target_shape.*got.*0, 2"),
    "two unknown": (lambda: Reshape((-1, -1)), "at most one -1"),
    "filters": (lambda: Conv2D(0, 3), "filters"),
    "kernel_size": (lambda: Conv2D(2, (3, 3, 3)), r"kernel_size to be 2 whole.*\(3, 3, 3\)"),
    "strides": (lambda: Conv2D(2, 3, strides=0), "strides"),
    "padding": (lambda: Conv2D(2, 3, padding="full"), "'valid' or 'same', but got 'full'"),
    "pool_size": (lambda: MaxPooling2D(0), "pool_size"),
    "pool strides": (lambda: AveragePooling2D(2, strides=(1, -1)), "strides"),
    "layer's activation": (lambda: Activation("rleu"), "unknown activation"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_options_are_refused(name):
    """An option out of range raises when the layer is made, and says what was expected and got."""
    make, message = WRONG[name]
    with pytest.raises((HyperparameterError, UnknownNameError), match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (lambda: Dense(2), (3, 4), r"flat rows.*\(3, 4\).*Flatten"),
        (lambda: DropConnect(2), (3, 4), "Flatten"),
        (lambda: Conv2D(2, 3), (8, 8), r"height, width, channels.*\(8, 8\).*Reshape"),
        (lambda: Conv2D(2, 3), (2, 8, 1), "3 x 3, larger than the image of 2 x 8"),
        (lambda: MaxPooling2D(4), (3, 3, 1), "4 x 4, larger than the image of 3 x 3"),
        (lambda: AveragePooling2D(2), (4,), "Reshape"),
        (lambda: Reshape((5, -1)), (12,), "12 numbers"),
        (lambda: Dropout(0.5, noise_shape=(None, 2)), (3, 4), "noise_shape of None and then"),
        (lambda: Dropout(0.5, noise_shape=(None, 3, 2)), (3, 4), "noise_shape of None and then"),
        (
            lambda: Dense(2, input_dim=3),
            (4,),
            r"shape \(3,\), but those that come have shape \(4,\)",
        ),
        (lambda: Flatten(), (), "input_shape"),
    ],
)
def test_rows_that_a_layer_does_not_take_are_refused_when_it_is_built(layer, shape, message):
    """build() raises HyperparameterError, and says what shape was expected and what to do."""
    with pytest.raises(HyperparameterError, match=message):
        layer().build(shape, Random(0))


def test_a_layer_is_built_once():
    """build() again leaves the weights as they are: a layer can stand in two models."""
    layer = built("dense")
    weights = layer.get_weights()
    layer.build((4,), Random(99))
    assert layer.get_weights() == weights
    with pytest.raises(HyperparameterError, match="is for rows of shape"):
        layer.build((5,), Random(0))


def test_paths_are_given_when_the_weights_are_made():
    """The parameters of a layer are named once it is built, as an MLP's are."""
    layer = built("dense")
    assert [path for path, _ in layer.named_parameters()][:3] == [
        "neurons.0.w.0",
        "neurons.0.w.1",
        "neurons.0.w.2",
    ]
    assert all(p.label == path for path, p in layer.named_parameters())
    assert "neurons.0 to neurons.2: Unit(4 -> 1), 5 parameters" in repr(layer)


class Around(Module):
    """A layer has a path only inside of something."""

    def __init__(self, part):
        self.part = part

    def forward(self, x):
        return self.part(x)


@pytest.mark.parametrize("make", [lambda: built("dense_softmax"), lambda: Layer(4, 3, "softmax")])
def test_what_softmax_shares_belongs_to_the_layer(make):
    """The sums carry the neurons' paths and the outputs the layer's: a picture frames each neuron,
    and the common part of softmax outside of them.
    """
    outputs = Around(make())(numbers((4,)))
    assert [y.label for y in outputs] == ["part"] * 3
    sums = [v for v in topological_order(*outputs) if v.op == "dot"]
    assert [z.label for z in sums] == [f"part.neurons.{i}" for i in range(3)]
    assert all(isinstance(v.label, Scope) for v in [*outputs, *sums])


# --- layers of one's own --------------------------------------------------------------------------


class Scale(SequentialLayer):
    """A layer as users write them, without dataclass."""

    def __init__(self, start=1.0, name=None):
        super().__init__(name=name)
        self.start = start

    def prepare(self, input_shape, rng):
        self.factor = Value(self.start)
        return input_shape

    def row(self, x, run):
        return [self.factor * a for a in x]


def test_a_layer_of_ones_own():
    """prepare and row are all it takes: it is built, called, named and written down like others."""
    layer = Scale(2.0)
    layer.build((2,), Random(0))
    assert floats(layer([1.0, 3.0])) == [2.0, 6.0]
    assert layer.state_dict() == {"factor": 2.0}
    assert layer.factor.label == "factor"
    assert layer.config() == {"start": 2.0, "name": "scale"}


def test_a_layer_that_forgets_an_argument_says_so():
    """config() names an argument that is kept nowhere, and does not leave it out."""

    class Forgetful(Scale):
        def __init__(self, start=1.0, *, forgotten=3):
            super().__init__(start)

    with pytest.raises(HyperparameterError, match=r"Forgetful\.__init__ takes forgotten"):
        Forgetful().config()


@pytest.mark.parametrize("last", [False, True])
def test_a_layer_that_gives_another_shape_than_it_said_is_named(last):
    """Not the next layer is at fault, nor the data."""

    class Doubled(SequentialLayer):
        def prepare(self, input_shape, rng):
            return (2,)

        def row(self, x, run):
            return [*x, x[0]]

    layers = [Dense(2, input_dim=3), Doubled()] + [Dense(1)] * (not last)
    model = Sequential(layers)
    model.compile("sgd", "mse")
    with pytest.raises(
        LengthError, match=r"'doubled' to give rows of shape \(2,\).*shape \(3,\) f"
    ):
        model.fit([[1.0, 2.0, 3.0]] * 2, [[1.0] * (2 if last else 1)] * 2, verbose=0)
