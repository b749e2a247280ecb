"""The arguments of compiled functions by themselves: keys that tell structures apart, numbers."""

import itertools
import random
from collections import OrderedDict
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest

from autograd import Packed, Value
from autograd.compiler.arguments import Arguments
from autograd.errors import LengthError, OperandError, StructureError


class Pair(NamedTuple):
    """Two numbers."""

    a: Any
    b: Any


class Series:
    """An array of a library that NumPy can read."""

    def __init__(self, numbers: list[float]) -> None:
        self.numbers = np.array(numbers)
        self.shape = self.numbers.shape

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return self.numbers


def arguments(*args: Any, batched: tuple[int, ...] = (), **kwargs: Any) -> Arguments:
    return Arguments(args, kwargs, batched, "float64")


# each of another structure
STRUCTURES: list[Any] = [
    1.0, [1.0], [[1.0]], (1.0,), [1.0, 2.0], (1.0, 2.0), Pair(1.0, 2.0), [(1.0,), 2.0],
    [1.0, (2.0,)], {"a": 1.0}, {"b": 1.0}, {"a": 1.0, "b": 2.0}, {"b": 2.0, "a": 1.0}, {"a": [1.0]},
    [], (), {}, [[], 1.0], np.zeros(2), np.zeros(3), np.zeros((2, 1)), np.zeros((1, 2)),
    [np.zeros(2), 1.0], Packed.of([1.0, 2.0]), Packed.of((1.0, 2.0)), Packed.of([[1.0], 2.0]),
    Pair(np.zeros(2), 1.0),
]  # fmt: skip
# equal to the one beside it, with other numbers
ALIKE: list[tuple[Any, Any]] = [
    (1.0, 2), (1.0, True), (1.0, np.float32(2.0)), (1.0, Fraction(1, 3)),
    ([1.0, 2.0], [3, 4.0]), ({"a": 1.0}, OrderedDict(a=2)),
    (np.zeros(2), np.ones(2, np.float32)), (np.zeros(2), np.ones(4)[::2]),
    (np.zeros(2), Series([1.0, 2.0])), (np.zeros((3, 2)), np.ones((2, 3)).T),
    (Packed.of([1.0, 2.0]), Packed.of([3.0, 4.0])),
]  # fmt: skip


def test_each_structure_has_a_key_of_its_own() -> None:
    """What is compiled for one is never run for another: alone, as second and as named argument."""
    for wrap in (
        arguments,
        lambda x: arguments(1.0, x),
        lambda x: arguments(1.0, x=x),
        lambda x: arguments([x, 1.0]),
        lambda x: arguments(np.zeros((2, 3)), x, batched=(0,)),
    ):
        for (i, a), (j, b) in itertools.product(enumerate(STRUCTURES), repeat=2):
            assert (wrap(a).key == wrap(b).key) == (i == j), (a, b)
    keys = [arguments(1.0, y=2.0).key, arguments(1.0, x=2.0).key, arguments(1.0, 2.0).key]
    keys += [arguments(1.0, x=1.0, y=2.0).key, arguments(1.0, y=1.0, x=2.0).key]
    assert len({str(key) for key in keys}) == len(keys)


@pytest.mark.parametrize(("a", "b"), ALIKE)
def test_numbers_are_no_part_of_the_key(a: Any, b: Any) -> None:
    """Nor is their type, or how an array lies in memory."""
    assert arguments(a).key == arguments(b).key
    assert hash(arguments(a).key) == hash(arguments(b).key)
    assert arguments(1.0, x=a).key == arguments(1.0, x=b).key


ROWS: list[Any] = [
    np.zeros(3), np.zeros((3, 2)), np.zeros((3, 1)), np.zeros((3, 2, 2)), (np.zeros((3, 2)),),
    {"a": np.zeros((3, 2))}, {"b": np.zeros((3, 2))}, {"a": np.zeros(3), "b": np.zeros(3)},
    (np.zeros(3), np.zeros(3)), [[1.0, 2.0]] * 3, [1.0] * 3, {"a": (np.zeros(3),)},
]  # fmt: skip


def test_rows_have_keys_of_their_own() -> None:
    """Batched arguments are told apart likewise; the number of rows is no part of the key."""
    for (i, a), (j, b) in itertools.product(enumerate(ROWS), repeat=2):
        assert (arguments(a, batched=(0,)).key == arguments(b, batched=(0,)).key) == (i == j)
    for a, b in ((np.zeros((3, 2)), np.ones((7, 2))), ([1.0] * 3, [2.0] * 5)):
        assert arguments(a, batched=(0,)).key == arguments(b, batched=(0,)).key
    assert arguments(np.zeros((3, 2)), batched=(0,)).key != arguments(np.zeros((3, 2))).key
    one, two = np.zeros((3, 2)), np.zeros((3, 2))
    assert arguments(one, two, batched=(0,)).key != arguments(one, two, batched=(1,)).key


def test_numbers_come_in_order() -> None:
    """Loose ones from left to right, arrays likewise, in the function's dtype; named ones last."""
    packed, array = Packed.of([7.0, 8.0]), np.array([[5, 6]])
    found = arguments([1.0, (2, {"a": 3.0})], array, packed, Pair(4.0, [0.5]), k=np.float32(0.25))
    assert found.loose == [1.0, 2, 3.0, 4.0, 0.5, 0.25]
    assert [x.tolist() for x in found.arrays] == [[[5.0, 6.0]], [7.0, 8.0]]
    assert {x.dtype for x in found.arrays} == {np.dtype(np.float64)}
    assert found.arrays[1] is packed.flat, "no copy is made of what need not be"
    assert found.rows == 0
    half = Arguments((np.ones(2), [1.0]), {}, (), "float32")
    assert half.arrays[0].dtype == half.dtype == np.float32


def test_rows_are_counted_and_must_be_as_many() -> None:
    """Of all batched arguments together; counted from the end, too."""
    x, y = np.zeros((4, 2)), {"a": np.zeros(4), "b": (np.zeros((4, 1)),)}
    found = arguments(1.0, x, y, batched=(1, -1))
    assert (found.rows, found.places, len(found.arrays)) == (4, {1, 2}, 3)
    with pytest.raises(LengthError, match=r"\{1: 4, 2: 3\}"):
        arguments(1.0, x, np.zeros(3), batched=(1, 2))
    with pytest.raises(LengthError, match="the batch is empty"):
        arguments(np.zeros((0, 2)), batched=(0,))
    with pytest.raises(LengthError, match="the batch has none"):
        arguments({}, batched=(0,))
    for position in (2, -3):
        with pytest.raises(StructureError, match=f"batch_argnums={position} .* 2 given"):
            arguments(1.0, x, batched=(position,))


WRONG: list[tuple[Any, tuple[int, ...], type[Exception], str]] = [
    ("1", (), OperandError, "str"),
    ([1.0, None], (), OperandError, "NoneType"),
    (np.array(["a"]), (), OperandError, "dtype <U1"),
    (np.array([1j]), (), OperandError, "complex"),
    (Value(1.0), (), OperandError, "Value"),
    ([[1.0, 2.0], [3.0]], (0,), StructureError, "rows of equal length"),
    (1.0, (0,), StructureError, "argument 0 to have a row for each sample"),
    (Packed.of([1.0]), (0,), StructureError, "argument 0 to be an array of rows"),
    ([["a"]], (0,), OperandError, "dtype <U1"),
]


@pytest.mark.parametrize(("x", "batched", "error", "message"), WRONG)
def test_what_is_no_argument(
    x: Any, batched: tuple[int, ...], error: type[Exception], message: str
) -> None:
    """Each is an error that shows what came."""
    with pytest.raises(error, match=message):
        arguments(x, batched=batched)


def test_an_array_that_fits_is_taken_as_it_is() -> None:
    """Of the dtype and in one piece: no copy; otherwise the same numbers in another."""
    rng = random.Random(0)
    array = np.array([[rng.random() for _ in range(3)] for _ in range(2)])
    assert arguments(array).arrays[0] is array
    for other in (array.T, array[:, ::2], array.astype(np.float32), array > 0.5, np.arange(4)):
        (found,) = arguments(other).arrays
        assert found.flags.c_contiguous
        assert np.array_equal(found, other.astype(np.float64))
