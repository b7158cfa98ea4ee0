"""The models of complete and no pooling, from that of partial pooling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from partialpool.api.model import Model
from partialpool.errors import FormulaError, OptionError, PriorError
from partialpool.families.bernoulli import Bernoulli
from partialpool.families.gaussian import Gaussian
from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Design, GroupTerm, Outcome, Population, Predictor, Term
from partialpool.model.cells import build_cells
from partialpool.model.poolings import (
    complete_pooling,
    grouping_factor,
    no_pooling,
    without_coefficients,
    without_groups,
)
from partialpool.model.spec import ModelSpec, build_spec
from partialpool.priors.base import Prior
from partialpool.priors.gamma import Exponential
from partialpool.priors.normal import Normal

N = 12
INDEX = np.arange(N) % 3
X = np.linspace(-1, 2, N)
CAT = np.column_stack([np.arange(N) % 2 == 0, np.arange(N) % 4 == 1]).astype(float)
ONES = np.ones(N)


def factor(name: str) -> Grouping:
    return Grouping(name, np.array([10, 20, 61]), INDEX, (name,))


def term(grouping: Grouping, *names: str, correlated: bool = False) -> GroupTerm:
    columns = {"1": ONES, "x": X, "cat[b]": CAT[:, 0], "cat[c]": CAT[:, 1]}
    terms, start = [], 0
    for name in dict.fromkeys(n.split("[")[0] for n in names):
        levels = tuple(n[4:-1] for n in names if n.startswith(f"{name}["))
        terms.append(Term(name, slice(start, start + max(1, len(levels))), levels or None))
        start = terms[-1].columns.stop
    return GroupTerm(tuple(terms), names, np.column_stack([columns[n] for n in names]), grouping, correlated)


def design(*groups: GroupTerm, population: Population | None = None) -> Design:
    """``y ~ 1 + x + cat`` and group-level terms."""
    full = Population(
        np.column_stack([ONES, X, CAT]),
        ("Intercept", "x", "cat[b]", "cat[c]"),
        (
            Term("Intercept", slice(0, 1), None),
            Term("x", slice(1, 2), None),
            Term("cat", slice(2, 4), ("b", "c")),
        ),
    )
    outcome = Outcome("y", (np.arange(N) % 2).astype(float), {}, None)
    return Design(outcome, {"mu": Predictor("mu", population or full, groups, None)}, N)


def model(*groups: GroupTerm, population: Population | None = None, **priors: Prior) -> ModelSpec:
    return build_spec(design(*groups, population=population), Bernoulli(), priors)


def test_the_only_factor_is_the_default() -> None:
    assert grouping_factor(design(term(factor("g"), "1"))).name == "g"


def test_several_factors_must_be_chosen_from() -> None:
    crossed = design(term(factor("g"), "1"), term(factor("h"), "1"))
    with pytest.raises(OptionError, match=r"2 grouping factors.*\n  Allowed: g, h\n  Try: group='g'"):
        grouping_factor(crossed)
    assert grouping_factor(crossed, "h").name == "h"
    with pytest.raises(OptionError, match="no grouping factor 'k'"):
        grouping_factor(crossed, "k")


def test_a_formula_without_groups_has_nothing_to_pool() -> None:
    with pytest.raises(OptionError, match=r"no group-level term.*\n  Try: add one, such as \(1 \| group\)"):
        grouping_factor(design())


def test_complete_pooling_drops_the_factor_and_keeps_the_rest() -> None:
    partial = model(term(factor("g"), "1", "x", correlated=True), term(factor("h"), "1"))
    pooled = complete_pooling(partial, "g")
    mu = pooled.design.predictors["mu"]
    assert [t.grouping.name for t in mu.groups] == ["h"]
    assert mu.population is partial.design.predictors["mu"].population
    assert set(pooled.priors) == {"Intercept", "x", "cat[b]", "cat[c]", "1|h"}
    assert not pooled.layout.roles("group_corr")


def test_no_pooling_moves_the_prior_of_the_coefficient_to_the_effects() -> None:
    partial = model(term(factor("g"), "1"), Intercept=Normal(-1, 0.7), **{"1|g": Normal(0, Exponential(2))})
    pooled = no_pooling(partial)
    mu = pooled.design.predictors["mu"]
    assert mu.population.names == ("x", "cat[b]", "cat[c]")
    assert [t.columns for t in mu.population.terms] == [slice(0, 1), slice(1, 3)]
    np.testing.assert_array_equal(mu.population.matrix, np.column_stack([X, CAT]))
    assert pooled.priors["1|g"] == Normal(-1, 0.7)
    assert set(pooled.priors) == {"x", "cat[b]", "cat[c]", "1|g"}


def test_an_intercept_prior_at_the_means_is_unwrapped() -> None:
    partial = model(term(factor("g"), "1"))
    assert no_pooling(partial).priors["1|g"] == partial.priors["Intercept"].prior


def test_slopes_and_levels_are_replaced_one_by_one() -> None:
    group = term(factor("g"), "1", "x", "cat[b]", "cat[c]", correlated=True)
    pooled = no_pooling(model(group, x=Normal(0, 3), cat=Normal(0, 4)))
    (group,) = pooled.design.predictors["mu"].groups
    assert not group.correlated
    assert pooled.design.predictors["mu"].population.matrix.shape == (N, 0)
    assert pooled.priors["x|g"] == Normal(0, 3)
    assert pooled.priors["cat[b]|g"] == pooled.priors["cat[c]|g"] == Normal(0, 4)
    assert not pooled.layout.roles("group_sd", "group_corr")


def test_other_factors_keep_adaptive_priors_and_correlations() -> None:
    partial = model(term(factor("g"), "1"), term(factor("h"), "1", "x", correlated=True))
    pooled = no_pooling(partial, "g")
    assert pooled.design.predictors["mu"].groups[1].correlated
    assert {k: v for k, v in pooled.priors.items() if "h" in k} == {
        k: partial.priors[k] for k in ("1|h", "x|h", "h_corr")
    }


def test_every_predictor_is_treated() -> None:
    g = factor("g")
    first = design(term(g, "1"))
    sigma = Predictor("sigma", first.predictors["mu"].population, (term(g, "1"),), None)
    both = replace(first, predictors={**first.predictors, "sigma": sigma})
    names = ("Intercept", "x", "cat[b]", "cat[c]")
    priors = {f"{p}{n}": Normal(i, 1) for p in ("", "sigma_") for i, n in enumerate(names)}
    pooled = no_pooling(build_spec(both, Gaussian(), priors))
    assert pooled.design.predictors["sigma"].population.names == names[1:]
    assert pooled.priors["sigma_1|g"] == Normal(0, 1)
    assert "sigma_Intercept" not in pooled.priors
    assert without_groups(both, "g").predictors["sigma"].groups == ()


def test_a_missing_coefficient_is_named() -> None:
    bare = Population(X[:, None], ("x",), (Term("x", slice(0, 1), None),))
    with pytest.raises(
        FormulaError, match=r"'Intercept', which the population-level.*\n.*\n  Try: add 1 outside"
    ):
        no_pooling(model(term(factor("g"), "1"), population=bare))


def test_a_prior_that_effects_cannot_have_is_named() -> None:
    with pytest.raises(PriorError, match=r"Exponential\(2\) cannot be the prior of 'x\|g'"):
        no_pooling(model(term(factor("g"), "1", "x"), x=Exponential(2)))


def test_part_of_a_categorical_term_can_be_dropped() -> None:
    smaller = without_coefficients(design(), "mu", ["cat[b]"]).predictors["mu"].population
    assert smaller.names == ("Intercept", "x", "cat[c]")
    assert smaller.terms[-1] == Term("cat", slice(2, 3), ("c",))
    with pytest.raises(FormulaError, match="no population-level coefficient 'y'"):
        without_coefficients(design(), "mu", ["y"])


def test_the_partial_design_is_left_alone() -> None:
    partial = model(term(factor("g"), "1"))
    no_pooling(partial)
    assert partial.design.predictors["mu"].population.names[0] == "Intercept"
    assert len(partial.design.predictors["mu"].groups) == 1


def table(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    columns = {"x": rng.integers(0, 4, n) / 3, "z": rng.normal(size=n), "y": rng.poisson(2, n)}
    return pd.DataFrame(columns | {"g": rng.integers(0, 9, n), "h": rng.integers(0, 30, n)})


@pytest.mark.parametrize("n", [200, 6000])  # without and with combinations of columns
@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])  # the second keeps its outcomes
@pytest.mark.parametrize("text", ["y ~ x + (x | g)", "y ~ x + (1 | g) + (1 | h)", "y ~ z + (z | g)"])
@pytest.mark.parametrize("pooling", [no_pooling, complete_pooling])
def test_cells_joined_from_those_of_partial_pooling_are_those_of_the_rows(
    pooling, text: str, family: str, n: int
) -> None:
    pooled = pooling(Model(text, table(n), family).spec, "g")
    rows = build_cells(pooled.design, pooled.family, pooled.parameters)
    for name in ("cell", "first_row"):
        np.testing.assert_array_equal(getattr(pooled.cells.index, name), getattr(rows.index, name))
    for own, other in zip(
        (*pooled.cells.stats, *pooled.cells.columns), (*rows.stats, *rows.columns), strict=True
    ):
        np.testing.assert_array_equal(own, other)
    np.testing.assert_array_equal(pooled.cells.group_index, rows.group_index)
