"""What a sweep has finished, in a file that only grows: of a killed sweep the next one goes on.

A point is told by the content of all that decides what becomes of it. Its line is JSON, after the
hash of the line itself: one that a kill cut short is passed over, and trained again.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from functools import partial
from types import CodeType, FunctionType
from typing import Any, final

from autograd import append_to_file
from nn.errors import DataError
from nn.fit import Rows
from nn.sweeping.training import Finished, Group, Options


@final
class Store:
    """The file. Raises OSError if it cannot be read, DataError if it is of something else."""

    def __init__(self, path: "str | os.PathLike[str]") -> None:
        self.path = path
        self._lines: dict[str, dict[str, Any]] = {}
        self._of_rows: dict[int, str] = {}
        try:
            with open(path, "rb") as file:
                text = file.read()
        except FileNotFoundError:
            text = b""
        self._torn = bool(text) and not text.endswith(b"\n")
        lines = text.splitlines()
        for line in lines:
            digest, _, rest = line.partition(b" ")
            if digest == _digest(rest):
                found = json.loads(rest)
                self._lines[found["key"]] = found
        if not self._lines and not all(map(_BEGUN.fullmatch, lines)):
            raise DataError(
                f"{path}: expected a store as nn.sweep writes it, or no file, but it begins with "
                f"{text[:40]!r}; give store= a name of its own"
            )

    def key(self, group: Group, k: int, options: Options) -> str:
        """Of a point: its values, where it starts, its rows, and how it is trained."""
        given = [group.rows, group.held_out]
        rows = [self._rows(x if isinstance(x, Rows) or x is None else x[k]) for x in given]
        text = _text([group.points[k], tuple(group.starts[k]), rows, tuple(options)])
        return hashlib.sha256(text.encode()).hexdigest()

    def finished(self, group: Group, k: int, key: str) -> Finished | None:
        """What became of the point, if it was finished."""
        found = self._lines.get(key)
        if found is None:
            return None
        point = group.points[k]
        row = {**point, **found["row"]}
        return Finished(
            group.numbers[k], point, row, found["parameters"], tuple(found["input_shape"])
        )

    def add(self, key: str, finished: Finished) -> None:
        """Write that it is finished, to the end of the file."""
        if key in self._lines:
            return
        row = {name: x for name, x in finished.row.items() if name not in finished.point}
        line = {
            "key": key,
            "row": row,
            "parameters": finished.parameters,
            "input_shape": list(finished.input_shape),
        }
        rest = json.dumps(line, default=float).encode()
        append_to_file(self.path, b"\n" * self._torn + _digest(rest) + b" " + rest + b"\n")
        self._torn = False
        self._lines[key] = line

    def _rows(self, rows: Rows | None) -> str:
        if rows is None:
            return ""
        if id(rows) not in self._of_rows:
            digest = hashlib.sha256()
            for name, array in zip(rows.names, rows.arrays, strict=True):
                digest.update(f"{name} {array.shape} {array.dtype} ".encode())
                digest.update(array.tobytes())
            self._of_rows[id(rows)] = digest.hexdigest()
        return self._of_rows[id(rows)]


_BEGUN = re.compile(rb"[0-9a-f]{0,16}|[0-9a-f]{16} (\{.*)?")  # a line, cut anywhere


def _digest(line: bytes) -> bytes:
    return hashlib.sha256(line).hexdigest()[:16].encode()


def _text(x: Any) -> str:
    """What tells it from others, the same in every process: functions by their code."""
    if isinstance(x, Mapping):
        return "{" + ",".join(f"{name!r}:{_text(y)}" for name, y in x.items()) + "}"
    if isinstance(x, (list, tuple)):
        return f"{type(x).__name__}({','.join(map(_text, x))})"
    if isinstance(x, type):
        return f"{x.__module__}.{x.__qualname__}"
    if isinstance(x, CodeType):
        return f"code({x.co_code.hex()},{x.co_names},{_text(x.co_consts)})"
    if isinstance(x, FunctionType):
        inside = [cell.cell_contents for cell in x.__closure__ or ()]
        return f"{x.__qualname__}({_text(x.__code__)},{_text([x.__defaults__, inside])})"
    if hasattr(x, "tolist"):
        return f"array{_text(x.tolist())}"
    if isinstance(x, partial):
        return f"partial{_text([x.func, x.args, x.keywords])}"
    text = repr(x)
    # where it lies in memory tells nothing
    return f"{_text(type(x))}{_text(vars(x))}" if " at 0x" in text else text
