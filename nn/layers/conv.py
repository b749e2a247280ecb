"""Conv2D, MaxPooling2D, AveragePooling2D: units that see a window of an image, everywhere alike.

A row is an image [height, width, channels], as in Keras. Fukushima 1980; LeCun et al. 1989.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from random import Random
from typing import Any, Literal, final

from autograd import maximum, mean
from nn.activations import Activation
from nn.errors import HyperparameterError
from nn.layers.base import Pass, SequentialLayer, Shape, shaped, sizes
from nn.layers.units import Units

Pair = int | tuple[int, int]
Padding = Literal["valid", "same"]


@final
@dataclass(eq=False, repr=False)
class Conv2D(Units):
    """Slides `filters` units over an image: [h, w, channels] gives [h', w', filters].

    A unit's inputs are the kernel_size window around a pixel, all channels; the kernel is
    [*kernel_size, channels, filters]. padding="valid" has windows inside the image only: h' is
    (h - k) // stride + 1; with "same" zeros surround it, and h' is h / stride, rounded up.
    Raises HyperparameterError if an option makes no sense or the rows are no images.
    """

    filters: int
    kernel_size: Pair
    strides: Pair = 1
    padding: Padding = "valid"
    activation: str | Activation | None = None

    def __post_init__(self, input_dim: int | None) -> None:
        sizes("filters", self.filters, 1)
        _check_window("kernel_size", self.kernel_size, self.strides, self.padding)
        super().__post_init__(input_dim)

    def prepare(self, input_shape: Shape, rng: Random) -> Shape:
        size = sizes("kernel_size", self.kernel_size, 2)
        *image, channels = _image(self, input_shape)
        self.make_units((*size, channels, self.filters), prod(size) * self.filters, rng)
        shape, _ = windows(tuple(image), size, sizes("strides", self.strides, 2), self.padding)
        return (*shape, self.filters)

    def row(self, x: Any, run: Pass) -> Any:
        size, strides = sizes("kernel_size", self.kernel_size, 2), sizes("strides", self.strides, 2)
        shape, places = windows((len(x), len(x[0])), size, strides, self.padding)
        pixels = [pixel for line in x for pixel in line]
        pixels.append([0.0] * len(pixels[0]))  # the place -1, outside the image
        seen = [[number for place in window for number in pixels[place]] for window in places]
        outputs = self.outputs(self.sums(seen), run)
        return shaped(outputs, shape)


@dataclass(eq=False, repr=False)
class _Pooling2D(SequentialLayer):
    """One number for each window and channel: [h, w, channels] gives [h', w', channels].

    strides: by default the window's size. padding: as for Conv2D, but what lies outside the image
    does not count.
    """

    pool_size: Pair = 2
    strides: Pair | None = None
    padding: Padding = "valid"

    def __post_init__(self, input_dim: int | None) -> None:
        super().__post_init__(input_dim)
        _check_window("pool_size", self.pool_size, self.strides or 1, self.padding)

    @abstractmethod
    def pool(self, xs: Sequence[Any]) -> Any:
        """One number for those of a window."""

    def prepare(self, input_shape: Shape, rng: Random) -> Shape:
        height, width, channels = _image(self, input_shape)
        shape, _ = self._windows(height, width)
        return (*shape, channels)

    def row(self, x: Any, run: Pass) -> Any:
        shape, places = self._windows(len(x), len(x[0]))
        pixels = [pixel for line in x for pixel in line]
        outputs = []
        for window in places:
            seen = [pixels[place] for place in window if place >= 0]
            outputs.append([self.pool(channel) for channel in zip(*seen, strict=True)])
        return shaped(outputs, shape)

    def _windows(self, height: int, width: int) -> "tuple[Shape, Windows]":
        size = sizes("pool_size", self.pool_size, 2)
        strides = size if self.strides is None else sizes("strides", self.strides, 2)
        return windows((height, width), size, strides, self.padding)


@final
@dataclass(eq=False, repr=False)
class MaxPooling2D(_Pooling2D):
    """The largest number of each window and channel: [h, w, channels] gives [h', w', channels].

    Options: `pool_size` (2), `strides` (by default pool_size), `padding` ("valid" or "same").
    Where several are the largest they share the gradient.
    """

    def pool(self, xs: Sequence[Any]) -> Any:
        while len(xs) > 1:  # pair by pair, for equal shares of the gradient among equal numbers
            xs = [*map(maximum, xs[::2], xs[1::2]), *xs[len(xs) // 2 * 2 :]]
        return xs[0]


@final
@dataclass(eq=False, repr=False)
class AveragePooling2D(_Pooling2D):
    """The mean of each window and channel: [h, w, channels] gives [h', w', channels].

    Options: `pool_size` (2), `strides` (by default pool_size), `padding` ("valid" or "same").
    """

    def pool(self, xs: Sequence[Any]) -> Any:
        return mean(xs)


Windows = tuple[tuple[int, ...], ...]


@cache
def windows(image: Shape, size: Shape, strides: Shape, padding: str) -> tuple[Shape, Windows]:
    """How many windows there are down and across, and the pixels of each, row by row.

    A pixel is its place in the image read line by line, or -1 outside of it.
    """
    firsts = []  # where windows begin, down and across
    for n, k, stride in zip(image, size, strides, strict=True):
        count = -(-n // stride) if padding == "same" else (n - k) // stride + 1
        around = max((count - 1) * stride + k - n, 0) if padding == "same" else 0
        firsts.append([i * stride - around // 2 for i in range(count)])
    (height, width), (down, across) = image, size

    def place(i: int, j: int) -> int:
        return i * width + j if 0 <= i < height and 0 <= j < width else -1

    places = tuple(
        tuple(place(i + a, j + b) for a in range(down) for b in range(across))
        for i in firsts[0]
        for j in firsts[1]
    )
    return (len(firsts[0]), len(firsts[1])), places


def _check_window(name: str, size: Any, strides: Any, padding: Any) -> None:
    sizes(name, size, 2)
    sizes("strides", strides, 2)
    if padding not in ("valid", "same"):
        raise HyperparameterError(f"expected padding to be 'valid' or 'same', but got {padding!r}")


def _image(layer: Conv2D | _Pooling2D, shape: Shape) -> Shape:
    """The shape, if it is one of images no smaller than a window that must lie inside."""
    if len(shape) != 3:
        raise HyperparameterError(
            f"{layer.name!r} expected rows of shape (height, width, channels), but those that come "
            f"have shape {shape}; put a Reshape before it, such as Reshape((8, 8, 1))"
        )
    size = layer.kernel_size if isinstance(layer, Conv2D) else layer.pool_size
    down, across = sizes("size", size, 2)
    if layer.padding == "valid" and (down > shape[0] or across > shape[1]):
        raise HyperparameterError(
            f"{layer.name!r} has windows of {down} x {across}, larger than the image of "
            f"{shape[0]} x {shape[1]}; expected a smaller window or padding='same'"
        )
    return shape
