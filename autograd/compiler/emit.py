"""LLVM text, a line at a time: registers, loops, and arithmetic on vectors of lanes.

`Vector` is the namespace `m` that formulas are written over: with lanes of floats for its numbers
and lanes of truths for its masks.
"""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Number = str | float  # a register, or a constant


class Code:
    """The body of a function, being written."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.declared: dict[str, str] = {}
        self._registers = 0
        self._block = "entry"

    def let(self, text: str) -> str:
        """A register with the result of an instruction."""
        self._registers += 1
        name = f"%r{self._registers}"
        self.lines.append(f"  {name} = {text}")
        return name

    def do(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def label(self, name: str) -> None:
        self.lines.append(f"{name}:")
        self._block = name

    def new_label(self) -> str:
        self._registers += 1
        return f"b{self._registers}"

    def declare(self, name: str, signature: str) -> None:
        """A function from outside; the signature has `{}` for its name."""
        self.declared[name] = "declare " + signature.format(f"@{name}")

    @contextmanager
    def loop(
        self,
        count: str,
        step: int | str = 1,
        carried: tuple[tuple[str, str], ...] = (),
        or_never: bool = False,
    ) -> Iterator[tuple[str, list[str], list[str]]]:
        """A loop of index 0, step, 2 * step ... below count, which is above 0 unless `or_never`.

        carried: (type, first value) of what goes from turn to turn.
        Gives the index, the carried values of this turn, and a list to put those of the next in;
        after the loop that list holds the last ones.
        """
        before, head, after = self._block, self.new_label(), self.new_label()
        if or_never:
            any_turn = self.let(f"icmp sgt i64 {count}, 0")
            self.do(f"br i1 {any_turn}, label %{head}, label %{after}")
        else:
            self.do(f"br label %{head}")
        self.label(head)
        place = len(self.lines)
        self._registers += 2 + len(carried)
        names = [f"%r{self._registers - k}" for k in range(2 + len(carried))]
        index, following, *values = names
        new: list[str] = []
        yield index, values, new
        end = self._block
        phis = [f"  {index} = phi i64 [ 0, %{before} ], [ {following}, %{end} ]"]
        for name, (kind, first), last in zip(values, carried, new, strict=True):
            phis.append(f"  {name} = phi {kind} [ {first}, %{before} ], [ {last}, %{end} ]")
        self.lines[place:place] = phis
        self.do(f"{following} = add nuw nsw i64 {index}, {step}")
        again = self.let(f"icmp slt i64 {following}, {count}")
        self.do(f"br i1 {again}, label %{head}, label %{after}")
        self.label(after)
        if or_never:
            new[:] = [
                self.let(f"phi {kind} [ {first}, %{before} ], [ {last}, %{end} ]")
                for (kind, first), last in zip(carried, new, strict=True)
            ]


def literal(number: float, bits: int) -> str:
    """A float constant in LLVM's spelling: the bits of the double, in hexadecimal."""
    if bits == 32:
        try:
            number = struct.unpack("f", struct.pack("f", number))[0]
        except OverflowError:
            number = number * float("inf")
    return "0x" + struct.pack(">d", number).hex().upper()


class Vector:
    """Arithmetic on `width` lanes of 64 or 32 bits; with width 1, on plain scalars."""

    def __init__(self, code: Code, bits: int, width: int, exact: bool) -> None:
        self.code = code
        self.bits = bits
        self.width = width
        self.exact = exact
        self.outlined: dict[str, str] | None = None  # functions to be called, if they are to be
        self.scalar = "double" if bits == 64 else "float"
        self.type = self._of(self.scalar)
        self.mask = self._of("i1")
        self.integer = self._of(f"i{bits}")

    def _of(self, scalar: str) -> str:
        return scalar if self.width == 1 else f"<{self.width} x {scalar}>"

    def constant(self, x: Number) -> str:
        """The operand's text; a number is the same in every lane."""
        if isinstance(x, str):
            return x
        text = literal(x, self.bits)
        return text if self.width == 1 else f"splat ({self.scalar} {text})"

    def integers(self, x: int) -> str:
        return str(x) if self.width == 1 else f"splat (i{self.bits} {x})"

    def _binary(self, instruction: str, a: Number, b: Number) -> str:
        return self.code.let(f"{instruction} {self.type} {self.constant(a)}, {self.constant(b)}")

    def _suffix(self) -> str:
        return f"f{self.bits}" if self.width == 1 else f"v{self.width}f{self.bits}"

    def call(self, name: str, *operands: Number) -> str:
        """An LLVM intrinsic on floats, such as llvm.sqrt."""
        full = f"{name}.{self._suffix()}"
        kinds = ", ".join([self.type] * len(operands))
        self.code.declare(full, f"{self.type} {{}}({kinds})")
        arguments = ", ".join(f"{self.type} {self.constant(x)}" for x in operands)
        return self.code.let(f"call {self.type} @{full}({arguments})")

    def outline(self, name: str, formula: Callable[..., str], operands: tuple[Number, ...]) -> str:
        """A call of a formula as a function of its own, which is written if it is not there yet."""
        assert self.outlined is not None
        full = f"{name}.{self._suffix()}.{'exact' if self.exact else 'fast'}"
        if full not in self.outlined:
            code = Code()
            code.label("entry")
            inside = Vector(code, self.bits, self.width, self.exact)
            names = [f"%x{k}" for k in range(len(operands))]
            result = formula(inside, *names)
            head = ", ".join(f"{self.type} {x}" for x in names)
            lines = [f"define internal {self.type} @{full}({head}) #0 {{", *code.lines]
            self.outlined[full] = "\n".join([*lines, f"  ret {self.type} {result}", "}"])
            self.code.declared |= code.declared
        arguments = ", ".join(f"{self.type} {self.constant(x)}" for x in operands)
        return self.code.let(f"call {self.type} @{full}({arguments})")

    # --- arithmetic -------------------------------------------------------------------------------

    def add(self, a: Number, b: Number) -> str:
        return self._binary("fadd", a, b)

    def sub(self, a: Number, b: Number) -> str:
        return self._binary("fsub", a, b)

    def mul(self, a: Number, b: Number) -> str:
        return self._binary("fmul", a, b)

    def div(self, a: Number, b: Number) -> str:
        return self._binary("fdiv", a, b)

    def neg(self, a: Number) -> str:
        return self.code.let(f"fneg {self.type} {self.constant(a)}")

    def abs(self, a: Number) -> str:
        return self.call("llvm.fabs", a)

    def sqrt(self, a: Number) -> str:
        return self.call("llvm.sqrt", a)

    def fma(self, a: Number, b: Number, c: Number) -> str:
        return self.call("llvm.fma", a, b, c)

    def copysign(self, a: Number, b: Number) -> str:
        return self.call("llvm.copysign", a, b)

    def round(self, a: Number) -> str:
        return self.call("llvm.rint", a)

    # --- choosing ---------------------------------------------------------------------------------

    def _compare(self, how: str, a: Number, b: Number) -> str:
        return self.code.let(f"fcmp {how} {self.type} {self.constant(a)}, {self.constant(b)}")

    def gt(self, a: Number, b: Number) -> str:
        return self._compare("ogt", a, b)

    def ge(self, a: Number, b: Number) -> str:
        return self._compare("oge", a, b)

    def lt(self, a: Number, b: Number) -> str:
        return self._compare("olt", a, b)

    def le(self, a: Number, b: Number) -> str:
        return self._compare("ole", a, b)

    def eq(self, a: Number, b: Number) -> str:
        return self._compare("oeq", a, b)

    def is_nan(self, a: Number) -> str:
        return self._compare("uno", a, a)

    def truth(self, a: Number) -> str:
        """As Python sees it: all but zeros are true."""
        return self._compare("une", a, 0.0)

    def both(self, p: str, q: str) -> str:
        return self.code.let(f"and {self.mask} {p}, {q}")

    def either(self, p: str, q: str) -> str:
        return self.code.let(f"or {self.mask} {p}, {q}")

    def where(self, mask: str, a: Number, b: Number) -> str:
        a, b = self.constant(a), self.constant(b)
        return self.code.let(f"select {self.mask} {mask}, {self.type} {a}, {self.type} {b}")

    # --- the bits of a float ----------------------------------------------------------------------

    @property
    def _fraction(self) -> int:
        return 52 if self.bits == 64 else 23

    @property
    def _bias(self) -> int:
        return 1023 if self.bits == 64 else 127

    def _integer(self, instruction: str, a: str, b: int) -> str:
        return self.code.let(f"{instruction} {self.integer} {a}, {self.integers(b)}")

    def _cast(self, how: str, a: Number, to: str, source: str) -> str:
        return self.code.let(f"{how} {source} {self.constant(a)} to {to}")

    def power_of_two(self, k: Number) -> str:
        """2 ** k, for a whole number k in the range of normal exponents."""
        # of a number beyond the integers fptosi gives poison, which would spread; freeze stops it
        i = self._cast("fptosi", k, self.integer, self.type)
        i = self.code.let(f"freeze {self.integer} {i}")
        shifted = self._integer("shl", self._integer("add", i, self._bias), self._fraction)
        return self._cast("bitcast", shifted, self.type, self.integer)

    def exponent(self, a: Number) -> str:
        """The e of a = f * 2 ** e with f in [1, 2), for a positive normal a."""
        i = self._cast("bitcast", a, self.integer, self.type)
        e = self._integer("sub", self._integer("lshr", i, self._fraction), self._bias)
        return self._cast("sitofp", e, self.type, self.integer)

    def mantissa(self, a: Number) -> str:
        """The f of a = f * 2 ** e with f in [1, 2), for a positive normal a."""
        i = self._cast("bitcast", a, self.integer, self.type)
        low = self._integer("and", i, (1 << self._fraction) - 1)
        f = self._integer("or", low, self._bias << self._fraction)
        return self._cast("bitcast", f, self.type, self.integer)

    # --- lane by lane -----------------------------------------------------------------------------

    def each(self, name: str, *operands: Number) -> str:
        """The C function of doubles, called for each lane."""
        kinds = ", ".join(["double"] * len(operands))
        self.code.declare(name, f"double {{}}({kinds}) nounwind")
        result = "poison"
        for lane in range(self.width):
            arguments = [self._wide(self._lane(self.constant(x), lane)) for x in operands]
            text = ", ".join(f"double {x}" for x in arguments)
            y = self._narrow(self.code.let(f"call double @{name}({text})"))
            if self.width == 1:
                return y
            result = self.code.let(
                f"insertelement {self.type} {result}, {self.scalar} {y}, i32 {lane}"
            )
        return result

    def _lane(self, x: str, lane: int) -> str:
        return (
            x if self.width == 1 else self.code.let(f"extractelement {self.type} {x}, i32 {lane}")
        )

    def _wide(self, x: str) -> str:
        return x if self.bits == 64 else self.code.let(f"fpext float {x} to double")

    def _narrow(self, x: str) -> str:
        return x if self.bits == 64 else self.code.let(f"fptrunc double {x} to float")

    def any(self, mask: str) -> str:
        """Whether the mask is true in some lane."""
        if self.width == 1:
            return mask
        self.code.declare(f"llvm.vector.reduce.or.v{self.width}i1", f"i1 {{}}({self.mask})")
        return self.code.let(f"call i1 @llvm.vector.reduce.or.v{self.width}i1({self.mask} {mask})")

    def slow(self, mask: str, name: str, x: Number, fast: str) -> str:
        """`fast`, but the C function's result in the lanes where mask is true."""
        code = self.code
        before, rare, after = code._block, code.new_label(), code.new_label()
        code.do(f"br i1 {self.any(mask)}, label %{rare}, label %{after}")
        code.label(rare)
        y = self.where(mask, self.each(name, x), fast)
        end = code._block
        code.do(f"br label %{after}")
        code.label(after)
        return code.let(f"phi {self.type} [ {fast}, %{before} ], [ {y}, %{end} ]")

    def first(self, count: str) -> str:
        """The mask of the first lanes, as many as an i64 says."""
        if self.width == 1:
            return self.code.let(f"icmp sgt i64 {count}, 0")
        numbers = ", ".join(f"i64 {k}" for k in range(self.width))
        one = self.code.let(f"insertelement <{self.width} x i64> poison, i64 {count}, i32 0")
        zeros = f"<{self.width} x i32> zeroinitializer"
        kind = f"<{self.width} x i64>"
        every = self.code.let(f"shufflevector {kind} {one}, {kind} poison, {zeros}")
        return self.code.let(f"icmp slt {kind} <{numbers}>, {every}")

    # --- memory -----------------------------------------------------------------------------------

    def load(self, pointer: str) -> str:
        return self.code.let(f"load {self.type}, ptr {pointer}, align {self.bits // 8}")

    def load_masked(self, pointer: str, mask: str) -> str:
        """A vector of which only some lanes are there; 0.0 in the others."""
        name = f"llvm.masked.load.{self._suffix()}.p0"
        kinds = f"ptr, i32, {self.mask}, {self.type}"
        self.code.declare(name, f"{self.type} {{}}({kinds})")
        return self.code.let(
            f"call {self.type} @{name}(ptr {pointer}, i32 {self.bits // 8}, {self.mask} {mask}, "
            f"{self.type} zeroinitializer)"
        )

    def store_masked(self, x: Number, pointer: str, mask: str) -> None:
        """Store some lanes of a vector."""
        name = f"llvm.masked.store.{self._suffix()}.p0"
        self.code.declare(name, f"void {{}}({self.type}, ptr, i32, {self.mask})")
        self.code.do(
            f"call void @{name}({self.type} {self.constant(x)}, ptr {pointer}, "
            f"i32 {self.bits // 8}, {self.mask} {mask})"
        )

    def broadcast(self, pointer: str) -> str:
        """One number from memory, in every lane."""
        x = self.code.let(f"load {self.scalar}, ptr {pointer}, align {self.bits // 8}")
        return self.spread(x)

    def spread(self, x: str) -> str:
        if self.width == 1:
            return x
        one = self.code.let(f"insertelement {self.type} poison, {self.scalar} {x}, i32 0")
        zeros = f"<{self.width} x i32> zeroinitializer"
        return self.code.let(f"shufflevector {self.type} {one}, {self.type} poison, {zeros}")

    def store(self, x: Number, pointer: str) -> None:
        self.code.do(f"store {self.type} {self.constant(x)}, ptr {pointer}, align {self.bits // 8}")

    def sums_of_four(self, xs: list[str]) -> str:
        """The sums of the lanes of four vectors, as a vector of four."""
        w = self.width
        ones = [0, 1, 2, 3]

        def fold(a: str, b: str, step: int) -> str:
            """Lanes of a and b in turns of `step`, each the sum of two."""
            even = [
                k + (w if k // step % 2 else 0) - (step if k // step % 2 else 0) for k in range(w)
            ]
            return self.add(
                self._shuffle(a, b, even), self._shuffle(a, b, [k + step for k in even])
            )

        quarter = fold(fold(xs[0], xs[1], 1), fold(xs[2], xs[3], 1), 2)
        four = Vector(self.code, self.bits, 4, self.exact)
        parts = [self._shuffle(quarter, quarter, [k + i for k in ones]) for i in range(0, w, 4)]
        while len(parts) > 1:
            parts = [four.add(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        return parts[0]

    def _shuffle(self, a: str, b: str, lanes: list[int]) -> str:
        mask = ", ".join(f"i32 {k}" for k in lanes)
        return self.code.let(
            f"shufflevector {self.type} {a}, {self.type} {b}, <{len(lanes)} x i32> <{mask}>"
        )

    def sum(self, x: str, start: Number = -0.0) -> str:
        """start + the sum of the lanes; if exact, from the first to the last."""
        if self.width == 1:
            return self.add(start, x)
        name = f"llvm.vector.reduce.fadd.{self._suffix()}"
        self.code.declare(name, f"{self.scalar} {{}}({self.scalar}, {self.type})")
        flag = "" if self.exact else "reassoc "
        first = start if isinstance(start, str) else literal(start, self.bits)
        return self.code.let(
            f"call {flag}{self.scalar} @{name}({self.scalar} {first}, {self.type} {x})"
        )
