"""NUTS: reproducible, interruptible, candid about divergences, and free of them where others are not."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import stanli
from tests.inference.models import model

from partialpool.data.datasets import load_dataset
from partialpool.errors import FitError, OptionError
from partialpool.inference.chosen_geometry import choose_geometry
from partialpool.inference.convergence import convergence
from partialpool.inference.nuts import sample as nuts
from partialpool.inference.nuts.sample import sample
from partialpool.inference.options import NutsOptions
from partialpool.inference.quickfit.joint_map import crossed_parts
from partialpool.model.density import Density
from partialpool.model.spec import ModelSpec
from partialpool.priors.gamma import Exponential
from partialpool.priors.normal import Normal

rng = np.random.default_rng(7)
N = 60
X = rng.normal(size=N)
GROUP = np.repeat(np.arange(12), 5)
NOISE = rng.normal(size=N)
SHORT = NutsOptions(draws=100, chains=4, warmup=100, seed=5)


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return model("y ~ x + (1 | g)", {"y": NOISE + X, "x": X, "g": GROUP})


def test_the_same_seed_gives_the_same_draws_on_any_number_of_cores(spec: ModelSpec) -> None:
    runs = [sample(spec, replace(SHORT, cores=cores)) for cores in (1, 2, 4, 1)]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.values, runs[0].values)
        for name, values in run.stats.items():
            np.testing.assert_array_equal(values, runs[0].stats[name])
    assert not np.any(sample(spec, replace(SHORT, seed=6)).values == runs[0].values)


def test_chains_differ_and_draws_have_the_promised_shapes(spec: ModelSpec) -> None:
    draws = sample(spec, SHORT)
    assert draws.values.shape == (4, 100, spec.layout.n_values)
    assert {v.shape for v in draws.stats.values()} == {(4, 100)}
    assert set(draws.stats) == {
        *("diverging", "tree_depth", "n_steps", "energy"),
        *("lp", "step_size", "acceptance_rate", "reached_max_treedepth"),
    }
    assert draws.stats["diverging"].dtype == bool
    assert len({float(c) for c in draws.values[:, 0, 0]}) == 4
    assert (draws.method, draws.seed, draws.asked, draws.interrupted) == ("nuts", 5, 100, False)
    assert draws.seconds > 0
    assert draws.attempts == ("4 chains, 100 warm-up draws, target acceptance 0.8: 0 divergent transitions",)


def test_progress_counts_to_the_end_of_a_long_run() -> None:
    seen: list[tuple[int, int, int]] = []
    n = 3000
    x, g = rng.normal(size=n), rng.integers(0, 300, n)
    long = model("y ~ x + (x | g)", {"y": rng.normal(size=n), "x": x, "g": g})
    sample(long, NutsOptions(draws=100, chains=2, warmup=100, seed=1), lambda *report: seen.append(report))
    assert seen
    done, totals, divergences = zip(*seen, strict=True)
    assert list(done) == sorted(done)
    assert list(totals) == sorted(totals, reverse=True)  # what warm-up does not need is taken off
    assert totals[0] == 400
    assert done[-1] == totals[-1]
    assert min(divergences) >= 0


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("draws", 0, "draws is 0.\n  Allowed: a whole number from 1 on"),
        ("draws", 10.0, "draws is 10.0.\n  Allowed: a whole number from 1 on"),
        ("draws", True, "draws is True.\n  Allowed: a whole number from 1 on"),
        ("chains", -1, "chains is -1.\n  Allowed: a whole number from 1 on"),
        ("warmup", 10, "warmup is 10.\n  Allowed: a whole number from 50 on"),
        ("cores", 0, "cores is 0.\n  Allowed: a whole number from 1 on"),
        ("seed", -1, "seed is -1.\n  Allowed: a whole number from 0 on"),
        ("seed", "1", "seed is '1'.\n  Allowed: a whole number from 0 on"),
        ("target_accept", 1.0, "target_accept is 1.0.\n  Allowed: 0.5 up to 1"),
        ("target_accept", 0.1, "target_accept is 0.1.\n  Allowed: 0.5 up to 1"),
        ("target_accept", float("nan"), "target_accept is nan.\n  Allowed: 0.5 up to 1"),
    ],
)
def test_options_are_checked(option: str, value: object, message: str) -> None:
    with pytest.raises(OptionError) as error:
        NutsOptions(**{option: value})  # type: ignore[arg-type]
    assert str(error.value) == message


# --- interruption ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_model() -> ModelSpec:
    n = 3000
    x, g = rng.normal(size=n), rng.integers(0, 300, n)
    return model("y ~ x + (x | g)", {"y": rng.normal(size=n), "x": x, "g": g})


def interrupt_after(seconds: float) -> None:
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()


@pytest.mark.parametrize("cores", [1, 2, 4])
def test_an_interrupted_run_returns_what_was_drawn(long_model: ModelSpec, cores: int) -> None:
    """Also where some chains have not begun, because there are fewer cores than chains."""
    sample(long_model, NutsOptions(draws=1, chains=1, warmup=50))  # compiled before the clock starts
    interrupt_after(2.5)
    draws = sample(long_model, NutsOptions(draws=100_000, chains=4, warmup=50, cores=cores, seed=1))
    assert draws.interrupted
    assert draws.asked == 100_000
    chains, n, _ = draws.values.shape
    assert 1 <= chains <= 4
    assert 1 <= n < 100_000
    assert np.all(np.isfinite(draws.values))
    assert {v.shape for v in draws.stats.values()} == {(chains, n)}
    assert len(draws.attempts) == 1


def test_an_interruption_during_warm_up_says_so(long_model: ModelSpec) -> None:
    def interrupt(done: int, total: int, divergences: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(FitError) as error:
        sample(long_model, NutsOptions(draws=1000, chains=2, cores=2), interrupt)
    assert str(error.value) == (
        "Sampling was stopped before every chain had finished its warm-up: there are no draws to keep.\n"
        "  Try: let it run longer, or ask for fewer warm-up draws with warmup="
    )


# --- divergences ----------------------------------------------------------------------------------------


def with_divergences(monkeypatch: pytest.MonkeyPatch, *runs: tuple[int, bool, int]) -> list[NutsOptions]:
    """Make runs report (divergences, interrupted, draws); return the options of each run."""
    called: list[NutsOptions] = []
    plain = nuts.run

    def fake(density, options, progress, **rest):
        divergences, interrupted, n = runs[len(called)]
        called.append(options)
        made = plain(density, options, progress, **rest)
        stats = {name: v[:, :n] for name, v in made.stats.items()} | {"diverging": np.zeros((4, n), bool)}
        stats["diverging"].flat[:divergences] = True
        return replace(made, values=made.values[:, :n], stats=stats, interrupted=interrupted)

    monkeypatch.setattr(nuts, "run", fake)
    return called


def attempt(warmup: int, target: float, divergences: int) -> str:
    s = "" if divergences == 1 else "s"
    run = f"4 chains, {warmup} warm-up draws, target acceptance {target:g}"
    return f"{run}: {divergences} divergent transition{s}"


def test_divergences_bring_a_second_run_with_smaller_steps(monkeypatch, spec: ModelSpec) -> None:
    called = with_divergences(monkeypatch, (3, False, 100), (1, False, 100))
    draws = sample(spec, SHORT)
    assert [(o.warmup, o.target_accept) for o in called] == [(100, 0.8), (200, nuts.SECOND_TARGET_ACCEPT)]
    assert draws.attempts == (attempt(100, 0.8, 3), attempt(draws.warmup, nuts.SECOND_TARGET_ACCEPT, 1))
    assert draws.stats["diverging"].sum() == 1
    assert 100 <= draws.warmup <= 200


def test_a_second_run_that_is_worse_is_not_kept(monkeypatch, spec: ModelSpec) -> None:
    with_divergences(monkeypatch, (2, False, 100), (5, False, 100))
    draws = sample(spec, SHORT)
    assert draws.attempts[-1] == "the first run was kept: the second had more divergences"
    assert draws.stats["diverging"].sum() == 2
    assert draws.warmup == 100


@pytest.mark.parametrize("n", [0, 7])
def test_an_interrupted_second_run_does_not_lose_the_first(monkeypatch, spec: ModelSpec, n: int) -> None:
    with_divergences(monkeypatch, (2, False, 100), (0, True, n))
    draws = sample(spec, SHORT)
    assert draws.values.shape[1] == 100
    assert draws.interrupted
    assert draws.attempts[-1] == "the first run was kept: the second was interrupted"


def test_a_target_of_the_users_is_used(monkeypatch, spec: ModelSpec) -> None:
    called = with_divergences(monkeypatch, (0, False, 100))
    sample(spec, replace(SHORT, target_accept=0.93))
    assert called[0].target_accept == 0.93


OWN = np.random.default_rng(3)
ONE_EACH, Z = np.arange(400), OWN.normal(size=(2, 400))
ANY, INTERCEPTS = {"y": Z[0], "x": Z[1]}, "y ~ 1 + (1 | g)"
TRIALS = {"k": ONE_EACH % 2, "n": 1, "g": ONE_EACH}
# What is learnt of the sd, and the acceptance rate for it.
TARGETS = {
    "few groups": (INTERCEPTS, ANY | {"g": ONE_EACH % 10}, "gaussian", 0.98),
    "few groups among others": (
        "y ~ 1 + (1 | g) + (1 | h)",
        ANY | {"g": ONE_EACH // 10, "h": ONE_EACH % 3},
        "gaussian",
        0.9,
    ),
    "measured once": (INTERCEPTS, ANY | {"g": ONE_EACH}, "gaussian", 0.98),
    "measured twice": (INTERCEPTS, ANY | {"g": ONE_EACH // 2}, "gaussian", 0.8),
    "as many rows as effects": ("y ~ x + (x | g)", ANY | {"g": ONE_EACH // 2}, "gaussian", 0.98),
    "one answer": (INTERCEPTS, {"y": ONE_EACH % 2, "g": ONE_EACH}, "bernoulli", 0.98),
    "one trial": ("k | trials(n) ~ 1 + (1 | g)", TRIALS, "binomial", 0.98),
    "two trials": ("k | trials(n) ~ 1 + (1 | g)", TRIALS | {"k": ONE_EACH % 2 * 2, "n": 2}, "binomial", 0.8),
    "rare events": (INTERCEPTS, {"y": ONE_EACH % 20 == 0, "g": ONE_EACH // 4}, "bernoulli", 0.98),
    "one count": (INTERCEPTS, {"y": OWN.poisson(1.5 * np.exp(0.7 * Z[0])), "g": ONE_EACH}, "poisson", 0.8),
}


@pytest.mark.parametrize("name", TARGETS)
def test_steps_are_smaller_where_little_is_known_of_an_sd(name: str) -> None:
    formula, table, family, target = TARGETS[name]
    spec = model(formula, table, family)
    assert nuts._usual_target(spec, choose_geometry(spec)) == target


@pytest.mark.parametrize("slope", ["", " + urban", " + `age.centered`"])
def test_the_survey_keeps_the_usual_steps(slope: str) -> None:
    spec = model(
        f"`use.contraception` ~ 1{slope} + (1{slope} | district)", load_dataset("bangladesh"), "bernoulli"
    )
    assert nuts._usual_target(spec, choose_geometry(spec)) == nuts.TARGET_ACCEPT


def test_an_sd_that_is_given_needs_no_smaller_steps() -> None:
    spec = model(INTERCEPTS, ANY | {"g": ONE_EACH % 5}, priors={"1|g": Normal(0, 1.0)})
    assert nuts._usual_target(spec, choose_geometry(spec)) == nuts.TARGET_ACCEPT


# --- posteriors that others diverge on ------------------------------------------------------------------

EFFECT = rng.normal(size=12)
ONE_ROW = {"g": np.arange(10), "b": np.tile([0, 1], 5), "k": rng.poisson(3, 10)}
HARD = {
    "ten groups of one yes or no": ("b ~ 1 + (1 | g)", ONE_ROW, "bernoulli"),
    "ten groups of one count": ("k ~ 1 + (1 | g)", ONE_ROW, "poisson"),
    "groups that do not differ": ("y ~ x + (1 | g)", {"y": X + NOISE, "x": X, "g": GROUP}, "gaussian"),
    "groups that differ wildly": (
        "y ~ 1 + (1 | g)",
        {"y": 1e3 * EFFECT[GROUP] + NOISE, "g": GROUP},
        "gaussian",
    ),
    "proportions that differ wildly": (
        "y ~ 1 + (1 | g)",
        {"y": (8 * EFFECT[GROUP] > 0) * 1, "g": GROUP},
        "bernoulli",
    ),
    "slopes and intercepts that move together": (
        "y ~ x + (x | g)",
        {"y": EFFECT[GROUP] * (1 + 0.5 * X) + 0.3 * NOISE, "x": X, "g": GROUP},
        "gaussian",
    ),
    "perfectly separated groups": ("y ~ 1 + (1 | g)", {"y": GROUP % 2, "g": GROUP}, "bernoulli"),
    "a predictor in the millions": (
        "y ~ x + (x | g)",
        {"y": X + NOISE, "x": 1e6 * (X + 10), "g": GROUP},
        "gaussian",
    ),
}


@pytest.mark.parametrize("kind", HARD)
def test_hard_posteriors_have_no_divergence_at_default_settings(kind: str) -> None:
    """By a fixed seed: now and then a run with another one has a divergence, which a second run meets."""
    draws = sample(model(*HARD[kind]), NutsOptions(seed=1, cores=2))
    assert len(draws.attempts) == 1, draws.attempts
    assert not draws.stats["diverging"].any()
    figures = convergence(draws.values)
    assert np.nanmax(figures.r_hat) < 1.02
    assert np.nanmin(figures.ess_bulk) > 300


def test_crossed_and_nested_factors_together_mix() -> None:
    """With a diagonal metric the smallest bulk ESS was 117 here: factor means drift against each other."""
    rng = np.random.default_rng(0)
    n = 1500
    school, room, town = rng.integers(0, 20, n), rng.integers(0, 5, n), rng.integers(0, 30, n)
    x, effects = rng.normal(size=n), rng.normal(size=20)[school] + 0.8 * rng.normal(size=30)[town]
    y = 1 + 0.5 * x + effects + 0.5 * rng.normal(size=100)[school * 5 + room] + rng.normal(size=n)
    table = {"y": y, "x": x, "school": school, "room": room, "town": town}
    spec = model("y ~ x + (1 | school/room) + (1 | town)", table, "gaussian")
    draws = sample(spec, NutsOptions(draws=500, seed=1, cores=2))
    figures = convergence(draws.values)
    assert np.nanmin(figures.ess_bulk) > 800
    assert np.nanmax(figures.r_hat) < 1.02


def test_crossed_factors_inside_a_third_one_mix() -> None:
    """Children who rate each other, in classes: senders and receivers took the classes' curvature twice.

    The first gradients were of 1e11 then, and learning a metric from them failed.
    """
    rng = np.random.default_rng(5)
    size, classes = 7, 30
    pairs = [(c, s, r) for c in range(classes) for s in range(size) for r in range(size) if s != r]
    room, sender, receiver = np.array(pairs).T
    sender, receiver = sender + size * room, receiver + size * room
    effects = rng.normal(size=(3, size * classes)) * np.array([[0.6], [0.3], [0.7]])
    y = effects[0][room] + effects[1][sender] + effects[2][receiver] + 1.3 * rng.normal(size=len(room))
    table = {"y": y, "room": room, "s": sender, "r": receiver, "x": rng.normal(size=classes)[room]}
    spec = model("y ~ x + (1 | s) + (1 | r) + (1 | room)", table, "gaussian")
    geometry = choose_geometry(spec)
    assert not geometry.joint  # too large for it
    density = Density(spec, geometry)
    assert np.max(np.abs(density(np.zeros(density.n_dim))[1])) < 10
    figures = convergence(sample(spec, NutsOptions(draws=500, seed=1, cores=2)).values)
    assert np.nanmin(figures.ess_bulk) > 500
    assert np.nanmax(figures.r_hat) < 1.02


def test_many_small_crossed_factors_mix() -> None:
    """Poststratification. With maps of single groups the smallest bulk ESS was 145 in such a model."""
    rng = np.random.default_rng(4)
    n = 1200
    levels = {"state": 50, "eth": 4, "educ": 5, "age": 6}
    table: dict[str, Any] = {name: rng.integers(0, k, n) for name, k in levels.items()}
    table |= {"male": rng.integers(0, 2, n), "support": rng.normal(size=50)[table["state"]]}
    eta = -0.3 + 0.5 * table["support"] + 0.4 * rng.normal(size=50)[table["state"]]
    eta = eta + 0.5 * rng.normal(size=5)[table["educ"]] + 0.3 * rng.normal(size=4)[table["eth"]]
    table["y"] = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int)
    formula = "y ~ male + support + (1 | state) + (1 | eth) + (1 | educ) + (1 | educ:age) + (1 | educ:eth)"
    draws = sample(model(formula, table, "bernoulli"), NutsOptions(seed=1, cores=2))
    figures = convergence(draws.values)
    assert not np.any(draws.stats["diverging"])
    assert np.nanmin(figures.ess_bulk) > 800
    assert np.nanmax(figures.r_hat) < 1.015


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("(1 | g)", False),
        ("(1 | g) + (1 | h)", True),
        ("(1 | g/h)", False),
        ("(x || g)", False),
        ("(1 | g/h) + (0 + x | h)", True),
    ],
)
def test_crossed_factors_are_told_from_nested_ones(terms: str, expected: bool) -> None:
    rng = np.random.default_rng(1)
    g, h = rng.integers(0, 5, 200), rng.integers(0, 4, 200)
    spec = model(
        f"y ~ x + {terms}", {"y": rng.normal(size=200), "x": rng.normal(size=200), "g": g, "h": h}, "gaussian"
    )
    assert bool(crossed_parts(spec, choose_geometry(spec).links)) is expected


def test_a_positive_coefficient_whose_data_pull_below_zero() -> None:
    draws = sample(
        model("y ~ 1", {"y": [1] * 3 + [0] * 7}, "bernoulli", {"Intercept": Exponential(2)}),
        NutsOptions(seed=11),
    )
    assert draws.values.max() < 10
    assert np.nanmax(convergence(draws.values).r_hat) < 1.02


FUNNEL = """
data { int J; array[J] int n; array[J] int k; }
parameters { real alpha; real<lower=0> sigma; vector[J] z; }
model {
  alpha ~ normal(0, 1.5); sigma ~ exponential(1); z ~ std_normal();
  k ~ binomial_logit(n, alpha + sigma * z);
}
"""


def test_three_districts_alone_agree_with_a_long_run_of_stan() -> None:
    """117, 20 and 2 women. Means and mean squares within 4.5 standard errors of both runs together: with 10
    comparisons, other seeds raise a false alarm in about 1 of 15,000 runs."""
    women = load_dataset("bangladesh")
    women = women[women["district"].isin([1, 2, 3])]
    counts = women.groupby("district")["use.contraception"].agg(["size", "sum"])
    assert list(counts["size"]) == [117, 20, 2]
    data = {"J": 3, "n": counts["size"].tolist(), "k": counts["sum"].tolist()}
    reference = stanli.Model(stan_code=FUNNEL, data=data).sample(
        chains=4, warmup=2000, samples=10_000, seed=1, delta=0.99, refresh=0
    )
    theirs = reference_draws(reference)

    priors = {"Intercept": Normal(0, 1.5), "1|district": Normal(0, Exponential(1))}
    spec = model("`use.contraception` ~ 1 + (1 | district)", women, "bernoulli", priors)
    draws = sample(spec, NutsOptions(seed=19, cores=2))
    assert not draws.stats["diverging"].any()
    assert len(draws.attempts) == 1
    alpha, sigma, effects = (
        spec.layout[name].take(draws.values) for name in ("Intercept", "1|district_sigma", "1|district")
    )
    ours = np.concatenate([alpha[..., None], sigma[..., None], alpha[..., None] + effects], axis=-1)
    for power in (1, 2):
        a, b = convergence(ours**power), convergence(theirs**power)
        error = np.hypot(a.mcse_mean, b.mcse_mean)
        difference = (ours**power).mean((0, 1)) - (theirs**power).mean((0, 1))
        assert np.all(np.abs(difference) < 4.5 * error), difference / error


def reference_draws(fit: stanli.Fit) -> np.ndarray:
    """(chains, draws, 5): alpha, sigma, and the log odds of the three districts."""
    alpha, sigma, z = (np.asarray(fit.draws(name)) for name in ("alpha", "sigma", "z"))
    return np.concatenate(
        [alpha[..., None], sigma[..., None], alpha[..., None] + sigma[..., None] * z], axis=-1
    )
