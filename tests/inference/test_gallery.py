"""Multilevel GLMs of the literature on real data: NUTS at default settings agrees with long runs of Stan."""

from __future__ import annotations

import numpy as np
import pytest
from tests.inference.agreement import compare, read_reference
from tests.reference.gallery.models import GALLERY

from partialpool.api.fit import Fit
from partialpool.api.model import Model
from partialpool.inference.convergence import convergence

# Of both runs' Monte Carlo standard errors together. With fewer than 1,000 values, each with a mean and an
# sd, draws of the right posterior with another seed would fail in fewer than 1 of 800 runs (Bonferroni).
MAX_Z = 5.0


@pytest.fixture(scope="module", params=GALLERY)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def fit(name: str) -> Fit:
    model = GALLERY[name]
    return Model(model.formula, model.table(), family=model.family, priors=model.priors()).fit(seed=7)


def test_means_and_sds_agree_with_the_reference(name: str, fit: Fit) -> None:
    table = compare(fit.posterior, read_reference(name))
    for figure in ("mean", "sd"):
        z = (table[figure] / table[f"{figure}_error"]).abs()
        assert z.max() < MAX_Z, (figure, z.idxmax(), z.max())


def test_no_divergence_and_chains_that_agree(fit: Fit) -> None:
    """In the first run, without a second one with smaller steps."""
    assert len(fit.draws.attempts) == 1
    assert not np.any(fit.draws.stats["diverging"])
    figures = convergence(fit.draws.values)
    assert np.nanmax(figures.r_hat) < 1.02
    assert np.nanmin(figures.ess_bulk) > 400


# --- nested Laplace -------------------------------------------------------------------------------------

ONE_FACTOR = [name for name, model in GALLERY.items() if len(model.factors) == 1]
# Largest difference of a mean, in the reference's sds, and of the ratio of sds from one.
LAPLACE_BOUNDS = {"bangladesh": (0.08, 0.05)}
OTHER_BOUNDS = (0.15, 0.15)


@pytest.mark.parametrize("name", ONE_FACTOR)
def test_nested_laplace_agrees_with_the_reference(name: str) -> None:
    """Of many draws, so that what is compared is the approximation.

    Outer parameters are integrated over some 400 to 1,200 points, worth 300 to 700 independent ones: five or
    more of them are known to about 0.05 sd, which the wider bounds allow for.
    """
    model = GALLERY[name]
    built = Model(model.formula, model.table(), family=model.family, priors=model.priors())
    table = compare(built.fit(method="laplace", draws=5_000, seed=1).posterior, read_reference(name))
    mean, sd = LAPLACE_BOUNDS.get(name, OTHER_BOUNDS)
    assert table["mean"].abs().max() < mean
    assert table["sd"].abs().max() < sd
    if name == "bangladesh":
        assert (table["mean"].abs() < 0.03).mean() > 0.95
