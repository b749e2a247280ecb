"""Pictures shifted and turned, and data sets augmented with them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nn import DataError, HyperparameterError
from nn.data import augment, digits, moved, versions

PICTURES = arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 6))
    | st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3)),
    elements=st.floats(-100.0, 100.0),
)


@given(PICTURES)
def test_not_moved_at_all(picture):
    """Shift 0 and angle 0 give the picture itself, bit for bit."""
    assert np.array_equal(moved(picture), picture)
    assert np.array_equal(versions(picture[None], 3, shift=0, angle=0), [[picture] * 3])


@given(PICTURES, st.integers(-7, 7), st.integers(-7, 7))
def test_whole_pixels(picture, down, right):
    """A shift by whole pixels moves each to its place, and what comes in is the fill."""
    h, w = picture.shape[:2]
    expected = np.full_like(picture, 5.0)
    for i in range(h):
        for j in range(w):
            if 0 <= i + down < h and 0 <= j + right < w:
                expected[i + down, j + right] = picture[i, j]
    assert np.allclose(moved(picture, (down, right), fill=5.0), expected, rtol=0, atol=1e-12)


@given(PICTURES.filter(lambda p: p.shape[0] == p.shape[1]), st.integers(-3, 3))
def test_quarter_turns(picture, quarters):
    """A square turned by 90 degrees is np.rot90: anticlockwise, no pixel lost at the edges."""
    turned = moved(picture, angle=90.0 * quarters)
    assert np.allclose(turned, np.rot90(picture, quarters), rtol=0, atol=1e-10)


def test_turned_first_then_shifted():
    """A turn and a shift together are the turn, and then the shift, down and to the right."""
    picture = np.random.default_rng(0).uniform(size=(5, 5))
    assert np.allclose(moved(picture, (1, -2), 90.0), moved(np.rot90(picture), (1, -2)))


@given(st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))
def test_part_pixels(down, right):
    """One bright pixel shifted by part of a pixel keeps its light, and its centre moves by that."""
    picture = np.zeros((5, 5))
    picture[2, 2] = 1.0
    result = moved(picture, (down, right))
    rows, columns = np.indices((5, 5))
    assert result.sum() == pytest.approx(1.0)
    assert (result * rows).sum() == pytest.approx(2.0 + down)
    assert (result * columns).sum() == pytest.approx(2.0 + right)


def test_channels_move_alike():
    """Each channel is moved as a picture of its own, and none bleeds into another."""
    picture = np.random.default_rng(0).uniform(size=(6, 5, 3))
    result = moved(picture, (0.5, -1.25), 20.0)
    for c in range(3):
        assert np.allclose(result[..., c], moved(picture[..., c], (0.5, -1.25), 20.0))


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 2)])
@pytest.mark.parametrize("flat", [True, False])
def test_versions(shape, flat):
    """Shape kept, the first the picture itself, the others all different; the seed decides."""
    xs = np.random.default_rng(0).uniform(size=(4, *shape))
    options = {"image_shape": shape} if flat else {}
    given = xs.reshape(4, -1) if flat else xs
    found = versions(given, 5, seed=1, **options)
    assert found.shape == (4, 5, *given.shape[1:])
    assert np.array_equal(found[:, 0], given)
    assert len({one.tobytes() for one in found.reshape(20, -1)}) == 20
    assert np.array_equal(found, versions(given, 5, seed=1, **options))
    assert not np.array_equal(found, versions(given, 5, seed=2, **options))
    assert np.array_equal(versions(given, 1, **options)[:, 0], given)


def test_versions_stay_within_their_range():
    """Shifts are at most `shift` pixels, both ways: the light's centre says how far it moved."""
    picture = np.zeros((9, 9))
    picture[4, 4] = 1.0
    looks = versions(picture[None], 300, shift=1.5, angle=0.0)[0]
    centres = np.tensordot(looks, np.indices((9, 9)), axes=([1, 2], [1, 2])) - 4.0
    assert np.abs(centres).max() <= 1.5 + 1e-9
    assert (centres.max(axis=0) > 1.4).all()
    assert (centres.min(axis=0) < -1.4).all()


def test_an_augmented_data_set():
    """k rows for each, of its class, beginning with itself; names and shape are kept."""
    data = digits().rows(slice(6))
    more = augment(data, 3, seed=5)
    assert more.images.shape == (18, 8, 8)
    assert more.ys.tolist() == [y for y in data.ys.tolist() for _ in range(3)]
    assert np.array_equal(more.xs[::3], data.xs)
    assert more.class_names == data.class_names
    flat = versions(data.xs, 3, image_shape=(8, 8), seed=5)
    assert np.array_equal(more.xs, flat.reshape(18, 64))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: moved(np.zeros(4)), DataError),
        (lambda: versions(np.zeros((2, 4)), 2), DataError),
        (lambda: versions(np.zeros((2, 4)), 2, image_shape=(2, 3)), DataError),
        (lambda: augment(replace(digits().rows([0]), image_shape=None), 2), DataError),
        (lambda: versions(np.zeros((2, 2, 2)), 0), HyperparameterError),
        (lambda: versions(np.zeros((2, 2, 2)), 2, shift=-1.0), HyperparameterError),
        (lambda: versions(np.zeros((2, 2, 2)), 2, angle=float("nan")), HyperparameterError),
    ],
)
def test_what_cannot_be_moved(call, error):
    """Rows that are no pictures, and ranges that make no sense, are refused."""
    with pytest.raises(error, match="expected"):
        call()
