"""Later code agrees with version 0.1: densities, gradients and draws to rounding, fits to Monte Carlo error.

Densities are compared up to a constant of the model: differences from the first point's. A figure of a fit
may differ by FAR Monte Carlo errors of both runs together, of which the kept one is at least what fits of 12
seeds showed. 838 figures are compared so: if all errors were normal and known, one or more would be that far
by chance in 1 of 2,000 runs, and with errors 10% too small in 1 of 180. A score's error is known from those
fits alone: for VERY_FAR of them, 48 figures of Student's t with 11 degrees of freedom, it is 1 in 900, with 9
degrees 1 in 300. Seeds are fixed, so a run that passes passes again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.golden import adapter, figures
from tests.golden.make import DENSITIES, INDEX, POSTERIORS, UNIT, joined, split
from tests.golden.models import LINKS, MODELS, PRIORS
from tests.golden.tables import TABLES, digests

from partialpool import Prior

Floats = NDArray[np.float64]
Named = dict[str, list[float]]

EXACT = 1e-12
FAR, VERY_FAR = 5.0, 7.0
DRAWS = 4000  # of the runs that were kept


@cache
def index() -> dict[str, Any]:
    return json.loads(INDEX.read_text("utf-8"))


@cache
def densities() -> Any:
    return np.load(DENSITIES)


@cache
def posteriors() -> dict[str, Any]:
    return json.loads(POSTERIORS.read_text("utf-8"))


# --- the set itself -----------------------------------------------------------------------------------------


def test_the_kept_models_are_the_models() -> None:
    assert list(index()["models"]) == list(MODELS)
    fitted = [f"{name}, {method}" for name, methods in figures.FITTED.items() for method in methods]
    assert list(posteriors()) == fitted
    assert len(MODELS) >= 40


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_what_they_were(name: str) -> None:
    """Other figures would be no wonder, should numpy draw other outcomes from a seed."""
    assert digests(name) == index()["tables"][name]


def test_every_family_and_link_of_version_0_1_is_there() -> None:
    built = [golden.build().family for golden in MODELS.values()]
    found = {(family.name, family.link) for family in built}
    assert found == {(name, link) for name, links in LINKS.items() for link in links}
    fitted = {MODELS[name].family.partition("(")[0] for name in figures.FITTED}
    assert fitted == set(LINKS)


def test_every_kind_of_prior_of_version_0_1_is_there() -> None:
    found = {type(p) for golden in MODELS.values() for prior in golden.priors.values() for p in nested(prior)}
    assert found == set(PRIORS)


def nested(prior: Prior) -> Iterator[Prior]:
    """A prior and those inside it."""
    yield prior
    for inside in (getattr(prior, field.name) for field in fields(prior)):
        if isinstance(inside, Prior):
            yield from nested(inside)


# --- densities ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_density_gradient_and_draws_are_those_of_version_0_1(name: str) -> None:
    kept = {part: densities()[f"{name}/{part}"] for part in ("free", "draw", "value", "gradient")}
    sizes, model = index()["models"][name], MODELS[name].build()
    assert adapter.free_sizes(model) == sizes["free"]
    free = split(kept["free"] / UNIT, sizes["free"])
    value, gradient = adapter.log_posterior(model, free)
    of_value = EXACT * np.max(np.abs(kept["value"]))
    np.testing.assert_allclose(value - value[0], kept["value"] - kept["value"][0], rtol=0, atol=of_value)
    largest = np.max(np.abs(kept["gradient"]), axis=1, keepdims=True)
    difference = np.abs(joined(gradient, sizes["free"]) - kept["gradient"])
    assert np.max(difference / largest) <= EXACT, worst(difference / largest, sizes["free"])
    draws = adapter.draws(model, free)
    assert {variable: own.shape[1] for variable, own in draws.items()} == sizes["draw"]
    np.testing.assert_allclose(joined(draws, sizes["draw"]), kept["draw"], rtol=EXACT, atol=EXACT)


def worst(figures: Floats, sizes: dict[str, int]) -> str:
    """Largest figure of each variable."""
    return str({name: float(np.max(own)) for name, own in split(figures, sizes).items()})


# --- posteriors ---------------------------------------------------------------------------------------------

REFITS = {f"{name}, nuts": (name, "nuts", 2, 500) for name in figures.REFITTED_BY_NUTS} | {
    f"{name}, laplace": (name, "laplace", 4, 1000)
    for name, methods in figures.FITTED.items()
    if "laplace" in methods
}


@pytest.mark.parametrize("key", REFITS)
def test_posteriors_are_those_of_version_0_1(key: str) -> None:
    kept, (name, method, chains, draws) = posteriors()[key], REFITS[key]
    fitted = figures.fit(name, method, 2107, chains, draws)
    ours = figures.values(fitted) | figures.predictions(fitted)
    apart = errors_apart(ours, kept["values"] | kept["predictions"], DRAWS / (chains * draws))
    assert {label: errors for label, errors in apart.items() if not max(errors) <= FAR} == {}
    scores = figures.scores(fitted)
    assert scores.keys() == kept["scores"].keys()
    for score, (mean, sd) in kept["scores"].items():
        error = sd * np.sqrt(DRAWS / (chains * draws) + 1 / kept["fits"])
        assert abs(scores[score] - mean) <= VERY_FAR * error, score


def errors_apart(ours: Named, kept: Named, share: float) -> Named:
    """How many errors of both runs together figures are apart; a figure and its error take turns.

    share is how many draws the kept run has for one of ours: our error is at least what that makes of its.
    """
    apart = {}
    for label, theirs in kept.items():
        a, b = np.reshape(ours[label], (-1, 2)), np.reshape(theirs, (-1, 2))
        error = np.hypot(np.maximum(a[:, 1], b[:, 1] * np.sqrt(share)), b[:, 1])
        apart[label] = (np.abs(a[:, 0] - b[:, 0]) / error).tolist()
    return apart
