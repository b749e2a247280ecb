"""The picture of a failing example, drawn when hypothesis prints it and not before."""

import tempfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autograd.errors import RenderError
from autograd.graph import draw
from autograd.tree import flatten
from autograd.value import Value


class Picture:
    """For hypothesis's `note`, which asks only the smallest failing example for its repr."""

    def __init__(self, f: Callable[..., Any], args: Any, labels: Sequence[str]) -> None:
        self.f, self.args, self.labels = f, args, labels

    def __repr__(self) -> str:
        try:
            return f"drawn with its gradients: {self._save()}"
        except Exception as error:  # what failed is the test; a picture must not stand before it
            return f"not drawn, for {type(error).__name__}: {error}"

    def _save(self) -> Path:
        leaves, rebuild = flatten(self.args)
        nodes = [Value(x, label) for x, label in zip(leaves, self.labels, strict=True)]
        results = flatten(self.f(*rebuild(nodes)))[0]
        for result in results:
            result.backward()
        # named by content: the same failure again does not leave a second file behind
        name = f"autograd-{zlib.crc32(repr(self.f).encode()):08x}"
        path = Path(tempfile.gettempdir()) / name
        drawing = draw(results)
        try:
            return drawing.save(path.with_suffix(".svg"))
        except RenderError:
            return drawing.save(path.with_suffix(".dot"))
