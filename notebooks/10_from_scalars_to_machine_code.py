# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From scalars to machine code
#
# A number that is a node is easy to look at, and slow: for each `+` Python makes an object, fills
# it and remembers it. That takes hundreds of nanoseconds, and the processor could have done the
# addition in a quarter of one. A *compiler* gets rid of the difference. Ours takes a plain Python
# function of scalars and makes machine code of it, in five small steps. We stop after each and
# look.
#
# (You know what a node and a gradient are from `01_a_number_is_a_node`.)

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 80}
import random
import time

import matplotlib.pyplot as plt

import autograd
from autograd import Value, draw
from autograd.compiler.interpret import interpret
from autograd.compiler.optimize import simplify
from autograd.compiler.trace import Trace, recording

# %% [markdown]
# ## The function
#
# A prediction $w x + b$ should have been $t$. How wrong is it? Somebody in a hurry wrote:


# %%
def loss(w, b, x, t):
    return (w * x + b - t) * (w * x + b - t) * 1.0


# %% [markdown]
# With nodes as its arguments, it leaves a graph behind:

# %%
w, b, x, t = Value(2.0, "w"), Value(1.0, "b"), Value(3.0, "x"), Value(5.0, "t")
draw(loss(w, b, x, t))

# %% [markdown]
# Eight operations. The graph is *all* the function did; Python's part in it (looking up names,
# calling functions) is over. So the graph is the program. We only have to write it down.
#
# ## Step 1: trace
#
# We call the function with numbers that have no value yet. All they do is write down what is done
# with them, one line for each operation. The list is called a **tape**.


# %%
def trace(f, n):
    """The tape of a function of n numbers."""
    recorder = Trace(exact=False)
    inputs = [recorder.input() for _ in range(n)]
    with recording(recorder):
        results = f(*inputs)
    results = results if isinstance(results, (list, tuple)) else [results]
    recorder.tape.outputs = [recorder.place(y) for y in results]
    return recorder.tape


tape = trace(loss, 4)
print(tape)

# %% [markdown]
# Read `%4 = mul(%0, %2)` as: the fourth value is the product of value 0 (`w`) and value 2 (`x`).
# Each value is made once and never changes. It is the graph from above, in an order in which every
# node comes after its operands.
#
# A tape can be run: go through it from top to bottom, with a number for each input. That is slow,
# but so simple that it must be right. All that follows is tested against it.

# %%
print(interpret(tape, [2.0, 1.0, 3.0, 5.0]), loss(2.0, 1.0, 3.0, 5.0))

# %% [markdown]
# ## What a trace cannot see
#
# The function ran once, without any numbers. So what should it do here?


# %%
def half_line(x):
    if x > 0:
        return x
    return 0.0 * x


try:
    autograd.jit(half_line)(1.0)
except autograd.TraceError as error:
    what, where_and_why = str(error).split(" while ", 1)
    print(what, "...", where_and_why.split("; ")[1], sep="\n")

# %% [markdown]
# Whether $x > 0$ is not known yet, and differs from call to call. A compiler that took one of the
# two ways for good would be wrong half of the time, and nobody would notice. Ours refuses, and says
# what to write: `where(x > 0, x, 0.0)` computes both and chooses.

# %% [markdown]
# ## Step 2: simplify
#
# The same product stands there twice, and multiplying by 1 changes nothing. One pass over the tape
# takes care of both:

# %%
print(simplify(tape, exact=False))

# %% [markdown]
# Four operations are left of eight. Two ideas did it: equal instructions with equal operands are
# the same value (so make it once), and **laws** such as $1 \cdot a = a$. (The constant is still
# listed, but nobody uses it.)
#
# Which laws may one use? "Anything times 0 is 0" is one we know from school. Look:

# %%
print(simplify(trace(lambda x: x * 0.0, 1), exact=False))

# %% [markdown]
# It stays. If `x` is infinite, or "not a number" (nan), then so is `x * 0.0`: nan. A compiler that
# makes it 0 hides that something went wrong, and your program behaves differently when it is
# compiled. Our compiler uses no law that fails for nan, inf or −0.0.
#
# ## Step 3: differentiate
#
# We want the gradient as well. In `01` it came by walking back through the graph with numbers. Now
# there are no numbers, so each step of that walk is written down instead: **the derivative is a
# longer tape**.

# %%
gradient = autograd.value_and_grad(loss, argnums=(0, 1))


def flat_gradient(w, b, x, t):
    value, (by_w, by_b) = gradient(w, b, x, t)
    return [value, by_w, by_b]


tape = trace(flat_gradient, 4)
print(len(tape), "instructions; after simplifying:")
print()
print(simplify(tape, exact=False))

# %% [markdown]
# Three results now: the loss, and its derivatives by `w` and `b`. Write $d$ for $w x + b - t$,
# which is `%6`. School says: the derivative of $d^2$ by $b$ is $2 d$, and by $w$ it is $2 d x$.
# There they are: `%11` is $d + d$, and `%10` is $x d + x d$. A product of two equal factors has two
# paths, one for each, and paths add up; what they share is computed once.
#
# Since the derivative is a tape like any other, one can differentiate it again, and again:

# %%
counts = []
f = autograd.tanh
for _ in range(5):
    tape = trace(f, 1)
    counts.append((len(tape), len(simplify(tape, exact=False))))
    f = autograd.grad(f)

figure, panel = plt.subplots(figsize=(5.5, 3), layout="constrained")
for offset, k, name, hatch in ((-0.2, 0, "traced", ""), (0.2, 1, "simplified", "//")):
    bars = panel.bar(
        [n + offset for n in range(5)], [c[k] for c in counts], 0.38, label=name, hatch=hatch,
        color=("#f0bd8c", "#8fb7d9")[k], edgecolor="black",
    )  # fmt: skip
    panel.bar_label(bars, fontsize=8)
panel.set(xlabel="how often tanh was differentiated", ylabel="instructions", xticks=range(5))
panel.legend(frameon=False)
panel.margins(y=0.12)

# %% [markdown]
# ## Step 4: roll
#
# So far the tape is as long as the work. For a network that is bad news: a layer of 64 neurons with
# 64 inputs has 4,096 products, so it would be 4,096 lines of machine code. But they are all alike!
# Here is a layer, written as bare sums:


# %%
def layer(weights, inputs):
    return [autograd.tanh(sum(w * x for w, x in zip(ws, inputs, strict=True))) for ws in weights]


def numbers(rows, columns, seed=0):
    rng = random.Random(seed)
    return [[rng.uniform(-0.5, 0.5) for _ in range(columns)] for _ in range(rows)]


fast = autograd.jit(layer)
fast(numbers(64, 64), [0.1] * 64)
report = fast.explain()
print(report.instructions["trace"], "instructions were traced. As loops:")
print(report.loops)

# %% [markdown]
# Two lines! `64 sums of 64` says: 64 times, a sum of 64 products. `buffer0[0 + 64i + 1j]` says
# where the factors lie: for sum number `i` and product number `j` at place `64 i + j`. That is a
# matrix times a vector. Nobody told the compiler about matrices; it saw that the places move by
# constant strides.
#
# So the number of loops follows the number of *kinds* of work, not the amount of it:


# %%
def network_loss(params, x, y):
    for weights in params[:-1]:
        x = layer(weights, x)
    [last] = params[-1]
    return (sum(w * h for w, h in zip(last, x, strict=True)) - y) ** 2


def params_of(hidden):
    return [numbers(hidden, 8), numbers(hidden, hidden, 1), numbers(1, hidden, 2)]


sizes = (4, 8, 16, 32, 64)
traced, loops = [], []
for hidden in sizes:
    fast = autograd.jit(autograd.value_and_grad(network_loss))
    fast(params_of(hidden), [0.1] * 8, 1.0)
    traced.append(fast.explain().instructions["trace"])
    loops.append(fast.explain().instructions["roll (loops)"])

figure, panel = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
panel.loglog(sizes, traced, "o-", color="#e07b1a", label="instructions traced")
panel.loglog(sizes, loops, "s--", color="#1f6fb4", label="loops")
for n, a, c in zip(sizes, traced, loops, strict=True):
    panel.annotate(f"{a:,}", (n, a), (0, 6), textcoords="offset points", ha="center", fontsize=8)
    panel.annotate(c, (n, c), (0, 6), textcoords="offset points", ha="center", fontsize=8)
panel.set(xlabel="neurons in each of two hidden layers", xticks=sizes, xticklabels=sizes)
panel.set(title="a network's loss with its gradient")
panel.minorticks_off()
panel.margins(y=0.15)
legend = panel.legend(frameon=False)

# %% [markdown]
# The work grows with the square of the neurons, the program does not grow at all. (A very small
# network has more lines, because a loop over three numbers is not worth it: there the sums are
# written out.)
#
# Here are the loops of the network with 64 neurons. `once` is where it keeps what lies in between;
# look for the two layers, and after them the same on the way back:

# %%
print(fast.explain().loops)

# %% [markdown]
# ## Step 5: machine code
#
# The loops are written in LLVM's language, an assembler for all processors: one line is about one
# instruction of the machine. LLVM (which also stands behind Clang, Rust and Julia) does the rest.
# Here is our little loss with its gradient; leaving out where things lie in memory, this is all:

# %%
fast = autograd.jit(gradient)
print(fast(2.0, 1.0, 3.0, 5.0))
for line in fast.explain().llvm.splitlines():
    if "getelementptr" not in line and " ptr, ptr" not in line:
        print(line.split(", align")[0])

# %% [markdown]
# Load four numbers, a handful of products and sums, store three results. No objects, no names, no
# memory to manage. (`fma` is a product and a sum in one instruction, rounded once.)
#
# ## Are they the same numbers?
#
# Machine code adds in another order where that is faster, and rounds once instead of twice. So the
# last digits may differ from Python's. Whoever needs every bit says `exact=True`:

# %%
small = params_of(16)
python = autograd.value_and_grad(network_loss)(small, [0.1] * 8, 1.0)[0]
compiled = autograd.jit(autograd.value_and_grad(network_loss))(small, [0.1] * 8, 1.0)[0]
exact = autograd.jit(autograd.value_and_grad(network_loss), exact=True)(small, [0.1] * 8, 1.0)[0]
print("compiled differs by less than a billionth:", abs(compiled - python) < 1e-9 * python)
print("exact=True, the very same bits:", exact == python)

# %% [markdown]
# ## How fast is it?
#
# One gradient of the network, on your machine (or the one that made this page): by nodes in Python,
# and compiled. `pack` puts the weights into one array, which saves taking thousands of Python
# numbers apart. With `batch_argnums`, a hundred samples go in at once.


# %%
def seconds(f, *args):
    """The best of five tries: whatever else the machine does can only make it slower."""
    f(*args)
    repeats, best = 1, 0.0
    while best < 0.01:  # so long that the clock is exact
        repeats *= 4
        tries = []
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(repeats):
                f(*args)
            tries.append(time.perf_counter() - start)
        best = min(tries)
    return best / repeats


sizes = (4, 16, 64)
times = {"nodes in Python": [], "compiled": [], "compiled, a hundred at once": []}
for hidden in sizes:
    params, x = params_of(hidden), [0.1] * 8
    with_gradient = autograd.value_and_grad(network_loss)
    one = autograd.jit(with_gradient)
    many = autograd.jit(with_gradient, batch_argnums=(1, 2))
    times["nodes in Python"].append(seconds(with_gradient, params, x, 1.0))
    times["compiled"].append(seconds(one, one.pack(params), x, 1.0))
    hundred = seconds(many, many.pack(params), [x] * 100, [1.0] * 100)
    times["compiled, a hundred at once"].append(hundred / 100)

figure, panel = plt.subplots(figsize=(7, 3.4), layout="constrained")
looks = zip(times.items(), ("#f0bd8c", "#8fb7d9", "#1f6fb4"), ("", "//", "xx"), strict=True)
for k, ((name, found), color, hatch) in enumerate(looks):
    places = [i + 0.27 * (k - 1) for i in range(len(sizes))]
    look = {"color": color, "hatch": hatch, "edgecolor": "black", "label": name}
    bars = panel.bar(places, [1e6 * s for s in found], 0.25, **look)
    panel.bar_label(bars, [f"{1e6 * s:,.1f}" for s in found], fontsize=8)
panel.set_yscale("log")
panel.set(ylabel="microseconds a sample", xticks=range(len(sizes)))
panel.set(title="a gradient of the network")
panel.set_xticklabels([f"8-{n}-{n}-1" for n in sizes])
panel.margins(y=0.15)
legend = panel.legend(frameon=False, loc="upper left", fontsize=8)

# %% [markdown]
# The axis is logarithmic: each line up is ten times as long. What you should see: hundreds to
# thousands of times as fast, and the more so the larger the network is. For a single sample of a
# small network, most of the time is spent on going from Python into the machine code and back. That
# is why `fit` does a whole epoch in one call.
#
# Nothing is free: compiling takes time as well. Where does it go? (In float32 this time, because
# machine code for loops that we have had above would be used again, at no cost.)

# %%
one = autograd.jit(autograd.value_and_grad(network_loss), dtype="float32")
one(params_of(64), [0.1] * 8, 1.0)
spent = one.explain().seconds

figure, panel = plt.subplots(figsize=(6, 2.2), layout="constrained")
bars = panel.barh(
    list(spent), [1e3 * s for s in spent.values()], color="#8fb7d9", edgecolor="black"
)
panel.bar_label(bars, fmt="%.0f", padding=3)
panel.invert_yaxis()
panel.set(xlabel="milliseconds", title="compiling 8-64-64-1, pass by pass")
panel.margins(x=0.1)

# %% [markdown]
# A fraction of a second, and it is needed once for each shape of arguments. After that each call
# saves what you saw above. You need not do any of it by hand: `fast.explain()` prints what we went
# through, for any function of yours, and `model.fit` compiles by itself.

# %% [markdown]
# ## Your turn
#
# Replace each `...` by your answer and run the cell.


# %%
def check(answer, right, hint):
    if answer is ...:
        print("not answered yet")
    else:
        assert right(answer), f"not yet. {hint}"
        print("right!")


# %% [markdown]
# **1.** `(x + y) * (x + y) + (x + y)` is traced and simplified. How many instructions remain, not
# counting the inputs?

# %%
remaining = ...

tape = simplify(trace(lambda x, y: (x + y) * (x + y) + (x + y), 2), exact=False)
check(
    remaining,
    lambda n: n == len(tape) - 2,
    "x + y is written three times. How often must it be computed?",
)

# %% [markdown]
# **2.** Which of these can be compiled? Answer with a set of names, such as `{"a", "b", "c"}`.
#
# - a: a loop over a list of fixed length: `for w in ws: y = y + w * x`
# - b: a loop that depends on a number: `while x > 1.0: x = x / 2.0`
# - c: the larger of two: `autograd.maximum(x, 0.0)`

# %%
compilable = ...


def a(ws, x):
    y = 0.0
    for w in ws:
        y = y + w * x
    return y


def b(x):
    while x > 1.0:
        x = x / 2.0
    return x


def c(x):
    return autograd.maximum(x, 0.0)


def can_be_compiled(f, *args):
    try:
        autograd.jit(f)(*args)
    except autograd.TraceError:
        return False
    return True


cases = {"a": (a, [1.0, 2.0], 3.0), "b": (b, 3.0), "c": (c, 3.0)}
check(
    compilable,
    lambda names: names == {name for name, case in cases.items() if can_be_compiled(*case)},
    "Does what is done depend on how long a list is, or on what a number is?",
)

# %% [markdown]
# **3.** The function `half_line` above was refused. Write it so that it compiles, as a `lambda x:
# ...` in one line: `x` where it is above 0, else 0.

# %%
your_half_line = ...


def is_half_line(f):
    try:
        fast = autograd.jit(f)
        return [fast(x) for x in (-2.0, 0.0, 3.0)] == [0.0, 0.0, 3.0]
    except autograd.TraceError:
        return False


check(
    your_half_line,
    is_half_line,
    "Python's if and max ask what the number is; autograd.where and autograd.maximum do not.",
)

# %% [markdown]
# **4.** A third hidden layer is added to the network, as large as the second. What happens to the
# number of loops: does it stay `"the same"`, grow by `"a few"`, or grow by `"thousands"`?

# %%
more_loops = ...

deeper = autograd.jit(autograd.value_and_grad(network_loss))
deeper([*params_of(64)[:2], numbers(64, 64, 3), numbers(1, 64, 2)], [0.1] * 8, 1.0)
extra = deeper.explain().instructions["roll (loops)"] - one.explain().instructions["roll (loops)"]
check(
    more_loops,
    lambda said: said == ("the same" if extra == 0 else "a few" if extra < 100 else "thousands"),
    "Wider layers are more of the same work. Is another layer, too?",
)

# %% [markdown]
# ## Where to go on
#
# - `docs/compiler.md`: what can be compiled, and what is equal to what.
# - `autograd/compiler/`: a file for each step you saw. `interpret.py` is the shortest.
# - `print(autograd.jit(f).explain())` after a call, for an `f` of your own.
