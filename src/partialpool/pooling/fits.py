"""Fit the three poolings of one model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from partialpool.model.spec import ModelSpec, build_spec
from partialpool.pooling.pooled_designs import Pooled, complete_pooling, no_pooling
from partialpool.results.fitted import Fitted


@dataclass(frozen=True)
class ThreeFits:
    """The same rows under three poolings."""

    no: Fitted
    partial: Fitted
    complete: Fitted


def fit_three(
    spec: ModelSpec, fit: Callable[[ModelSpec, str], Fitted], group: str | None = None
) -> ThreeFits:
    """Fit no, partial and complete pooling.

    Parameters
    ----------
    spec
        The model of partial pooling.
    fit
        Fits a model; the second argument says which one it is, in words.
    group
        The grouping factor; may be None when there is only one.

    Raises
    ------
    OptionError, FormulaError
        As `pooling.pooled_designs`: before anything is sampled.
    """

    def build(pooled: Pooled) -> ModelSpec:
        return build_spec(pooled.design, spec.family, pooled.priors)

    no = build(no_pooling(spec.design, spec.priors, group))
    complete = build(complete_pooling(spec.design, spec.priors, group))
    return ThreeFits(fit(no, "no pooling"), fit(spec, "partial pooling"), fit(complete, "complete pooling"))
