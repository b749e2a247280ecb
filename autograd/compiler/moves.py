"""The functions that move rows into working memory, where columns lie together, and out of it."""

from autograd.compiler.emit import Code

TILE = 4  # rows and columns that are moved at once: as vectors, turned in registers


def moves(bits: int) -> str:
    """load_rows and store_rows, of a block of rows.

    A move is (space of the buffer, place in its row, stride of its rows, columns, place of the
    first in the space of rows), strides and places in bytes. order: which row of the buffers is
    read as the first, the second ...
    """
    return "\n".join([_moves("load_rows", bits, load=True), _moves("store_rows", bits, load=False)])


def _moves(name: str, bits: int, load: bool) -> str:
    code = Code()
    kind, size = ("double" if bits == 64 else "float"), bits // 8
    code.label("entry")

    def copy(type_: str, outside: str, inside: str) -> None:
        source, goal = (outside, inside) if load else (inside, outside)
        x = code.let(f"load {type_}, ptr {source}, align {size}")
        code.do(f"store {type_} {x}, ptr {goal}, align {size}")

    with code.loop("%n", or_never=True) as (i, _, _):
        at = code.let(f"getelementptr [5 x i64], ptr %moves, i64 {i}")
        fields = [code.let(f"getelementptr i64, ptr {at}, i64 {k}") for k in range(5)]
        space, place, stride, columns, to = (code.let(f"load i64, ptr {p}") for p in fields)
        slot = code.let(f"getelementptr ptr, ptr %spaces, i64 {space}")
        base = code.let(f"load ptr, ptr {slot}, align 8")
        base = code.let(f"getelementptr i8, ptr {base}, i64 {place}")
        lanes = code.let(f"getelementptr i8, ptr %block, i64 {to}")

        def row(lane: str, base: str = base, stride: str = stride) -> str:
            number = code.let(f"add i64 %first, {lane}")
            if load:
                slot = code.let(f"getelementptr i64, ptr %order, i64 {number}")
                number = code.let(f"load i64, ptr {slot}, align 8")
            return code.let(
                f"getelementptr i8, ptr {base}, i64 {code.let(f'mul i64 {number}, {stride}')}"
            )

        def inside(column: str, lane: str, lanes: str = lanes) -> str:
            far = code.let(f"mul i64 {column}, %bytes_per_column")
            start = code.let(f"getelementptr i8, ptr {lanes}, i64 {far}")
            return code.let(f"getelementptr {kind}, ptr {start}, i64 {lane}")

        def number_of(row: str, column: str) -> str:
            return code.let(f"getelementptr {kind}, ptr {row}, i64 {column}")

        whole_rows = code.let(f"and i64 %rows, {-TILE}")
        whole_columns = code.let(f"and i64 {columns}, {-TILE}")
        other_rows = code.let(f"sub i64 %rows, {whole_rows}")
        other_columns = code.let(f"sub i64 {columns}, {whole_columns}")
        with code.loop(whole_rows, TILE, or_never=True) as (lane, _, _):
            places = [code.let(f"add i64 {lane}, {k}") for k in range(TILE)]
            rows = [row(x) for x in places]
            with code.loop(whole_columns, TILE, or_never=True) as (column, _, _):
                far = [inside(code.let(f"add i64 {column}, {k}"), lane) for k in range(TILE)]
                near = [number_of(x, column) for x in rows]
                sources, goals = (near, far) if load else (far, near)
                _turned(code, f"<{TILE} x {kind}>", size, sources, goals)
            with code.loop(other_columns, or_never=True) as (other, _, _):
                column = code.let(f"add i64 {whole_columns}, {other}")
                for x, one in zip(places, rows, strict=True):
                    copy(kind, number_of(one, column), inside(column, x))
        with code.loop(other_rows, or_never=True) as (other, _, _):
            lane = code.let(f"add i64 {whole_rows}, {other}")
            one = row(lane)
            with code.loop(columns) as (column, _, _):
                copy(kind, number_of(one, column), inside(column, lane))
    code.do("ret void")
    parameters = (
        "ptr %moves, i64 %n, ptr %spaces, ptr %block, i64 %bytes_per_column, "
        "i64 %first, i64 %rows, ptr %order"
    )
    return "\n".join([f"define void @{name}({parameters}) {{", *code.lines, "}"])


def _turned(code: Code, vector: str, size: int, sources: list[str], goals: list[str]) -> None:
    """Four vectors of four from the sources to the goals, rows for columns."""

    def mixed(a: str, b: str, places: tuple[int, ...]) -> str:
        mask = ", ".join(f"i32 {k}" for k in places)
        return code.let(f"shufflevector {vector} {a}, {vector} {b}, <4 x i32> <{mask}>")

    a, b, c, d = (code.let(f"load {vector}, ptr {p}, align {size}") for p in sources)
    even, odd = (0, 4, 2, 6), (1, 5, 3, 7)
    pairs = [(mixed(a, b, x), mixed(c, d, x)) for x in (even, odd)]
    low, high = (0, 1, 4, 5), (2, 3, 6, 7)
    turned = [mixed(*pair, half) for half in (low, high) for pair in pairs]
    for x, goal in zip(turned, goals, strict=True):
        code.do(f"store {vector} {x}, ptr {goal}, align {size}")
