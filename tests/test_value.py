"""The node: operators, backward(), memory, copies, and what it answers to bad input."""

import contextvars
import copy
import gc
import io
import itertools
import math
import pickle
import random
import subprocess
import sys
import threading

import numpy as np
import pytest

import autograd
from autograd import Value, modes
from autograd.errors import LengthError, OperandError

LONG = 1_000_000


def chain(n: int) -> tuple[Value, Value]:
    """(w, w * 1 + w * 1 ...): n nodes deep, each step with a node and a constant."""
    w = Value(0.5)
    x = w
    for _ in range(n // 2):
        x = x * 0.999 + w
    return w, x


def live_values() -> int:
    return sum(type(o) is Value for o in gc.get_objects())


# --- backward -------------------------------------------------------------------------------------


def test_fan_out_accumulates() -> None:
    """x * x at 3 gives 6, however the two uses are spread."""
    x = Value(3.0)
    (x * x).backward()
    assert x.grad == 6.0
    y = Value(3.0)
    z = y + 0.0
    (z * z + y - y).backward()
    assert y.grad == 6.0


def test_same_operand_twice_is_two_edges() -> None:
    """`a + a` has two parents, both a, and a gradient of 2."""
    a = Value(5.0)
    b = a + a
    assert b.parents == (a, a)
    assert b.partials == (1.0, 1.0)
    b.backward()
    assert a.grad == 2.0


def test_backward_twice_doubles_leaves_only() -> None:
    """A second backward() adds the leaves' gradient once more; inner nodes start afresh."""
    a, b = Value(2.0), Value(-3.0)
    inner = a * b
    root = inner * inner + a
    root.backward()
    first = (a.grad, b.grad, inner.grad)
    root.backward()
    assert (a.grad, b.grad, inner.grad) == (2 * first[0], 2 * first[1], first[2])


def test_losses_that_share_nodes_add_up() -> None:
    """Two losses over a shared sub-expression accumulate what one loss, their sum, would give."""
    a = Value(0.7)
    shared = (a * a).tanh()
    (shared * 3.0).backward()
    (shared**2.0).backward()
    b = Value(0.7)
    shared_b = (b * b).tanh()
    (shared_b * 3.0 + shared_b**2.0).backward()
    assert a.grad == pytest.approx(b.grad, rel=1e-15)


def test_seed_scales_everything() -> None:
    """backward(seed) multiplies every gradient by the seed."""
    one, scaled = Value(0.3), Value(0.3)
    (one.exp() * one.sin()).backward()
    (scaled.exp() * scaled.sin()).backward(seed=-2.5)
    assert scaled.grad == pytest.approx(-2.5 * one.grad, rel=1e-15)


def test_backward_of_a_leaf_is_its_seed() -> None:
    """d(x)/d(x) is 1, and accumulates like any leaf's gradient."""
    x = Value(4.0)
    x.backward()
    x.backward(2.0)
    assert x.grad == 3.0


def test_writing_data_does_not_corrupt_what_was_recorded() -> None:
    """The partials are saved numbers: a later write to `.data` changes no gradient."""
    for build in (
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: a**b,
        lambda a, b: a.tanh() * b.exp(),
        lambda a, b: autograd.dot([a, b], [b, a], a),
        lambda a, b: autograd.maximum(a, b) * autograd.where(a > b, a, b),
    ):
        a, b = Value(1.5), Value(0.5)
        build(a, b).backward()
        c, d = Value(1.5), Value(0.5)
        root = build(c, d)
        c.data, d.data = 100.0, -7.0
        root.backward()
        assert (c.grad, d.grad) == (a.grad, b.grad)


def test_shared_operand_tuples_are_visited_in_order() -> None:
    """A layer's neurons share tuples of operands; weights that are themselves computed, and used at
    several depths, still get everything their users pass back.
    """
    raw = [Value(0.3), Value(-0.4)]
    weights = tuple(autograd.exp(r) for r in raw)
    bias = Value(0.1).tanh()
    h0 = (autograd.dot(weights, [1.0, 2.0], bias), autograd.dot(weights, [0.5, -1.0], bias))
    h1 = tuple(autograd.linear(h0, [weights, weights], [bias, bias]))
    loss = autograd.dot(weights, h1, bias)
    loss.backward()

    def f(ws):
        e = [autograd.exp(r) for r in ws]
        b = math.tanh(0.1)
        g0 = [e[0] * 1.0 + e[1] * 2.0 + b, e[0] * 0.5 + e[1] * -1.0 + b]
        g1 = [e[0] * g0[0] + e[1] * g0[1] + b for _ in range(2)]
        return e[0] * g1[0] + e[1] * g1[1] + b

    expected = autograd.grad(f)([0.3, -0.4])
    assert [r.grad for r in raw] == pytest.approx(expected, rel=1e-14)


def test_zero_grad_clears_the_whole_graph() -> None:
    """After root.zero_grad() no node behind the root has a gradient."""
    a = Value(2.0)
    root = (a * 3.0 + a).exp()
    root.backward()
    root.zero_grad()
    assert all(v.grad == 0.0 for v in autograd.topological_order(root))


def test_detach_and_no_grad_cut_the_graph() -> None:
    """detach() gives a leaf with the same number; inside no_grad everything does."""
    a = Value(2.0, "a")
    b = (a * a).detach()
    assert (b.data, b.op, b.parents) == (4.0, None, ())
    with autograd.no_grad():
        c = autograd.dot([a, a], [a, 1.0], a) + a.tanh() * a - 2 / a
        d = a + a
    assert (c.op, c.parents, d.op) == (None, (), None)
    assert (a + a).op == "add"

    @autograd.no_grad()
    def decorated() -> Value:
        return a * a

    assert decorated().op is None


def test_no_grad_is_local_to_its_thread() -> None:
    """A no_grad block in one thread leaves another thread's graphs alone."""
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        with autograd.no_grad():
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(10)
    a = Value(2.0)
    ops = [(a * a).op, (a + a).op, a.exp().op, autograd.dot([a], [a]).op, (a - 1).op]
    done.set()
    thread.join()
    assert ops == ["mul", "add", "exp", "dot", "sub"]


def test_constants_are_parents_without_a_gradient() -> None:
    """The 2 in `x * 2` is a node one can see, always the same, and gets no gradient."""
    x = Value(3.0)
    for y, position in (
        (x * 2, 1),
        (2 - x, 0),
        (2 / x, 0),
        (x**2, 1),
        (autograd.dot([x], [2.0]), 1),
    ):
        constant = y.parents[position]
        y.backward()
        assert (constant.op, constant.data, constant.grad) == ("constant", 2.0, 0.0)
        assert y.partials[position] == 0.0
        assert y.parents[position] is constant


# --- size -----------------------------------------------------------------------------------------


def test_a_million_nodes_deep() -> None:
    """A chain of 1,000,000 nodes: build, backward, deepcopy, pickle and delete work."""
    w, root = chain(LONG)
    root.backward()
    gradient = w.grad
    # the derivative follows the same recursion: g -> 0.999 g + 1
    expected = 1.0
    for _ in range(LONG // 2):
        expected = expected * 0.999 + 1.0
    assert gradient == pytest.approx(expected, rel=1e-12)
    for twin_w, twin in (copy.deepcopy((w, root)), pickle.loads(pickle.dumps((w, root)))):
        assert twin.data == root.data
        assert twin_w.grad == gradient
        twin.backward()
        assert twin_w.grad == pytest.approx(2 * gradient, rel=1e-9)  # 500,000 roundings
    del twin, twin_w, root


def test_reference_counting_alone_frees_a_graph() -> None:
    """With the collector off, every node is gone the moment the last name goes."""
    gc.collect()
    gc.disable()
    try:
        before = live_values()
        w, root = chain(1000)
        xs = [Value(0.1 * i) for i in range(10)]
        h = autograd.linear(xs, [xs, xs], [w, w])
        loss = autograd.mean(autograd.softmax(h)) + autograd.where(w > 0, root, w) + sum(xs) * 2
        loss.backward()
        assert live_values() > before + 1000
        autograd.grad(autograd.grad(lambda x: x.tanh() * 2))(0.3)
        del loss, h, xs, root, w
        assert live_values() == before
    finally:
        gc.enable()


def test_shared_structure_survives_copies() -> None:
    """Copies of (root, leaf) still belong together; a shallow copy shares its parents."""
    a = Value(1.5, "a")
    root = autograd.dot([a, 2.0], [a * a, a], 1.0) + autograd.where(a > 0, a, 0.0)
    for twin, leaf in (copy.deepcopy((root, a)), pickle.loads(pickle.dumps((root, a)))):
        twin.backward()
        assert leaf.grad != 0.0
        assert leaf.label == "a"
    a.grad = 0.0
    root.backward()
    assert leaf.grad == a.grad
    shallow = copy.copy(root)
    assert shallow is not root
    assert shallow.parents == root.parents


# --- among Python's and NumPy's own ---------------------------------------------------------------


def test_ordering_by_data_equality_by_identity() -> None:
    """< > <= >= compare numbers, with numbers on either side; == and hash are the node itself."""
    a, b = Value(1.0), Value(2.0)
    assert a < b and b > a and a <= 1 and 2 >= a and 0.5 < a and not a < 1.0  # noqa: PT018
    assert a != Value(1.0)
    assert len({a, b, Value(1.0)}) == 3
    values = [Value(random.Random(i).random()) for i in range(20)]
    assert [v.data for v in sorted(values)] == sorted(v.data for v in values)
    assert max(values).data == max(v.data for v in values)


def test_sum_and_truth() -> None:
    """sum() of Values is a Value; truth is that of the number."""
    a, b = Value(1.0), Value(-1.0)
    total = sum([a, b, a])
    total.backward()
    assert (total.data, a.grad, b.grad) == (1.0, 2.0, 1.0)
    assert bool(a)
    assert not Value(0.0)


def test_numpy_object_arrays() -> None:
    """@, np.exp, np.sum, np.arcsin ... work on object arrays of Values, and gradients flow."""
    xs = np.array([Value(0.1), Value(0.2), Value(0.3)])
    w = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 0.0]])
    h = np.tanh(w @ xs)
    loss = np.sum(np.exp(h) * np.arcsin(xs[:2])) + np.mean(np.sqrt(xs)) + np.abs(-xs[0])
    loss.backward()

    def f(v):
        h = [autograd.tanh(autograd.dot(row, v)) for row in w.tolist()]
        s = autograd.total(
            autograd.exp(a) * autograd.asin(b) for a, b in zip(h, v[:2], strict=True)
        )
        return s + autograd.mean(autograd.sqrt(v)) + abs(v[0])

    assert [x.grad for x in xs] == pytest.approx(autograd.grad(f)([0.1, 0.2, 0.3]), rel=1e-14)


def test_numpy_has_nothing_to_warn_of() -> None:
    """A slope that is a number is computed without what NumPy would call invalid, also at 0."""
    for exponent, slopes in (
        (2, [0.0, 2.0, -4.0]),
        (1.0, [1.0, 1.0, 1.0]),
        (3.0, [0.0, 3.0, 12.0]),
    ):
        xs = np.array([Value(0.0), Value(1.0), Value(-2.0)])
        np.sum(xs**exponent).backward()
        assert [x.grad for x in xs] == slopes


def test_array_operands_spread_over_their_elements() -> None:
    """Value op array and array op Value give the array of results; so do functions."""
    v = Value(2.0)
    array = np.array([1.0, 2.0, 4.0])
    for result in (v * array, array * v, v + array, array - v, v / array, array**v, v < array):
        assert result.shape == (3,)
    assert [x.data for x in v / array] == [2.0, 1.0, 0.5]
    assert (v < array).tolist() == [False, False, True]
    assert autograd.exp(array).dtype == np.float64
    assert autograd.maximum(array, v)[2].data == 4.0
    assert (np.float64(3.0) * v).data == 6.0
    assert (np.float32(3.0) - v).data == 1.0


def test_functions_of_nested_structures() -> None:
    """A function of a nested list, tuple or dict gives that structure of results."""
    x = Value(0.5)
    out = autograd.exp({"a": [0.0, x], "b": (1.0, [x])})
    assert out["a"][0] == 1.0
    assert out["b"][1][0].op == "exp"
    assert autograd.maximum([1, 5], [3, 2]) == [3.0, 5.0]
    with pytest.raises(TypeError, match="structure"):
        autograd.maximum([1, 5], [3, 2, 1])


def test_plain_numbers_give_plain_floats() -> None:
    """A function given floats (or ints) gives a float, and no node."""
    for y in (
        autograd.tanh(1),
        autograd.dot([1, 2], [3, 4], 5),
        autograd.mean([1, 2]),
        autograd.softmax([1, 2])[0],
        autograd.where(True, 1, 2),
        autograd.relu(np.float32(2.0)),
        autograd.total([]),
    ):
        assert type(y) is float


def test_repr_and_format() -> None:
    """The repr shows number, gradient, operation and label; a format spec formats the number."""
    v = Value(3.14159, "pi")
    assert repr(v) == "Value(data=3.14159, grad=0.0, label='pi')"
    assert repr(v * 2).endswith("op='mul')")
    assert f"{v:.2f}" == "3.14"
    assert f"{v}" == repr(v)


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad", ["2", None, 1j, [1.0], np.array([1.0]), np.array(1.0), {}, object()]
)
def test_what_is_no_number_is_refused(bad: object) -> None:
    """Value(x) of anything but a real number says what came."""
    with pytest.raises(OperandError, match=type(bad).__name__):
        Value(bad)
    assert issubclass(OperandError, TypeError)


@pytest.mark.parametrize("use", [float, int, math.exp, math.sqrt, [1, 2, 3].__getitem__, range])
def test_conversions_that_would_drop_the_gradient_are_refused(use) -> None:
    """float(v), math.exp(v), [1, 2, 3][v] raise a TypeError that says what to write instead."""
    with pytest.raises(TypeError, match=r"\.data"):
        use(Value(1.0))


def test_bad_operands_name_their_type() -> None:
    """v + "x" and the like raise a TypeError that names the type."""
    for bad in ("2", None, 1j, [1.0]):
        for operation in (
            lambda v, b: v + b,
            lambda v, b: b - v,
            lambda v, b: v**b,
            lambda v, b: v < b,
            lambda v, b: autograd.maximum(v, b) if not isinstance(b, list) else v + b,
        ):
            with pytest.raises(TypeError, match=f"{type(bad).__name__}|index|whole number"):
                operation(Value(1.0), bad)


def test_labels_are_strings() -> None:
    """A second number, in the place of the label, is an error and no label."""
    with pytest.raises(TypeError, match="label"):
        Value(1.0, 2.0)


def test_lengths_are_never_cut_short() -> None:
    """dot and linear refuse vectors of unequal length and say both lengths."""
    v = [Value(1.0), Value(2.0)]
    for bad in (lambda: autograd.dot(v, [1.0]), lambda: autograd.dot([1.0], v)):
        with pytest.raises(LengthError, match="2"):
            bad()
    with pytest.raises(LengthError, match="3 inputs"):
        autograd.linear([[1.0, 2.0], [1.0, 2.0, 3.0]], [v, v], v)
    with pytest.raises(LengthError, match="one bias for each unit"):
        autograd.linear([1.0, 2.0], [v, v], [0.0])
    for empty in (autograd.mean, autograd.logsumexp, autograd.softmax, autograd.log_softmax):
        with pytest.raises(LengthError, match="at least one"):
            empty([])


def test_linear_is_dot_for_each_unit() -> None:
    """linear on a batch gives, node for node, what dot gives row by row."""
    r = random.Random(0)
    weights = [[Value(r.gauss(0, 1)) for _ in range(3)] for _ in range(2)]
    biases = [Value(r.gauss(0, 1)) for _ in range(2)]
    rows = [[r.gauss(0, 1) for _ in range(3)] for _ in range(4)]
    for inputs in (rows, np.array(rows), [[Value(x) for x in row] for row in rows]):
        out = autograd.linear(inputs, weights, biases)
        for row, outs in zip(inputs, out, strict=True):
            for ws, b, y in zip(weights, biases, outs, strict=True):
                z = autograd.dot(ws, row, b)
                assert (y.data, y.partials, y.op) == (z.data, z.partials, z.op)
                assert [p.data for p in y.parents] == [p.data for p in z.parents]
    assert autograd.linear(rows[0], weights, biases)[0].data == out[0][0].data


def test_import_needs_the_standard_library_alone() -> None:
    """`import autograd` loads no package from outside the standard library."""
    code = (
        "import sys; before = set(sys.modules); import autograd;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(*sorted(new - sys.stdlib_module_names - {'autograd'}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_a_dot_of_nodes_and_constants_passes_gradient_to_nodes_alone() -> None:
    """Whatever mix of nodes and constants a dot has, constants get no gradient and are parents."""
    r = random.Random(3)
    for kinds in itertools.product((Value, float), repeat=5):
        if Value not in kinds:
            continue
        w0, w1, x0, x1, b = operands = [kind(r.gauss(0, 1)) for kind in kinds]
        y = autograd.dot([w0, w1], [x0, x1], b)
        y.backward(2.0)
        numbers = [v.data if isinstance(v, Value) else v for v in operands]
        expected = [numbers[2], numbers[3], numbers[0], numbers[1], 1.0]
        assert [p.data for p in y.parents] == numbers
        assert y.parents == y.parents
        for parent, given, partial, truth in zip(
            y.parents, operands, y.partials, expected, strict=True
        ):
            if isinstance(given, Value):
                assert (parent, partial, given.grad) == (given, truth, 2.0 * truth)
            else:
                assert (parent.op, partial, parent.grad) == ("constant", 0.0, 0.0)
        gradient = autograd.grad(lambda *v: autograd.dot(v[:2], v[2:4], v[4]), tuple(range(5)))
        assert gradient(*numbers) == tuple(expected)


def test_copies_share_no_node_with_the_original() -> None:
    """Of a graph with every kind of node, constants looked at or not, a deepcopy is all its own."""
    a = Value(0.5, "a")
    h = autograd.linear([a, a * 2.0], [[a, a], [a, a]], [a, a])
    dots = [autograd.dot([a, a], h, 0.25), autograd.dot([a, a], [1.0, 2.0], a), *h]
    root = autograd.total([*dots, autograd.dot([a, 1.0], [2.0, a]), autograd.clip(a, 0.0, 1.0)])
    for look in (False, True):
        if look:
            autograd.topological_order(root)
        twin = copy.deepcopy(root)
        mine = set(autograd.topological_order(root))
        assert mine.isdisjoint(autograd.topological_order(twin))
        assert len(autograd.topological_order(twin)) == len(mine)


def test_data_that_is_no_number_does_not_pass() -> None:
    """`w.data = w - ...` (a node) or a str is found at the latest by backward()."""
    for bad in (Value(2.0), "2"):
        w = Value(1.0)
        w.data = bad
        with pytest.raises(TypeError):
            (w * Value(3.0) + 1.0).backward()


def test_a_number_beyond_float64_is_refused() -> None:
    """An int too large to be a float says so."""
    with pytest.raises(OverflowError, match=r"1\.8e308"):
        Value(10**400)


def test_numpy_variance() -> None:
    """np.var and np.std of Values work, and have gradients."""
    xs = np.array([Value(1.0), Value(2.0), Value(4.0)])
    np.var(xs).backward()
    assert [x.grad for x in xs] == pytest.approx([2 / 3 * (x - 7 / 3) for x in (1, 2, 4)])
    assert np.std(xs).data == pytest.approx(np.std([1.0, 2.0, 4.0]))


def test_what_is_no_function_or_list_is_told() -> None:
    """grad(3), softmax(1), round(v), draw(f): errors that say what to write."""
    with pytest.raises(TypeError, match="a function to differentiate"):
        autograd.grad(3.0)
    with pytest.raises(TypeError, match="list of numbers"):
        autograd.softmax(1)
    with pytest.raises(TypeError, match=r"v\.data"):
        round(Value(1.5))
    with pytest.raises(TypeError, match=r"draw\(f\(x\)\)"):
        autograd.draw(autograd.tanh)
    with pytest.raises(TypeError, match=r"x\.item\(\)"):
        Value(np.array(1.0))


def test_many_roots_are_copied_once() -> None:
    """Pickles and deepcopies of all nodes of a chain, as of one, grow in proportion to it."""
    sizes = []
    for n in (1000, 2000):
        chain_of_nodes = [Value(1.0)]
        for _ in range(n):
            chain_of_nodes.append(chain_of_nodes[-1] * 1.0001)
        data = pickle.dumps(chain_of_nodes)
        sizes.append(len(data))
        for twins in (pickle.loads(data), copy.deepcopy(chain_of_nodes)):
            assert all(b.parents[0] is a for a, b in itertools.pairwise(twins))
            assert [v.data for v in twins] == [v.data for v in chain_of_nodes]
    assert sizes[1] < 2.2 * sizes[0]


def test_one_pickler_does_not_disturb_another() -> None:
    """A deep graph is pickled whole while another pickler that has seen it is still alive."""
    _, root = chain(50_000)
    first = pickle.Pickler(io.BytesIO())
    first.dump(root)
    assert pickle.loads(pickle.dumps(root.parents[0])).data == root.parents[0].data
    first.dump(root * 2.0)
    assert pickle.loads(pickle.dumps(root)).data == root.data


def test_no_grad_in_generators_ends_with_them() -> None:
    """Blocks that are closed in another order, or in another context, leave nothing paused."""

    def block():
        with autograd.no_grad():
            yield

    one, two = block(), block()
    next(one)
    next(two)
    one.close()
    two.close()
    elsewhere = block()
    contextvars.copy_context().run(next, elsewhere)
    elsewhere.close()
    with autograd.no_grad():
        assert (Value(1.0) * 2.0).op is None
    assert (Value(1.0) * 2.0).op == "mul"
    # what is left over shows only while another thread has a block open
    assert (modes.open_blocks, modes.paused.get()) == (0, 0)


def test_many_numbers_come_in_one_flat_list() -> None:
    """A nested list is no list of numbers: reducing it over some axis would be a guess."""
    rows = [[1.0, 2.0], [3.0, 4.0]]
    for function in (autograd.total, autograd.mean, autograd.softmax, autograd.logsumexp):
        with pytest.raises(TypeError, match="flat list"):
            function(rows)
    with pytest.raises(TypeError, match="flat list"):
        autograd.dot(rows, [1.0, 2.0])
