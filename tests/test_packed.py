"""Structures over one flat array: they read as what they were made from, and are told apart."""

import copy
import pickle
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import Packed, grad, jit
from autograd.tree import flatten, skeleton


class Pair(NamedTuple):
    """Two numbers."""

    a: Any
    b: Any


numbers = st.floats(-1e3, 1e3).map(lambda x: x + 0.0)
arrays = st.lists(numbers, min_size=1, max_size=3).map(np.array)
structures = st.recursive(
    numbers | arrays,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.builds(Pair, inner, inner),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    ),
    max_leaves=8,
)
containers = structures.filter(lambda x: isinstance(x, (list, tuple, dict)))


def plain(x: Any) -> Any:
    """With lists, and their lengths, in place of arrays: to be compared."""
    if isinstance(x, dict):
        return {key: plain(item) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x), [plain(item) for item in x]
    return ("array", x.tolist()) if isinstance(x, np.ndarray) else x


@settings(max_examples=40)
@given(containers)
def test_it_reads_as_the_structure(structure: Any) -> None:
    """Length, items by key, order and types; flat holds the numbers in order."""
    packed = Packed.of(structure)
    assert packed.flat.tolist() == [float(x) for x in flatten(structure)[0]]
    assert plain(packed.tree) == plain(structure)
    assert len(packed) == len(structure)
    assert [plain(x) for x in packed] == [plain(x) for x in structure]
    if isinstance(structure, dict):
        assert list(packed.keys()) == list(structure.keys())
        assert [plain(x) for x in packed.values()] == [plain(x) for x in structure.values()]
        items = [(key, plain(x)) for key, x in structure.items()]
        assert [(key, plain(x)) for key, x in packed.items()] == items
        assert all(plain(packed[key]) == plain(x) for key, x in structure.items())
    else:
        assert all(plain(packed[k]) == plain(x) for k, x in enumerate(structure))
    assert skeleton(packed) == skeleton(structure)
    leaves, rebuild = flatten(packed)
    numbers: Any = np.array(leaves)
    assert leaves == packed.flat.tolist()
    assert plain(rebuild(numbers).tree) == plain(structure)


@settings(max_examples=40)
@given(containers, st.sampled_from(["float64", "float32"]))
def test_what_is_made_of_it_is_alike_and_apart(structure: Any, dtype: str) -> None:
    """Copies, pickles and what is packed again: its numbers, dtype and key, in other memory."""
    packed = Packed.of(structure, dtype)
    assert packed.flat.dtype == dtype
    for other in (
        packed.copy(),
        copy.deepcopy(packed),
        pickle.loads(pickle.dumps(packed)),
        Packed.of(packed, dtype),
    ):
        assert other.key is packed.key
        assert other.flat.dtype == dtype
        assert other.flat.tolist() == packed.flat.tolist()
        assert plain(other.tree) == plain(packed.tree)
        if other.flat.size:
            before = packed.flat.tolist()
            other.flat[:] = other.flat + 1.0
            assert packed.flat.tolist() == before
    over = packed.like(np.arange(float(len(packed.flat))))
    assert over.key is packed.key
    assert flatten(over.tree)[0] == list(range(len(packed.flat)))
    default = Packed.of(Packed.of(structure, dtype))
    assert default.flat.dtype == np.float64


def kind(x: Any) -> Any:
    """A structure without its numbers, and with the types of its parts."""
    if isinstance(x, dict):
        return "dict", [(key, kind(item)) for key, item in x.items()]
    if isinstance(x, (list, tuple)):
        return type(x), [kind(item) for item in x]
    return np.shape(x)


@settings(max_examples=40)
@given(structures, structures)
def test_keys_are_one_for_the_structures_that_are_alike(one: Any, other: Any) -> None:
    """Of the same types, lengths, keys in order and shapes; whatever the numbers."""
    alike = kind(one) == kind(other)
    assert (Packed.of(one).key is Packed.of(other).key) == alike


def test_keys_of_what_looks_alike() -> None:
    """A list, a tuple and a named one, an array and a list, dicts of another order."""
    apart = [[1.0, 2.0], (1.0, 2.0), Pair(1.0, 2.0), np.ones(2), np.ones((2, 1)), np.ones((1, 2))]
    apart += [{"a": 1.0, "b": 2.0}, {"b": 2.0, "a": 1.0}, {"a": [1.0], "b": 1.0}, [[1.0], 2.0]]
    keys = [Packed.of(x).key for x in apart]
    assert len(set(map(id, keys))) == len(apart)
    assert Packed.of(OrderedDict(a=3, b=4)).key is Packed.of({"a": 1.0, "b": 2.0}).key
    assert Packed.of([3, 4.5]).key is Packed.of([1.0, 2.0]).key


def test_it_shows_how_many_numbers_and_where() -> None:
    """The length, and the structure without the numbers, cut short."""
    assert repr(Packed.of({"w": [1.0, 2.0], "b": 0.5})) == (
        "Packed(3 numbers, {'w': ['.', '.'], 'b': '.'})"
    )
    assert len(repr(Packed.of([0.0] * 1000))) < 100


def test_what_is_not_written_into_the_tree() -> None:
    """The tree is a copy: numbers change by way of flat alone, and are read afresh."""
    packed = Packed.of([1.0, [2.0]])
    packed.tree[1][0] = 9.0
    assert packed.tree == [1.0, [2.0]]
    packed.flat[1] = 5.0
    assert packed.tree == [1.0, [5.0]]
    assert packed[1] == [5.0]


def test_traced_numbers_are_one_tree() -> None:
    """Inside a compiled function each look at it gives the same structure, not one built anew."""
    looked: list[Any] = []

    def f(p: Any) -> Any:
        looked.append((p.tree, p.tree, p["w"], p["w"]))
        return p["w"][0] * p["w"][1] + p["b"] ** 2

    packed = Packed.of({"w": [2.0, 3.0], "b": 4.0})
    assert jit(f)(packed) == 22.0
    assert looked[0][0] is looked[0][1]
    assert looked[0][2] is looked[0][3]
    slope = jit(grad(f))(packed)
    assert slope.tree == {"w": [3.0, 2.0], "b": 8.0}
    assert slope.key is packed.key


@pytest.mark.parametrize("wrong", ["text", None, 1j, object()])
def test_what_is_no_number_is_refused(wrong: Any) -> None:
    """Wherever in the structure it stands."""
    for structure in ([wrong], {"a": [1.0, (wrong,)]}):
        with pytest.raises(TypeError, match="expected a real number"):
            Packed.of(structure)
