"""Modules, layers, activations and initialisers."""

import copy
import math
import pickle
import statistics
from inspect import signature
from random import Random

import pytest

import autograd
from autograd import LengthError, OperandError, Scope, Value
from nn import (
    MLP,
    SGD,
    HyperparameterError,
    Layer,
    Module,
    Neuron,
    StateDictError,
    UnknownNameError,
    train,
)
from nn.activations import ACTIVATIONS, RELU_FAMILY, activation_function
from nn.init import INITIALIZERS, initializer


def rows(n, n_in, seed=0):
    rng = Random(seed)
    return [[rng.gauss(0.0, 1.0) for _ in range(n_in)] for _ in range(n)]


def gradients(model, root):
    model.zero_grad()
    root.backward()
    return [p.grad for p in model.parameters()]


class Pair(Module):
    """A module as users write them: parts of every kind."""

    def __init__(self):
        self.first = Layer(2, 3)
        self.scale = Value(2.0)
        self.table = [[Value(1.0), Value(2.0)], (Value(3.0),)]
        self.heads = [Neuron(3), Neuron(3, seed=1)]
        self.named = Value(0.5, label="temperature")
        self.note = "no parameter"
        self.computed = self.scale * 2

    def forward(self, x):
        return [head(self.first(x)) * self.scale for head in self.heads]


# --- what a network computes ----------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_fused_and_unfused_agree(activation):
    """One dot node or single products and sums: the same outputs to the bit, the same gradients."""
    fused, single = [
        MLP(3, [5, 4, 1], activation=activation, seed=3, fused=f) for f in (True, False)
    ]
    x = rows(6, 3)
    assert [v.data for v in fused(x)] == [v.data for v in single(x)]
    one, other = [gradients(m, autograd.mean(m(x))) for m in (fused, single)]
    assert one == pytest.approx(other, rel=1e-12, abs=1e-15)


def test_an_unfused_neuron_is_made_of_products_and_sums():
    """fused=False gives n products and n sums, and no dot; fused=True one dot."""
    ops = {
        fused: sorted(
            v.op
            for v in autograd.topological_order(Neuron(3, "relu", fused=fused)([1.0, 2.0, 3.0]))
            if v.op not in (None, "constant")
        )
        for fused in (True, False)
    }
    assert ops == {True: ["dot", "relu"], False: ["add"] * 3 + ["mul"] * 3 + ["relu"]}


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("sizes", [[1], [3], [4, 1], [1, 2], [3, 1, 2]])
def test_a_batch_is_its_rows(fused, sizes):
    """A batch gives what its rows give one by one, to the bit, and the same gradients."""
    model = MLP(2, sizes, seed=5, fused=fused)
    x = rows(7, 2)

    def numbers(out):
        return [v.data for v in out] if isinstance(out, list) else out.data

    batch, single = model(x), [model(row) for row in x]
    assert [numbers(out) for out in batch] == [numbers(out) for out in single]
    flat = [[v for out in outs for v in (out if isinstance(out, list) else [out])]
            for outs in (batch, single)]  # fmt: skip
    one, other = [gradients(model, autograd.mean(vs)) for vs in flat]
    assert one == pytest.approx(other, rel=1e-12, abs=1e-15)


def test_arrays_are_read_like_lists():
    """A NumPy row or batch, of floats or of whole numbers, gives what the lists do."""
    np = pytest.importorskip("numpy")
    x = [[0.0, 1.0], [2.0, 3.0]]
    for fused in (True, False):
        model = MLP(2, [3, 1], fused=fused)
        expected = [v.data for v in model(x)]
        for array in (np.array(x), np.array(x, dtype=int), np.array(x, dtype=np.float32)):
            assert [v.data for v in model(array)] == expected
            assert model(array[1]).data == expected[1]


def test_the_formula_of_a_neuron():
    """A neuron is activation(sum of w*x + b), and its gradients are those of the chain rule."""
    neuron = Neuron(2, "tanh")
    for p, number in zip(neuron.parameters(), (0.5, -1.5, 0.25), strict=True):
        p.data = number
    y = neuron([2.0, 3.0])
    z = 0.5 * 2.0 - 1.5 * 3.0 + 0.25
    assert y.data == pytest.approx(math.tanh(z), rel=1e-15)
    slope = 1.0 / math.cosh(z) ** 2
    assert gradients(neuron, y) == pytest.approx([2.0 * slope, 3.0 * slope, slope], rel=1e-14)


def test_gradients_by_central_differences():
    """The gradient of every parameter and input of a network, held against its own slope."""
    model = MLP(2, [4, 3, 1], activation="gelu", output_activation="sigmoid", seed=2)
    x = [Value(0.3), Value(-0.7)]
    model(x).backward()
    for p in [*model.parameters(), *x]:
        number, h = p.data, 1e-6
        p.data = number + h
        above = model(x).data
        p.data = number - h
        below = model(x).data
        p.data = number
        assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-6, abs=1e-9)


def test_the_last_layer_of_one_neuron_gives_one_value():
    """[4, 1] gives a Value, [1, 2] a list of two: only the last layer is unpacked."""
    assert isinstance(MLP(2, [4, 1])([1.0, 2.0]), Value)
    assert [type(v) for v in MLP(2, [1, 2])([1.0, 2.0])] == [Value, Value]
    assert isinstance(Neuron(2)([1.0, 2.0]), Value)
    assert len(Layer(2, 1)([1.0, 2.0])) == 1


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(
    "x", [[1.0], [1.0, 2.0, 3.0], [[1.0, 2.0], [1.0]], [[1.0, 2.0, 3.0]], [], [[]]]
)
@pytest.mark.parametrize(
    "make", [Neuron, lambda n, **k: Layer(n, 2, **k), lambda n, **k: MLP(n, [2], **k)]
)
def test_a_row_of_the_wrong_length_is_an_error(make, fused, x):
    """Neither too few nor too many inputs are cut short: LengthError says what came."""
    with pytest.raises(LengthError, match=r"2 weights, but got \d inputs"):
        make(2, fused=fused)(x)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("x", [["a", "b"], [None, 1.0], [1j, 1.0], [[[1.0, 2.0]]]])
def test_inputs_that_are_no_numbers_are_errors(fused, x):
    """A string, None, a complex number or one level of lists too many is not a row."""
    with pytest.raises((OperandError, LengthError)):
        MLP(2, [2, 1], fused=fused)(x)


def test_sizes_that_make_no_network_are_errors():
    """Zero, negative or fractional sizes, and no layers at all, say what was expected."""
    for n in (0, -1, 1.5, True, "2"):
        with pytest.raises(HyperparameterError, match="whole number from 1, but got"):
            Neuron(n)
        with pytest.raises(HyperparameterError, match="whole number from 1, but got"):
            MLP(2, [3, n])
    with pytest.raises(LengthError, match="size of each layer"):
        MLP(2, [])


# --- names ----------------------------------------------------------------------------------------


def test_paths_of_an_mlp():
    """Parameters are named by where they stand, weights before the bias, layer by layer."""
    names = [name for name, _ in MLP(2, [2, 1]).named_parameters()]
    assert names == [
        "layers.0.neurons.0.w.0", "layers.0.neurons.0.w.1", "layers.0.neurons.0.b",
        "layers.0.neurons.1.w.0", "layers.0.neurons.1.w.1", "layers.0.neurons.1.b",
        "layers.1.neurons.0.w.0", "layers.1.neurons.0.w.1", "layers.1.neurons.0.b",
    ]  # fmt: skip


def test_parameters_are_found_in_attributes_and_in_lists():
    """Values, lists and tuples of them, modules and lists of modules; results are no parameters."""
    names = [name for name, _ in Pair().named_parameters()]
    assert names[9:] == [
        "scale", "table.0.0", "table.0.1", "table.1.0",
        "heads.0.w.0", "heads.0.w.1", "heads.0.w.2", "heads.0.b",
        "heads.1.w.0", "heads.1.w.1", "heads.1.w.2", "heads.1.b", "named",
    ]  # fmt: skip
    assert names[0] == "first.neurons.0.w.0"


def test_labels_are_the_paths_from_the_outermost_module():
    """Every parameter is labelled with its Scope; a label of the user's own stays."""
    for name, p in Pair().named_parameters():
        assert p.label == ("temperature" if name == "named" else name)
        assert isinstance(p.label, Scope) == (name != "named")


@pytest.mark.parametrize("fused", [True, False])
def test_outputs_of_neurons_carry_their_path(fused):
    """The result of each neuron is labelled with the neuron's Scope, in a row and in a batch."""
    model = MLP(2, [2, 1], activation="relu", fused=fused)
    for x in ([1.0, 2.0], [[1.0, 2.0]]):
        out = model(x)
        root = out[0] if isinstance(out, list) else out
        labels = [v.label for v in autograd.topological_order(root) if v.op is not None and v.label]
        assert labels == ["layers.0.neurons.0", "layers.0.neurons.1", "layers.1.neurons.0"]
        assert all(isinstance(label, Scope) for label in labels)


def test_a_shared_part_counts_once():
    """Tied weights, and a module that refers back to its owner, come once and end."""

    class Tied(Module):
        def __init__(self):
            self.one = Neuron(2)
            self.two = self.one
            self.w = self.one.w[0]
            self.me = self

        def forward(self, x):
            return self.two(self.one(x))

    assert [n for n, _ in Tied().named_parameters()] == ["one.w.0", "one.w.1", "one.b"]


def test_the_tree():
    """repr shows the modules with their shapes; neighbours that read alike share a line."""
    assert repr(MLP(2, [3, 1], activation="relu", output_activation="sigmoid")) == (
        "MLP(2 -> 3 -> 1), 13 parameters\n"
        "  layers.0: Layer(2 -> 3, relu), 9 parameters\n"
        "    neurons.0 to neurons.2: Neuron(2 -> 1, relu), 3 parameters\n"
        "  layers.1: Layer(3 -> 1, sigmoid), 4 parameters\n"
        "    neurons.0: Neuron(3 -> 1, sigmoid), 4 parameters"
    )


# --- state ----------------------------------------------------------------------------------------


def test_state_goes_out_and_back():
    """A state_dict loaded into another model of the shape makes it equal, to the bit."""
    one, other = Pair(), Pair()
    for i, p in enumerate(one.parameters()):
        p.data = math.sin(i + 1)
    other.load_state_dict(one.state_dict())
    assert other.state_dict() == one.state_dict()
    assert [v.data for v in other([1.0, 2.0])] == [v.data for v in one([1.0, 2.0])]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: s.pop("b"), StateDictError, r"lacks 1 of its parameters \('b'\)"),
        (lambda s: s.update(c=1.0), StateDictError, r"unexpected are 1 of its parameters \('c'\)"),
        (lambda s: s.update(b="0.5"), OperandError, r"parameter 'b': .*'0.5' \(str\)"),
        (lambda s: s.update(b=None), OperandError, "parameter 'b': .*NoneType"),
        (lambda s: s.update(b=[1.0]), OperandError, "parameter 'b': .*list"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, error, message):
    """Missing and unexpected names and wrong types are named, before anything is written."""
    neuron = Neuron(2)
    before = neuron.state_dict()
    state = dict.fromkeys(before, 9.0)
    change(state)
    with pytest.raises(error, match=message):
        neuron.load_state_dict(state)
    assert neuron.state_dict() == before


def test_a_state_that_is_no_dict_is_an_error():
    """A list or a model in place of a state says what to give."""
    for state in ([1.0, 2.0, 3.0], Neuron(2), None):
        with pytest.raises(OperandError, match="expected a dict from paths to numbers"):
            Neuron(2).load_state_dict(state)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copied_model_is_equal_and_apart(duplicate):
    """deepcopy and pickle give an equal model, whose change leaves the first alone."""
    model = MLP(2, [3, 1], seed=4)
    twin = duplicate(model)
    assert twin.state_dict() == model.state_dict()
    assert twin([1.0, 2.0]).data == model([1.0, 2.0]).data
    twin.parameters()[0].data += 1.0
    assert twin.state_dict() != model.state_dict()
    assert [p.label for p in twin.parameters()] == [p.label for p in model.parameters()]


def test_zero_grad():
    """zero_grad sets the gradient of every parameter to 0."""
    model = MLP(2, [3, 1])
    model([1.0, 2.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.grad for p in model.parameters())


# --- activations and initialisers -----------------------------------------------------------------


def test_activations_by_name_or_function():
    """A name means autograd's function of that name; any function of one number will do as well."""
    for name, f in ACTIVATIONS.items():
        if name != "linear":
            assert f is getattr(autograd, name)
    assert Neuron(1, lambda z: z * z, init="ones")([3.0]).data == 9.0
    assert activation_function("linear")(5.0) == 5.0


def test_unknown_names_list_the_known_ones():
    """A misspelt activation or initialiser is answered with the names there are."""
    with pytest.raises(
        UnknownNameError, match=r"unknown activation 'rellu'.*tanh, relu, leaky_relu"
    ):
        MLP(2, [2], output_activation="rellu")
    with pytest.raises(UnknownNameError, match=r"unknown initialiser 'xaver'.*xavier_uniform"):
        Neuron(2, init="xaver")


def test_seeds():
    """Networks of one seed are equal, of two seeds different, and so are two neurons of a layer."""
    one, same, other = [MLP(3, [4, 1], seed=s).state_dict() for s in (7, 7, 8)]
    assert one == same
    assert one != other
    neurons = Layer(3, 4).neurons
    assert len({tuple(w.data for w in n.w) for n in neurons}) == 4


@pytest.mark.parametrize(
    ("name", "variance", "limit"),
    [
        ("xavier_uniform", 2 / (30 + 10), math.sqrt(6 / 40)),
        ("xavier_normal", 2 / (30 + 10), None),
        ("he_uniform", 2 / 30, math.sqrt(6 / 30)),
        ("he_normal", 2 / 30, None),
        ("uniform", 1 / 3, 1.0),
        ("normal", 1.0, None),
        ("zeros", 0.0, 0.0),
    ],
)
def test_the_spread_of_initial_weights(name, variance, limit):
    """Mean 0, the paper's variance for fan_in 30 and fan_out 10, within the limits if uniform."""
    rng = Random(1)
    draws = [INITIALIZERS[name](rng, 30, 10) for _ in range(20_000)]
    assert statistics.fmean(draws) == pytest.approx(0.0, abs=0.03)
    assert statistics.pvariance(draws) == pytest.approx(variance, rel=0.05)
    if limit is not None:
        assert max(map(abs, draws)) <= limit
        assert max(map(abs, draws)) >= 0.99 * limit


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_default_initialiser_suits_the_activation(activation):
    """He for the relu family, Xavier for the rest, with the layer's fans; biases start from 0."""
    name = "he_uniform" if activation in RELU_FAMILY else "xavier_uniform"
    assert initializer(None, activation) is INITIALIZERS[name]
    layer = Layer(3, 4, activation, seed=2)
    assert layer.state_dict() == Layer(3, 4, activation, init=name, seed=2).state_dict()
    rng = Random(2)
    weights = [INITIALIZERS[name](rng, 3, 4) for _ in range(12)]
    assert [w.data for n in layer.neurons for w in n.w] == weights
    assert [n.b.data for n in layer.neurons] == [0.0] * 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MLP(2, 3), "size of each layer"),
        (lambda: MLP(2, [1])(3.0), "row of inputs"),
        (lambda: SGD(MLP(2, [1]), lr=0.1), "model.parameters"),
        (lambda: train(3, [[1.0]], [1.0], optimizer=None), "model that can be called"),
        (lambda: train(MLP(1, [1]), [[1.0]], [1.0], optimizer="adam"), "optimizer such as"),
        (lambda: train(MLP(1, [1]), [[1.0]], [1.0], optimizer=None, loss="mse"), "loss that can"),
    ],
)
def test_slips_at_the_front_door_are_answered(call, message):
    """A forgotten list, .parameters() or function is told in the library's words."""
    with pytest.raises((TypeError, LengthError), match=message):
        call()


def test_signatures_are_those_of_init():
    """help(MLP) shows the parameters, not (*args, **kwargs)."""
    assert list(signature(MLP).parameters)[:3] == ["n_in", "sizes", "activation"]


# --- activations of a whole row, initialisers of a whole matrix -----------------------------------


@pytest.mark.parametrize("fused", [True, False])
def test_a_network_that_ends_with_softmax(fused):
    """softmax takes all sums of the last layer: its outputs are positive and add up to 1."""
    model = MLP(2, [3, 4], output_activation="softmax", fused=fused)
    for row in model(rows(5, 2)):
        assert all(y.data > 0.0 for y in row)
        assert sum(y.data for y in row) == pytest.approx(1.0, rel=1e-15)


def test_a_layer_draws_its_weights_as_one_matrix():
    """init="orthogonal" makes the neurons of a Layer orthogonal to one another, of length 1."""
    pytest.importorskip("numpy")
    weights = [[w.data for w in neuron.w] for neuron in Layer(5, 3, init="orthogonal").neurons]
    products = [autograd.dot(a, b) for a in weights for b in weights]
    assert products == pytest.approx([float(i == j) for i in range(3) for j in range(3)])


def test_a_neuron_takes_weights_that_are_given():
    """Neuron(..., weights=ws) starts from these numbers and draws none."""
    neuron = Neuron(2, "linear", weights=[0.5, -2.0])
    assert neuron([4.0, 1.0]).data == 0.0
    with pytest.raises(LengthError, match="expected 2 weights"):
        Neuron(2, weights=[1.0])
