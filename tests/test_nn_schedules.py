"""Schedules, against the rates of PyTorch's schedulers and by what they are for."""

import json
from pathlib import Path

import pytest

from nn import HyperparameterError, schedules

FIGURES = json.loads((Path(__file__).parent / "data" / "optimizers.json").read_text())


def made(schedule):
    """A schedule from its name and settings, one of which may be a schedule."""
    name, settings = schedule
    settings = {key: made(x) if isinstance(x, list) else x for key, x in settings.items()}
    return getattr(schedules, name)(**settings)


@pytest.mark.parametrize("figures", FIGURES["schedules"], ids=lambda z: z["schedule"][0])
def test_rates_are_pytorchs(figures):
    """The rate of each of 50 updates is that of PyTorch's scheduler, stepped after each update."""
    schedule = made(figures["schedule"])
    assert len(figures["rates"]) == 50
    got = [schedule(step) for step in range(1, 51)]
    # PyTorch computes each rate from the one before, and is the less exact where it is near 0
    assert got == pytest.approx(figures["rates"], rel=1e-12, abs=1e-15)


def test_every_schedule_is_held_against_pytorch():
    """No schedule is left out of the stored figures."""
    public = {
        name
        for name, x in vars(schedules).items()
        if getattr(x, "__module__", "") == "nn.schedules" and not name.startswith("_")
    }
    assert public == {z["schedule"][0] for z in FIGURES["schedules"]}


def test_a_schedule_has_no_memory():
    """Rates may be asked for in any order, and more than once: training resumes where it was."""
    for schedule in (made(z["schedule"]) for z in FIGURES["schedules"]):
        forward = [schedule(step) for step in range(1, 30)]
        assert [schedule(step) for step in range(29, 0, -1)] == forward[::-1]


def test_the_ends():
    """Decays begin at lr with update 1 and reach their end; the warm-up hands over at full rate."""
    assert schedules.cosine_decay(0.3, 10, 0.02)(1) == 0.3
    assert schedules.cosine_decay(0.3, 10, 0.02)(11) == 0.02
    assert schedules.polynomial_decay(0.3, 10)(1) == 0.3
    assert schedules.polynomial_decay(0.3, 10)(11) == schedules.polynomial_decay(0.3, 10)(99) == 0.0
    up = schedules.warmup(schedules.exponential_decay(0.3, 0.5), 4, start_factor=0.0)
    assert [up(step) for step in range(1, 8)] == pytest.approx(
        [0.0, 0.075, 0.15, 0.225, 0.3, 0.15, 0.075]
    )


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: schedules.step_decay(-0.1, 5), "lr"),
        (lambda: schedules.step_decay(0.1, 0), "step_size"),
        (lambda: schedules.step_decay(0.1, 2.5), "step_size"),
        (lambda: schedules.step_decay(0.1, 5, -1.0), "gamma"),
        (lambda: schedules.exponential_decay(float("nan"), 0.9), "lr"),
        (lambda: schedules.exponential_decay(0.1, -0.9), "gamma"),
        (lambda: schedules.polynomial_decay(0.1, 5, -1.0), "power"),
        (lambda: schedules.polynomial_decay(0.1, True), "steps"),
        (lambda: schedules.cosine_decay(0.1, 0), "steps"),
        (lambda: schedules.cosine_decay(0.1, 5, -0.1), "lr_min"),
        (lambda: schedules.warmup(-0.1, 5), "lr"),
        (lambda: schedules.warmup(0.1, 0), "steps"),
        (lambda: schedules.warmup(0.1, 5, -0.5), "start_factor"),
    ],
)
def test_settings_out_of_range(make, name):
    """Rates, factors and lengths that make no sense are refused by name."""
    with pytest.raises(HyperparameterError, match=name):
        make()
