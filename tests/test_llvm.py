"""Machine code and its memory by themselves: what the processor has, locks, and the background."""

import os
import re
import threading
import time
import weakref
from typing import Any

import pytest
from test_team import in_child

from autograd import MissingExtraError, jit
from autograd.compiler import llvm
from autograd.compiler.driver import driver
from autograd.compiler.emit import Code
from autograd.compiler.epoch import epoch_driver

pytest.importorskip("llvmlite")


class Processor:
    """What llvmlite tells of one."""

    def __init__(self, triple: str = "", **features: bool) -> None:
        self.triple, self.features = triple, features

    def get_host_cpu_features(self) -> dict[str, bool]:
        return self.features

    def get_process_triple(self) -> str:
        return self.triple


def test_how_wide_vectors_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the processor's registers, the widest it has; two float64 on any."""
    for features, bits in (
        ({"avx512f": True, "avx2": True}, 512),
        ({"avx512f": False, "avx2": True, "sse2": True}, 256),
        ({"avx2": False, "sse2": True}, 128),
        ({"neon": True}, 128),
    ):
        monkeypatch.setattr(llvm, "binding", lambda features=features: Processor(**features))
        assert llvm.vector_bits() == bits


def test_which_processors_are_x86(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 64 and of 32 bits."""
    for triple, x86 in (
        ("x86_64-unknown-linux-gnu", True),
        ("i686-pc-windows-msvc", True),
        ("aarch64-apple-darwin", False),
        ("riscv64-unknown-linux-gnu", False),
    ):
        monkeypatch.setattr(llvm, "binding", lambda triple=triple: Processor(triple))
        assert llvm.is_x86() == x86


def check_declared(text: str) -> None:
    """What is called is declared or defined there, and nothing else is: LLVM adds intrinsics."""
    called, declared, defined = (
        set(re.findall(rf"\b{word} [^@\n]*@([\w.]+)\(", text))
        for word in ("call", "declare", "define")
    )
    assert called - defined == declared


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("x86", [True, False])
def test_what_is_written_for_other_processors(bits: int, x86: bool) -> None:
    """It has nothing of x86, and LLVM reads it on any."""
    program = {"program": "declare void @run_program(ptr, ptr, i64, ptr)"}
    for (text, declared), more in ((driver(bits, x86), {}), (epoch_driver(bits, 4, x86), program)):
        whole = "\n".join([*(declared | more).values(), text])
        llvm.binding().parse_assembly(whole).verify()
        assert ("x86" in whole) == x86
        check_declared(whole)


def test_a_missing_llvmlite_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install."""
    monkeypatch.setitem(__import__("sys").modules, "llvmlite.binding", None)
    with pytest.raises(MissingExtraError, match=r"glassgrad\[compile\]"):
        llvm.binding()


def function(name: str, number: float) -> llvm.Function:
    """A function of no operands that gives a number."""
    code = Code()
    code.label("entry")
    code.do(f"ret double {number:e}")
    return name, "\n".join([f"define double @{name}() #0 {{", *code.lines, "}"]), {}


def test_wrong_text_is_an_error_not_the_end() -> None:
    """LLVM's message comes as a Python error, of text that is no text and of text that is wrong."""
    for text in ("define nothing", "define double @f() {\nentry:\n  ret double %x\n}"):
        with pytest.raises(RuntimeError):
            llvm._engine(text, True)


def test_code_is_found_while_it_is_there() -> None:
    """Under the keys of its functions; each has its address."""
    import ctypes

    llvm.forget()
    code = llvm.load({"one": function("f", 1.5), "other": function("g", 2.5)})
    found = llvm.find("one")
    assert found is code is llvm.find("other")
    call = ctypes.CFUNCTYPE(ctypes.c_double)
    assert [call(code.addresses[key])() for key in ("one", "other")] == [1.5, 2.5]
    assert llvm.find("neither") is None
    gone = weakref.ref(code)
    del code, found
    assert llvm.find("one") is gone() is not None, "it was used lately"
    llvm.forget()
    assert gone() is None
    assert llvm.find("one") is None


def test_the_least_recent_code_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """To look for code counts as use."""
    monkeypatch.setattr(llvm, "RECENT", 3)
    llvm.forget()
    for k in range(3):
        llvm.load({k: function("f", k)})
    assert llvm.find(0) is not None
    llvm.load({3: function("f", 3)})
    assert [llvm.find(k) is not None for k in (2, 0, 3, 1)] == [True, True, True, False]
    llvm.load({4: function("f", 4)})
    assert [llvm.find(k) is not None for k in range(5)] == [True, False, False, True, True]
    llvm.forget()


def test_long_code_is_not_kept_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is compiled quickly, then well, in a named thread that ends; it goes with its user."""
    llvm.finish()
    names: list[str] = []
    quick: list[bool] = []
    engine = llvm._engine
    monkeypatch.setattr(llvm, "_engine", lambda *args: quick.append(args[1]) or engine(*args))
    work = llvm._work
    monkeypatch.setattr(
        llvm, "_work", lambda: (names.append(threading.current_thread().name), work())
    )
    module_lines = 6  # of one of these functions
    for long in (module_lines + 3, module_lines - 3):
        monkeypatch.setattr(llvm, "LONG", long)
        quick.clear()
        code = llvm.load({("long", long): function("f", 1.0)})
        llvm.finish()
        assert code.is_long == (long < module_lines)
        assert quick == ([False, True] if code.is_long else [True])
        assert (code in llvm._recent) != code.is_long
    assert names == ["glassgrad compiler"]
    assert llvm._worker is None
    key: Any = ("long", module_lines - 3)
    del code
    assert llvm.find(key) is None
    llvm.forget()


def test_each_module_has_a_context_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which goes with it, and which no other thread uses; nothing is freed at the exit."""
    binding = llvm.binding()
    parse, finalize = binding.parse_assembly, weakref.finalize
    contexts: list[Any] = []
    made: list[Any] = []

    def parsed(text: str, context: Any = None) -> Any:
        contexts.append(context)
        return parse(text, context=context)

    def watched(*args: Any) -> Any:
        made.append(finalize(*args))
        return made[-1]

    monkeypatch.setattr(binding, "parse_assembly", parsed)
    monkeypatch.setattr(weakref, "finalize", watched)
    codes = [llvm.load({("context", k): function("f", k)}) for k in range(2)]
    assert None not in contexts
    assert len(set(map(id, contexts))) == len(contexts) == 4, "each text's, and the engine's"
    ours = [f for f in made if f.peek() and f.peek()[0] in codes]
    assert [f.atexit for f in ours] == [False, False]


class User:
    """Counts how often it is told."""

    def __init__(self) -> None:
        self.told = 0

    def relink(self) -> None:
        self.told += 1


def test_users_are_told_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that use code hear of better code, once each; it keeps no one alive."""
    llvm.finish()
    go = threading.Event()
    monkeypatch.setattr(llvm, "LONG", 1)
    llvm._in_background(lambda: go.wait(20))
    code = llvm.load({"used": function("f", 1.0)})
    before = dict(code.addresses)
    users = [User() for _ in range(3)]
    for user in users:
        code.use(user)
    gone = weakref.ref(users.pop())
    del user
    assert gone() is None
    go.set()
    llvm.finish()
    assert [user.told for user in users] == [1, 1]
    assert code.addresses.keys() == before.keys()
    assert code.addresses["used"] not in (before["used"], 0)


def test_work_in_the_background_is_done_in_order() -> None:
    """Each piece once, also what is brought while others are done; the thread ends after it."""
    done: list[int] = []
    for k in range(20):
        llvm._in_background(lambda k=k: (time.sleep(0.001 * (k % 3)), done.append(k)))  # type: ignore[misc]
    llvm.finish()
    assert done == list(range(20))
    assert llvm._worker is None
    llvm._in_background(lambda: done.append(20))
    llvm.finish()
    assert done[-1] == 20


def free(lock: Any) -> bool:
    """Whether another thread gets a lock."""
    found: list[bool] = []

    def get() -> None:
        found.append(lock.acquire(timeout=0.2))
        if found[0]:
            lock.release()

    thread = threading.Thread(target=get)
    thread.start()
    thread.join()
    return found[0]


def test_before_a_fork_all_locks_are_held() -> None:
    """Nobody else is inside LLVM or this module while the process is copied; after it all may."""
    locks = [llvm._lock, llvm._llvm_lock()._lock]
    done = threading.Event()
    llvm._in_background(lambda: (time.sleep(0.05), done.set()))
    llvm._hold_locks()
    try:
        assert done.is_set(), "the background has ended"
        assert llvm._worker is None
        assert [free(lock) for lock in locks] == [False, False]
    finally:
        llvm._let_go()
    assert [free(lock) for lock in locks] == [True, True]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("which", [0, 1])
def test_a_child_has_no_lock_held(which: int) -> None:
    """Forked while another thread holds a lock, it compiles; and so does the parent."""
    lock: Any = [llvm._lock, llvm._llvm_lock()._lock][which]
    held = threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            time.sleep(0.2)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(20)
    locks = [llvm._lock, llvm._llvm_lock()._lock]
    assert in_child(
        lambda: all(map(free, locks)) and jit(lambda x: x * 1.234 + 0.5)(1.0) == 1.234 + 0.5
    )
    thread.join()
    assert all(map(free, locks))
    assert jit(lambda x: x * 1.235 + 0.5)(1.0) == pytest.approx(1.235 + 0.5)
