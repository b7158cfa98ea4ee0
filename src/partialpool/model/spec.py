"""A model's specification: a design, a family, priors, and all that follows from them, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

import numpy as np

from partialpool.errors import DataError, FamilyError, build, unknown_name
from partialpool.families.base import MAIN, Family
from partialpool.families.registry import refuse_additions
from partialpool.formula.conform import spread, without_columns
from partialpool.formula.outcome import count_labels
from partialpool.formula.records import Design, Floats, Outcome
from partialpool.kernels.density.packed_rows import narrowed
from partialpool.model.anchors import Anchors, anchors_of
from partialpool.model.cells import Cells, build_cells
from partialpool.model.coupling import coupled_predictors
from partialpool.model.effects import Effects
from partialpool.model.layout import Layout
from partialpool.model.names import check_names
from partialpool.model.origins import require_digits, takers
from partialpool.model.parameter_blocks import ParameterBlocks, parameter_blocks
from partialpool.model.parameters import Parameters, build_parameters
from partialpool.model.priors import resolve_priors
from partialpool.priors.base import Prior


@dataclass(frozen=True)
class ModelSpec:
    """A model, complete. With other terms or weights of the same rows: `with_terms`, `with_weights`.

    Attributes
    ----------
    design
        Names and matrices, a row an observation.
    family
        The outcome's distribution.
    priors
        Of every coefficient, keyed as results name it.
    parameters
        Every parameter with its prior and place.
    cells
        The data as the density reads them: always those of `design`.
    origin
        The anchors of the rows that the priors were made from, where `design` has others.
    """

    design: Design
    family: Family
    priors: Mapping[str, Prior]
    parameters: Parameters
    cells: Cells
    origin: Anchors | None = None

    @cached_property
    def anchors(self) -> Anchors:
        """Where priors at the predictors' means hold, and where outcomes lie."""
        return self.origin or anchors_of(self.design, self.family)

    @cached_property
    def coef_start(self) -> list[int]:
        """(P + 1,) where each predictor's coefficients begin among all, and their number."""
        return [0, *accumulate(len(part.coefficients) for part in self.parameters.predictors)]

    @property
    def coupled(self) -> tuple[frozenset[int], ...]:
        """Sets of predictors that the curvature of the log likelihood ties to each other."""
        return (frozenset(range(len(self.parameters.predictors))),) if self.family.coupled else ()

    def anchor(self, predictor: int, coefficient: int) -> Floats:
        """(K,) the combination of coefficients that a prior at the predictors' means is of.

        The coefficients are those of the columns that cells have, which are less their origins.
        Of an intercept that is intercept + sum of mean x slope; of a parameter without a formula, such as a
        threshold, that parameter less the main predictor there.
        """
        part = self.parameters.predictors[predictor]
        row = np.zeros(self.coef_start[-1])
        if part.predictor is not None:
            row[self.coef_start[predictor] : self.coef_start[predictor + 1]] = self.means(predictor)
        else:
            row[: self.coef_start[1]] = -self.means(0)
        row[self.coef_start[predictor] + coefficient] = 1.0
        return row

    def means(self, predictor: int) -> Floats:
        """Means of the columns of one predictor, less their origins."""
        own = slice(self.coef_start[predictor], self.coef_start[predictor + 1])
        parameter = self.parameters.predictors[predictor].parameter
        return np.asarray(self.anchors.means[parameter] - self.cells.origins[own])

    def as_written(self, values: Floats) -> Floats:
        """(..., n_values) values of the columns that cells have, as those of the columns of the formula.

        These are other intercepts or thresholds, of columns that cells have less their origins.
        """
        if not np.any(self.cells.origins):
            return values
        values, every = values.copy(), self.parameters.coefficients
        for number in range(len(self.parameters.predictors)):
            own = range(self.coef_start[number], self.coef_start[number + 1])
            slopes = values[..., [every[k].value for k in own]]
            level = slopes @ self.cells.origins[own.start : own.stop]
            for k, sign in takers(self.parameters, self.family, number).items():
                values[..., every[k].value] += sign * level
        return values

    @cached_property
    def parts(self) -> tuple[range, ...]:
        """Ranges of predictors that are fitted together: see `coupled_predictors`."""
        return coupled_predictors(len(self.parameters.predictors), self.parameters.effects, self.coupled)

    def part_of(self, effects: Effects) -> int:
        """Number of the part that a block's predictors are in."""
        return next(i for i, part in enumerate(self.parts) if effects.predictors[0] in part)

    @cached_property
    def blocks(self) -> ParameterBlocks:
        """Coefficients, sds and correlations as blocks of values."""
        return parameter_blocks(self.parameters)

    @property
    def layout(self) -> Layout:
        """Names, shapes and positions of a draw's values."""
        return self.parameters.layout


def build_spec(design: Design, family: Family, priors: Mapping[str, Prior] | None = None) -> ModelSpec:
    """Check a design against its family, resolve priors, collapse rows into cells.

    Raises
    ------
    FamilyError
        When a formula is given for a parameter that the family lacks.
    DataError
        When the outcome is outside the family's support, no row has any weight, double precision cannot tell
        the rows of a column apart, or results could not tell names apart.
    PriorError
        When a prior is given for an unknown name, or cannot be that name's prior.
    """
    assert design.outcome is not None, "models are built from rows with an outcome"
    _check_labels(design.outcome, family)
    if design.outcome.weights is not None and not np.any(design.outcome.weights > 0):
        raise _nothing_to_fit(design.outcome)
    refuse_additions(family, design.outcome)
    family.check(design.outcome)
    if not np.any(family.unit_weights(design.outcome) > 0):
        raise _nothing_to_fit(design.outcome)
    design, family = _bound(design, family)
    resolved = resolve_priors(design, family, priors)
    parameters = build_parameters(design, family, resolved)
    check_names(design, parameters.layout)
    require_digits(parameters, family)
    return ModelSpec(design, family, resolved, parameters, build_cells(design, family, parameters))


def with_terms(model: ModelSpec, design: Design, priors: Mapping[str, Prior]) -> ModelSpec:
    """Make the model of the same rows with other terms of the same columns: cells are joined from `model`'s.

    Raises
    ------
    PriorError
        When a prior is given for an unknown name, or cannot be that name's prior.
    """
    family, resolved = model.family, resolve_priors(design, model.family, priors)
    parameters = build_parameters(design, family, resolved)
    cells = build_cells(design, family, parameters, model.cells.index)
    return ModelSpec(design, family, resolved, parameters, cells)


def with_weights(model: ModelSpec, weights: Floats) -> ModelSpec:
    """Make the model of the same rows with other frequency weights, of which all may be 0.

    Only the outcome and the cells' statistics change: layout, cells, priors and anchors are the full model's.
    A group whose rows all have weight 0 keeps its place, and its effects then come from the population of
    groups.

    Parameters
    ----------
    weights
        (n,) at least 0.
    """
    assert model.design.outcome is not None, "models are built from rows with an outcome"
    outcome = replace(model.design.outcome, weights=weights)
    index = model.cells.index
    stats = narrowed(model.family.statistics(outcome, index.cell, index.n_cells))
    return replace(
        model,
        design=replace(model.design, outcome=outcome),
        cells=replace(model.cells, stats=stats),
        origin=model.anchors,
    )


def _bound(design: Design, family: Family) -> tuple[Design, Family]:
    """The family with the parameters that the outcome asks for, and the predictors of these."""
    assert design.outcome is not None, "models are built from rows with an outcome"
    bound = family.bind(design.outcome)
    known = [p for p in (MAIN, *bound.parameters) if p not in bound.vector_values]
    for parameter in design.predictors:
        if parameter not in known:
            raise unknown_name(
                FamilyError,
                f"parameter of the family {family.name!r} called",
                parameter,
                tuple(dict.fromkeys(known)),
            )
    design = spread(design, bound.parameters, bound.mains)
    return (design if bound.intercept else _without_intercept(design, bound)), bound


def _without_intercept(design: Design, family: Family) -> Design:
    """Leave out the intercept of the main predictor, whose place other parameters take."""
    main = design.main
    if "Intercept" not in main.population.names:
        assert design.outcome is not None, "models are built from rows with an outcome"
        raise build(
            FamilyError,
            f"The formula of {design.outcome.name!r} leaves out the intercept, whose place the thresholds of "
            f"the family {family.name!r} take.",
            hint="the formula without '0 +'",
        )
    population = without_columns(main.population, {"Intercept"})
    return replace(
        design, predictors={**design.predictors, main.parameter: replace(main, population=population)}
    )


def _check_labels(outcome: Outcome, family: Family) -> None:
    """Refuse as many labels as the family does not know; as numbers they would be fitted without a word."""
    n = 0 if outcome.levels is None else len(outcome.levels)
    if outcome.levels is None or family.labels == "any" or (n == 2 and family.labels == "two"):
        return
    several = "family='categorical', or 'cumulative' where labels are in order"
    if family.labels == "none":
        raise build(
            FamilyError,
            f"Outcome {outcome.name!r} has {count_labels(outcome.levels)}; the family {family.name!r} is for "
            "numbers.",
            hint="family='bernoulli'" if n == 2 else several if n > 2 else None,
        )
    raise build(
        DataError,
        f"Outcome {outcome.name!r} has {count_labels(outcome.levels)}.",
        allowed="numbers, true/false, or two labels",
        hint=several if n > 2 else None,
    )


def _nothing_to_fit(outcome: Outcome) -> DataError:
    return build(
        DataError,
        f"Every row of outcome {outcome.name!r} has weight 0 or no trials: nothing to fit.",
        hint="check the weights and the trials",
    )
