"""grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp: values, structure, nesting, errors."""

import math
from collections import namedtuple

import mpmath
import numpy as np
import pytest

import autograd
from autograd import Value, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd.errors import StructureError


def rosenbrock(v):
    return 100.0 * (v[1] - v[0] ** 2) ** 2 + (1.0 - v[0]) ** 2


def model(params, x):
    """A small network whose parameters are a dict of lists."""
    hidden = autograd.tanh(autograd.linear(x, params["w"], params["b"]))
    return autograd.logsumexp(hidden) * autograd.dot(params["v"], hidden, params["c"])


PARAMS = {"w": [[0.3, -0.2], [0.5, 0.1]], "b": [0.1, -0.4], "v": (0.7, -1.1), "c": 0.2}


@pytest.mark.parametrize("order", range(7))
def test_any_order_by_nesting_grad(order: int) -> None:
    """grad nested n times is the n-th derivative."""
    f = lambda x: x**3 * autograd.sin(x) / autograd.cosh(x)  # noqa: E731
    nested = f
    for _ in range(order):
        nested = grad(nested)
    with mpmath.workdps(40):
        expected = mpmath.diff(lambda x: x**3 * mpmath.sin(x) / mpmath.cosh(x), 0.7, order)
    assert nested(0.7) == pytest.approx(float(expected), rel=1e-11)


def test_forward_and_reverse_nest_in_any_order() -> None:
    """Second and third derivatives agree over every combination of grad and jvp."""
    f = lambda x: autograd.exp(autograd.sin(x) * x) / (1 + x**2)  # noqa: E731
    reverse = grad
    forward = lambda g: lambda x: jvp(g, x, 1.0)[1]  # noqa: E731
    for ways in ([(reverse, reverse), (reverse, forward), (forward, reverse), (forward, forward)],):
        results = [outer(inner(f))(0.4) for outer, inner in ways]
        assert results == pytest.approx([results[0]] * 4, rel=1e-13)
        thirds = [o(m(i(f)))(0.4) for o, m in ways for i in (reverse, forward)]
        assert thirds == pytest.approx([thirds[0]] * 8, rel=1e-12)


def test_no_perturbation_confusion() -> None:
    """An inner derivative does not take the outer's variable for its own."""
    d_reverse = grad
    d_forward = lambda f: lambda x: jvp(f, x, 1.0)[1]  # noqa: E731
    for outer in (d_reverse, d_forward):
        for inner in (d_reverse, d_forward):
            assert outer(lambda x: x * inner(lambda y: x + y)(1.0))(1.0) == 1.0
            assert outer(lambda x: x * inner(lambda y: x * y)(2.0))(3.0) == 6.0
            assert outer(lambda x: inner(lambda y: x * y * y)(x))(3.0) == 12.0


def test_structures_come_back_as_they_went_in() -> None:
    """The gradient has the argument's structure: dicts, lists, tuples, named tuples, arrays."""
    gradient = grad(model)(PARAMS, [0.5, -0.3])
    assert list(gradient) == list(PARAMS)
    assert isinstance(gradient["v"], tuple)
    assert [len(row) for row in gradient["w"]] == [2, 2]
    Point = namedtuple("Point", "x y")
    assert grad(lambda p: p.x * p.y)(Point(2.0, 3.0)) == Point(3.0, 2.0)
    array = grad(lambda v: autograd.total(v * v))(np.array([1.0, 2.0]))
    assert array.dtype == np.float64
    assert array.tolist() == [2.0, 4.0]
    assert grad(lambda a, b: a * b, argnums=1)(2.0, 5.0) == 2.0
    assert grad(lambda a, b: a * b, argnums=(0, 1))(2.0, 5.0) == (5.0, 2.0)
    assert grad(lambda a, *, b: a * b)(2.0, b=3.0) == 3.0
    assert grad(lambda a: 7.0)(2.0) == 0.0


def test_value_and_grad_agree_with_central_differences() -> None:
    """On a nested dict of parameters each entry of the gradient is the slope of the value."""
    x = [0.5, -0.3]
    value, gradient = value_and_grad(model)(PARAMS, x)
    assert value == model(PARAMS, x)
    h = 1e-6
    for i in range(2):
        for j in range(2):
            ends = []
            for sign in (1, -1):
                w = [list(row) for row in PARAMS["w"]]
                w[i][j] += sign * h
                ends.append(model({**PARAMS, "w": w}, x))
            slope = (ends[0] - ends[1]) / (2 * h)
            assert gradient["w"][i][j] == pytest.approx(slope, rel=1e-8)


def test_jacobian_rows_are_vjps_and_columns_are_jvps() -> None:
    """J from jacobian, row by row from vjp and column by column from jvp, is one matrix."""
    f = lambda v: [v[0] * v[1], autograd.sin(v[1]), v[2] / v[0], v[0]]  # noqa: E731
    x = [0.7, -1.2, 2.0]
    rows = jacobian(f)(x)
    value, pullback = vjp(f, x)
    assert value == f(x)
    by_vjp = [pullback([float(i == k) for i in range(4)])[0] for k in range(4)]
    columns = [jvp(f, (x,), ([float(i == k) for i in range(3)],))[1] for k in range(3)]
    assert rows == by_vjp
    assert np.allclose(np.array(rows).T, np.array(columns), rtol=1e-15, atol=0)


def test_dot_product_identity_of_the_two_modes() -> None:
    """c . (J t) from forward mode equals (c J) . t from reverse mode."""
    f = lambda p: autograd.softmax(autograd.linear([0.5, -0.3], p["w"], p["b"]))  # noqa: E731
    p = {"w": PARAMS["w"], "b": PARAMS["b"]}
    t = {"w": [[0.2, -0.7], [1.3, 0.4]], "b": [0.9, -0.1]}
    c = [0.3, -1.7]
    tangent = jvp(f, p, t)[1]
    (cotangent,) = vjp(f, p)[1](c)
    left = sum(a * b for a, b in zip(c, tangent, strict=True))
    pairs = zip((*cotangent["w"], cotangent["b"]), (*t["w"], t["b"]), strict=True)
    right = sum(a * b for row, other in pairs for a, b in zip(row, other, strict=True))
    assert left == pytest.approx(right, rel=1e-13)


def test_hessian_is_symmetric_and_hvp_multiplies_by_it() -> None:
    """hessian of Rosenbrock's function is the known matrix, and hvp its product with a vector."""
    x, y = -0.7, 1.3
    h = hessian(rosenbrock)([x, y])
    expected = [[1200 * x**2 - 400 * y + 2, -400 * x], [-400 * x, 200.0]]
    assert np.allclose(h, expected, rtol=1e-14)
    t = [0.3, -2.0]
    product = [sum(a * b for a, b in zip(row, t, strict=True)) for row in h]
    assert hvp(rosenbrock, [x, y], t) == pytest.approx(product, rel=1e-13)
    assert hvp(rosenbrock, ([x, y],), (t,)) == hvp(rosenbrock, [x, y], t)
    two = hvp(lambda a, b: a * a * b, (2.0, 3.0), (1.0, 1.0))
    assert two == (2 * 3.0 + 2 * 2.0, 2 * 2.0)
    array = hessian(lambda v: (v @ v) ** 2)(np.array([1.0, 2.0]))
    assert array.tolist() == [[28.0, 16.0], [16.0, 52.0]]


def test_functions_leave_other_nodes_alone() -> None:
    """grad writes to no node's grad, also not to those that the function closes over."""
    w = Value(3.0)
    w.grad = 42.0
    assert grad(lambda x: w * x * x)(2.0) == 12.0
    assert w.grad == 42.0


def test_a_value_as_argument_gives_a_recorded_gradient() -> None:
    """The gradient at a Value is a node that can be differentiated further (create_graph)."""
    x = Value(2.0)
    slope = grad(lambda v: v**3)(x * 1.0)
    assert slope.data == 12.0
    slope.backward()
    assert x.grad == 12.0  # d(3 x**2)/dx


def test_inside_no_grad_derivatives_are_still_taken() -> None:
    """grad and jvp work inside no_grad, which is about the graphs of others."""
    with autograd.no_grad():
        assert grad(lambda x: x * x)(3.0) == 6.0
        assert grad(grad(lambda x: x**3))(3.0) == 18.0
        assert vjp(lambda x: x * x, 3.0)[1](2.0) == (12.0,)


def test_tangents_of_zero_stay_out_of_poles() -> None:
    """A variable that is not moved passes nothing on, not even 0 times inf."""
    assert jvp(lambda x, y: autograd.sqrt(x) + y, (0.0, 1.0), (0.0, 1.0)) == (1.0, 1.0)


def test_python_control_flow_is_followed() -> None:
    """Loops and branches on the data are ordinary Python; the branch taken is differentiated."""

    def f(x):
        y = x
        while y < 100:
            y = y * x
        return y if x > 0 else -y

    assert grad(f)(3.0) == 5 * 3.0**4
    assert jvp(f, 3.0, 1.0) == (243.0, 405.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: grad(lambda x: [x, x])([1.0][0]), "one number"),
        (lambda: grad(lambda x: None)(1.0), "NoneType"),
        (lambda: grad(lambda x: "no")(1.0), "str"),
        (lambda: grad(lambda x: x)("1"), "str"),
        (lambda: grad(lambda x: x, argnums=3)(1.0), "argnums=3"),
        (lambda: jvp(lambda x: x[0], [1.0, 2.0], [1.0]), "structure"),
        (lambda: jvp(lambda x: None, 1.0, 1.0), "NoneType"),
        (lambda: vjp(lambda x: [x, x], 1.0)[1]([1.0]), "structure"),
        (lambda: jacobian(lambda x: [x, "a"])(1.0), "str"),
        (lambda: jvp(lambda x: math.exp(x), 1.0, 1.0), r"x\.exp"),
    ],
)
def test_what_does_not_fit_is_an_error_that_says_so(call, message: str) -> None:
    """Wrong results, arguments, structures: a TypeError that names what came."""
    with pytest.raises(TypeError, match=message):
        call()
    assert issubclass(StructureError, TypeError)


def test_dicts_are_matched_by_key() -> None:
    """Tangents and cotangents may have their keys in another order."""
    f = lambda d: d["a"] ** 2 + 100.0 * d["b"] ** 2  # noqa: E731
    x = {"a": 1.0, "b": 2.0}
    assert jvp(f, x, {"b": 10.0, "a": 20.0})[1] == 2.0 * 20.0 + 400.0 * 10.0
    assert hvp(f, x, {"b": 0.0, "a": 1.0}) == {"a": 2.0, "b": 0.0}
    assert vjp(lambda v: {"a": v, "b": 100.0 * v}, 1.0)[1]({"b": 1.0, "a": 0.0}) == (100.0,)


def test_what_does_not_move_is_still_no_plain_float() -> None:
    """A tangent of 0.0 leaves methods, NumPy's functions and IEEE arithmetic as they are."""
    assert jvp(lambda x, y: x.tanh() * y, (1.0, 2.0), (0.0, 1.0))[1] == math.tanh(1.0)
    exponentials = jvp(lambda p: np.exp(p).sum(), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    assert exponentials[1] == math.exp(1.0)
    assert jvp(lambda x, y: y + 1 / x, (0.0, 2.0), (0.0, 1.0)) == (math.inf, 1.0)
    value, tangent = jvp(lambda x, y: y + x**0.5, (-2.0, 2.0), (0.0, 1.0))
    assert math.isnan(value)
    assert tangent == 1.0


def test_every_kind_of_number_is_a_result() -> None:
    """A constant function may return an int or a NumPy scalar, in both modes."""
    for constant in (3, np.float32(3.0), np.int64(3), True):
        value, tangent = jvp(lambda x, c=constant: c, 1.0, 1.0)
        assert (type(value), float(value), tangent) == (float, float(constant), 0.0)
        value, slope = value_and_grad(lambda x, c=constant: c)(1.0)
        assert (type(value), value, slope) == (float, float(constant), 0.0)
    with pytest.raises(StructureError, match="twice"):
        grad(lambda a, b: a * b, argnums=(0, -2))(1.0, 2.0)


def test_a_cotangent_of_zero_is_no_path() -> None:
    """What is not asked for gives nothing, not even 0 times an infinite slope."""
    assert vjp(lambda x: [x.log(), x * 3.0], 0.0)[1]([0.0, 1.0]) == (3.0,)
    assert vjp(lambda x: [x.log(), x * 3.0], 0.0)[1]([1.0, 0.0]) == (math.inf,)
    assert vjp(lambda x: [x, x], 1.0)[1]([0.0, 0.0]) == (0.0,)
    assert vjp(lambda x: [x, x], 1.0)[1]([0, 2]) == (2.0,)


def test_what_is_no_function_and_what_does_not_fit_are_named() -> None:
    """By every transform, before anything runs; cotangents are called that."""
    for transform in (grad, value_and_grad, jacobian, hessian):
        with pytest.raises(TypeError, match="a function to differentiate"):
            transform(3.0)
    with pytest.raises(StructureError, match=r"^expected cotangents of"):
        vjp(lambda x: [x, x], 1.0)[1]([1.0])


@pytest.mark.parametrize("a", [0.5, -0.5, 0.0])
@pytest.mark.parametrize("b", [0.5, -0.5, 0.0])
def test_forward_mode_at_ties_and_kinks(a: float, b: float) -> None:
    """Rules that ask whether two numbers are equal: of dual numbers, nodes and plain ones."""
    for name in ("maximum", "minimum", "hypot", "atan2"):
        f = getattr(autograd, name)
        want = grad(f, (0, 1))(a, b)
        assert (jvp(f, (a, b), (1.0, 0.0))[1], jvp(f, (a, b), (0.0, 1.0))[1]) == want
        assert jvp(lambda x, f=f: f(x, b), a, 1.0)[1] == want[0]
        assert jvp(lambda y, f=f: f(a, y), b, 1.0)[1] == want[1]
        nested = grad(lambda x, f=f: jvp(lambda y: f(y, b) * y, x, 1.0)[1])(a)
        assert nested == pytest.approx(
            grad(grad(lambda x, f=f: f(x, b) * x))(a), nan_ok=True, abs=1e-15
        )


def test_compiled_forward_mode_at_ties() -> None:
    """The same rules on traced numbers, on either side of the question."""
    pytest.importorskip("llvmlite")
    for name in ("maximum", "minimum", "hypot", "atan2"):
        f = getattr(autograd, name)
        for g in (
            lambda x, f=f: jvp(lambda y: f(y, 0.5), x, 1.0)[1],
            lambda x, f=f: jvp(lambda y: f(0.5, y), x, 1.0)[1],
            lambda x, f=f: jvp(lambda y: f(y, y * 1.0), x, 1.0)[1],
        ):
            compiled = autograd.jit(g, exact=True)
            assert [compiled(x) for x in (0.5, 0.0, -2.0)] == [g(x) for x in (0.5, 0.0, -2.0)]


def test_arguments_are_counted_from_either_end() -> None:
    """-1 is the last, -n the first of n; what is beyond either end is named."""

    def f(a, b):
        return a * a * b

    for transform in (grad, jacobian):
        assert transform(f, -1)(3.0, 5.0) == transform(f, 1)(3.0, 5.0) == 9.0
        assert transform(f, -2)(3.0, 5.0) == transform(f, 0)(3.0, 5.0) == 30.0
        assert transform(f, (1, -2))(3.0, 5.0) == (9.0, 30.0)
        for beyond in (2, -3):
            with pytest.raises(StructureError, match=f"argnums={beyond} .* not there: 2 given"):
                transform(f, beyond)(3.0, 5.0)
        with pytest.raises(StructureError, match="not there: 0 given"):
            transform(f)()
        # what is beyond the end is not taken for the other, counted around
        for beyond in (2, 3, -3, -4):
            with pytest.raises(StructureError, match=f"argnums={beyond} .* not there: 2 given"):
                transform(f, (1, beyond, 0))(3.0, 5.0)
        with pytest.raises(StructureError, match=r"argnums=0 .* not there: 0 given"):
            transform(f, (0, 1))()


def test_values_of_inner_derivatives_depend_on_outer_variables() -> None:
    """Through value_and_grad inside jvp inside grad: what stands beside one has one too."""

    def inner(f, k, part):
        return lambda a: jvp(lambda x: value_and_grad(lambda z: f(z, a))(x)[k], 2.0, 1.0)[part]

    square, shifted = (lambda z, a: z * z * a), (lambda z, a: z + a * a)
    assert grad(inner(square, 0, 0))(3.0) == 4.0  # z * z
    assert grad(inner(square, 0, 1))(3.0) == 4.0  # 2 * z
    assert grad(inner(square, 1, 0))(3.0) == 4.0  # 2 * z
    assert grad(inner(square, 1, 1))(3.0) == 2.0
    assert grad(inner(shifted, 0, 0))(3.0) == 6.0  # 2 * a, though the tangent knows no a
    assert grad(inner(shifted, 0, 1))(3.0) == 0.0


def test_what_no_outer_derivative_needs_is_plain() -> None:
    """An inner derivative that knows nothing of the outer's variable is of floats: math takes it.

    Not so where it does: those are nodes, on which math.sin would drop the gradient.
    """
    square = lambda y: y * y  # noqa: E731

    def inner(x):
        value, slope = value_and_grad(square)(3.0)
        (pulled,) = vjp(square, 3.0)[1](0.5)
        rows = jacobian(lambda v: [v[0], v[0] * v[1], 7.0])([2.0, 3.0])
        found = [value, slope, pulled, hvp(square, 3.0, 1.0), *rows[0], *rows[1], *rows[2]]
        assert [type(y) for y in found] == [float] * len(found)
        assert found == [9.0, 6.0, 3.0, 2.0, 1.0, 0.0, 3.0, 2.0, 0.0, 0.0]
        return x * math.sin(slope)

    assert grad(inner)(2.0) == math.sin(6.0)
    assert grad(grad(lambda x: inner(x) * x))(2.0) == 2.0 * math.sin(6.0)
    for outer in (grad(lambda x: math.sin(grad(lambda y: y * x)(1.0))), jacobian(math.sin)):
        with pytest.raises(autograd.OperandError):
            outer(2.0)


def test_a_recorded_gradient_is_as_one_would_write_it() -> None:
    """The chain rule multiplies by no constant 1, and makes no node of constants alone."""
    functions = [
        lambda x, y: x + y,
        lambda x, y: autograd.exp(x) * y - x / y,
        lambda x, y: x**3.0 * 2.0 + 1.5**y - y / 4.0,
        lambda x, y: autograd.where(x < y, autograd.atan2(x, 0.5), autograd.hypot(y, 2.0)),
        lambda x, y: autograd.total([autograd.sin(x), y, 3.0, x * y]),
        lambda x, y: autograd.dot([x, y, 2.0], [autograd.exp(y), x, x], y),
        lambda x, y: autograd.tanh(x + y) + autograd.elu(x * y, 0.5),
    ]
    for f in functions:
        gradient = grad(f, (0, 1))(Value(0.5), Value(2.0))
        assert tuple(getattr(g, "data", g) for g in gradient) == grad(f, (0, 1))(0.5, 2.0)
        for v in autograd.topological_order(*[g for g in gradient if type(g) is Value]):
            constants = [p.data for p in v.parents if p.op == "constant"]
            assert v.op != "mul" or 1.0 not in constants
            assert not v.parents or len(constants) < len(v.parents)


def test_derivatives_leave_no_mode_behind() -> None:
    """After a derivative, or one that failed, all is recorded, or not, as it was before."""

    def fails(x):
        raise ZeroDivisionError

    def use_all(f, error):
        pullback = vjp(lambda x: x * x, 3.0)[1]
        for use in (lambda: grad(f)(2.0), lambda: vjp(f, 2.0), lambda: jacobian(f)(2.0)):
            if error:
                with pytest.raises(ZeroDivisionError):
                    use()
            else:
                use()
        pullback(1.0)

    w = Value(3.0)
    for f in (lambda x: x * x * x, fails):
        with autograd.no_grad():
            use_all(f, f is fails)
            assert (w * w).op is None
        use_all(f, f is fails)
        assert (w * w).op == "mul"
        # no outer derivative is under way any more, so what it closes over is no variable
        assert value_and_grad(lambda x: w * x)(2.0) == (6.0, 3.0)


def test_the_order_of_a_gradients_sums_does_not_depend_on_the_branch() -> None:
    """Contributions are added as if both branches of a `where` were taken: bits, not digits."""
    large, small = 1e16, 0.5

    def f(x, condition):
        u, v, w = x * large, x * small, x * -large
        return autograd.where(condition, u, v) + (w + (v + u))

    for at in (1.0, Value(1.0)):
        taken, other = (grad(f)(at, condition) for condition in (1.0, 0.0))
        assert getattr(taken, "data", taken) == (-large + small) + 2 * large
        assert getattr(other, "data", other) == (-large + 2 * small) + large == 0.0


def test_forward_over_value_and_gradient() -> None:
    """jvp of value_and_grad, vjp and jacobian: slopes beside values, with no graph around them."""
    cube = lambda x: x * x * x  # noqa: E731
    assert jvp(value_and_grad(cube), 2.0, 1.0) == ((8.0, 12.0), (12.0, 12.0))
    assert jvp(lambda x: vjp(cube, x)[0], 2.0, 1.0) == (8.0, 12.0)
    assert jvp(lambda x: vjp(cube, x)[1](0.5), 2.0, 1.0) == ((6.0,), (6.0,))
    rows = jvp(jacobian(lambda v: [v[0] * v[1], v[0], 7.0]), [2.0, 3.0], [1.0, 0.5])
    assert rows == ([[3.0, 2.0], [1.0, 0.0], [0.0, 0.0]], [[0.5, 1.0], [0.0, 0.0], [0.0, 0.0]])
    twice = jvp(lambda x: jvp(value_and_grad(cube), x, 1.0)[1], 2.0, 1.0)
    assert twice == ((12.0, 12.0), (12.0, 6.0))
