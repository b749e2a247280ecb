"""The machine's own C compiler: what was written is compiled, run, and weighed."""

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.errors import ExportError
from autograd.export.portable import Slot
from autograd.files import write_file

FLAGS = ("-std=c99", "-ffp-contract=off")  # contracted, a * b + c would be rounded once for twice


def find_compiler() -> str | None:
    """The first of cc, gcc and clang that is there."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def load(
    compiler: str,
    source: str,
    function: str,
    arguments: list[Slot],
    results: list[Slot],
    dtype: str,
    flags: tuple[str, ...] = ("-O1",),
) -> Callable[..., list[Any]]:
    """The C function, compiled and loaded, as one of flat arrays.

    Raises ExportError with what the compiler says, if it refuses.
    """
    with tempfile.TemporaryDirectory(prefix="glassgrad-") as folder:
        library = os.path.join(folder, "exported.so")
        _compile(compiler, source, folder, ["-shared", "-fPIC", *FLAGS, *flags, "-o", library])
        f = getattr(ctypes.CDLL(library), function)
    f.restype = None
    pointers = [slot for slot in (*arguments, *results) if slot.size]
    f.argtypes = [ctypes.c_void_p] * len(pointers)

    def run(*arrays: Any) -> list[Any]:
        given = [np.ascontiguousarray(x, dtype) for x in arrays]
        made = [np.zeros(slot.size, dtype) for slot in results]
        f(*[x.ctypes.data for x in (*given, *made) if x.size])
        return made

    return run


def flash(compiler: str, source: str, flags: tuple[str, ...] = ()) -> int | None:
    """Bytes of code and tables, compiled for size; None if nothing here can weigh them."""
    size = shutil.which("size")
    if size is None:
        return None
    with tempfile.TemporaryDirectory(prefix="glassgrad-") as folder:
        made = os.path.join(folder, "exported.o")
        _compile(compiler, source, folder, ["-c", "-Os", *FLAGS, *flags, "-o", made])
        told = subprocess.run([size, made], capture_output=True, text=True, check=False)
    if told.returncode:
        return None
    text, data = told.stdout.splitlines()[1].split()[:2]
    return int(text) + int(data)


def _compile(compiler: str, source: str, folder: str, flags: list[str]) -> None:
    path = os.path.join(folder, "exported.c")
    write_file(path, source)
    done = subprocess.run(
        [compiler, path, *flags, "-lm"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ExportError(f"{compiler} refuses what was written:\n{done.stderr:.2000}")
