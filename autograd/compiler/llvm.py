"""Machine code from LLVM text.

llvmlite aborts the process on text that does not verify, so all text is parsed and verified first;
and it wants a target machine for each engine, so each compilation makes its own.
"""

import ctypes
import os
import queue
import threading
import weakref
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

from autograd.compiler.lower import CALLBACKS
from autograd.errors import MissingExtraError

_lock = threading.Lock()
_alive: list[Any] = []  # engines own the code: they stay as long as the process
_callbacks: list[Any] = []


def binding() -> Any:
    """llvmlite's binding, made ready."""
    try:
        import llvmlite.binding as llvm
    except ImportError:
        raise MissingExtraError(
            "compiling to machine code needs llvmlite: pip install glassgrad[compile]"
        ) from None
    with _lock:
        if not _callbacks:
            if hasattr(os, "register_at_fork"):
                # the child would have llvmlite's lock held by a thread it does not have
                os.register_at_fork(before=finish)
            llvm.initialize_native_target()
            llvm.initialize_native_asmprinter()
            for name, function in CALLBACKS.items():
                n = function.__code__.co_argcount
                prototype = ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_double] * n)
                _callbacks.append(prototype(function))
                llvm.add_symbol(name, ctypes.cast(_callbacks[-1], ctypes.c_void_p).value)
    return llvm


def vector_bits() -> int:
    """Of the widest vector registers."""
    features = binding().get_host_cpu_features()
    if features.get("avx512f"):
        return 512
    return 256 if features.get("avx2") else 128


def is_x86() -> bool:
    triple: str = binding().get_process_triple()
    return triple.startswith(("x86_64", "i686"))


def compile_text(text: str, names: Sequence[str], optimize: bool = True) -> list[int]:
    """The addresses of functions in a module of LLVM text. Raises RuntimeError if it is wrong."""
    llvm = binding()
    # a context of its own for each thread that compiles
    module = llvm.parse_assembly(text, context=llvm.create_context())
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=2 if optimize else 0,
    )
    # no passes over the text: it is written as it should run, and they cost as much again
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    _alive.append(engine)
    return [engine.get_function_address(name) for name in names]


# --- functions that were compiled -----------------------------------------------------------------

Function = tuple[str, str, dict[str, str]]  # its name, its text, and what it needs declared

addresses: dict[Hashable, int] = {}
texts: dict[Hashable, str] = {}
listeners: "weakref.WeakSet[Any]" = weakref.WeakSet()  # told by relink() that addresses changed

LONG = 10_000  # lines: so many are compiled quickly first, and well in the background
_ATTRIBUTES = (
    'attributes #0 = {{ nounwind "prefer-vector-width"="{0}" "min-legal-vector-width"="{0}" }}'
)
_waiting: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()
_worker: threading.Thread | None = None


def load(functions: dict[Hashable, Function]) -> None:
    """Compile functions; their addresses are found in `addresses` under the same keys."""
    declared: dict[str, str] = {}
    for _, _, needs in functions.values():
        declared |= needs
    names = [name for name, _, _ in functions.values()]
    bodies = [text for _, text, _ in functions.values()]
    attributes = _ATTRIBUTES.format(vector_bits())
    module = "\n\n".join(["\n".join(declared.values()), *bodies, attributes])
    texts.update(zip(functions, bodies, strict=True))
    is_long = module.count("\n") > LONG
    addresses.update(zip(functions, compile_text(module, names, optimize=not is_long), strict=True))
    if is_long:
        _in_background(partial(_improve, module, list(functions), names))


def _improve(module: str, keys: list[Hashable], names: list[str]) -> None:
    addresses.update(zip(keys, compile_text(module, names), strict=True))
    for listener in list(listeners):
        listener.relink()


def _in_background(job: Callable[[], None]) -> None:
    """Do it in the one thread for this, which lives while there is work."""
    global _worker
    with _lock:
        _waiting.put(job)
        if _worker is None:
            _worker = threading.Thread(target=_work, name="glassgrad compiler")
            _worker.start()


def _work() -> None:
    global _worker
    while threading.main_thread().is_alive():  # a program that ends does not wait for better code
        with _lock:
            if _waiting.empty():
                break
            job = _waiting.get()
        job()
    with _lock:
        _worker = None


def finish() -> None:
    """Wait until all code is as good as it gets, for measurements."""
    worker = _worker
    if worker is not None:
        worker.join()
