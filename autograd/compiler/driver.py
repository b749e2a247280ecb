"""The functions that run a program: its loops, each block of rows, on one core or several."""

from autograd.compiler.emit import Code
from autograd.compiler.moves import moves

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


# The fields of a program. Its loops before all rows, for a block of rows, and after: address and
# count each; likewise the moves of rows into working memory and out of it; the rows in a block;
# where the number of rows goes; then, for several processor cores: the team, and for this program
# the working memory of each worker (its spaces), the spaces that are inputs (first, last), and the
# sums over rows to add up: (space, place, how many), in bytes but for the number.
# For the moves see `moves`.
PROGRAM = ["before", "n_before", "rows", "n_rows", "after", "n_after", "loads", "n_loads"]
PROGRAM += ["stores", "n_stores", "block", "count_place", "team", "worker_spaces", "input_spaces"]
PROGRAM += ["inputs_end", "sums", "n_sums"]

# The fields of a team, and of a worker's orders: a semaphore (of 32 bytes) first
TEAM = ["busy", "workers", "orders", "least"]
SEMAPHORE = 4
ORDERS = ["part", "program", "spaces", "first", "rows", "total", "order"]
ORDERS += ["pending", "sleeping", "done"]
# How often a worker looks for orders before it sleeps, some 100 microseconds: waking it would take
# as long as half a batch of 1,024 rows
LOOKS = 2000


class _Fields:
    """Reads fields of a row of integers by name."""

    def __init__(self, code: Code, base: str, names: list[str], skip: int = 0) -> None:
        self.code, self.base, self.names, self.skip = code, base, names, skip

    def place(self, name: str) -> str:
        k = self.names.index(name) + self.skip
        return self.code.let(f"getelementptr i64, ptr {self.base}, i64 {k}")

    def number(self, name: str) -> str:
        return self.code.let(f"load i64, ptr {self.place(name)}, align 8")

    def pointer(self, name: str) -> str:
        return self.code.let(f"load ptr, ptr {self.place(name)}, align 8")

    def set(self, name: str, value: str, kind: str = "i64") -> None:
        self.code.do(f"store {kind} {value}, ptr {self.place(name)}, align 8")


def driver(bits: int, x86: bool) -> tuple[str, dict[str, str]]:
    """run_program, which runs a whole program, and what it needs."""
    (part, a), (whole, b), (worker, c) = _part(bits), _whole(bits), _worker(x86)
    return "\n".join([_DRIVER, moves(bits), part, whole, worker]), a | b | c


def _part(bits: int) -> tuple[str, dict[str, str]]:
    """run_part: the loops before, and those of some of the rows.

    order: which row of the buffers is read as the first, the second ...
    """
    code = Code()
    kind, size = ("double" if bits == 64 else "float"), bits // 8
    code.label("entry")

    def field(base: str, k: int, type_: str = "i64") -> str:
        slot = code.let(f"getelementptr i64, ptr {base}, i64 {k}")
        return code.let(f"load {type_}, ptr {slot}, align 8")

    f = _Fields(code, "%program", PROGRAM)
    block = f.number("block")
    rows_space = field("%spaces", 1, "ptr")
    bytes_per_column = code.let(f"mul i64 {block}, {size}")

    def run(name: str, rows: str) -> None:
        loops = f"ptr {f.pointer(name)}, i64 {f.number('n_' + name)}"
        code.do(f"call void @run_loops({loops}, ptr %spaces, i64 {rows})")

    def move(name: str, first: str, rows: str) -> None:
        found = f"ptr {f.pointer(name + 's')}, i64 {f.number(f'n_{name}s')}"
        there = f"ptr %spaces, ptr {rows_space}, i64 {bytes_per_column}"
        code.do(f"call void @{name}_rows({found}, {there}, i64 {first}, i64 {rows}, ptr %order)")

    # the number of rows, and one over it, where the program expects them
    once = field("%spaces", 0, "ptr")
    slot = code.let(f"getelementptr i8, ptr {once}, i64 {f.number('count_place')}")
    count = code.let(f"sitofp i64 %total to {kind}")
    code.do(f"store {kind} {count}, ptr {slot}, align {size}")
    inverse = code.let(f"fdiv {kind} 1.0, {count}")
    slot = code.let(f"getelementptr {kind}, ptr {slot}, i64 1")
    code.do(f"store {kind} {inverse}, ptr {slot}, align {size}")
    run("before", "0")
    code.declare("llvm.smin.i64", "i64 {}(i64, i64)")
    with code.loop("%rows", block, or_never=True) as (done, _, _):
        left = code.let(f"sub i64 %rows, {done}")
        here = code.let(f"call i64 @llvm.smin.i64(i64 {left}, i64 {block})")
        first = code.let(f"add i64 %first, {done}")
        move("load", first, here)
        run("rows", here)
        move("store", first, here)
    code.do("ret void")
    parameters = "ptr %program, ptr %spaces, i64 %first, i64 %rows, i64 %total, ptr %order"
    head = f"define void @run_part({parameters}) {{"
    return "\n".join([head, *code.lines, "}"]), code.declared


def _whole(bits: int) -> tuple[str, dict[str, str]]:
    """run_program: all rows, by several processor cores where there are enough, and what is after.

    Each worker has sums of its own, which are added up. A team that is busy is not waited for.
    """
    code = Code()
    kind, size = ("double" if bits == 64 else "float"), bits // 8
    code.label("entry")
    f = _Fields(code, "%program", PROGRAM)
    alone, ask, share, after = (code.new_label() for _ in range(4))
    team_pointer = f.pointer("team")
    team = _Fields(code, team_pointer, TEAM)
    nobody = code.let(f"icmp eq ptr {team_pointer}, null")
    code.do(f"br i1 {nobody}, label %{alone}, label %{ask}")
    code.label(ask)
    workers = team.number("workers")
    few = code.let(f"icmp slt i64 %rows, {team.number('least')}")
    none = code.let(f"or i1 {few}, {code.let(f'icmp eq i64 {workers}, 0')}")
    lock = code.new_label()
    code.do(f"br i1 {none}, label %{alone}, label %{lock}")
    code.label(lock)
    busy = team.place("busy")
    pair = code.let(f"cmpxchg ptr {busy}, i64 0, i64 1 acquire monotonic, align 8")
    won = code.let(f"extractvalue {{ i64, i1 }} {pair}, 1")
    code.do(f"br i1 {won}, label %{share}, label %{alone}")

    code.label(alone)
    whole = "ptr %program, ptr %spaces, i64 0, i64 %rows, i64 %rows, ptr %order"
    code.do(f"call void @run_part({whole})")
    code.do(f"br label %{after}")

    code.label(share)
    parts = code.let(f"add i64 {workers}, 1")
    block = f.number("block")
    # whole blocks for all but the last
    padded = code.let(f"add i64 %rows, {code.let(f'sub i64 {block}, 1')}")
    blocks = code.let(f"udiv i64 {padded}, {block}")
    each = code.let(f"udiv i64 {code.let(f'add i64 {blocks}, {workers}')}, {parts}")
    share_rows = code.let(f"mul i64 {each}, {block}")
    code.declare("llvm.smax.i64", "i64 {}(i64, i64)")
    code.declare("sem_post", "i32 {}(ptr)")
    all_orders, all_spaces = team.pointer("orders"), f.pointer("worker_spaces")
    start, end = f.number("input_spaces"), f.number("inputs_end")

    def orders_of(worker: str) -> tuple[str, _Fields]:
        n = SEMAPHORE + len(ORDERS)
        base = code.let(f"getelementptr [{n} x i64], ptr {all_orders}, i64 {worker}")
        return base, _Fields(code, base, ORDERS, SEMAPHORE)

    with code.loop(workers) as (worker, _, _):
        base, orders = orders_of(worker)
        slot = code.let(f"getelementptr ptr, ptr {all_spaces}, i64 {worker}")
        spaces = code.let(f"load ptr, ptr {slot}, align 8")
        inputs = code.let(f"sub i64 {end}, {start}")
        with code.loop(inputs) as (i, _, _):
            k = code.let(f"add i64 {start}, {i}")
            here = code.let(f"getelementptr ptr, ptr %spaces, i64 {k}")
            there = code.let(f"getelementptr ptr, ptr {spaces}, i64 {k}")
            x = code.let(f"load ptr, ptr {here}, align 8")
            code.do(f"store ptr {x}, ptr {there}, align 8")
        number = code.let(f"add i64 {worker}, 1")
        first = code.let(f"mul i64 {number}, {share_rows}")
        left = code.let(f"sub i64 %rows, {first}")
        some = code.let(f"call i64 @llvm.smin.i64(i64 {left}, i64 {share_rows})")
        some = code.let(f"call i64 @llvm.smax.i64(i64 {some}, i64 0)")
        orders.set("part", "@run_part", "ptr")  # of this width of numbers: one team serves both
        orders.set("program", "%program", "ptr")
        orders.set("spaces", spaces, "ptr")
        orders.set("first", first)
        orders.set("rows", some)
        orders.set("total", "%rows")
        orders.set("order", "%order", "ptr")
        code.do(f"store atomic i64 0, ptr {orders.place('done')} monotonic, align 8")
        code.do(f"store atomic i64 1, ptr {orders.place('pending')} seq_cst, align 8")
        at = orders.place("sleeping")
        asleep = code.let(f"load atomic i64, ptr {at} seq_cst, align 8")
        wake, awake = code.new_label(), code.new_label()
        is_asleep = code.let(f"icmp ne i64 {asleep}, 0")
        code.do(f"br i1 {is_asleep}, label %{wake}, label %{awake}")
        code.label(wake)
        code.let(f"call i32 @sem_post(ptr {base})")
        code.do(f"br label %{awake}")
        code.label(awake)
    own = code.let(f"call i64 @llvm.smin.i64(i64 %rows, i64 {share_rows})")
    mine = f"ptr %program, ptr %spaces, i64 0, i64 {own}, i64 %rows, ptr %order"
    code.do(f"call void @run_part({mine})")
    with code.loop(workers) as (worker, _, _):
        base, orders = orders_of(worker)
        code.do(f"call void @await(ptr {orders.place('done')})")
        slot = code.let(f"getelementptr ptr, ptr {all_spaces}, i64 {worker}")
        spaces = code.let(f"load ptr, ptr {slot}, align 8")
        sums, n_sums = f.pointer("sums"), f.number("n_sums")
        with code.loop(n_sums, or_never=True) as (i, _, _):
            at = code.let(f"getelementptr [3 x i64], ptr {sums}, i64 {i}")
            space, place, count = (
                code.let(f"load i64, ptr {code.let(f'getelementptr i64, ptr {at}, i64 {k}')}")
                for k in range(3)
            )
            goals = []
            for base_of in ("%spaces", spaces):
                slot = code.let(f"getelementptr ptr, ptr {base_of}, i64 {space}")
                begin = code.let(f"load ptr, ptr {slot}, align 8")
                goals.append(code.let(f"getelementptr i8, ptr {begin}, i64 {place}"))
            with code.loop(count) as (k, _, _):
                a, b = (code.let(f"getelementptr {kind}, ptr {g}, i64 {k}") for g in goals)
                x, y = (code.let(f"load {kind}, ptr {p}, align {size}") for p in (a, b))
                s = code.let(f"fadd {kind} {x}, {y}")
                code.do(f"store {kind} {s}, ptr {a}, align {size}")
    code.do(f"store atomic i64 0, ptr {busy} release, align 8")
    code.do(f"br label %{after}")

    code.label(after)
    loops = f"ptr {f.pointer('after')}, i64 {f.number('n_after')}"
    code.do(f"call void @run_loops({loops}, ptr %spaces, i64 0)")
    code.do("ret void")
    head = "define void @run_program(ptr %program, ptr %spaces, i64 %rows, ptr %order) {"
    return "\n".join([head, *code.lines, "}"]), code.declared


_o = {name: k + SEMAPHORE for k, name in enumerate(ORDERS)}


def _worker(x86: bool) -> tuple[str, dict[str, str]]:
    """run_worker, which a thread runs for good, and await, by which its work is waited for."""
    code = Code()
    code.declare("sem_wait", "i32 {}(ptr)")
    code.declare("sched_yield", "i32 {}()")
    pause = ""
    if x86:
        code.declare("llvm.x86.sse2.pause", "void {}()")
        pause = "call void @llvm.x86.sse2.pause()"
    fields = "\n".join(
        f"  %at.{name} = getelementptr i64, ptr %orders, i64 {k}" for name, k in _o.items()
    )
    text = f"""
define void @await(ptr %done) {{
entry:
  br label %look
look:
  %i = phi i64 [ 0, %entry ], [ %next, %again ]
  %there = load atomic i64, ptr %done acquire, align 8
  %yes = icmp ne i64 %there, 0
  br i1 %yes, label %end, label %not
not:
  {pause}
  %next = add i64 %i, 1
  %many = and i64 %next, 4095
  %long = icmp eq i64 %many, 0
  br i1 %long, label %others, label %again
others:
  %yielded = call i32 @sched_yield()
  br label %again
again:
  br label %look
end:
  ret void
}}

define void @run_worker(ptr %orders) {{
entry:
{fields}
  br label %wait
wait:
  br label %look
look:
  %i = phi i64 [ 0, %wait ], [ %next, %not ]
  %there = load atomic i64, ptr %at.pending seq_cst, align 8
  %yes = icmp ne i64 %there, 0
  br i1 %yes, label %work, label %not
not:
  {pause}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, {LOOKS}
  br i1 %more, label %look, label %tired
tired:
  store atomic i64 1, ptr %at.sleeping seq_cst, align 8
  %now = load atomic i64, ptr %at.pending seq_cst, align 8
  %late = icmp ne i64 %now, 0
  br i1 %late, label %up, label %sleep
sleep:
  %woken = call i32 @sem_wait(ptr %orders)
  br label %up
up:
  store atomic i64 0, ptr %at.sleeping seq_cst, align 8
  br label %wait
work:
  store atomic i64 0, ptr %at.pending seq_cst, align 8
  %part = load ptr, ptr %at.part
  %program = load ptr, ptr %at.program
  %spaces = load ptr, ptr %at.spaces
  %first = load i64, ptr %at.first
  %rows = load i64, ptr %at.rows
  %total = load i64, ptr %at.total
  %order = load ptr, ptr %at.order
  call void %part(ptr %program, ptr %spaces, i64 %first, i64 %rows, i64 %total, ptr %order)
  store atomic i64 1, ptr %at.done release, align 8
  br label %wait
}}
"""
    return text, code.declared
