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
# # Gradient descent
#
# A gradient says which way is up, and how steep it is. Learning goes down: a step against the
# gradient, look again, another step. Here you see how long a step may be, what goes wrong in a
# narrow valley, and two inventions that help: momentum and Adam.

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 90}
import autograd
import nn
from autograd import Value, draw
from nn.exercises import check_function, check_number
from nn.optim import rules
from nn.plots.figure import BLUE, GREY, ORANGE, new_figure, plain

# %% [markdown]
# ## One number, downhill
#
# Take $f(x) = x^2$, a bowl with its bottom at 0, and stand at $x = 3$.

# %%
x = Value(3.0, "x")
f = x * x
f.label = "f"
f.backward()
draw(f)

# %% [markdown]
# **What you should see:** a gradient of 6. Going right would lead up, so go left. How far? Let us
# say a tenth of the gradient; this tenth is the *learning rate*.

# %%
rate = 0.1
position = 3.0
for _ in range(6):
    x = Value(position)
    f = x * x
    f.backward()
    print(f"at x = {position:.3f}  f = {f:.3f}  slope {x.grad:.3f}  step {-rate * x.grad:+.3f}")
    position -= rate * x.grad

# %% [markdown]
# **What you should see:** the steps get shorter by themselves, for the bowl is flatter near the
# bottom. Nobody told the rule where the bottom is.
#
# ## How long a step?
#
# The same bowl, the same start, four learning rates, 12 steps each.


# %%
def bowl(x):
    return x * x


def walk(rate, steps=12, x=3.0):
    """The places gradient descent comes through."""
    places = [x]
    for _ in range(steps):
        x -= rate * autograd.grad(bowl)(x)
        places.append(x)
    return places


figure = new_figure(10, 2.8)
ticks = [i / 10 for i in range(-45, 46)]
names = {0.02: "too short", 0.3: "good", 0.95: "too long", 1.05: "far too long"}
for axes, (rate, name) in zip(figure.subplots(1, 4, sharey=True), names.items(), strict=True):
    places = [place for place in walk(rate) if abs(place) <= 4.5]
    axes.plot(ticks, [bowl(x) for x in ticks], color=GREY, linewidth=1)
    axes.plot(places, [bowl(x) for x in places], "o-", color=BLUE, markersize=4, linewidth=1)
    axes.plot(places[0], bowl(places[0]), "s", color=ORANGE, markersize=8)
    axes.set(title=f"rate {rate}: {name}", xlabel="x")
    plain(axes)
figure

# %% [markdown]
# **What you should see:** from the square on the right, 0.02 has not arrived after 12 steps. 0.3
# goes straight down. 0.95 jumps over the bottom from side to side, and still gets lower. 1.05 jumps
# too, but each jump ends *higher* than it began: it would never come back.
#
# One step takes $x$ to $x - \text{rate} \cdot 2x = (1 - 2 \cdot \text{rate})\, x$. So a rate
# above 1 makes $x$ larger each time. The steeper a bowl bends, the shorter the steps must be.

# %% [markdown]
# ## Two numbers: a surface
#
# With two numbers to choose, $f$ is a landscape. We draw it like a hiker's map: each line joins
# places of equal height.


# %%
def valley(x, y):
    return x * x / 2 + 5 * y * y


def surface(axes, f, xs=(-4.5, 4.5), ys=(-2.2, 2.2)):
    """A map of f: lines of equal height, darker is lower."""
    across = [xs[0] + (xs[1] - xs[0]) * i / 60 for i in range(61)]
    up = [ys[0] + (ys[1] - ys[0]) * i / 60 for i in range(61)]
    with autograd.no_grad():
        heights = [[f(x, y) for x in across] for y in up]
    axes.contourf(across, up, heights, levels=20, cmap="Greys_r", alpha=0.35)
    axes.contour(across, up, heights, levels=20, colors=GREY, linewidths=0.4)
    axes.set(xlim=xs, ylim=ys, xlabel="x", ylabel="y", aspect="equal")


figure = new_figure(7.5, 4.1)
axes = figure.subplots()
surface(axes, valley)
for x, y in [(-4.0, 1.0), (-2.5, -1.5), (3.0, 0.5), (1.5, 1.5), (3.0, -1.2), (-3.0, 0.0)]:
    dx, dy = autograd.grad(valley, (0, 1))(x, y)
    axes.annotate(
        "",
        (x - 0.06 * dx, y - 0.06 * dy),
        (x, y),
        arrowprops={"arrowstyle": "-|>", "color": ORANGE, "lw": 2},
    )
    axes.plot(x, y, "o", color=ORANGE)
axes.plot(0, 0, "k*", markersize=12)
axes.set_title("arrows: against the gradient, longer where it is steeper")
figure

# %% [markdown]
# **What you should see:** every arrow crosses the lines at a right angle, for that is the shortest
# way down. But it points *across* the valley much more than along it, towards the star. The valley
# is steep in $y$ and flat in $x$.
#
# ## The trouble with a narrow valley
#
# A step short enough for the steep direction is far too short for the flat one.


# %%
def descend(f, start, optimizer, steps=40):
    """The places an optimiser comes through on its way down from the start."""
    x, y = Value(start[0], "x"), Value(start[1], "y")
    optimizer.bind([x, y])
    path = [(x.data, y.data)]
    for _ in range(steps):
        optimizer.zero_grad()
        f(x, y).backward()
        optimizer.step()
        path.append((x.data, y.data))
    return path


def show(axes, f, path, name, color=BLUE, marker="o", **where):
    surface(axes, f, **where)
    axes.plot(*zip(*path, strict=True), color=color, marker=marker, markersize=4, linewidth=1.2)
    axes.plot(*path[0], "s", color=ORANGE, markersize=9)
    axes.set_title(f"{name}: f = {f(*path[-1]):.2g} after {len(path) - 1} steps", fontsize=10)


start = (-4.0, 1.5)
figure = new_figure(10, 2.9)
for axes, rate in zip(figure.subplots(1, 2, sharey=True), (0.03, 0.19), strict=True):
    show(axes, valley, descend(valley, start, nn.SGD(lr=rate)), f"rate {rate}")
figure

# %% [markdown]
# **What you should see:** on the left, it drops into the valley at once and then crawls. On the
# right, with a rate six times as large, it gets further but zigzags from wall to wall. A rate a
# little larger still, 0.21, and it would climb out of the valley.
#
# (`nn.SGD` is plain gradient descent: each number minus rate times gradient.)
#
# ## Momentum: a ball that rolls
#
# A ball does not forget where it was going. Keep a *velocity* for each number: nine tenths of the
# old velocity plus the new gradient, and move by that.
#
# $$v \leftarrow 0.9\, v + \text{gradient} \qquad x \leftarrow x - \text{rate} \cdot v$$

# %%
figure = new_figure(10, 2.9)
left, right = figure.subplots(1, 2, sharey=True)
show(left, valley, descend(valley, start, nn.SGD(lr=0.03)), "plain")
rolling = descend(valley, start, nn.SGD(lr=0.03, momentum=0.9))
show(right, valley, rolling, "momentum 0.9", marker="^")
figure

# %% [markdown]
# **What you should see:** with the same short rate the ball gets much further. Along the valley the
# gradients all point the same way, and the velocity grows. Across the valley they change sign, and
# cancel. The price: it rolls past the bottom and has to come back.
#
# ## Adam: a step of one's own for each number
#
# The trouble was that $y$ is steep and $x$ is flat, and both get the same rate. Adam keeps a second
# memory for each number: how large its gradient has been lately. It divides by that. A number with
# large gradients takes shorter steps, one with small gradients longer ones.
#
# $$m \leftarrow 0.9\, m + 0.1\, \text{gradient} \qquad
# v \leftarrow 0.999\, v + 0.001\, \text{gradient}^2 \qquad
# x \leftarrow x - \text{rate} \cdot \frac{m}{\sqrt{v}}$$
#
# ($m$ and $v$ start at 0, and would be too small at first; Adam corrects for that.)

# %%
figure = new_figure(10, 2.9)
left, right = figure.subplots(1, 2, sharey=True)
show(left, valley, rolling, "momentum 0.9", marker="^")
show(right, valley, descend(valley, start, nn.Adam(lr=0.3)), "Adam", marker="D")
figure

# %% [markdown]
# **What you should see:** Adam sets out at 45 degrees: its first step is as long in $x$ as in $y$,
# whatever the slope. It does not care that the valley is narrow.
#
# ## Side by side

# %%
contestants = {
    "plain, rate 0.03": (nn.SGD(lr=0.03), {"ls": "-", "color": GREY}),
    "plain, rate 0.19": (nn.SGD(lr=0.19), {"ls": ":", "color": "black"}),
    "momentum 0.9, rate 0.03": (nn.SGD(lr=0.03, momentum=0.9), {"ls": "--", "color": ORANGE}),
    "Adam, rate 0.3": (nn.Adam(lr=0.3), {"ls": "-.", "color": BLUE}),
}
figure = new_figure(6.4, 3.6)
axes = figure.subplots()
for name, (optimizer, look) in contestants.items():
    path = descend(valley, start, optimizer, steps=100)
    axes.plot([valley(*place) for place in path], label=name, linewidth=1.8, **look)
axes.set(yscale="log", ylim=(1e-9, 100), xlabel="step", ylabel="height f")
plain(axes)
axes.legend(frameon=False, fontsize=8)
figure

# %% [markdown]
# **What you should see:** the grey line falls steadily and slowly. The rolling ball and Adam go
# up and down on their way, and get lower. On this valley the long plain step does best of all: it
# has been chosen with the shape of the valley in mind. In a real network nobody knows the shape,
# and that is why people start with Adam.
#
# ## Hills
#
# A bowl has one bottom. Most surfaces have several.


# %%
def hills(x, y):
    return (x * x - 4) ** 2 / 16 + x / 3 + y * y


figure = new_figure(10, 2.9)
left, right = figure.subplots(1, 2, sharey=True)
show(left, hills, descend(hills, (3.5, 1.5), nn.SGD(lr=0.1)), "plain")
show(right, hills, descend(hills, (3.5, 1.5), nn.SGD(lr=0.1, momentum=0.9)), "momentum", marker="^")
figure

# %% [markdown]
# **What you should see:** two dips, the left one deeper. Plain descent ends in the nearer one and
# stays, for there the gradient is 0. The ball has enough speed to roll over the ridge into the
# deeper dip. That is luck, not a law: another start, another end.
#
# ## A neuron's surface
#
# Now a real one. A neuron with one weight and one bias shall tell small numbers from large ones.
# Its loss depends on two numbers, so we can draw it.

# %%
examples = [(0.0, 0.0), (1.0, 0.0), (2.0, 1.0), (3.0, 1.0)]


def loss(w, b):
    errors = [(autograd.sigmoid(w * x + b) - target) ** 2 for x, target in examples]
    return sum(errors[1:], errors[0]) / len(examples)


figure = new_figure(10, 4.4)
where = {"xs": (-3.0, 6.0), "ys": (-6.0, 3.0)}
runs = {"plain, rate 1": (nn.SGD(lr=1.0), "o"), "Adam, rate 0.3": (nn.Adam(lr=0.3), "D")}
for axes, (name, (optimizer, marker)) in zip(
    figure.subplots(1, 2, sharey=True), runs.items(), strict=True
):
    path = descend(loss, (-1.0, 2.0), optimizer, steps=60)
    show(axes, loss, path, name, marker=marker, **where)
    axes.set(xlabel="weight", ylabel="bias")
figure

# %% [markdown]
# **What you should see:** wide plains with few lines, where hardly anything changes, and a valley
# that runs down to the right and never ends: the larger the weight, the surer the neuron. In the
# valley the steps of plain descent become tiny; Adam's stay long. A network's surface is like this
# one, with thousands of directions in place of two.
#
# ## Your turn
#
# **1.** $f(x) = x^2$ at $x = 3$ with rate 0.1. Where are you after one step?

# %%
after_one_step = ...

check_number(after_one_step, walk(0.1)[1], "The slope is 2 * 3. Go a tenth of it, downhill.")

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# after_one_step = 3 - 0.1 * 6
# ```
#
# </details>

# %% [markdown]
# **2.** Write the step for any place, any slope and any rate.


# %%
def step(x, slope, rate):
    return ...


check_function(lambda x, slope, rate: rules.sgd(x, slope, 0.0, lr=rate)[0], step)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def step(x, slope, rate):
#     return x - rate * slope
# ```
#
# </details>

# %% [markdown]
# **3.** In the valley's steep direction, $f = 5 y^2$, which rate jumps from $y$ exactly to $-y$,
# and back, for ever? (Any larger one climbs out.)

# %%
for_ever = ...

check_number(for_ever, 0.2, "The slope is 10 y. You want y - rate * 10 y to be -y.")

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# for_ever = 2 / 10
# ```
#
# </details>

# %% [markdown]
# **4.** Write a step with momentum 0.9 and rate 0.1. It gives two numbers: the new $x$ and the new
# velocity. Mind which comes first.


# %%
def rolling_step(x, slope, velocity):
    return ..., ...


def ours(x, slope, velocity):
    return rules.sgd(x, slope, velocity, lr=0.1, momentum=0.9)


check_function(ours, rolling_step)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def rolling_step(x, slope, velocity):
#     velocity = 0.9 * velocity + slope
#     return x - 0.1 * velocity, velocity
# ```
#
# </details>

# %% [markdown]
# **5.** Adam's very first step: the rate is 0.1 and the slope is 1000. By how much does $x$ move?

# %%
first_move = ...

x = Value(0.0)
adam = nn.Adam([x], lr=0.1)
x.grad = 1000.0
adam.step()
check_number(first_move, abs(x.data), "It divides the gradient by how large the gradient is.")

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# first_move = 0.1
# ```
#
# </details>

# %% [markdown]
# ## Where to go on
#
# - Try `nn.RMSprop`, `nn.Nadam` or `nn.SGD(lr=0.03, momentum=0.9, nesterov=True)` in `descend`.
# - `nn/optim/rules.py` has them all, a few lines each, with the papers they come from.
