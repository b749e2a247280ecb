"""Machine code: kernels compiled by LLVM, and programs that call them.

llvmlite aborts the process on text that does not verify, so all text is parsed and verified first;
and it wants a target machine for each engine, so each compilation makes its own.
"""

import ctypes
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.compiler.emit import Code, Vector
from autograd.compiler.kernels import Kind, kernel
from autograd.compiler.lower import CALLBACKS
from autograd.compiler.merge import merge
from autograd.compiler.plan import Call, Target, calls
from autograd.compiler.roll import Program
from autograd.errors import MissingExtraError

_lock = threading.Lock()
_alive: list[Any] = []  # engines own the code: they stay as long as the process
_addresses: dict[Kind | str, int] = {}
_texts: dict[Kind | str, str] = {}
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


def compile_text(text: str, names: Sequence[str]) -> list[int]:
    """The addresses of functions in a module of LLVM text. Raises RuntimeError if it is wrong."""
    llvm = binding()
    with _lock:
        module = llvm.parse_assembly(text)
        module.verify()
        target = llvm.Target.from_default_triple()
        machine = target.create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
        )
        # no passes over the text: it is written as it should run, and they cost as much again
        engine = llvm.create_mcjit_compiler(module, machine)
        engine.finalize_object()
        _alive.append(engine)
        return [engine.get_function_address(name) for name in names]


_ATTRIBUTES = (
    'attributes #0 = {{ nounwind "prefer-vector-width"="{0}" "min-legal-vector-width"="{0}" }}'
)


def _compile(functions: dict[Kind | str, tuple[str, str, dict[str, str]]]) -> None:
    """Compile functions given by (name, text, declarations) into `_addresses`."""
    declared: dict[str, str] = {}
    for _, _, needs in functions.values():
        declared |= needs
    texts = [text for _, text, _ in functions.values()]
    attributes = _ATTRIBUTES.format(vector_bits())
    module = "\n\n".join(["\n".join(declared.values()), *texts, attributes])
    addresses = compile_text(module, [name for name, _, _ in functions.values()])
    for key, address, text in zip(functions, addresses, texts, strict=True):
        _addresses[key], _texts[key] = address, text


# --- the driver -----------------------------------------------------------------------------------

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


def _driver(bits: int) -> tuple[str, dict[str, str]]:
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


def _epoch_driver(bits: int) -> tuple[str, dict[str, str]]:
    """The function that trains on rows start to stop: gradient, then update, for each batch.

    It stops before an update whose loss or gradient is not finite. sums: grows by the gradient
    times the rows of its batch.
    """
    code = Code()
    code.label("entry")
    width = vector_bits() // bits
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
    code.do("ret void")
    code.label(stopped)
    code.do(f"store i64 1, ptr {place('diverged')}, align 8")
    code.do("ret void")
    return "\n".join(["define void @run_epoch(ptr %epoch) {", *code.lines, "}"]), code.declared


# --- programs -------------------------------------------------------------------------------------


class Machine:
    """A program in machine code.

    run() may be called by several threads at once: each call has working memory of its own.
    """

    def __init__(
        self,
        program: Program,
        widths: Sequence[int],
        bits: int = 64,
        exact: bool = False,
        rows: int = 64,
    ) -> None:
        """widths: of each batched buffer, the numbers in a row. rows: how many to expect."""
        self.dtype = np.dtype(np.float64 if bits == 64 else np.float32)
        width = vector_bits() // bits
        block = width
        while block < min(rows, 8 * width):
            block *= 2
        self.program, self.block = program, block
        target = Target(bits, width, block, exact)
        phases = [
            [call for statement in statements for call in calls(statement, target)]
            for statements in merge(program)
        ]
        self.calls: list[list[Call]] = phases
        self._load(bits, [call.kind for phase in phases for call in phase])
        lists = [self._call_list(phase) for phase in phases]
        size = bits // 8
        loads = _moves([(i, b, p) for i, (b, p) in enumerate(program.row_inputs)], widths)
        stores = _moves(program.row_outputs, widths)
        lists += [
            np.array(
                [(2 + b, p * size, widths[b] * size, n, i * block * size) for i, b, p, n in found],
                np.int64,
            )
            for found in (loads, stores)
        ]
        self._kept = (phases, lists)
        fields = [x for array in lists for x in (array.ctypes.data, len(array))]
        self.descriptor = np.array([*fields, block, len(program.constants) * size], np.int64)
        prototype = ctypes.CFUNCTYPE(
            None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p
        )
        self.address = _addresses[f"driver{bits}"]
        self._function = prototype(self.address)
        self._free: list[tuple[Any, Any, Any]] = []

    def _load(self, bits: int, kinds: Sequence[Kind]) -> None:
        """Compile what has not been compiled before."""
        functions: dict[Kind | str, tuple[str, str, dict[str, str]]] = {}
        if f"driver{bits}" not in _addresses:
            functions[f"driver{bits}"] = ("run_program", *_driver(bits))
            functions[f"epoch{bits}"] = ("run_epoch", *_epoch_driver(bits))
        for kind in kinds:
            if kind not in _addresses and kind not in functions:
                name = f"kernel_{len(functions)}"
                functions[kind] = (name, *kernel(name, kind))
        if functions:
            _compile(functions)

    def _call_list(self, phase: list[Call]) -> Any:
        pairs = [(_addresses[call.kind], call.descriptor.ctypes.data) for call in phase]
        return np.array(pairs, np.int64).reshape(-1, 2)

    def text(self) -> str:
        """The LLVM text of the kernels it calls."""
        kinds = dict.fromkeys(call.kind for phase in self.calls for call in phase)
        return "\n\n".join(_texts[kind] for kind in kinds)

    def working_memory(self, buffers: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Memory for one call at a time, the space ONCE in it, and the addresses of all spaces."""
        program = self.program
        each_row = program.each_row * self.block
        memory = np.zeros(program.once + each_row + 64, self.dtype)
        skip = -memory.ctypes.data % 64 // self.dtype.itemsize  # vectors on their boundaries
        memory = memory[skip:]
        once = memory[each_row:]
        once[: len(program.constants)] = program.constants
        spaces = [once.ctypes.data, memory.ctypes.data, *[b.ctypes.data for b in buffers]]
        return memory, once, np.array(spaces, np.int64)

    def run(self, buffers: Sequence[Any], rows: int = 0, order: Any = None) -> None:
        """Compute the outputs.

        buffers: C-contiguous arrays of this machine's dtype: the inputs, then the outputs.
        order: the rows of batched inputs to use, int64; all in their order if None.
        """
        try:
            memory, once, spaces = self._free.pop()
        except IndexError:
            memory, once, spaces = self.working_memory(buffers)
        spaces[2:] = [buffer.ctypes.data for buffer in buffers]
        if order is None:
            order = _iota(rows)
        self._function(self.descriptor.ctypes.data, spaces.ctypes.data, rows, order.ctypes.data)
        self._free.append((memory, once, spaces))


_counting = np.arange(1024)


def _iota(n: int) -> Any:
    global _counting
    if n > len(_counting):
        _counting = np.arange(2 * n)
    return _counting


def _moves(
    found: Sequence[tuple[int, int, int]], widths: Sequence[int]
) -> list[tuple[int, int, int, int]]:
    """(place in the space of rows, buffer, place in its row, columns), with neighbours joined."""
    moves: list[tuple[int, int, int, int]] = []
    for i, buffer, place in found:
        if moves:
            i0, buffer0, place0, n = moves[-1]
            if (i0 + n, buffer0, place0 + n) == (i, buffer, place):
                moves[-1] = (i0, buffer0, place0, n + 1)
                continue
        moves.append((i, buffer, place, 1))
    return moves


def epoch(bits: int, **fields: Any) -> tuple[int, bool]:
    """Run `run_epoch` on these fields (see EPOCH), arrays and whole numbers.

    Gives how many updates there were, those given included, and whether it diverged.
    """
    numbers = [fields[name] for name in EPOCH]
    numbers = [x.ctypes.data if isinstance(x, np.ndarray) else x for x in numbers]
    packed = np.array(numbers, np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_addresses[f"epoch{bits}"])(packed.ctypes.data)
    return int(packed[EPOCH.index("updates")]), bool(packed[EPOCH.index("diverged")])
