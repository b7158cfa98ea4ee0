"""Comparison of models of the same data by expected log predictive density."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.errors import DataError, OptionError, build
from partialpool.formula.records import Outcome
from partialpool.scoring.elpd import FOLD, Elpd, observations_by_row

Floats = NDArray[np.float64]


def compare(models: Mapping[str, Elpd]) -> pd.DataFrame:
    """Rank models by expected log predictive density.

    Parameters
    ----------
    models
        By name: of one method and of the same rows, two or more.

    Returns
    -------
    A row a model, the best first:

    * ``elpd``, ``se``, ``p``: as `Elpd` has them;
    * ``difference``: elpd less the best model's, 0 or below;
    * ``se_difference``: its standard error, from the differences row by row. A difference of less than 4, or
      of less than about twice its standard error, is weak evidence (Sivula, Magnusson, Matamoros &
      Vehtari 2025, "Uncertainty in Bayesian leave-one-out cross-validation based model comparison");
    * ``weight``: of the mixture of the models' predictions that predicts best (stacking; Yao, Vehtari,
      Simpson & Gelman 2018, Bayesian Analysis 13(3)), by ArviZ. NaN where rows have weights that are not
      whole numbers, or where an elpd is not finite;
    * ``warning``: True where the model's own figure has a problem: print it.

    Raises
    ------
    OptionError
        For fewer than two models, mixed methods, different folds, or probabilities beside densities.
    DataError
        When models are of different data.
    """
    if len(models) < 2:
        raise build(
            OptionError, f"{len(models)} model{'s' * (len(models) != 1)} to compare.", allowed="two or more"
        )
    _check_same(models)
    best = max(models.values(), key=lambda elpd: elpd.elpd)
    weights = _stacking(models)
    rows = {}
    for name, elpd in models.items():
        difference, se = _difference(elpd, best)
        rows[name] = {
            "elpd": elpd.elpd,
            "se": elpd.se,
            "difference": difference,
            "se_difference": se,
            "p": elpd.p,
            "weight": weights[name],
            "warning": not elpd.ok,
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
    return table.sort_values("elpd", ascending=False, kind="stable")


def _difference(elpd: Elpd, best: Elpd) -> tuple[float, float]:
    """elpd less the best one's, and sqrt(n var) of the differences over observations."""
    if elpd is best:
        return 0.0, 0.0
    with np.errstate(invalid="ignore"):  # of two rows that both models rule out
        by_observation = elpd.unit_elpd - best.unit_elpd
    weights = elpd.rows["weight"].to_numpy() if "weight" in elpd.rows else np.ones(len(by_observation))
    total = float(weights @ by_observation)
    if not np.isfinite(total):
        return total, float("nan")
    return total, float(np.sqrt(weights @ (by_observation - total / elpd.n) ** 2))


def _stacking(models: Mapping[str, Elpd]) -> dict[str, float]:
    """Compute stacking weights with ArviZ."""
    from arviz_stats.loo.compare import compare as arviz_compare

    units = {name: elpd.unit_elpd for name, elpd in models.items()}
    repeats = observations_by_row(next(iter(models.values())))
    if repeats is None or not all(np.all(np.isfinite(u)) for u in units.values()):
        return dict.fromkeys(models, float("nan"))
    # Weights depend on the differences between models alone; without what models share, no density of a row
    # is zero to rounding.
    shared = np.max(list(units.values()), axis=0)
    shifted = {}
    for name, elpd in models.items():
        record = elpd.to_arviz()
        record.elpd_i = record.elpd_i.copy(data=np.repeat(units[name] - shared, repeats))
        shifted[name] = record
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of pandas, about ArviZ's own code
        return cast("Any", arviz_compare)(shifted, method="stacking")["weight"].to_dict()


def _check_same(models: Mapping[str, Elpd]) -> None:
    (first, reference), *others = models.items()
    for name, elpd in others:
        pair = f"{first!r} and {name!r}"
        if elpd.method != reference.method:
            raise build(
                OptionError,
                f"{pair} were not judged in the same way: by {reference.method} and by {elpd.method}.",
                hint="one method for all models",
            )
        _check_data(pair, reference.outcome, elpd.outcome)
        if elpd.discrete != reference.discrete:
            raise build(
                OptionError,
                f"{pair} cannot be compared: one gives outcomes probabilities, the other densities, which "
                "depend on the outcome's unit.",
                hint="families of whole numbers with each other, such as poisson and negative_binomial",
            )
        if FOLD in elpd.rows and not np.array_equal(elpd.rows[FOLD], reference.rows[FOLD]):
            raise build(
                OptionError,
                f"{pair} have different folds: differences would be those of the folds as well.",
                hint="kfold with the same k, group and seed; group=table['g'] where a model lacks the factor",
            )


def _check_data(pair: str, first: Outcome, second: Outcome) -> None:
    """Raise unless two models predict the same outcomes of the same rows."""
    n_first, n_second = len(first.values), len(second.values)
    if n_first != n_second:
        raise build(
            DataError,
            f"{pair} are models of different data: of {n_first:,} and of {n_second:,} rows.",
            hint="fit both to the same rows: were rows dropped for missing values in one of them?",
        )
    for what in ("values", *sorted({*first.additions, *second.additions}), "weights"):
        one, other = _filled(first, what), _filled(second, what)
        differ = np.flatnonzero(one != other)
        if len(differ):
            row = differ[0]
            raise build(
                DataError,
                f"{pair} are models of different data: the {'outcomes' if what == 'values' else what} of "
                f"{len(differ):,} of {n_first:,} rows differ (row {row}: {one[row]:g} and {other[row]:g}; "
                "rows count from 0).",
                hint=_about_outcomes(first, second),
            )


def _about_outcomes(first: Outcome, second: Outcome) -> str:
    if np.array_equal(np.sort(first.values), np.sort(second.values)):
        return "fit both to the same rows in the same order, and the same outcome coded in the same way"
    return "densities of different outcomes, such as y and log(y), cannot be compared"


def _filled(outcome: Outcome, what: str) -> Floats:
    values = {"values": outcome.values, "weights": outcome.weights, **outcome.additions}.get(what)
    return np.ones(len(outcome.values)) if values is None else np.asarray(values)
