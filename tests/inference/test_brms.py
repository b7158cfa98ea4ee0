"""Families and group-level terms that brms has: posteriors agree with long runs of programs in brms' form."""

from __future__ import annotations

import numpy as np
import pytest
from tests.inference.agreement import compare, read_reference
from tests.reference.brms.models import HERE, MODELS

import partialpool as pp

# Of both runs' Monte Carlo standard errors together. With fewer than 300 values, each with a mean and an sd,
# draws of the right posterior with another seed would fail in fewer than 1 of 1,000 runs (Bonferroni).
MAX_Z = 5.0
# Of nested Laplace, besides its Monte Carlo error: shift of a mean in sds, change of an sd.
SHIFT, RATIO = 0.06, 0.06


def model(name: str) -> pp.Model:
    found = MODELS[name]
    known = found.covariances or None
    return pp.Model(found.formula, found.table(), found.family, found.priors, covariances=known)


@pytest.mark.parametrize("name", MODELS)
def test_nuts_agrees_with_brms(name: str) -> None:
    fit = model(name).fit(seed=11, draws=2000, progress=False)
    assert fit.diagnose().ok
    table = compare(fit.posterior, read_reference(name, HERE))
    for figure in ("mean", "sd"):
        z = (table[figure] / table[f"{figure}_error"]).abs()
        assert z.max() < MAX_Z, (figure, z.idxmax(), z.max())


@pytest.mark.parametrize("name", MODELS)
def test_nested_laplace_agrees_with_brms(name: str) -> None:
    fit = model(name).fit(method="laplace", seed=11, draws=2000)
    table = compare(fit.posterior, read_reference(name, HERE))
    for figure, bound in (("mean", SHIFT), ("sd", RATIO)):
        beyond = table[figure].abs() - MAX_Z * table[f"{figure}_error"]
        assert np.max(beyond) < bound, (figure, beyond.idxmax(), beyond.max())
