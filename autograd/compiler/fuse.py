"""From sums and products to sums of products: one `inner` instruction for each."""

from itertools import chain

from autograd.compiler.tape import LEAVES, Tape


def fuse(tape: Tape, exact: bool) -> Tape:
    """One `inner` for each tree of sums and products that nothing else uses.

    exact: only where the sum runs from left to right already.
    """
    ops, args = tape.ops, tape.args
    varies = tape.varies()
    uses = [0] * len(tape)
    live = tape.live()
    for i in live:
        if ops[i] not in LEAVES:
            for x in args[i]:
                uses[x] += 1
    for x in tape.outputs:
        uses[x] += 2

    def alone(i: int, x: int) -> bool:
        # what is one for all rows is computed once, not again in each row's sum
        return uses[x] == 1 and varies[x] == varies[i]

    def is_sum(i: int, x: int) -> bool:
        return ops[x] in ("add", "sub", "inner") and alone(i, x)

    def factors(i: int, x: int) -> tuple[int, int]:
        """A term of sum i as a product."""
        once = varies[i] == varies[x] or ops[i] == "mean_over_rows"
        if ops[x] in ("mul", "square") and uses[x] == 1 and once:
            gone.add(x)
            return args[x][0], args[x][-1]
        return x, one

    def parts(i: int) -> tuple[int | None, tuple[int, ...]]:
        """The operand whose own terms come first, and the others, of an add or a sub."""
        a, b = args[i]
        if is_sum(i, a):
            return a, (b,)
        if ops[i] == "add" and is_sum(i, b):
            return b, (a,)
        return None, (a, b)

    def terms(i: int) -> list[tuple[int, int]]:
        """The products that add up to value i."""
        found: list[list[tuple[int, int]]] = []
        path = [i]
        while path:
            v = path.pop()
            if v != i:
                gone.add(v)
            if ops[v] == "inner":
                found.append(list(zip(args[v][::2], args[v][1::2], strict=True)))
                continue
            first, rest = parts(v)
            here = []
            for position, x in enumerate(rest):
                negative = ops[v] == "sub" and (first is not None or position == 1)
                if not exact and not negative and is_sum(v, x):
                    path.append(x)
                else:
                    here.append((x, minus_one) if negative else factors(v, x))
            found.append(here)
            if first is not None:
                path.append(first)
        return list(chain.from_iterable(reversed(found)))

    fused: dict[int, list[tuple[int, int]]] = {}
    gone: set[int] = set()
    new = Tape()
    place: dict[int, int] = {}
    one, minus_one = -1, -2
    place[one], place[minus_one] = new.constant(1.0), new.constant(-1.0)
    for i in reversed(live):
        if i in gone or ops[i] not in ("add", "sub", "mean_over_rows"):
            continue
        if ops[i] == "mean_over_rows":
            x, *others = args[i]
            if len(others) > 1:
                continue
            sum_alone = ops[x] in ("add", "sub", "inner") and uses[x] == 1
            if sum_alone and not exact:  # exactly, each row has a sum of its own
                gone.add(x)
                fused[i] = terms(x)
            else:
                fused[i] = [factors(i, x)]
        else:
            found = terms(i)
            if len(found) > 2 or any(b not in (one, minus_one) for _, b in found):
                fused[i] = found
    inputs = [new.input(b) for b in tape.batched]  # also those not used: callers count them
    for i in live:
        op, operands = ops[i], args[i]
        if op == "input":
            place[i] = inputs[operands[0]]
        elif op == "constant":
            place[i] = new.constant(operands[0])
        elif i in fused:
            name = "mean_over_rows" if op == "mean_over_rows" else "inner"
            place[i] = new.apply(name, tuple([place[x] for x in chain.from_iterable(fused[i])]))
        elif i not in gone:
            place[i] = new.apply(op, tuple([place[x] for x in operands]))
    new.outputs = [place[x] for x in tape.outputs]
    return new
