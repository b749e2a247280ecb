"""A whole epoch in machine code: for each batch the gradient's program, then the rule's."""

import ctypes
from typing import Any

import numpy as np

from autograd.compiler import llvm
from autograd.compiler.callbacks import raise_if_any
from autograd.compiler.emit import Code, Vector

# The fields of what `run_epoch` is given. updates: programs with their spaces, which run after the
# gradient's one after another. results: the loss first, `measures` numbers in all, of which a row
# for each batch goes to `losses`. rates: a learning rate for each batch.
EPOCH = ["gradient", "gradient_spaces", "updates", "n_updates", "start", "stop", "batch", "order"]
EPOCH += ["results", "measures", "losses", "gradients", "parameters", "sums", "step", "rates"]
EPOCH += ["done", "diverged", "flush"]

# The bits of a x86 processor that make it take subnormals for zeros. The means that optimisers keep
# of vanished gradients become subnormal, at which processors are many times as slow. In float32 the
# gradient meets them as well (XLA flushes them always), in float64 it is too rare to matter.
FLUSH = 0x8040


def epoch_driver(bits: int, width: int, x86: bool) -> tuple[str, dict[str, str]]:
    """The function that trains on rows start to stop, one at least: gradient, then updates.

    Before the update of a batch whose loss or gradient is not finite it stops. sums: grows by the
    gradient times the rows of its batch.
    """
    code = Code()
    code.label("entry")
    m, one = Vector(code, bits, width, False), Vector(code, bits, 1, False)

    def place(name: str) -> str:
        return code.let(f"getelementptr i64, ptr %epoch, i64 {EPOCH.index(name)}")

    def get(name: str, kind: str = "i64") -> str:
        return code.let(f"load {kind}, ptr {place(name)}, align 8")

    pointers = "gradient gradient_spaces updates order results losses gradients sums step rates"
    p = {name: get(name, "ptr") for name in pointers.split()}
    start, stop, batch, n = (get(name) for name in ("start", "stop", "batch", "parameters"))
    measures, n_updates = get("measures"), get("n_updates")
    rows_left = code.let(f"sub i64 {stop}, {start}")
    code.declare("llvm.smin.i64", "i64 {}(i64, i64)")
    stopped = code.new_label()
    if x86:
        code.declare("llvm.x86.sse.stmxcsr", "void {}(ptr)")
        code.declare("llvm.x86.sse.ldmxcsr", "void {}(ptr)")
        before, inside = code.let("alloca i32"), code.let("alloca i32")
        code.do(f"call void @llvm.x86.sse.stmxcsr(ptr {before})")
        bits_set = code.let(f"trunc i64 {get('flush')} to i32")
        mode = code.let(f"or i32 {code.let(f'load i32, ptr {before}')}, {bits_set}")
        code.do(f"store i32 {mode}, ptr {inside}")

    def flush(on: bool) -> None:
        if x86:
            code.do(f"call void @llvm.x86.sse.ldmxcsr(ptr {inside if on else before})")

    def leave() -> None:
        flush(False)
        code.do("ret void")

    flush(bits == 32)
    with code.loop(rows_left, batch) as (done, _, _):
        left = code.let(f"sub i64 {rows_left}, {done}")
        rows = code.let(f"call i64 @llvm.smin.i64(i64 {left}, i64 {batch})")
        first = code.let(f"add i64 {start}, {done}")
        order = code.let(f"getelementptr i64, ptr {p['order']}, i64 {first}")
        spaces = f"ptr {p['gradient_spaces']}, i64 {rows}, ptr {order}"
        code.do(f"call void @run_program(ptr {p['gradient']}, {spaces})")
        count = one._cast("sitofp", rows, one.type, "i64")
        many = m.spread(count)
        loss = one.load(p["results"])
        nothing = m.spread(one.mul(loss, 0.0))
        with code.loop(n, width, ((m.type, nothing),)) as (i, (so_far,), new):
            g = m.load(code.let(f"getelementptr {one.type}, ptr {p['gradients']}, i64 {i}"))
            at = code.let(f"getelementptr {one.type}, ptr {p['sums']}, i64 {i}")
            m.store(m.fma(g, many, m.load(at)), at)
            new.append(m.fma(g, 0.0, so_far))
        finite, go_on = one.eq(m.sum(new[0]), 0.0), code.new_label()
        code.do(f"br i1 {finite}, label %{go_on}, label %{stopped}")
        code.label(go_on)
        batches = get("done")
        first_of_row = code.let(f"mul i64 {batches}, {measures}")
        with code.loop(measures) as (i, _, _):
            at = code.let(f"getelementptr {one.type}, ptr {p['results']}, i64 {i}")
            k = code.let(f"add i64 {first_of_row}, {i}")
            one.store(
                one.load(at), code.let(f"getelementptr {one.type}, ptr {p['losses']}, i64 {k}")
            )
        code.do(f"store i64 {code.let(f'add i64 {batches}, 1')}, ptr {place('done')}, align 8")
        one.store(one.add(one.load(p["step"]), 1.0), p["step"])
        rate = code.let(f"getelementptr {one.type}, ptr {p['rates']}, i64 {batches}")
        one.store(one.load(rate), code.let(f"getelementptr {one.type}, ptr {p['step']}, i64 1"))
        flush(True)
        with code.loop(n_updates) as (i, _, _):
            at = code.let(f"getelementptr [2 x ptr], ptr {p['updates']}, i64 {i}")
            program = code.let(f"load ptr, ptr {at}, align 8")
            at = code.let(f"getelementptr ptr, ptr {at}, i64 1")
            its_spaces = code.let(f"load ptr, ptr {at}, align 8")
            code.do(f"call void @run_program(ptr {program}, ptr {its_spaces}, i64 0, ptr null)")
        flush(bits == 32)
    leave()
    code.label(stopped)
    code.do(f"store i64 1, ptr {place('diverged')}, align 8")
    leave()
    return "\n".join(["define void @run_epoch(ptr %epoch) {", *code.lines, "}"]), code.declared


_Fields = ctypes.c_int64 * len(EPOCH)


class EpochCall:
    """A call of `run_epoch` on fields (see EPOCH), arrays and whole numbers, again and again."""

    def __init__(self, bits: int, **fields: Any) -> None:
        """fields: those left out are 0. The arrays must live as long as this does."""
        self.fields = _Fields()
        self._address = ctypes.addressof(self.fields)
        self._run = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(llvm.addresses[f"epoch{bits}"])
        self.set(**fields)

    def set(self, **fields: Any) -> None:
        """Change some fields; an array stands for its address."""
        for name, x in fields.items():
            self.fields[EPOCH.index(name)] = x.ctypes.data if isinstance(x, np.ndarray) else x

    def __call__(self, done: int = 0) -> tuple[int, bool]:
        """Gives how many batches are done, those given included, and whether it diverged."""
        self.fields[_DONE], self.fields[_DIVERGED] = done, 0
        self._run(self._address)
        raise_if_any()
        return self.fields[_DONE], self.fields[_DIVERGED] != 0


_DONE, _DIVERGED = EPOCH.index("done"), EPOCH.index("diverged")
