"""Expected outcomes of groups against a draws-by-rows matrix written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from partialpool.constraints.positive import Positive
from partialpool.errors import OptionError
from partialpool.families.binomial import Binomial
from partialpool.inference.draws import Draws
from partialpool.model.poolings import without_groups
from partialpool.pooling.group_outcomes import group_outcomes, known_outcome, sorted_rows
from partialpool.results.fitted import Fitted


def stacked(fitted: Fitted, index: np.ndarray, n_groups: int, **options: object) -> np.ndarray:
    blocks = list(group_outcomes(fitted, index, n_groups, **options))  # type: ignore[arg-type]
    assert np.concatenate([np.arange(n_groups)[groups] for groups, _ in blocks]).tolist() == list(
        range(n_groups)
    )
    return np.concatenate([draws for _, draws in blocks], axis=1)


def by_hand(fitted: Fitted, groups: bool = True) -> np.ndarray:
    """(S, 3) weighted means of exp(mu + scale / 10) per exposure over a group's rows, one row at a time."""
    design, take = fitted.model.design, lambda name: fitted.model.layout[name].take(fitted.values)
    mu, index, weights = design.predictors["mu"], design.predictors["mu"].groups[0].grouping.index, []
    total = np.zeros((len(fitted.values), 3))
    for i in range(design.n_rows):
        j, x = index[i], mu.population.matrix[i, 1]
        eta = take("Intercept") + take("x") * x + mu.offset[i]
        scale = take("scale_Intercept").copy()
        if groups:
            eta = eta + take("1|g")[:, j] + take("x|g")[:, j] * x
            scale += take("scale_1|g")[:, j]
        total[:, j] += design.outcome.weights[i] * np.exp(eta + 0.1 * scale)
        weights.append(design.outcome.weights[i] * np.exp(mu.offset[i]))  # a unit is one of exposure
    return total / np.bincount(index, weights)


@pytest.mark.parametrize("max_bytes", [1, 8 * 40 * 2, 2**26])
def test_two_predictors_offset_and_weights(two_predictors: Fitted, max_bytes: int) -> None:
    index = two_predictors.model.design.predictors["mu"].groups[0].grouping.index
    found = stacked(two_predictors, index, 3, max_bytes=max_bytes)
    np.testing.assert_allclose(found, by_hand(two_predictors), rtol=1e-12)


def test_another_design_of_the_same_rows(two_predictors: Fitted) -> None:
    design = two_predictors.model.design
    index = design.predictors["mu"].groups[0].grouping.index
    found = stacked(two_predictors, index, 3, design=without_groups(design, "g"))
    np.testing.assert_allclose(found, by_hand(two_predictors, groups=False), rtol=1e-12)


def test_trials_count(bangladesh) -> None:
    """Ten rows of one trial weigh the same as one row of ten."""
    fitted = bangladesh.complete
    design = fitted.model.design
    index = bangladesh.partial.model.design.predictors["mu"].groups[0].grouping.index
    x = (np.arange(design.n_rows) % 2).astype(float)
    mu = replace(design.predictors["mu"], offset=x)
    trials = 1.0 + 9.0 * (x == 1)
    outcome = replace(design.outcome, additions={"trials": trials})
    pooled = replace(design, outcome=outcome, predictors={"mu": mu})
    model = replace(fitted.model, family=Binomial(), design=pooled)
    found = stacked(replace(fitted, model=model), index, 60)
    p = 1 / (1 + np.exp(-(fitted.values[:, :1] + x)))
    j = 7
    expected = (p * trials)[:, index == j].sum(axis=1) / trials[index == j].sum()
    np.testing.assert_allclose(found[:, j], expected, rtol=1e-12)


def test_rows_that_look_alike_are_joined(bangladesh) -> None:
    design = bangladesh.partial.model.design
    index = design.predictors["mu"].groups[0].grouping.index
    rows = sorted_rows(design, index, np.ones(design.n_rows))
    assert rows.design.n_rows == 60
    assert rows.group.tolist() == list(range(60))
    np.testing.assert_array_equal(rows.weight, np.bincount(index))


def test_a_group_without_weight_is_unknown(two_predictors: Fitted) -> None:
    design = two_predictors.model.design
    index = design.predictors["mu"].groups[0].grouping.index
    outcome = replace(design.outcome, weights=np.where(index == 1, 0.0, 1.0))
    model = replace(two_predictors.model, design=replace(design, outcome=outcome))
    found = stacked(replace(two_predictors, model=model), index, 3)
    assert np.isnan(found[:, 1]).all()
    assert np.isfinite(found[:, [0, 2]]).all()


def test_an_auxiliary_parameter_meets_the_mean_on_the_log_scale(two_predictors: Fitted) -> None:
    """A parameter without a formula is positive; its predictor, were there one, would be its log."""
    design = two_predictors.model.design
    index = design.predictors["mu"].groups[0].grouping.index
    parameters = two_predictors.model.parameters
    layout = parameters.layout
    scale = layout["scale_Intercept"]
    renamed = replace(scale, name="scale", role="auxiliary")
    variables = tuple(renamed if v.name == "scale_Intercept" else v for v in layout.variables)
    values = two_predictors.draws.values.copy()
    values[..., scale.columns] = np.exp(values[..., scale.columns])
    values[..., layout["scale_1|g"].columns] = 0.0
    mean, own = parameters.predictors
    own = replace(own, predictor=None, coefficients=(replace(own.coefficients[0], scale=Positive()),))
    model = replace(
        two_predictors.model,
        parameters=replace(parameters, predictors=(mean, own), layout=replace(layout, variables=variables)),
        design=replace(design, predictors={"mu": design.predictors["mu"]}),
    )
    flat = two_predictors.draws.values.copy()
    flat[..., layout["scale_1|g"].columns] = 0.0
    with_formula = replace(two_predictors, draws=with_values(two_predictors.draws, flat))
    without = Fitted(model, with_values(two_predictors.draws, values))
    np.testing.assert_allclose(stacked(without, index, 3), by_hand(with_formula), rtol=1e-12)


def with_values(draws: Draws, values: np.ndarray) -> Draws:
    return replace(draws, values=values)


def test_rows_without_an_outcome_are_refused(two_predictors: Fitted) -> None:
    with pytest.raises(OptionError, match="no outcome"):
        known_outcome(replace(two_predictors.model.design, outcome=None))
