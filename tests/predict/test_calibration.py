"""Intervals for new groups hold simulated new groups as often as they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from tests.predict.made import make_fit

from partialpool.families.registry import get_family
from partialpool.formula.design import build_design
from partialpool.inference.nuts.sample import sample
from partialpool.inference.options import NutsOptions
from partialpool.model.spec import build_spec
from partialpool.predict.predictions import predict
from partialpool.priors.gamma import Exponential
from partialpool.priors.normal import Normal
from partialpool.results.fitted import Fitted

PROB = 0.8


def surprising(hits: int, n: int) -> bool:
    """Exact binomial test of the nominal rate at 1 in 1,000."""
    return bool(stats.binomtest(hits, n, PROB).pvalue < 1e-3)


def hits(table: pd.DataFrame, truth: np.ndarray) -> int:
    return int(((table.iloc[:, 2] <= truth) & (truth <= table.iloc[:, 3])).sum())


def test_intervals_from_the_generating_process_cover_at_their_rate() -> None:
    """The draws are the prior's, and 1,000 new groups come from it too: false alarm 1 in 1,000."""
    made, n, rng = make_fit("1 + (1 | g)", draws=4000), 1000, np.random.default_rng(3)
    layout, values = made.fitted.model.layout, made.fitted.values
    values[:, layout["Intercept"].start] = rng.normal(0, 0.5, 8000)
    values[:, layout["1|g_sigma"].start] = rng.gamma(4, 0.25, 8000)
    truth = rng.normal(rng.normal(0, 0.5, n), rng.gamma(4, 0.25, n))
    new = pd.DataFrame({"g": np.arange(n) + 100})
    drawn = predict(made.fitted, made.recipe, new, "linear", summary=True, prob=PROB, seed=1)
    assert not surprising(hits(drawn, truth), n)
    assert hits(drawn, truth) < n
    plugged = predict(
        made.fitted, made.recipe, new, "linear", summary=True, prob=PROB, seed=1, new_groups="zero"
    )
    assert hits(plugged, truth) < 0.6 * n


def test_intervals_of_fits_cover_at_their_rate() -> None:
    """60 simulated tables, each with a model of its own and one new group: false alarm 1 in 1,000."""
    rng, inside, plugged = np.random.default_rng(8), 0, 0
    priors = {"Intercept": Normal(0, 1), "1|g": Normal(0, Exponential(1)), "sigma": Exponential(2)}
    new = pd.DataFrame({"g": [99]})
    for i in range(60):
        mu, sd, noise = rng.normal(), rng.exponential(), rng.exponential(0.5)
        groups, truth = rng.normal(mu, sd, 8), rng.normal(mu, sd)
        rows = pd.DataFrame({"g": np.repeat(np.arange(8), 4)})
        rows["y"] = rng.normal(groups[rows["g"]], noise)
        design, recipe = build_design("y ~ 1 + (1 | g)", rows)
        spec = build_spec(design, get_family("gaussian"), priors)
        fitted = Fitted(spec, sample(spec, NutsOptions(draws=200, chains=1, warmup=150, seed=i, cores=1)))
        for mode in ("population", "zero"):
            found = predict(fitted, recipe, new, summary=True, prob=PROB, seed=i, new_groups=mode)
            inside += hits(found, np.array([truth])) * (mode == "population")
            plugged += hits(found, np.array([truth])) * (mode == "zero")
    assert not surprising(inside, 60)
    assert surprising(plugged, 60)
