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
# # A number is a node
#
# A neural network learns by asking one question of each of its numbers: *if you were a little
# larger, would the result be larger or smaller, and by how much?* That "how much" is a derivative,
# the one you know from school. A network has thousands of numbers, so we want all those
# derivatives at once, without working out a single formula by hand.
#
# It takes one idea: **a number that remembers how it was made.** Such a number is a *node*, and
# the nodes together are a *graph*. In this notebook you see every node of it.

# %%
import autograd
from autograd import Value, draw

# %% [markdown]
# ## One multiplication
#
# A `Value` holds a number. You may give it a name; pictures use it.

# %%
a = Value(2.0, "a")
b = Value(-3.0, "b")
c = a * b
c.label = "c"
c

# %% [markdown]
# `c` holds the product. It also remembers what it was made from:

# %%
c.op, c.parents

# %% [markdown]
# And it remembers one more thing. While it multiplied, it noted how strongly it depends on each of
# the two. If `a` grows by a little, `a * b` grows by `b` times as much. So the *local derivative*
# towards `a` is the number in `b`, and towards `b` it is the number in `a`:

# %%
c.partials

# %% [markdown]
# Now ask the question: how does `c` change with each number it was made from? `backward()` answers
# it, for all of them at once.

# %%
c.backward()
draw(c)

# %% [markdown]
# Read it from left to right: two numbers go in, one comes out.
#
# - **data** (blue) is the number itself.
# - **×−3** and **×2** (teal), where the lines arrive, are the local derivatives.
# - **grad** (orange) is the answer: how fast `c` changes if this number changes. It is found from
#   right to left. `c` changes as fast as itself, so its grad is 1. Following a line back to the
#   left, we multiply by the local derivative that stands on it: 1 × −3 for `a`, 1 × 2 for `b`.
#
# A grad of −3 says: if `a` grows by 0.001, `c` falls by 0.003. We need not believe it. We can
# wiggle `a` and look:

# %%
h = 0.001
round(((2.0 + h) * -3.0 - 2.0 * -3.0) / h, 6)

# %% [markdown]
# ## A number that is used twice
#
# What if a number goes into the result in two ways? Here the sum `s` is used twice: `s * s`.

# %%
a = Value(2.0, "a")
b = Value(1.0, "b")
s = a + b
s.label = "s"
y = s * s
y.label = "y"
y.backward()
draw(y)

# %% [markdown]
# Two lines run from `s` to `y`, one for each use, and each carries a gradient of 3 back. If `s`
# grows, the left factor grows *and* the right factor grows; `y` feels both. So **gradients that
# arrive at one node add up**: 3 + 3 = 6. School agrees: the derivative of $s^2$ is $2s$, and $2
# \cdot 3 = 6$.
#
# A plus has local derivatives of 1. It hands what it gets to both of its operands, unchanged.

# %% [markdown]
# ## A path: multiply
#
# Now a longer way from `a` to the result.

# %%
a = Value(2.0, "a")
b = Value(3.0, "b")
c = Value(-4.0, "c")
u = a * b
u.label = "u"
v = u + c
v.label = "v"
y = v**2
y.label = "y"
y.backward()
draw(y)

# %% [markdown]
# Follow the wide line back from `y` to `a`. The square has the local derivative $2v = 4$, the sum
# has 1, the product has $b = 3$. Multiply what you meet on the way:

# %%
square, plus, times = y.partials[0], v.partials[0], u.partials[0]
print("along the path:", square, "*", plus, "*", times, "=", square * plus * times)
print("grad of a:     ", a.grad)

# %% [markdown]
# Think of cogwheels. If `u` turns 3 times as fast as `a`, and `y` turns 4 times as fast as `u`,
# then `y` turns 12 times as fast as `a`. This is the **chain rule**, and together with the last
# section it is all there is:
#
# > Along a path, multiply. Where paths meet, add.
#
# (The 2 in `v**2` is a constant. Nobody asks for its gradient, so its line stays grey.)

# %% [markdown]
# ## Why the order matters
#
# The rule, as a program: go through the nodes, and let each pass its gradient on to its parents.
# It is six lines long.


# %%
def pass_back(nodes):
    for node in nodes:
        node.grad = 0.0
    nodes[0].grad = 1.0
    for node in nodes:
        for parent, partial in zip(node.parents, node.partials, strict=True):
            parent.grad += node.grad * partial


# %% [markdown]
# In what order? Here is a graph with a diamond in it: `s` is used by `left` and by `right`, and
# the two meet again in `y`.

# %%
x = Value(1.0, "x")
s = 3 * x
s.label = "s"
left = 2 * s
left.label = "left"
right = s * s
right.label = "right"
y = left + right
y.label = "y"

# %% [markdown]
# A first try: from `y` go left, and on, as far as it goes; then see to what remains.

# %%
pass_back([y, left, s, x, right])
draw(y)

# %% [markdown]
# Something is wrong, and the picture shows where. Look at `s`: its grad is 8. The line to `x` says
# ×3, so `x` should have 24. It has 6.
#
# What happened: `s` passed its gradient on as soon as `left` had reported (2 × 3 = 6). Then
# `right` reported another 6 to `s`, but `s` had already spoken, and nobody told `x`.
#
# So a node has to wait until **everyone who used it has reported**. Let `right` go before `s`:

# %%
pass_back([y, left, right, s, x])
draw(y)

# %% [markdown]
# Now `s` passes on 8, and `x` gets 8 × 3 = 24. By hand: $y = 2 \cdot 3x + (3x)^2$, so $y' = 6 +
# 18x$, which is 24 at $x = 1$.
#
# An order in which every node comes after all it was made from is called a **topological order**.
# Read backwards, it is the order we need, for any graph. You need not find it yourself:

# %%
order = autograd.topological_order(y)
pass_back(order[::-1])
x.grad

# %% [markdown]
# `topological_order`, reversed, and then the six lines of `pass_back`: that is `backward()`.
#
# ## A whole neuron
#
# A neuron weighs its inputs, adds them up with a bias, and bends the sum into the range from −1 to
# 1: $\tanh(w_1 x_1 + w_2 x_2 + b)$.

# %%
x1, x2 = Value(1.0, "x1"), Value(-2.0, "x2")
w1, w2 = Value(0.8, "w1"), Value(0.3, "w2")
b = Value(0.1, "b")


def neuron():
    z = w1 * x1 + w2 * x2 + b
    z.label = "z"
    out = autograd.tanh(z)
    out.label = "out"
    return out


out = neuron()
out.backward()
draw(out)

# %% [markdown]
# Nothing new in it: products, sums, one bend. But now the gradients are advice. To raise `out`:
#
# - raise `w1` (its grad is positive: `x1` is positive);
# - lower `w2` (its grad is negative, a dashed line: `x2` is negative);
# - `w2` has the greater say, because its input is larger.
#
# Let us take the advice: one small step for each weight, in the direction of its gradient.

# %%
before = neuron()
for parameter in (w1, w2, b):
    parameter.data += 0.1 * parameter.grad
after = neuron()
print(f"before {before:.3f}, after {after:.3f}")

# %% [markdown]
# It rose. A network that learns does this, over and over, with the sign turned round: it lowers a
# number that says how wrong it is. That is the next notebook.

# %% [markdown]
# ## The same neuron in two nodes
#
# Products and their sum come so often that they have a node of their own, `dot`. It gives the same
# numbers with fewer nodes, which is faster and easier to look at.
#
# One thing first. Gradients of *leaves* (the numbers you made yourself) add up from one
# `backward()` to the next, so that you can add the gradients of several results. If you want to
# start afresh, set them to zero.

# %%
out.zero_grad()
z = autograd.dot([w1, w2], [x1, x2], b)
z.label = "z"
out = autograd.tanh(z)
out.label = "out"
out.backward()
draw(out)

# %% [markdown]
# A `dot` has a local derivative for each of its five operands: for a weight it is the input, for
# an input it is the weight, for the bias it is 1. Whenever you want to see what is inside, unfold
# it:

# %%
draw(out, unfold=True)

# %% [markdown]
# ## Trust, but check
#
# We can hold every gradient of the neuron against a wiggle: move one number a little up, a little
# down, and see how far the result moves. This knows nothing of chain rules.

# %%
h = 1e-5
for leaf in (w1, w2, b, x1, x2):
    number = leaf.data
    leaf.data = number + h
    up = neuron().data
    leaf.data = number - h
    down = neuron().data
    leaf.data = number
    print(f"{leaf.label:>2}:  backward {leaf.grad:8.5f}   wiggle {(up - down) / (2 * h):8.5f}")

# %% [markdown]
# They agree. So why not always wiggle? Because it runs the neuron twice for *each* number. With a
# million numbers it would run two million times. `backward()` gets them all in one go, for about
# the price of one more run.

# %% [markdown]
# ## Your turn
#
# Replace the `...` by your answer and run the cell. Work it out in your head or on paper first.
# The check asks the engine for the right answer.


# %%
def check(answer, right, hint):
    if answer is ...:
        print("not answered yet")
    else:
        assert answer == right, f"not yet. {hint}"
        print("right!")


# %% [markdown]
# **1.** $c = a \cdot b$ with $a = 4$ and $b = 0.5$. What is the grad of `a` after `c.backward()`?

# %%
grad_of_a = ...

a, b = Value(4.0), Value(0.5)
c = a * b
c.backward()
check(grad_of_a, a.grad, "If a grows by 1, by how much does a * b grow?")

# %% [markdown]
# **2.** $y = s \cdot s + s$ with $s = 3$. Three lines run from `s` into the graph. What is the
# grad of `s`?

# %%
grad_of_s = ...

s = Value(3.0)
y = s * s + s
y.backward()
check(grad_of_s, s.grad, "Two lines come from the product, one from the sum. Add what they bring.")

# %% [markdown]
# **3.** A prediction $p = w \cdot x$ should have been $t$; its error is $(p - t)^2$. Take $w = 2$,
# $x = 3$, $t = 5$. Multiply along the path from the error to $w$: what is the grad of `w`?

# %%
grad_of_w = ...

w = Value(2.0)
error = (w * 3 - 5) ** 2
error.backward()
check(grad_of_w, w.grad, "The square gives 2 * (p - t), the minus gives 1, the product gives x.")

# %% [markdown]
# **4.** In this graph there is exactly one order in which `pass_back` gets every gradient right.
# Write it down as a list, such as `[q, m, n, o, p]`, which is not it.

# %%
m = Value(2.0, "m")
n = m * m
o = n + m
p = o * n
q = p + o
your_order = ...

only_order = autograd.topological_order(q)[::-1]
check(your_order, only_order, "Each node comes after all that use it. draw(q) shows who uses whom.")

# %% [markdown]
# ## Where to go on
#
# - `02_gates`: neurons that learn, and what one neuron alone cannot learn.
# - `autograd/value.py`: the class you have been using. It is short, and you now know what it does.
# - Draw something of your own. Any formula will do: `draw(autograd.exp(a) / (a + b))`.
