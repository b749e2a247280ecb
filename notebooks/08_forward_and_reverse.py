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
# # Forward and reverse
#
# So far gradients have always travelled backwards. They can travel forwards as well, together with
# the numbers themselves. Both ways give the same derivatives. Which one is cheaper depends on how
# many numbers go in and how many come out, and here we measure it. In the end we take derivatives
# of derivatives.

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 90}
import time
import tracemalloc

import autograd
from autograd import Value, draw, grad, hessian, hvp, jacobian, jvp
from nn.exercises import check_derivative, check_function, check_number
from nn.plots.figure import BLUE, GREY, ORANGE, new_figure, plain

# %% [markdown]
# ## A number with its speed
#
# You walk at 3 km/h, and it grows colder by 2 degrees a kilometre. How fast does it grow colder for
# you? $3 \cdot 2 = 6$ degrees an hour. No need to go backwards: **each quantity carries its speed
# along**, and a quantity made from others works out its own.
#
# As a program: a pair of numbers, the value and its speed.


# %%
class Moving:
    def __init__(self, value, speed):
        self.value, self.speed = value, speed

    def __add__(self, other):
        return Moving(self.value + other.value, self.speed + other.speed)

    def __mul__(self, other):
        speed = self.speed * other.value + self.value * other.speed
        return Moving(self.value * other.value, speed)

    def __repr__(self):
        return f"{self.value} moving at {self.speed}"


x = Moving(3.0, 1.0)
x * x + x

# %% [markdown]
# **What you should see:** $x^2 + x$ at 3 is 12, and its derivative $2x + 1$ is 7. With $x$ moving
# at speed 1, the speed of the result *is* the derivative by $x$. There is no graph, and no way
# back: when the value is there, so is the derivative. This is **forward mode**.
#
# ## One direction at a time
#
# `jvp` does this for all operations of the engine. You give it a function, the numbers, and how
# fast each of them moves. (The table of the derivatives of every result by every input is called
# the *Jacobian*; `jvp` is short for Jacobian-vector product.)


# %%
def f(x, y):
    return x * y + autograd.sin(x)


value, by_x = jvp(f, (2.0, 5.0), (1.0, 0.0))
value, by_y = jvp(f, (2.0, 5.0), (0.0, 1.0))
print(f"value {value:.4f}   by x {by_x:.4f}   by y {by_y:.4f}")

# %% [markdown]
# **What you should see:** two derivatives, and *two* passes: one in which only $x$ moved, one in
# which only $y$ did. Backwards, one pass gives both:

# %%
x, y = Value(2.0, "x"), Value(5.0, "y")
z = f(x, y)
z.label = "z"
z.backward()
draw(z)

# %% [markdown]
# **What you should see:** the same two numbers, 4.5839 and 2, in the orange grads of `x` and `y`.
# This is **reverse mode**: the gradient starts at the one result and spreads to all inputs.
#
# ## Many inputs, one result
#
# A network has thousands of weights and one loss. Let us count passes, with a stopwatch.


# %%
def seconds(f, *args):
    """The shortest of three runs: the others were disturbed."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        f(*args)
        taken.append(time.perf_counter() - start)
    return min(taken)


def one_result(xs):
    return autograd.total([autograd.sin(x) * x for x in xs])


def gradient_forward(f, xs):
    """One pass for each input, in which only that input moves."""
    n = len(xs)
    return [jvp(f, xs, [1.0 if i == j else 0.0 for i in range(n)])[1] for j in range(n)]


sizes = [1, 2, 4, 8, 16, 32, 64]
inputs = {n: [0.1 * i for i in range(n)] for n in sizes}
difference = max(
    abs(a - b)
    for a, b in zip(
        gradient_forward(one_result, inputs[64]), grad(one_result)(inputs[64]), strict=True
    )
)
print("the two agree:", difference < 1e-12)
forward = [seconds(gradient_forward, one_result, inputs[n]) for n in sizes]
reverse = [seconds(grad(one_result), inputs[n]) for n in sizes]
print("with 64 inputs reverse is more than 5 times as fast:", forward[-1] > 5 * reverse[-1])


# %%
def race(sizes, curves, xlabel):
    """Milliseconds against size, both axes logarithmic."""
    figure = new_figure(5.8, 3.4)
    axes = figure.subplots()
    looks = ({"color": ORANGE, "marker": "^", "ls": "--"}, {"color": BLUE, "marker": "o"})
    for (name, ts), look in zip(curves.items(), looks, strict=True):
        axes.plot(sizes, [1000 * t for t in ts], label=name, **look)
    axes.set(xscale="log", yscale="log", xlabel=xlabel, ylabel="milliseconds")
    axes.set_xticks(sizes, sizes)
    axes.minorticks_off()
    plain(axes)
    axes.legend(frameon=False)
    return figure


race(sizes, {"forward: a pass for each input": forward, "reverse: one pass": reverse}, "inputs")

# %% [markdown]
# **What you should see:** both rise, because the function itself has more to do. But forward
# rises twice as steeply: it runs a function that is $n$ times as long, $n$ times. Reverse runs it
# once, there and back. That one fact is why networks with millions of weights can be trained at
# all.
#
# ## One input, many results
#
# Now turn it round: one number goes in, a long computation follows, and many numbers come out.


# %%
def many_results(m):
    def f(x):
        for _ in range(50):
            x = autograd.sin(x) + 0.5
        return [x * k for k in range(m)]

    return f


forward = [seconds(jvp, many_results(m), 0.3, 1.0) for m in sizes]
reverse = [seconds(jacobian(many_results(m)), 0.3) for m in sizes]
print("with 64 results forward is faster:", forward[-1] < reverse[-1])
race(sizes, {"forward: one pass": forward, "reverse: a pass for each result": reverse}, "results")

# %% [markdown]
# **What you should see:** the two have changed places. Reverse has to go back once for each result;
# forward carries the one speed through to all of them at once.
#
# > **Few inputs: forward. Few results: reverse.**
#
# (With a single result, reverse is ahead here: it is the part of this engine that has been polished
# most. Above a handful of results that no longer helps.)
#
# ## What reverse has to remember
#
# To go back, reverse mode must keep all that was computed until the way back. Forward mode can
# forget each number as soon as the next is made. We measure the memory at its highest.


# %%
def long_way(x, n=10_000):
    for _ in range(n):
        x = autograd.sin(x) + 0.5
    return x


def kilobytes(run):
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1000


nodes = len(autograd.topological_order(long_way(Value(0.3))))
memory = {
    "forward": kilobytes(lambda: jvp(long_way, 0.3, 1.0)),
    "reverse": kilobytes(lambda: grad(long_way)(0.3)),
}
print(f"the graph has {nodes:,} nodes")
print("reverse needs more than 100 times the memory:", memory["reverse"] > 100 * memory["forward"])
figure = new_figure(5.8, 2.0)
axes = figure.subplots()
axes.barh(list(memory), list(memory.values()), color=[ORANGE, BLUE], height=0.5)
axes.set(xscale="log", xlabel="kilobytes at the highest point")
axes.invert_yaxis()
plain(axes)
figure

# %% [markdown]
# **What you should see:** the graph of 10,000 rounds takes megabytes; the pair of numbers that
# forward mode carries takes next to nothing. (The scale is logarithmic.)
#
# ## The derivative of a derivative
#
# A derivative is a function, too, so it has a derivative of its own. The first says how steep the
# curve is, the second how it bends.


# %%
def wave(x):
    return autograd.sin(x) * x


first = grad(wave)
second = grad(first)
xs = [i / 20 for i in range(-120, 121)]
figure = new_figure(7.4, 3.2)
axes = figure.subplots()
axes.plot(xs, [wave(x) for x in xs], color=BLUE, linewidth=2, label="x sin x")
axes.plot(xs, [first(x) for x in xs], color=ORANGE, linestyle="--", label="first: how steep")
axes.plot(xs, [second(x) for x in xs], color="black", linestyle=":", label="second: how it bends")
axes.axhline(0, color=GREY, linewidth=0.8)
plain(axes)
axes.legend(frameon=False, fontsize=8)
figure

# %% [markdown]
# **What you should see:** where the dashed line crosses zero, the curve is level. Where the
# dotted line is above zero there, it is a valley; where it is below, a peak.
#
# ## Several inputs: a table of second derivatives
#
# With two inputs, each of the two first derivatives can be taken by each input again: four
# numbers, the *Hessian*. Here the narrow valley of
# `05_gradient_descent`, turned a little:


# %%
def valley(p):
    x, y = p
    return x * x / 2 + 5 * y * y + x * y


print("gradient:", grad(valley)([3.0, 1.0]))
for row in hessian(valley)([3.0, 1.0]):
    print("hessian: ", row)

# %% [markdown]
# **What you should see:** it bends by 1 in the first direction and by 10 in the second: narrow.
# The two other numbers are equal. They always are: it does not matter which derivative comes
# first.
#
# What is it good for? If we know how steep it is *and* how it bends, we can say where the bottom
# is. This is Newton's step: find the move after which the gradient is 0.

# %%
p = [3.0, 1.0]
g = grad(valley)(p)
(a, b), (c, d) = hessian(valley)(p)
determinant = a * d - b * c
move = [(d * g[0] - b * g[1]) / determinant, (a * g[1] - c * g[0]) / determinant]
bottom = [p[0] - move[0], p[1] - move[1]]
print("after one step:", bottom, "gradient there:", grad(valley)(bottom))

# %% [markdown]
# **What you should see:** one step, and it stands at the bottom. Gradient descent took dozens.
# Why does not everyone do this? With a million weights the table has a million times a million
# entries.
#
# ## Both at once
#
# Often one needs only how the gradient changes *in one direction*: the Hessian times a vector.
# Move the inputs in that direction (forward) while the gradient is computed (reverse). That is
# `hvp`: about the cost of a few gradients, and no table.


# %%
def all_together(xs):
    return autograd.total([autograd.sin(x) for x in xs]) ** 2


sizes = [4, 8, 16, 32, 64]
points = {n: [0.1 * i for i in range(n)] for n in sizes}
ones = {n: [1.0] * n for n in sizes}
by_table = [sum(row) for row in hessian(all_together)(points[16])]
directly = hvp(all_together, points[16], ones[16])
print("the same:", max(abs(a - b) for a, b in zip(by_table, directly, strict=True)) < 1e-9)
table = [seconds(hessian(all_together), points[n]) for n in sizes]
vector = [seconds(hvp, all_together, points[n], ones[n]) for n in sizes]
print("with 64 inputs hvp is faster:", vector[-1] < table[-1])
race(sizes, {"the whole Hessian": table, "Hessian times a vector": vector}, "inputs")

# %% [markdown]
# **What you should see:** with few inputs there is little between them. The table has $n$ rows,
# each as long as a gradient, so it grows twice as steeply.
#
# ## Your turn
#
# **1.** Forward mode, by hand. $u$ has the value 4 and moves at 2; $v$ has the value 5 and moves
# at −1. How fast does $u \cdot v$ move?

# %%
speed_of_product = ...

product = Moving(4.0, 2.0) * Moving(5.0, -1.0)
check_number(speed_of_product, product.speed, "Each factor's speed counts times the other's value.")

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# speed_of_product = 2 * 5 + 4 * -1
# ```
#
# </details>

# %% [markdown]
# **2.** Write the rule for dividing: the value and the speed of $u / v$, when $u$ moves at `du`
# and $v$ at `dv`.


# %%
def divide(u, du, v, dv):
    return ..., ...


def ours(u, du, v, dv):
    return jvp(autograd.div, (u, v), (du, dv))


check_function(ours, divide, numbers=(1.0, 2.0, -1.0, 3.0))

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def divide(u, du, v, dv):
#     return u / v, (du * v - u * dv) / (v * v)
# ```
#
# </details>

# %% [markdown]
# **3.** A function takes 1,000 numbers and gives 3. How many passes does forward mode need for
# all 3,000 derivatives, and how many does reverse?

# %%
passes_forward, passes_reverse = ..., ...

check_number(
    (passes_forward, passes_reverse),
    (1000, 3),
    "Forward: one for each input. Reverse: each result.",
)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# passes_forward, passes_reverse = 1000, 3
# ```
#
# </details>

# %% [markdown]
# **4.** The *second* derivative of $x^3 + 2x$.


# %%
def bend(x):
    return ...


check_derivative(lambda x: grad(lambda z: z**3 + 2 * z)(x), bend)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def bend(x):
#     return 6 * x
# ```
#
# </details>

# %% [markdown]
# **5.** One of the two equal numbers of a Hessian: the derivative by $x$ of the derivative by
# $y$ of $x^2 y + y^3$.


# %%
def mixed(x, y):
    return ...


check_function(lambda x, y: hessian(lambda p: p[0] ** 2 * p[1] + p[1] ** 3)([x, y])[0][1], mixed)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def mixed(x, y):
#     return 2 * x
# ```
#
# </details>

# %% [markdown]
# ## Where to go on
#
# - `autograd/forward.py` is the class `Moving` for all operations at once, in a hundred lines.
# - `09_what_breaks`: places where there is no derivative, or no number.
