"""Machine code from LLVM text, and its memory.

llvmlite aborts the process on text that does not verify, so all text is parsed and verified first.
What may be freed again is an engine with all its code. An engine that compiles keeps 800 kB of
LLVM's own tables, so code is compiled by a target machine that serves for all, and each engine
only holds the object that comes of it.
"""

import ctypes
import os
import queue
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import partial
from typing import Any, final

from autograd.compiler.lower import CALLBACKS
from autograd.errors import MissingExtraError

_lock = threading.RLock()
_callbacks: list[Any] = []
_target_machines: dict[bool, Any] = {}


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
                # else the child might have a lock held by a thread that it does not have
                os.register_at_fork(
                    before=_hold_locks, after_in_parent=_let_go, after_in_child=_let_go
                )
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


def _engine(text: str, optimize: bool) -> Any:
    """What owns the machine code of a module of text. Raises RuntimeError if the text is wrong."""
    llvm = binding()
    # a context of its own for each thread that compiles
    module = llvm.parse_assembly(text, context=llvm.create_context())
    module.verify()
    target = llvm.Target.from_default_triple()
    if optimize not in _target_machines:
        _target_machines[optimize] = target.create_target_machine(
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten(),
            opt=2 if optimize else 0,
        )
    # no passes over the text: it is written as it should run, and they cost as much again
    code = _target_machines[optimize].emit_object(module)
    empty = llvm.parse_assembly("", context=llvm.create_context())
    engine = llvm.create_mcjit_compiler(empty, target.create_target_machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


# --- functions that were compiled -----------------------------------------------------------------

Function = tuple[str, str, dict[str, str]]  # its name, its text, and what it needs declared

LONG = 10_000  # lines: so many are compiled quickly first, and well in the background
RECENT = 64  # modules that stay though nothing uses them: the next function may be of their kind
_ATTRIBUTES = (
    'attributes #0 = {{ nounwind "prefer-vector-width"="{0}" "min-legal-vector-width"="{0}" }}'
)


@final
class Code:
    """The machine code of some functions, which is there for as long as this is referred to.

    addresses: of the functions, under their keys.
    """

    def __init__(self, functions: dict[Hashable, Function]) -> None:
        self._engines: list[Any] = []
        # Held from outside: the collector finalizes all that is in a cycle with this in any order,
        # and LLVM's context before the engine would be a crash
        weakref.finalize(self, _free, self._engines).atexit = False
        declared: dict[str, str] = {}
        for _, _, needs in functions.values():
            declared |= needs
        self._names = [name for name, _, _ in functions.values()]
        bodies = [text for _, text, _ in functions.values()]
        attributes = _ATTRIBUTES.format(vector_bits())
        module = "\n\n".join(["\n".join(declared.values()), *bodies, attributes])
        self.is_long = module.count("\n") > LONG
        self.addresses = dict.fromkeys(functions, 0)
        self.users: weakref.WeakSet[Any] = weakref.WeakSet()
        self._compile(module, optimize=not self.is_long)
        if self.is_long:
            _in_background(partial(_improve, weakref.ref(self), module))

    def _compile(self, module: str, optimize: bool) -> None:
        engine = _engine(module, optimize)
        found = [engine.get_function_address(name) for name in self._names]
        self.addresses.update(zip(self.addresses, found, strict=True))
        # also the quick code stays, which a call may be in
        self._engines.append(engine)

    def improve(self, module: str) -> None:
        """Compile it well, and tell the users that the addresses have changed."""
        self._compile(module, optimize=True)
        with _lock:
            users = list(self.users)
        for user in users:
            user.relink()

    def use(self, user: Any) -> None:
        """Have this object's relink() called when the addresses change."""
        with _lock:
            self.users.add(user)


def _free(engines: list[Any]) -> None:
    # LLVM does one thing at a time: freed here, code would wait until the background is done
    if _worker is not None:
        _dead.put(engines)


_where: "weakref.WeakValueDictionary[Hashable, Code]" = weakref.WeakValueDictionary()
_recent: OrderedDict[Code, None] = OrderedDict()


def find(key: Hashable) -> Code | None:
    """The code that has the function of this key, if there is any."""
    code = _where.get(key)
    with _lock:
        if code is not None and code in _recent:
            _recent.move_to_end(code)
    return code


def load(functions: dict[Hashable, Function]) -> Code:
    """Compile functions. They are found again under their keys while the code is there."""
    code = Code(functions)
    oldest = None
    with _lock:
        _where.update(dict.fromkeys(functions, code))
        if not code.is_long:
            _recent[code] = None
            if len(_recent) > RECENT:
                oldest, _ = _recent.popitem(last=False)
    del oldest  # when the lock is open again: freeing it waits for LLVM
    return code


addresses: dict[Hashable, int] = {}
_kept: list[Code] = []


def load_for_good(functions: dict[Hashable, Function]) -> None:
    """Compile functions that threads may run at any time; they are found in `addresses`."""
    code = Code(functions)
    _kept.append(code)
    addresses.update(code.addresses)


def forget() -> None:
    """Free the code that nothing uses, for measurements."""
    with _lock:
        recent = list(_recent)
        _recent.clear()
    del recent


def _improve(code: "weakref.ref[Code]", module: str) -> None:
    wanted = code()
    if wanted is not None:
        wanted.improve(module)


# --- the background -------------------------------------------------------------------------------

_waiting: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()
_dead: "queue.SimpleQueue[list[Any]]" = queue.SimpleQueue()  # engines to be freed when it is quiet
_worker: threading.Thread | None = None


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
                _worker = None
                break
            job = _waiting.get()
        job()
        del job
        _bury()
    _bury()


def _bury() -> None:
    """Free what has died."""
    with suppress(queue.Empty):
        while True:
            _dead.get_nowait()


def _hold_locks() -> None:
    """Wait until no other thread is inside LLVM, or has a lock of this module."""
    finish()
    _lock.acquire()
    _llvm_lock().__enter__()


def _let_go() -> None:
    _llvm_lock().__exit__(None, None, None)
    _lock.release()


def _llvm_lock() -> Any:
    from llvmlite.binding import ffi

    return ffi.lib._lock


def finish() -> None:
    """Wait until all code is as good as it gets, for measurements."""
    worker = _worker
    if worker is not None:
        worker.join()
