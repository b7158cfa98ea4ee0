"""What formula functions learn from rows with frequency weights: that of the table written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.formula.built import build_design

from partialpool.formula.records import Design
from partialpool.formula.weighted import weighted_quantile

FUNCTIONS = {
    "center": "center(x)",
    "scale": "scale(x)",
    "standardize": "standardize(x)",
    "poly": "poly(x, 4)",
    "poly raw": "poly(x, 3, True)",
    "bs": "bs(x, df=6)",
    "bs not centred": "bs(x, df=5, center=False)",
    "bs of other degree": "bs(x, df=4, degree=2)",
    "bs with bounds": "bs(x, df=5, lower_bound=0, upper_bound=40)",
    "cr": "cr(x, df=5)",
    "cr not centred": "cr(x, df=5, center=False)",
    "cc": "cc(x, period=40, df=5)",
    "cc not centred": "cc(x, period=40, df=5, center=False)",
    "tp": "tp(x, df=6)",
    "tp not centred": "0 + tp(x, df=6, center=False)",
    "one inside the other": "scale(log(scale(x) + 9))",
    "of two columns": "scale(x * z)",
    "with categories": "cat * scale(x) + C(cat, Sum):center(z)",
}
NEW = pd.DataFrame({"x": np.linspace(1, 39, 20), "z": 1.5, "cat": "b", "g": "u"})


def make_table(seed: int, n: int = 150) -> pd.DataFrame:
    """Rows with many duplicates, each there up to four times, some not at all."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "y": rng.standard_normal(n),
            "x": np.round(rng.gamma(4, 3, n) / 2 + 0.5),
            "z": rng.integers(1, 4, n) / 2,
            "cat": rng.choice(["a", "b", "c"], n),
            "g": rng.choice(["u", "v"], n),
            "h": rng.choice(["u", "v"], n),
            "w": rng.integers(0, 5, n),
        }
    )
    table.loc[:1, "w"] = 1
    return table


def written_out(table: pd.DataFrame) -> pd.DataFrame:
    return table.loc[table.index.repeat(table["w"])].reset_index(drop=True)


def close(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12 * np.max(np.abs(wanted)))


def matrices(design: Design) -> list[np.ndarray]:
    return [design.main.population.matrix, design.main.groups[0].matrix]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("seed", [1, 7])
@pytest.mark.filterwarnings("ignore::partialpool.errors.ExtrapolationWarning")
def test_columns_are_those_of_the_table_written_out(name: str, seed: int) -> None:
    right, table = f"{FUNCTIONS[name]} + (1 + scale(x) | g)", make_table(seed)
    found, recipe = build_design(f"y | weights(w) ~ {right}", table)
    wanted, other = build_design(f"y ~ {right}", written_out(table))
    assert found.main.population.names == wanted.main.population.names
    for one, two in zip(matrices(found), matrices(wanted), strict=True):
        close(np.repeat(one, table["w"], axis=0), two)
    for one, two in zip(matrices(recipe.evaluate(NEW)), matrices(other.evaluate(NEW)), strict=True):
        close(one, two)


def test_offsets_outcomes_and_weights_of_groups_learn_with_weights() -> None:
    table = make_table(1)
    right = "1 + offset(scale(x)) + (1 | mm(g, h, weights=cbind(scale(x), z), scale=FALSE))"
    found, _ = build_design(f"scale(y) | weights(w) ~ {right}", table)
    wanted, _ = build_design(f"scale(y) ~ {right}", written_out(table))
    close(np.repeat(found.outcome.values, table["w"]), wanted.outcome.values)
    close(np.repeat(found.main.offset, table["w"]), wanted.main.offset)
    shares = [design.main.groups[0].grouping.members[0].weights for design in (found, wanted)]
    close(np.repeat(shares[0], table["w"]), shares[1])


def test_weights_of_one_change_nothing() -> None:
    table = make_table(2)
    right = "poly(x, 2) + bs(x, df=4) + tp(x, df=4) + (1 | g)"
    plain, _ = build_design(f"y ~ {right}", table)
    ones, _ = build_design(f"y | weights(w) ~ {right}", table.assign(w=1))
    np.testing.assert_array_equal(plain.main.population.matrix, ones.main.population.matrix)


@pytest.mark.parametrize("seed", range(30))
def test_weighted_quantiles_are_those_of_the_values_written_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(rng.integers(1, 20)).round(1)
    weights = rng.integers(1, 6, len(values)).astype(float)
    at = np.append(rng.random(7), [0.0, 0.5, 1.0])
    wanted = np.quantile(np.repeat(values, weights.astype(int)), at)
    np.testing.assert_allclose(weighted_quantile(values, weights, at), wanted, rtol=1e-13, atol=1e-13)
