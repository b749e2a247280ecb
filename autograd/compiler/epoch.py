"""A whole epoch in machine code: for each batch the gradient's program, then the rule's."""

import ctypes
from typing import Any

import numpy as np

from autograd.compiler import llvm
from autograd.compiler.emit import Code, Vector

# The fields of what `run_epoch` is given
EPOCH = ["gradient", "gradient_spaces", "update", "update_spaces", "start", "stop", "batch"]
EPOCH += ["order", "losses", "loss", "gradients", "parameters", "sums", "step", "updates"]
EPOCH += ["diverged"]


_FLUSH = 0x8040  # the two bits of a x86 processor that take subnormals for zeros


def epoch_driver(bits: int, width: int, x86: bool) -> tuple[str, dict[str, str]]:
    """The function that trains on rows start to stop: gradient, then update, for each batch.

    It stops before an update whose loss or gradient is not finite. sums: grows by the gradient
    times the rows of its batch.
    """
    code = Code()
    code.label("entry")
    m, one = Vector(code, bits, width, False), Vector(code, bits, 1, False)

    def place(name: str) -> str:
        return code.let(f"getelementptr i64, ptr %epoch, i64 {EPOCH.index(name)}")

    def get(name: str, kind: str = "i64") -> str:
        return code.let(f"load {kind}, ptr {place(name)}, align 8")

    pointers = "gradient gradient_spaces update update_spaces order losses loss gradients sums step"
    p = {name: get(name, "ptr") for name in pointers.split()}
    start, stop, batch, n = (get(name) for name in ("start", "stop", "batch", "parameters"))
    rows_left = code.let(f"sub i64 {stop}, {start}")
    code.declare("llvm.smin.i64", "i64 {}(i64, i64)")
    stopped = code.new_label()
    # Adam's means of vanished gradients become subnormal in float32, at which processors are ten
    # times as slow; XLA flushes them too. In float64 they are too rare to matter.
    flush = x86 and bits == 32
    if flush:
        code.declare("llvm.x86.sse.stmxcsr", "void {}(ptr)")
        code.declare("llvm.x86.sse.ldmxcsr", "void {}(ptr)")
        before, inside = code.let("alloca i32"), code.let("alloca i32")
        code.do(f"call void @llvm.x86.sse.stmxcsr(ptr {before})")
        mode = code.let(f"or i32 {code.let(f'load i32, ptr {before}')}, {_FLUSH}")
        code.do(f"store i32 {mode}, ptr {inside}")
        code.do(f"call void @llvm.x86.sse.ldmxcsr(ptr {inside})")

    def leave() -> None:
        if flush:
            code.do(f"call void @llvm.x86.sse.ldmxcsr(ptr {before})")
        code.do("ret void")

    with code.loop(rows_left, batch, or_never=True) as (done, _, _):
        left = code.let(f"sub i64 {rows_left}, {done}")
        rows = code.let(f"call i64 @llvm.smin.i64(i64 {left}, i64 {batch})")
        first = code.let(f"add i64 {start}, {done}")
        order = code.let(f"getelementptr i64, ptr {p['order']}, i64 {first}")
        spaces = f"ptr {p['gradient_spaces']}, i64 {rows}, ptr {order}"
        code.do(f"call void @run_program(ptr {p['gradient']}, {spaces})")
        count = one._cast("sitofp", rows, one.type, "i64")
        many = m.spread(count)
        loss = one.load(p["loss"])
        nothing = m.spread(one.mul(loss, 0.0))
        with code.loop(n, width, ((m.type, nothing),)) as (i, (so_far,), new):
            g = m.load(code.let(f"getelementptr {one.type}, ptr {p['gradients']}, i64 {i}"))
            at = code.let(f"getelementptr {one.type}, ptr {p['sums']}, i64 {i}")
            m.store(m.fma(g, many, m.load(at)), at)
            new.append(m.fma(g, 0.0, so_far))
        finite, go_on = one.eq(m.sum(new[0]), 0.0), code.new_label()
        code.do(f"br i1 {finite}, label %{go_on}, label %{stopped}")
        code.label(go_on)
        updates = get("updates")
        at = code.let(f"getelementptr {one.type}, ptr {p['losses']}, i64 {updates}")
        one.store(loss, at)
        code.do(f"store i64 {code.let(f'add i64 {updates}, 1')}, ptr {place('updates')}, align 8")
        one.store(one.add(one.load(p["step"]), 1.0), p["step"])
        code.do(
            f"call void @run_program(ptr {p['update']}, ptr {p['update_spaces']}, i64 0, ptr null)"
        )
    leave()
    code.label(stopped)
    code.do(f"store i64 1, ptr {place('diverged')}, align 8")
    leave()
    return "\n".join(["define void @run_epoch(ptr %epoch) {", *code.lines, "}"]), code.declared


def epoch(bits: int, **fields: Any) -> tuple[int, bool]:
    """Run `run_epoch` on these fields (see EPOCH), arrays and whole numbers.

    Gives how many updates there were, those given included, and whether it diverged.
    """
    numbers = [fields[name] for name in EPOCH]
    numbers = [x.ctypes.data if isinstance(x, np.ndarray) else x for x in numbers]
    packed = np.array(numbers, np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(llvm.addresses[f"epoch{bits}"])(packed.ctypes.data)
    return int(packed[EPOCH.index("updates")]), bool(packed[EPOCH.index("diverged")])
