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
# # The chain rule, step by step
#
# In `01_a_number_is_a_node` a picture showed all gradients at once. Here we slow down and watch
# them being made, one multiplication and one addition after the other. By the end you can do it
# with a pencil, for any formula.

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 90}
import autograd
from autograd import Value, draw, explore, steps
from nn.exercises import check_derivative, check_number
from nn.plots.figure import BLUE, ORANGE, new_figure, plain

# %% [markdown]
# ## One link
#
# Start with numbers. Three apples cost three times as much as one: $u = 3x$. At $x = 2$ that is 6.
# If $x$ grows by a little, $u$ grows by 3 times as much.

# %%
x = 2.0
for h in (1.0, 0.1, 0.001):
    change = 3 * (x + h) - 3 * x
    print(f"x grows by {h:<5}  u grows by {change:.4f}  which is {change / h:.2f} times as much")

# %% [markdown]
# **What you should see:** always 3, however small the change. That number is the *derivative* of
# $u$ by $x$, written $\frac{du}{dx}$.
#
# ## A link that bends
#
# Now square it: $y = u^2$. At $u = 6$ that is 36. How fast does $y$ grow with $u$?

# %%
u = 6.0
for h in (1.0, 0.1, 0.001):
    change = (u + h) ** 2 - u**2
    print(f"u grows by {h:<5}  y grows by {change:.4f}  which is {change / h:.2f} times as much")

# %% [markdown]
# **What you should see:** the smaller the change, the closer to 12. A curve is not equally steep
# everywhere, but look closely enough at one place and it is as good as straight. The derivative is
# the steepness of that straight line.

# %%
square_slope = autograd.grad(lambda u: u**2)
figure = new_figure(7.6, 2.8)
for axes, reach in zip(figure.subplots(1, 3), (5.0, 1.0, 0.1), strict=True):
    us = [6 + reach * i / 50 for i in range(-50, 51)]
    axes.plot(us, [u**2 for u in us], color=BLUE, linewidth=2, label="$u^2$")
    straight = [36 + square_slope(6.0) * (u - 6) for u in us]
    axes.plot(us, straight, color=ORANGE, linestyle="--", label="slope 12")
    axes.plot(6, 36, "ko", markersize=5)
    axes.set(title=f"6 ± {reach}", xlabel="u")
    plain(axes)
    axes.legend(frameon=False, fontsize=8)
figure

# %% [markdown]
# **What you should see:** from left to right the curve and the dashed line become one.
#
# ## Two links make a chain
#
# Put them together: $x \to u \to y$. If $u$ moves 3 times as fast as $x$, and $y$ moves 12 times as
# fast as $u$, then $y$ moves $12 \cdot 3 = 36$ times as fast as $x$. **Along a chain, multiply.**
#
# `steps` writes down everything the engine does to get there.

# %%
x = Value(2.0, "x")
u = 3 * x
u.label = "u"
y = u**2
y.label = "y"
print(steps(y))

# %% [markdown]
# Read it aloud, line by line.
#
# - **forward**: the numbers are made, from left to right.
# - **backward** starts at the end: `dy/dy = 1.0`. Change $y$, and $y$ changes by as much.
# - Then each line is one link: what has arrived so far (`dy/du`, the *upstream* gradient), times
#   the steepness of this link (`du/dx`, the *local* derivative), gives the gradient one step
#   further back.
#
# **What you should see:** the last line is $12 \cdot 3 = 36$. The same in the picture:

# %%
y.backward()
draw(y)

# %% [markdown]
# The local derivative of a link needs numbers of the forward pass: $2u$ needs $u = 6$. That is why
# the forward pass comes first, and why a node remembers.
#
# ## Where paths meet, add
#
# Let $x$ be used twice: $y = x \cdot x + x$.

# %%
x = Value(3.0, "x")
s = x * x
s.label = "s"
y = s + x
y.label = "y"
for step in steps(y).backward:
    print(step.words)

# %% [markdown]
# **What you should see:** three lines with `+=` for $x$, one for each time it is used: 1 from the
# plus, and 3 and 3 from the product. They add up: 1, then 4, then 7. And school says: the
# derivative of $x^2 + x$ is $2x + 1$, which is 7 at $x = 3$.
#
# The steps are not only words. Each is an object that holds the three numbers of its
# multiplication and the sum so far:

# %%
print("from   upstream   local   contribution   sum so far")
names = {node.id: node.name for node in steps(y).nodes}
for step in steps(y).backward:
    if step.kind == "flow" and names[step.node] == "x":
        print(
            f"{names[step.source]:4}   {step.upstream:8}   {step.local:5}   "
            f"{step.contribution:12}   {step.after:10}"
        )

# %% [markdown]
# **What you should see:** every row is upstream × local = contribution, and the last column adds
# the contributions up. There is nothing else in backpropagation.

# %%
y.backward()
draw(y)

# %% [markdown]
# ## Wait until all have reported
#
# In the next graph `s` is used by two others. Watch for the lines that say **has heard from**.

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
for step in steps(y).backward:
    mark = "-->" if step.kind == "ready" else "   "
    print(mark, step.words)

# %% [markdown]
# **What you should see:** `s` hears from `right` twice and from `left` once. Only then, with
# 3 + 3 + 2 = 8 complete, does it pass anything on to `x`. Had it spoken earlier, `x` would have got
# less than its due, and nobody would have noticed.

# %%
y.backward()
draw(y)

# %% [markdown]
# ## Press "next"
#
# The same steps, to be played forward and back, one at a time. Click into the picture and use the
# arrow keys. (Sites that show notebooks without running them leave this place empty: run the cell,
# or save the page with `explore(y).save("steps.html")` and open it in a browser.)

# %%
explore(y)

# %% [markdown]
# **What you should see:** first every number is made. Then the gradient sets out from `y`, and `s`
# stays where it is until its third report is in.

# %% [markdown]
# ## In the language of books
#
# Books write the same lines with a rounded $\partial$, which says: one of several numbers is moved,
# the others stay. A notebook shows the steps that way if you do not print them.

# %%
x, w = Value(2.0, "x"), Value(-1.0, "w")
z = w * x
z.label = "z"
out = autograd.tanh(z)
out.label = "out"
steps(out)

# %% [markdown]
# **What you should see:** one forward line for each node, then one multiplication for each edge.
# The steepness of tanh at $-2$ is about 0.07: there the curve is nearly flat, so little of the
# change gets through, and all that stands behind it gets little gradient.
#
# ## A whole neuron
#
# A neuron's sum is one node here, a `dot`. `unfold=True` shows its products one by one.

# %%
x1, x2 = Value(1.0, "x1"), Value(-2.0, "x2")
w1, w2, b = Value(0.8, "w1"), Value(0.3, "w2"), Value(0.1, "b")
z = autograd.dot([w1, w2], [x1, x2], b)
z.label = "z"
out = autograd.tanh(z)
out.label = "out"
for step in steps(out, unfold=True).backward:
    print(step.words)

# %% [markdown]
# **What you should see:** the sum hands its gradient to each product and to the bias unchanged
# (times 1); each product hands it to the weight times the input, and to the input times the weight.

# %%
out.backward()
draw(out, unfold=True)

# %% [markdown]
# ## The rule
#
# For every edge of the graph, from the result back to the beginning:
#
# $$\frac{\partial L}{\partial\,\text{operand}} \mathrel{+}=
# \frac{\partial L}{\partial\,\text{node}} \cdot
# \frac{\partial\,\text{node}}{\partial\,\text{operand}}$$
#
# and a node's turn comes when all that used it have had theirs. That works for a formula with three
# nodes and for a network with a million.

# %% [markdown]
# ## Your turn
#
# Replace each `...` and run the cell. If your answer is wrong, you get the *simplest numbers* for
# which it is, and the graph at that place: go through it backwards with a finger and find the step
# you missed. A solution is folded away below each exercise.
#
# This is how a wrong answer looks. Somebody in a hurry thinks the derivative of $x^3$ is $3x$:

# %%
check_derivative(lambda x: x * x * x, lambda x: 3 * x)

# %% [markdown]
# At 0 and at 1 it happens to be right, so those two were no help. At −1 it is not.
#
# **1.** $y = (3x + 1)^2$. Write its derivative by $x$. (There are two links.)


# %%
def slope(x):
    return ...


check_derivative(lambda x: (3 * x + 1) ** 2, slope)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def slope(x):
#     return 2 * (3 * x + 1) * 3
# ```
#
# </details>

# %% [markdown]
# **2.** $y = a \cdot b + a$ has two derivatives, one by $a$ and one by $b$. Give both.


# %%
def slopes(a, b):
    return ..., ...


check_derivative(lambda a, b: a * b + a, slopes)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def slopes(a, b):
#     return b + 1, a
# ```
#
# $a$ is used twice: the product brings it $b$, the plus brings it 1.
#
# </details>

# %% [markdown]
# **3.** In $y = s \cdot s + 5 s$ with $s = 2 x$ and $x = 1$: which number has `s` collected when
# all that used it have reported?

# %%
collected = ...

x = Value(1.0, "x")
s = 2 * x
y = s * s + 5 * s
y.backward()
check_number(collected, s.grad, "s is used three times: twice in the product, once in 5 * s.")

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# collected = 2 + 2 + 5
# ```
#
# </details>

# %% [markdown]
# **4.** A neuron's error: $E = (w x + b - t)^2$, for the example $x = 2$ with the target $t = 1$.
# It learns by moving $w$ and $b$, so it needs the derivatives by these two.


# %%
def blame(w, b):
    return ..., ...


check_derivative(lambda w, b: (w * 2 + b - 1) ** 2, blame)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def blame(w, b):
#     error = w * 2 + b - 1
#     return 2 * error * 2, 2 * error
# ```
#
# </details>

# %% [markdown]
# **5.** And one with a bend: $y = \tanh(3x)$. The steepness of tanh at $z$ is $1 - \tanh(z)^2$, and
# `autograd.tanh` takes plain numbers, too.


# %%
def bend(x):
    return ...


check_derivative(lambda x: autograd.tanh(3 * x), bend, numbers=(0.0, 1.0, -1.0, 0.5, -0.5))

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def bend(x):
#     return (1 - autograd.tanh(3 * x) ** 2) * 3
# ```
#
# </details>

# %% [markdown]
# ## Where to go on
#
# - `04_build_your_own_engine`: you know the rule; now write the program.
# - `print(autograd.steps(y))` works for any `y` of yours, in a terminal too.
