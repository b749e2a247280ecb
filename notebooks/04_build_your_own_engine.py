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
# # Build your own engine
#
# The engine you have been using is a class with a few methods. In this notebook you write one of
# your own: the product, the backward pass, a bend. Ours checks yours on every formula of up to
# three operations, and shows you the smallest one on which they differ. At the end a neuron
# learns on it.
#
# You need what `03_the_chain_rule` says: along a path multiply, where paths meet add, and wait
# until all have reported.

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 90}
import math

import autograd
from autograd import Value, draw
from nn.exercises import check_engine
from nn.plots import loss_curve

# %% [markdown]
# ## What a node must remember
#
# A number that can be asked for its gradient has to know four things: its number, its gradient
# (0 for now), the numbers it was made from (its *parents*), and how fast it moves with each of
# them (its *partials*, the local derivatives).


# %%
class Number:
    def __init__(self, data, parents=(), partials=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.partials = partials


a = Number(3.0)
a.data, a.grad, a.parents, a.partials

# %% [markdown]
# **What you should see:** a number that was given, not made: it has no parents.
#
# ## Plus, as an example
#
# Python calls `__add__` for a `+`. The sum of $a$ and $b$ moves as fast as $a$ does, and as fast as
# $b$ does: both partials are 1.


# %%
def add(self, other):
    return Number(self.data + other.data, parents=(self, other), partials=(1.0, 1.0))


Number.__add__ = add

b = Number(-2.0)
c = a + b
c.data, c.parents == (a, b), c.partials

# %% [markdown]
# **What you should see:** the sum, its two parents, and the two local derivatives. What one
# operation has to remember fits in a line. Ours, for comparison:

# %%
draw(Value(3.0, "a") + Value(-2.0, "b"))

# %% [markdown]
# ## Exercise 1: times
#
# Write the product. How fast does $a \cdot b$ move if $a$ moves? And if $b$ moves?


# %%
def multiply(self, other):
    return ...


Number.__mul__ = multiply

check_engine(Number, backward=False)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def multiply(self, other):
#     return Number(
#         self.data * other.data, parents=(self, other), partials=(other.data, self.data)
#     )
#
#
# Number.__mul__ = multiply
# ```
#
# </details>

# %% [markdown]
# ## What backward has to do
#
# `y.backward()` sets `y.grad` to 1 and brings the gradient to every number behind `y`. There are
# three ways to get it almost right. Look at them before you start.
#
# **First trap: the same number twice.** In `a + a` two edges arrive at one node. If the second
# report overwrites the first, `a` has 1 where it should have 2.

# %%
a = Value(3.0, "a")
y = a + a
y.label = "y"
y.backward()
draw(y)

# %% [markdown]
# **What you should see:** two lines, each brings 1, and the grad of `a` is 2. So write `+=`.
#
# **Second trap: the order.** Here `s` is used by `t` and by `y`. If you take the parents of `y` as
# they come, `s` may pass on what it has before `t` has reported.

# %%
a = Value(3.0, "a")
s = a + a
s.label = "s"
t = s + a
t.label = "t"
y = s + t
y.label = "y"
y.backward()
draw(y)

# %% [markdown]
# **What you should see:** `s` gets 1 from `y` and 1 from `t`, and hands on 2, twice; with the 1
# from `t`, `a` has 5. A node has to wait for **all** its users. One way to get there: make a list
# in which every node stands after all its parents, and go through it backwards.
#
# **Third trap: functions that call themselves.** The list is easily made by a function that calls
# itself for each parent. But Python lets functions call each other only so deep, about a thousand
# times:


# %%
def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)


try:
    depth(100_000)
except RecursionError as error:
    print("RecursionError:", str(error)[:32])

# %% [markdown]
# **What you should see:** an error, where a loop would have counted to 100,000 in an instant. A
# loss that adds up 5,000 errors is 5,000 sums deep. So keep a list of what is still to do, and
# take from its end until it is empty:

# %%
folders = {"home": ["music", "books"], "music": ["jazz"], "books": [], "jazz": []}
to_do = ["home"]
while to_do:
    folder = to_do.pop()
    print(folder, end="  ")
    to_do += folders[folder]

# %% [markdown]
# **What you should see:** every folder once, and no function that calls itself. (This order is not
# yet the one you need: a folder comes *before* what is in it, but a folder that is in two others
# would come too early, or twice.)
#
# ## Exercise 2: backward
#
# Now yours. The check goes through all formulas with up to three operations, from small to large,
# and stops at the first on which you differ. Then it tries a graph with many paths and a long
# chain. Start with something that is almost right, and let the counterexamples lead you.


# %%
def backward(self):
    return ...


Number.backward = backward

verdict = check_engine(Number)
verdict

# %% [markdown]
# <details><summary>A hint</summary>
#
# Count first how often each node is used: go through the graph once with a to-do list, and for each
# node add 1 to the count of each of its parents. Then start from the end. A node that has had its
# turn takes 1 off the count of each parent, and a parent whose count is 0 is next.
#
# </details>

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def backward(self):
#     still_to_report = {self: 0}
#     to_do = [self]
#     while to_do:
#         for parent in to_do.pop().parents:
#             if parent not in still_to_report:
#                 still_to_report[parent] = 0
#                 to_do.append(parent)
#             still_to_report[parent] += 1
#
#     self.grad = 1.0
#     to_do = [self]
#     while to_do:
#         node = to_do.pop()
#         for parent, partial in zip(node.parents, node.partials):
#             parent.grad += node.grad * partial
#             still_to_report[parent] -= 1
#             if still_to_report[parent] == 0:
#                 to_do.append(parent)
#
#
# Number.backward = backward
#
# verdict = check_engine(Number)
# ```
#
# </details>

# %% [markdown]
# ## What a counterexample looks like
#
# Here is an engine that falls into the second trap. It passes the gradient on at once, every time
# something arrives:


# %%
class TooEager(Number):
    def __add__(self, other):
        return TooEager(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return TooEager(self.data * other.data, (self, other), (other.data, self.data))

    def backward(self):
        self.grad = 1.0
        self.pass_on()

    def pass_on(self):
        for parent, partial in zip(self.parents, self.partials, strict=True):
            parent.grad += self.grad * partial
            parent.pass_on()


check_engine(TooEager)

# %% [markdown]
# **What you should see:** `v1` gets a first report and passes it on; it gets a second one and
# passes on the whole 2, the first report included. `a` ends up with too much. No smaller formula
# shows it.
#
# ## Exercise 3: a bend
#
# Plus and times alone make no neuron. Add a method `tanh`. It has one parent, so its parents and
# partials have one entry: `(self,)`, with a comma. The steepness of tanh where it has the value $t$
# is $1 - t^2$.


# %%
def bend(self):
    return ...


Number.tanh = bend

check_engine(Number, operations=("add", "mul", "tanh"))

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def bend(self):
#     t = math.tanh(self.data)
#     return Number(t, parents=(self,), partials=(1 - t * t,))
#
#
# Number.tanh = bend
# ```
#
# </details>

# %% [markdown]
# ## Does it learn?
#
# Plus, times, tanh and backward are enough for a neuron that learns. It shall answer −1 for small
# numbers and 1 for large ones, and starts knowing nothing. If your engine is not finished yet, ours
# stands in for it.

# %%
finished = bool(verdict.passed) and isinstance(Number(0.5).tanh(), Number)
Engine = Number if finished else Value
print("this neuron runs on:", Engine.__name__)

w, b = Engine(0.0), Engine(0.0)
examples = [(0.0, -1.0), (1.0, -1.0), (2.0, 1.0), (3.0, 1.0)]
losses = []
for _ in range(200):
    loss = Engine(0.0)
    for x, target in examples:
        error = (w * Engine(x) + b).tanh() + Engine(-target)
        loss = loss + error * error
    w.grad = b.grad = 0.0
    loss.backward()
    for parameter in (w, b):
        parameter.data -= 0.1 * parameter.grad
    losses.append(loss.data)

for x, target in examples:
    answer = math.tanh(w.data * x + b.data)
    print(f"{x}: should be {target:+.0f}, is {answer:+.2f}")
loss_curve(losses, title="a neuron on an engine of plus, times and tanh")

# %% [markdown]
# **What you should see:** the loss falls and the four answers have the right signs. Nothing of the
# engine is hidden any more.
#
# ## Exercise 4: one more operation
#
# Subtraction: `__sub__`. You can write it in one line with partials of its own.


# %%
def subtract(self, other):
    return ...


Number.__sub__ = subtract

check_engine(Number, operations=("add", "mul", "sub"))

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def subtract(self, other):
#     return Number(self.data - other.data, parents=(self, other), partials=(1.0, -1.0))
#
#
# Number.__sub__ = subtract
# ```
#
# </details>

# %% [markdown]
# ## What ours has besides
#
# - **The rules in a table.** `autograd/primitives.py` has one line for each operation, with its
#   local derivatives, and everything else is made from it.
# - **Speed.** `autograd/value.py` is your class, arranged so that Python has less to do.
# - **Fewer nodes.** A neuron's whole sum is one node, and so is its bend:

# %%
ws, xs = [Value(0.5), Value(-1.0)], [2.0, 1.0]
out = autograd.tanh(autograd.dot(ws, xs, Value(0.25)))
out.backward()
draw(out)

# %% [markdown]
# **What you should see:** two nodes where your engine would have made five.
#
# Next: `05_gradient_descent`. Now that there are gradients, how far should one follow them?
