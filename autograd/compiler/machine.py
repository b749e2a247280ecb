"""Programs in machine code: the calls of kernels, the memory they work in, and the run."""

import ctypes
from array import array
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from autograd.compiler import llvm
from autograd.compiler.callbacks import raise_if_any
from autograd.compiler.driver import PROGRAM, TEAM, driver
from autograd.compiler.epoch import epoch_driver
from autograd.compiler.kernels import Kind, kernel
from autograd.compiler.loops import BUFFERS, SPACE, Program
from autograd.compiler.merge import merge
from autograd.compiler.plan import Call, Target, calls
from autograd.compiler.team import team


class Machine:
    """A program in machine code.

    run() may be called by several threads at once: each call has working memory of its own.
    """

    def __init__(
        self,
        program: Program,
        widths: Sequence[int],
        bits: int,
        exact: bool,
        rows: int,
        inputs: int,
        share: bool = True,
    ) -> None:
        """The machine code of a program.

        widths: of each buffer, how many numbers it holds, or each of its rows. rows: how many to
        expect. inputs: how many of the buffers are inputs. share: whether large batches may run on
        several processor cores.
        """
        self.dtype = np.dtype(np.float64 if bits == 64 else np.float32)
        width = llvm.vector_bits() // bits
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
        self._code = self._load(bits, [call.kind for phase in phases for call in phase])
        self._descriptors: list[Any] = []
        lists = self._lists = [self._call_list(phase) for phase in phases]
        size = bits // 8
        loads = _moves([(i, b, p) for i, (b, p) in enumerate(program.row_inputs)], widths)
        stores = _moves(program.row_outputs, widths)
        moves = [
            np.array(
                [(2 + b, p * size, widths[b] * size, n, i * block * size) for i, b, p, n in found],
                np.int64,
            )
            for found in (loads, stores)
        ]
        self._moves = moves
        fields = [x for array in (*lists, *moves) for x in (array.ctypes.data, len(array))]
        fields += [block, len(program.constants) * size]
        self.descriptor = np.zeros(len(PROGRAM), np.int64)
        self.descriptor[: len(fields)] = fields
        self.inputs, self.widths = inputs, list(widths)
        if share and not exact and program.each_row and not program.row_outputs:
            self._share_rows()
        prototype = ctypes.CFUNCTYPE(
            None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p
        )
        self.address = llvm.addresses[f"driver{bits}"]
        self._function = prototype(self.address)
        self._descriptor_address = self.descriptor.ctypes.data
        self._free: list[tuple[Any, Any, list[Any]]] = []
        for code in {c for c in self._code.values() if c.is_long}:
            code.use(self)
            self.relink()  # it may have become better meanwhile

    def _share_rows(self) -> None:
        """Let large batches run on several processor cores."""
        run_worker = llvm.addresses[f"worker{self.dtype.itemsize * 8}"]
        members = team(run_worker)
        workers = int(members[TEAM.index("workers")])
        outputs = self.widths[self.inputs :]
        self._workers = []
        for _ in range(workers):
            own = [np.zeros(1)] * self.inputs + [np.zeros(n, self.dtype) for n in outputs]
            self._workers.append((*self.working_memory(own), own))
        spaces = np.array([w[2].ctypes.data for w in self._workers], np.int64)
        size = self.dtype.itemsize
        sums = np.array(
            [(a // SPACE, a % SPACE * size, n) for a, n in self.program.means], np.int64
        ).reshape(-1, 3)
        self._shared = (members, spaces, sums)
        fields = {
            "team": members.ctypes.data,
            "worker_spaces": spaces.ctypes.data,
            "input_spaces": BUFFERS,
            "inputs_end": BUFFERS + self.inputs,
            "sums": sums.ctypes.data,
            "n_sums": len(sums),
        }
        for name, x in fields.items():
            self.descriptor[PROGRAM.index(name)] = x

    def _load(self, bits: int, kinds: Sequence[Kind]) -> dict[Kind, llvm.Code]:
        """The code of each kernel, compiled if it has not been before."""
        if f"driver{bits}" not in llvm.addresses:
            width, x86 = llvm.vector_bits() // bits, llvm.is_x86()
            drivers: dict[Hashable, llvm.Function] = {
                f"driver{bits}": ("run_program", *driver(bits, x86)),
                f"worker{bits}": ("run_worker", "", {}),
                f"epoch{bits}": ("run_epoch", *epoch_driver(bits, width, x86)),
            }
            llvm.load_for_good(drivers)
        found: dict[Kind, llvm.Code] = {}
        missing: dict[Hashable, llvm.Function] = {}
        for kind in dict.fromkeys(kinds):
            code = llvm.find(kind)
            if code is not None:
                found[kind] = code
            else:
                name = f"kernel_{len(missing)}"
                missing[kind] = (name, *kernel(name, kind))
        if missing:
            new = llvm.load(missing)
            found |= {kind: new for kind in kinds if kind not in found}
        return found

    def relink(self) -> None:
        """Call the best code there is for each kernel."""
        for phase, call_list in zip(self.calls, self._lists, strict=True):
            call_list[:, 0] = self._addresses(phase)

    def _addresses(self, phase: list[Call]) -> list[int]:
        return [self._code[call.kind].addresses[call.kind] for call in phase]

    def _call_list(self, phase: list[Call]) -> Any:
        """The addresses of each call's kernel and descriptor."""
        # descriptors side by side, in the order of their use: one step reads them all
        descriptors = np.concatenate([_NONE, *[call.descriptor for call in phase]])
        self._descriptors.append(descriptors)
        starts = np.cumsum([0, *[len(call.descriptor) for call in phase]])[:-1]
        kernels = self._addresses(phase)
        return np.stack([np.array(kernels, np.int64), descriptors.ctypes.data + 8 * starts], axis=1)

    def text(self) -> str:
        """The LLVM text of the kernels it calls."""
        texts = [kernel(f"kernel_{k}", kind)[0] for k, kind in enumerate(self._code)]
        return "\n\n".join(texts)

    def working_memory(self, buffers: Sequence[Any], memory: Any = None) -> tuple[Any, Any, Any]:
        """Memory for one call at a time, the space ONCE in it, and the addresses of all spaces.

        memory: to work in, at least `memory_size` numbers; fresh if not given.
        """
        program = self.program
        each_row = program.each_row * self.block
        if memory is None:
            memory = np.zeros(self.memory_size, self.dtype)
        skip = -memory.ctypes.data % 64 // self.dtype.itemsize  # vectors on their boundaries
        memory = memory[skip:]
        once = memory[each_row:]
        once[: len(program.constants)] = program.constants
        spaces = [once.ctypes.data, memory.ctypes.data, *[b.ctypes.data for b in buffers]]
        return memory, once, np.array(spaces, np.int64)

    @property
    def memory_size(self) -> int:
        """How many numbers the working memory holds, to begin on a vector's boundary included."""
        return self.program.once + self.program.each_row * self.block + 64

    def run(self, buffers: Sequence[Any], rows: int = 0, order: Any = None) -> None:
        """Compute the outputs.

        buffers: C-contiguous arrays of this machine's dtype: the inputs, then the outputs.
        order: the rows of batched inputs to use, int64; all in their order if None.
        Raises what a primitive that is computed in Python raised.
        """
        try:
            once, spaces, seen = self._free.pop()
        except IndexError:
            _, once, addresses = self.working_memory(buffers)
            spaces = array("q", addresses.tolist())  # set faster than items of NumPy's
            seen = [None] * len(buffers)  # held, so that no other array comes to lie there
        held = self.inputs + 1  # not the arrays that are the caller's results
        for k, buffer in enumerate(buffers):
            # asking an array for its address takes a while, and parameters stay in place
            if seen[k] is not buffer:
                spaces[2 + k] = address(buffer) if buffer.size else 0
                seen[k] = buffer if k < held else None
        in_order = 0
        if self.program.each_row:
            if order is None:
                order = _iota(rows)  # held for the call: another thread may replace it by a longer
            in_order = order.ctypes.data
        self._function(self._descriptor_address, spaces.buffer_info()[0], rows, in_order)
        self._free.append((once, spaces, seen))
        raise_if_any()


def address(array: Any) -> int:
    """Where an array's numbers begin."""
    try:  # a third of the time that array.ctypes.data takes
        return ctypes.addressof(ctypes.c_char.from_buffer(array))
    except (TypeError, ValueError):  # read-only, or empty
        begin: int = array.ctypes.data
        return begin


_NONE = np.zeros(0, np.int64)
_counting = np.arange(1024)


def _iota(n: int) -> Any:
    global _counting
    counting = _counting
    if n > len(counting):
        counting = _counting = np.arange(2 * n)
    return counting


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
