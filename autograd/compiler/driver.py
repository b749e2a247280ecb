"""The functions that run programs: all loops of one, each block of rows, a whole epoch."""

from autograd.compiler.emit import Code, Vector

_DRIVER = """
define void @run_loops(ptr %loops, i64 %n, ptr %spaces, i64 %rows) {
entry:
  %any = icmp sgt i64 %n, 0
  br i1 %any, label %head, label %end
head:
  %i = phi i64 [ 0, %entry ], [ %next, %head ]
  %at = getelementptr [2 x ptr], ptr %loops, i64 %i
  %f = load ptr, ptr %at
  %d.at = getelementptr ptr, ptr %at, i64 1
  %d = load ptr, ptr %d.at
  call void %f(ptr %d, ptr %spaces, i64 %rows)
  %next = add i64 %i, 1
  %again = icmp slt i64 %next, %n
  br i1 %again, label %head, label %end
end:
  ret void
}
"""


def driver(bits: int) -> tuple[str, dict[str, str]]:
    """The function that runs a whole program: before, each block of rows, after.

    program: of the loops before, of rows and after, and of the loads and stores of rows: address
    and count each; the rows in a block; where the number of rows goes. A load
    or store is (space of the buffer, place in its
    row, stride of its rows, columns, place of the first in the space of rows), in bytes but for the
    columns. order: which row of the buffers is read as the first, the second ...
    """
    code = Code()
    kind, size = ("double" if bits == 64 else "float"), bits // 8
    code.label("entry")

    def field(base: str, k: int, type_: str = "i64") -> str:
        slot = code.let(f"getelementptr i64, ptr {base}, i64 {k}")
        return code.let(f"load {type_}, ptr {slot}, align 8")

    f = [field("%program", k, "ptr" if k < 10 and k % 2 == 0 else "i64") for k in range(12)]
    rows_space = field("%spaces", 1, "ptr")
    bytes_per_column = code.let(f"mul i64 {f[10]}, {size}")

    def run(k: int, rows: str) -> None:
        code.do(f"call void @run_loops(ptr {f[k]}, i64 {f[k + 1]}, ptr %spaces, i64 {rows})")

    def move(k: int, first: str, rows: str, load: bool) -> None:
        with code.loop(f[k + 1], or_never=True) as (i, _, _):
            at = code.let(f"getelementptr [5 x i64], ptr {f[k]}, i64 {i}")
            space, place, stride, columns, to = (field(at, j) for j in range(5))
            slot = code.let(f"getelementptr ptr, ptr %spaces, i64 {space}")
            base = code.let(f"load ptr, ptr {slot}, align 8")
            base = code.let(f"getelementptr i8, ptr {base}, i64 {place}")
            lanes = code.let(f"getelementptr i8, ptr {rows_space}, i64 {to}")
            with code.loop(rows) as (lane, _, _):
                number = code.let(f"add i64 {first}, {lane}")
                if load:
                    slot = code.let(f"getelementptr i64, ptr %order, i64 {number}")
                    number = code.let(f"load i64, ptr {slot}, align 8")
                row = code.let(f"mul i64 {number}, {stride}")
                outside = code.let(f"getelementptr i8, ptr {base}, i64 {row}")
                inside = code.let(f"getelementptr {kind}, ptr {lanes}, i64 {lane}")
                with code.loop(columns) as (column, _, _):
                    far = code.let(f"mul i64 {column}, {bytes_per_column}")
                    o = code.let(f"getelementptr {kind}, ptr {outside}, i64 {column}")
                    i = code.let(f"getelementptr i8, ptr {inside}, i64 {far}")
                    source, goal = (o, i) if load else (i, o)
                    x = code.let(f"load {kind}, ptr {source}, align {size}")
                    code.do(f"store {kind} {x}, ptr {goal}, align {size}")

    # the number of rows, and one over it, where the program expects them
    once = field("%spaces", 0, "ptr")
    slot = code.let(f"getelementptr i8, ptr {once}, i64 {f[11]}")
    count = code.let(f"sitofp i64 %rows to {kind}")
    code.do(f"store {kind} {count}, ptr {slot}, align {size}")
    inverse = code.let(f"fdiv {kind} 1.0, {count}")
    slot = code.let(f"getelementptr {kind}, ptr {slot}, i64 1")
    code.do(f"store {kind} {inverse}, ptr {slot}, align {size}")
    run(0, "0")
    code.declare("llvm.smin.i64", "i64 {}(i64, i64)")
    with code.loop("%rows", f[10], or_never=True) as (first, _, _):
        left = code.let(f"sub i64 %rows, {first}")
        here = code.let(f"call i64 @llvm.smin.i64(i64 {left}, i64 {f[10]})")
        move(6, first, here, load=True)
        run(2, here)
        move(8, first, here, load=False)
    run(4, "0")
    code.do("ret void")
    head = "define void @run_program(ptr %program, ptr %spaces, i64 %rows, ptr %order) {"
    return "\n".join([_DRIVER, head, *code.lines, "}"]), code.declared


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
