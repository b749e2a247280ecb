"""A gradient that travels, by itself: plain numbers in, the means over the rows out."""

import pickle
import threading
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import StructureError, Value, portable_gradient
from autograd.compiler import llvm, machine
from autograd.errors import MissingExtraError

pytest.importorskip("llvmlite")

RNG = np.random.default_rng(3)
XS, YS = RNG.normal(size=(40, 3)), RNG.normal(size=40)


def model() -> tuple[list[Value], Any]:
    """Parameters, and a loss with a measure that uses another Value too, ahead of them."""
    scale, parameters = Value(2.0), [Value(0.5), Value(-1.5), Value(0.25)]

    def loss(x: Any, y: Any) -> Any:
        error = scale * autograd.tanh(autograd.dot(parameters, list(x))) - y
        return error * error, abs(error)

    return parameters, loss


def by_hand(numbers: list[float], xs: Any, ys: Any) -> list[float]:
    """The loss, the measure and the gradient by the parameters: means of what each row gives."""
    *w, scale = numbers

    def loss(w: Any, x: Any, y: float) -> Any:
        error = scale * autograd.tanh(autograd.dot(w, x)) - y
        return error * error

    rows = []
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        value, slopes = autograd.value_and_grad(loss)(w, x, y)
        rows.append([value, abs(value) ** 0.5, *slopes])
    return list(np.mean(rows, axis=0))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("exact", [False, True])
def test_means_over_rows_at_any_numbers(dtype: str, exact: bool) -> None:
    """Of other numbers and another number of rows than it was made with, here and after a trip."""
    parameters, loss = model()
    gradient = portable_gradient(loss, parameters, XS, YS, dtype=dtype, exact=exact)
    assert gradient.captured is not None
    assert gradient.captured[:3] == parameters, "the parameters first"
    assert len(gradient.captured) == 4
    traveller = pickle.loads(pickle.dumps(gradient))
    assert traveller.captured is None, "the nodes stay at home"
    for numbers in ([v.data for v in gradient.captured], [0.1, 0.2, 0.3, -1.0]):
        for n in (40, 7, 1):
            want = by_hand(numbers, XS[:n], YS[:n])
            rel = 1e-12 if dtype == "float64" else 1e-4
            for f in (gradient, traveller, pickle.loads(pickle.dumps(traveller))):
                values, slopes = f(numbers, XS[:n], YS[:n])
                assert values.dtype == slopes.dtype == dtype
                assert [*values, *slopes] == pytest.approx(want, rel=rel, abs=rel)


def test_it_is_compiled_once_and_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first call, on one core, and not in its first, quick form, which may round otherwise.

    Several threads may call it at once, the first time too.
    """
    made: list[Any] = []
    finished = []
    finish = llvm.finish
    monkeypatch.setattr(llvm, "finish", lambda: finished.append(len(made)) or finish())

    class Counted(machine.Machine):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr("autograd.compiler.portable.Machine", Counted)
    parameters, loss = model()
    gradient = portable_gradient(loss, parameters, XS, YS)
    assert not made
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(gradient([1.0] * 4, XS, YS)[1].tolist()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert found == [found[0]] * 4
    assert not hasattr(made[0], "_shared")
    assert finished == [1], "after it is made"
    assert llvm._worker is None or not llvm._worker.is_alive()


def test_what_does_not_fit_is_refused() -> None:
    """Data of another structure, and not as many numbers as there are Values."""
    parameters, loss = model()
    gradient = portable_gradient(loss, parameters, XS, YS)
    for data in ((XS[:, :2], YS), (XS, YS, YS), (YS, XS)):
        with pytest.raises(StructureError, match="data of the structure"):
            gradient([1.0] * 4, *data)
    for numbers in ([1.0] * 3, [1.0] * 5, 1.0, [[1.0] * 4]):
        with pytest.raises(StructureError, match="4 numbers of the Values"):
            gradient(numbers, XS, YS)


def test_what_a_python_function_raises_arrives() -> None:
    """With the call that ran into it, not with a later one."""

    def half(x: float) -> float:
        if x == 123.0:
            raise RuntimeError("not this one")
        return 0.5 * x

    with autograd.temporary_primitives():
        f = autograd.primitive("portable_half", half, lambda m, y, x: (0.5,))
        gradient = portable_gradient(lambda x: f(w * x), [w := Value(1.0)], YS)
        with pytest.raises(RuntimeError, match="not this one"):
            gradient([1.0], np.array([1.0, 123.0]))
        values, slopes = gradient([1.0], np.array([4.0, 16.0]))
        assert (values.tolist(), slopes.tolist()) == ([5.0], [5.0])


def test_without_a_compiler_it_is_refused_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is made, not where it arrives."""

    def missing() -> Any:
        raise MissingExtraError("llvmlite is not installed")

    monkeypatch.setattr(llvm, "binding", missing)
    parameters, loss = model()
    with pytest.raises(MissingExtraError):
        portable_gradient(loss, parameters, XS, YS)
