"""Accuracy where the loop over the table does not reach: below zero, high orders, softmax."""

import math

import mpmath
import pytest
from accuracy import ROUNDINGS, assert_close
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd


@pytest.mark.parametrize("x", [-0.25, -0.5, -1.5, -2.000001, -3.7, -10.3, -100.75])
def test_gamma_family_below_zero(x: float) -> None:
    """Between the poles, below zero, the reflection formulas hold: value and two derivatives."""
    true = mpmath.loggamma(x).real
    assert abs(autograd.lgamma(x) - true) <= 1e-13 * max(1, abs(true))
    slope = autograd.grad(autograd.lgamma)(x)
    assert abs(slope - mpmath.psi(0, x)) <= 1e-13 * max(1, abs(slope))
    for order in range(7):
        got = autograd.polygamma(order, x)
        slope = autograd.grad(lambda x, n=order: autograd.polygamma(n, x))(x)
        size = max(abs(mpmath.psi(order, x)), math.factorial(order))
        assert abs(got - mpmath.psi(order, x)) <= 1e-11 * size
        assert abs(slope - mpmath.psi(order + 1, x)) <= 1e-11 * max(abs(slope), size)


@pytest.mark.parametrize("order", [7, 20, 60, 150])
def test_polygamma_of_high_order(order: int) -> None:
    """The series stays exact, and overflows to inf instead of raising, up to the last order."""
    for x in (1e-9, 0.5, 3.0, 40.0, 1e4):
        assert_close(autograd.polygamma(order, x), mpmath.psi(order, x), 0, f"psi_{order}({x})")
    for refused in (151.0, 0.5, -1.0, math.inf, math.nan):
        assert math.isnan(autograd.polygamma(refused, 2.0))


@pytest.mark.parametrize("exponent", [-3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 7.0])
def test_pow_of_a_negative_base(exponent: float) -> None:
    """A negative base to a whole constant exponent is real, and so are its derivatives."""
    for x in (-0.3, -1.0, -2.5, -17.0):
        f = autograd.grad(lambda x: x**exponent)
        first = exponent * mpmath.mpf(x) ** (exponent - 1)
        second = exponent * (exponent - 1) * mpmath.mpf(x) ** (exponent - 2)
        assert_close(f(x), first, 0, f"d {x}**{exponent}")
        assert_close(autograd.grad(f)(x), second, 0, f"d2 {x}**{exponent}")


@pytest.mark.parametrize("n", [1, 2, 3, 7])
@given(data=st.data())
def test_softmax_and_log_softmax(n: int, data: st.DataObject) -> None:
    """Each result, its logarithm, and the gradients of both are mpmath's, to relative 1e-12."""
    xs = data.draw(st.lists(st.floats(-300.0, 300.0), min_size=n, max_size=n))
    with mpmath.workdps(400):  # enough for 1 - p where p differs from 1 by exp(-600)
        exps = [mpmath.exp(x) for x in xs]
        p = [e / sum(exps) for e in exps]
        for k in range(n):
            assert_close(autograd.softmax(xs)[k], p[k], 0, f"softmax({xs})[{k}]")
            # log p = -log1p(the others over this one): the operands' differences cancel
            floor = ROUNDINGS * sum(pi * abs(x) for pi, x in zip(p, xs, strict=True))
            floor += ROUNDINGS * abs(xs[k])
            assert_close(autograd.log_softmax(xs)[k], mpmath.log(p[k]), floor, f"log_softmax({xs})")
            slopes = autograd.grad(lambda v, k=k: autograd.softmax(v)[k])(xs)
            log_slopes = autograd.grad(lambda v, k=k: autograd.log_softmax(v)[k])(xs)
            for i in range(n):
                true = (i == k) - p[i]
                assert_close(log_slopes[i], true, ROUNDINGS, f"d log_softmax({xs})")
                assert_close(slopes[i], p[k] * true, ROUNDINGS * p[k], f"d softmax({xs})")


@pytest.mark.parametrize("order", [2, 12, 20, 30])
def test_polygamma_at_negative_half_integers(order: int) -> None:
    """By reflection psi_n(-1.5) = psi_n(2.5) for even n: the cotangent between them is 0."""
    expected = autograd.polygamma(order, 2.5)
    assert autograd.polygamma(order, -1.5) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("n", [2, 3, 7])
@settings(max_examples=40)
@given(data=st.data())
def test_curvature_of_logsumexp(n: int, data: st.DataObject) -> None:
    """p_i * (1 - p_i) and -p_i * p_j are exact also where p_i is 1 but for a rounding."""
    xs = data.draw(st.lists(st.floats(-150.0, 150.0), min_size=n, max_size=n))
    e = [mpmath.exp(x) for x in xs]
    p = [ei / sum(e) for ei in e]
    for i, row in enumerate(autograd.hessian(autograd.logsumexp)(xs)):
        for j, got in enumerate(row):
            true = -p[i] * p[j] if i != j else p[i] * sum(p[:i] + p[i + 1 :])
            assert_close(got, true, 0, f"the second derivative of logsumexp({xs}) along {i}, {j}")
