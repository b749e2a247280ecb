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
# # What breaks
#
# Gradients are not magic. Some functions have corners, some are flat, some numbers get too large to
# write down. Here everything is broken on purpose, one thing after the other, so that you recognise
# it when it happens to you. For each there is a cure.

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 90}
import autograd
import nn
from autograd import Value, draw, grad
from nn.exercises import check_derivative, check_function, check_number
from nn.plots.figure import BLUE, GREY, ORANGE, new_figure, plain

# %% [markdown]
# ## Kinks
#
# `relu` passes positive numbers on and makes 0 of the others. How steep is it at 0? Wiggle to the
# right, and to the left:

# %%
h = 0.001
right = (autograd.relu(0.0 + h) - autograd.relu(0.0)) / h
left = (autograd.relu(0.0) - autograd.relu(0.0 - h)) / h
print(
    "to the right:", right, "  to the left:", left, "  the engine says:", grad(autograd.relu)(0.0)
)

# %% [markdown]
# **What you should see:** the two sides disagree. At a corner there is no slope. The engine has to
# say something, and of all lines that touch the corner from below it takes the flattest.

# %%
figure = new_figure(8, 2.8)
kinks = {
    "relu": (autograd.relu, (0.0, 0.5, 1.0)),
    "abs": (autograd.abs, (-1.0, -0.4, 0.0, 0.4, 1.0)),
}
for axes, (name, (f, slopes)) in zip(figure.subplots(1, 2), kinks.items(), strict=True):
    xs = [i / 10 for i in range(-20, 21)]
    axes.plot(xs, [f(x) for x in xs], color=BLUE, linewidth=2.5)
    for slope in slopes:
        chosen = slope == grad(f)(0.0)
        look = {"ls": "--", "lw": 2, "color": ORANGE} if chosen else {"ls": ":", "color": GREY}
        axes.plot(xs, [slope * x for x in xs], **look)
    axes.set(title=f"{name}: the engine's slope at 0 is {grad(f)(0.0):.0f}", ylim=(-1.5, 2.2))
    plain(axes)
figure

# %% [markdown]
# **What you should see:** every dotted line touches the corner and stays below the curve; the
# dashed one is the flattest of them. Does it matter? Hardly: a number is *exactly* 0 almost
# never, except where you put a 0 yourself. (What is chosen where is written down in
# `docs/special-values.md`.)
#
# ## Saturation: the flat ends
#
# The sigmoid ends in two flat arms. A neuron that is very sure sits on one of them:

# %%
x, w = Value(1.0, "x"), Value(12.0, "w")
out = autograd.sigmoid(w * x)
out.label = "out"
loss = (out - 0.0) ** 2
loss.label = "loss"
loss.backward()
draw(loss)

# %% [markdown]
# **What you should see:** it says 1 and should have said 0, as wrong as can be. Yet hardly any
# gradient gets through the sigmoid: its local derivative is 0.00000614. A neuron that is sure and
# wrong learns nothing.
#
# **A cure:** a loss that is as steep as the sigmoid is flat. Binary cross-entropy is made for it:

# %%
for name, f in (("squared error", nn.mse), ("cross-entropy", nn.binary_cross_entropy)):
    w = Value(12.0, "w")
    f([autograd.sigmoid(w * 1.0)], [0.0]).backward()
    print(f"{name:14} gradient of the weight: {w.grad:.6f}")

# %% [markdown]
# **What you should see:** almost 1 in place of almost 0.
#
# ## Vanishing gradients
#
# Now put sigmoids in a row, as in a network of many layers. The sigmoid is nowhere steeper than
# 1/4. Each layer multiplies by that or less.


# %%
def gradients_in_a_row(bend, depth=20, weight=1.0):
    """The size of the gradient at each layer, seen from the end."""
    z = Value(0.5)
    layers = [z]
    for _ in range(depth):
        z = bend(z * weight)
        layers.append(z)
    z.backward()
    return [abs(layer.grad) for layer in layers]


figure = new_figure(6, 3.4)
axes = figure.subplots()
looks = {"sigmoid": "o-", "tanh": "s--", "relu": "^:"}
for (name, look), color in zip(looks.items(), (BLUE, ORANGE, "black"), strict=True):
    sizes = gradients_in_a_row(nn.activation_function(name))
    axes.plot(sizes, look, color=color, markersize=4, label=name)
axes.set(yscale="log", xlabel="layer (the result is on the right)", ylabel="size of the gradient")
axes.set_xticks(range(0, 21, 5))
plain(axes)
axes.legend(frameon=False)
figure

# %% [markdown]
# **What you should see:** the scale is logarithmic. Through twenty sigmoids, one part in ten
# trillion is left: the first layers learn nothing. tanh fades slowly. relu keeps the gradient as
# it is, for its slope is 1 wherever it is not 0. **The cure** is in the picture, and it is why
# deep networks use relu.
#
# ## Dead relus
#
# But relu has a flat side, too. A neuron whose sum is negative for *every* example passes no
# gradient to its weights, ever.


# %%
examples = [(0.5, 0.0), (1.0, 0.5), (1.5, 1.0), (2.0, 1.5)]


def train(bend, steps=100):
    w, b = Value(1.0, "w"), Value(-3.0, "b")
    losses = []
    for _ in range(steps):
        predictions = [bend(w * x + b) for x, _ in examples]
        loss = nn.mse(predictions, [y for _, y in examples])
        w.grad = b.grad = 0.0
        loss.backward()
        for p in (w, b):
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses


w, b = Value(1.0, "w"), Value(-3.0, "b")
out = autograd.relu(autograd.dot([w], [2.0], b))
loss = (out - 1.5) ** 2
loss.label = "loss"
loss.backward()
draw(loss)

# %% [markdown]
# **What you should see:** the gradient comes as far as relu, and there it ends: everything behind
# it is grey. With the bias of −3 the sum is negative for all four examples.
#
# **Cures:** do not start there (biases start at 0), use a smaller learning rate, so that no
# single step throws a neuron there, or a relu that leaks a little.


# %%
def leaky(z):
    return autograd.leaky_relu(z, 0.1)


figure = new_figure(5.6, 3.2)
axes = figure.subplots()
axes.plot(train(autograd.relu), color=ORANGE, linestyle="--", label="relu: dead from the start")
axes.plot(train(leaky), color=BLUE, label="leaky relu, slope 0.1")
axes.set(xlabel="step", ylabel="loss", ylim=(0, None))
plain(axes)
axes.legend(frameon=False)
figure

# %% [markdown]
# **What you should see:** a dead neuron's loss is a level line. The leaky one has a slope of 0.1 to
# follow on its flat side, and finds its way out.
#
# ## Exploding gradients
#
# The opposite of vanishing: multiply by something larger than 1, again and again. A weight of 3
# in each of twenty layers:

# %%
figure = new_figure(6, 3.4)
axes = figure.subplots()
for weight, look, color in ((0.5, "o-", BLUE), (1.0, "s--", "black"), (3.0, "^:", ORANGE)):
    sizes = gradients_in_a_row(autograd.relu, weight=weight)
    axes.plot(sizes, look, color=color, markersize=4, label=f"weight {weight}")
axes.set(yscale="log", xlabel="layer (the result is on the right)", ylabel="size of the gradient")
axes.set_xticks(range(0, 21, 5))
plain(axes)
axes.legend(frameon=False)
figure

# %% [markdown]
# **What you should see:** a factor of three billion for a weight of 3, a millionth for one of
# 0.5. Only around 1 does a gradient survive a long way. That is why weights start neither large
# nor small: `he_normal` and `glorot_uniform` in `nn.init` choose their size so that it stays near
# 1.
#
# What an exploding gradient does to learning: one step, and the weight is gone.

# %%
for name, optimizer in (
    ("as it is", nn.SGD(lr=0.1)),
    ("clipped ", nn.SGD(lr=0.1, clipnorm=1.0)),
):
    w = Value(3.0, "w")
    optimizer.bind([w])
    z = Value(1.0)
    for _ in range(20):
        z = w * z
    z.backward()
    gradient = w.grad
    optimizer.step()
    print(f"{name}: gradient {gradient:.3g}, the weight goes from 3 to {w.data:.3g}")

# %% [markdown]
# **What you should see:** clipping keeps the direction and cuts the length to 1. **The cure** is
# one word: `clipnorm=1.0`.
#
# ## Numbers that are too large
#
# A computer's number ends at about $1.8 \cdot 10^{308}$. Beyond that it is `inf`, and `inf` minus
# or over `inf` is `nan`: not a number. Softmax, written as in the books:


# %%
def softmax_by_the_book(scores):
    powers = [autograd.exp(score) for score in scores]
    whole = sum(powers[1:], powers[0])
    return [power / whole for power in powers]


for scores in ([1.0, 0.0], [1000.0, 999.0]):
    by_the_book = softmax_by_the_book([Value(score) for score in scores])
    ours = autograd.softmax([Value(score) for score in scores])
    print("scores", scores)
    print("    by the book:", [round(p.data, 4) for p in by_the_book])
    print("    ours:       ", [round(p.data, 4) for p in ours])

# %% [markdown]
# **What you should see:** the same at first, then `nan`: $e^{1000}$ is too large to write down.
# **The cure:** only differences matter, so subtract the largest score from all of them first. The
# engine's `softmax`, `logsumexp`, `softplus` and `binary_cross_entropy` do such things for you.
#
# ## nan spreads
#
# A single `nan` makes everything `nan` that is computed from it: the loss, then every gradient,
# then every weight. Where did it begin? Here is a graph with two parts; one of them went wrong.

# %%
x = Value(0.0, "x")
good = autograd.exp(x)
good.label = "good"
bad = x * autograd.log(x)
bad.label = "bad"
loss = good + bad
loss.label = "loss"
loss.backward()
draw(loss)

# %% [markdown]
# **What you should see:** `log(0)` is `-inf`, and 0 times that is `nan`. On the way back `x` gets
# `nan` as well, though one of its two paths is fine. Look for the *first* node that is not a
# plain number:

# %%
for node in autograd.topological_order(loss):
    if abs(node.data) == float("inf") or node.data != node.data:
        print("it begins with", node.op, "of", [parent.data for parent in node.parents])
        break

# %% [markdown]
# **What you should see:** the logarithm of 0. (`node.data != node.data` looks odd, but `nan` is
# the one number that is not equal to itself.)
#
# **A cure:** `where` takes one of two values, and only the one that was taken gets gradient:


# %%
def x_log_x(x):
    return autograd.where(x > 0, x * autograd.log(x), 0.0)


x = Value(0.0, "x")
y = autograd.exp(x) + x_log_x(x)
y.label = "loss"
y.backward()
y.data, x.grad

# %% [markdown]
# **What you should see:** two plain numbers.
#
# ## Digits that get lost
#
# Last, a quiet one. The slope of tanh is $1 - \tanh^2$. At 20, tanh is so close to 1 that a
# computer cannot tell the difference.

# %%
t = autograd.tanh(20.0)
print("1 - tanh(20)**2 =", 1 - t * t)
print("the engine:      ", grad(autograd.tanh)(20.0))

# %%
xs = [i / 4 for i in range(101)]
by_the_book = [1 - autograd.tanh(x) ** 2 for x in xs]
figure = new_figure(5.8, 3.2)
axes = figure.subplots()
axes.plot(
    xs, [grad(autograd.tanh)(x) for x in xs], color=BLUE, linewidth=3, alpha=0.6, label="engine"
)
shown = [(x, y) for x, y in zip(xs, by_the_book, strict=True) if y > 0]
axes.plot(*zip(*shown, strict=True), "--", color="black", label="$1 - \\tanh^2$")
axes.set(yscale="log", xlabel="x", ylabel="slope of tanh")
plain(axes)
axes.legend(frameon=False)
figure

# %% [markdown]
# **What you should see:** the formula of the books goes astray near 17 and ends at 19: from then on
# it is exactly 0, and nothing more is learned. The engine computes the same quantity by a way that
# loses no digits, $1 / \cosh^2 x$. A formula can be true and still not be good enough.
#
# ## Your turn
#
# **1.** What does the engine say for the slope of $\max(x, 0) + \lvert x \rvert$ at $x = 0$? (It
# adds what it says for each.)

# %%
slope_at_kink = ...

x = Value(0.0)
y = autograd.relu(x) + abs(x)
y.backward()
check_number(slope_at_kink, x.grad, "At a corner: the flattest line that touches it from below.")

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# slope_at_kink = 0
# ```
#
# </details>

# %% [markdown]
# **2.** Write the derivative of $\lvert x - 2 \rvert$, as the engine would have it.


# %%
def slope(x):
    return ...


check_derivative(lambda x: abs(x - 2), slope)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def slope(x):
#     if x == 2:
#         return 0
#     return 1 if x > 2 else -1
# ```
#
# </details>

# %% [markdown]
# **3.** A sigmoid's slope is at most 1/4. After how many of them in a row is a gradient of 1
# below 1/1000, even at best?

# %%
sigmoids = ...

enough = next(n for n in range(100) if 0.25**n < 1 / 1000)
check_number(sigmoids, enough, "Multiply 1/4 by itself until it is smaller than 1/1000.")

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# sigmoids = 5  # 1/1024
# ```
#
# </details>

# %% [markdown]
# **4.** `softplus` is a relu with a round corner: $\ln(1 + e^x)$. Write it so that it works for
# 1000 as well. (For large $x$ it is as good as $x$. You may use `autograd.log1p(z)`, an exact
# $\ln(1 + z)$.)


# %%
def softplus(x):
    return ...


numbers = (0.0, 1.0, -1.0, 10.0, -10.0, 1000.0, -1000.0)
check_function(lambda x: autograd.softplus(x), softplus, numbers)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def softplus(x):
#     return max(x, 0) + autograd.log1p(autograd.exp(-abs(x)))
# ```
#
# $e^{-\lvert x \rvert}$ is never larger than 1.
#
# </details>

# %% [markdown]
# **5.** Clip two gradients: if their length $\sqrt{a^2 + b^2}$ is above 1, divide both by it.
# Otherwise leave them.


# %%
def clip(a, b):
    return ..., ...


def ours(a, b):
    length = autograd.maximum(autograd.hypot(a, b), 1.0)
    return a / length, b / length


check_function(ours, clip)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def clip(a, b):
#     length = (a * a + b * b) ** 0.5
#     if length <= 1:
#         return a, b
#     return a / length, b / length
# ```
#
# </details>

# %% [markdown]
# ## Where to go on
#
# - `docs/special-values.md` lists every corner, pole and overflow, and what the engine does there.
#   A test reads it.
# - `nn.gradient_flow(model, x, y)` shows which layers of a network get gradient, and how much.
