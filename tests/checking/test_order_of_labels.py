"""Labels beside a fit are of the rows that their index says, also after loading."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.errors import OptionError

N = 60
RNG = np.random.default_rng(5)
TABLE = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "x": RNG.normal(size=N),
        "g": np.arange(N) % 5,
        "k": np.repeat(["a", "b", "c"], N // 3),
    },
    index=RNG.permutation(N) + 7,
)
TABLE.iloc[4, 1] = None


@pytest.mark.parametrize("loaded", [False, True])
def test_groups_of_a_series_in_another_order_have_their_own_means(loaded: bool, tmp_path: Path) -> None:
    fit = pp.Model("y ~ x + (1 | g)", TABLE, missing="drop").sample_prior(draws=20, seed=1)
    if loaded:
        fit = pp.load_fit(fit.save(tmp_path / "fit.nc"))
    truth = TABLE.dropna().groupby("k")["y"].mean()
    for series in (TABLE["k"], TABLE.sort_values("y")["k"], TABLE.dropna()["k"]):
        found = fit.check(group=series, seed=1).groups().set_index("group")["observed"]
        np.testing.assert_allclose(found, truth.loc[found.index])
    with pytest.raises(OptionError, match="of the fitted rows it lacks"):
        fit.check(group=TABLE["k"].iloc[:40], seed=1)


def test_folds_of_a_series_in_another_order_are_of_its_groups() -> None:
    whole = TABLE.dropna()
    fit = pp.Model("y ~ x + (1 | g)", whole).fit(method="laplace", draws=60, chains=2, seed=1, progress=False)
    found, again = (
        fit.kfold(3, group=series, seed=1, progress=False).elpd
        for series in (whole["k"], whole.sort_values("y")["k"])
    )
    assert found == again
