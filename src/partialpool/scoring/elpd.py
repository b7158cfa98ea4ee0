"""The result of every kind of cross-validation: the sum, the contribution of each row, and findings."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.formula.records import Outcome
from partialpool.model.names import ROWS
from partialpool.results.findings import Finding

if TYPE_CHECKING:
    from arviz_stats.utils import ELPDData
    from xarray import DataArray

Floats = NDArray[np.float64]
Method = Literal["loo", "waic", "kfold"]

ARVIZ_KINDS = {"loo": "loo", "waic": "waic", "kfold": "loo_kfold"}
VERY_BAD_K = 1.0
PARETO_K, EXACT, FOLD = "pareto_k", "exact", "fold"


@dataclass(frozen=True, eq=False)
class Elpd:
    """The expected log predictive density of a model for new data.

    The expected log pointwise predictive density (elpd) is the sum over observations of the log density that
    the model gives each when it was fitted without it; higher is better. A row with frequency weight w
    represents w identical observations, each left out alone: it counts w times the elpd of one. A binomial
    row ``k | trials(n)`` is one observation. A row of weight 0 or without trials is none. (The log
    likelihoods of a fit's tree include the weights: with the tree, ArviZ leaves out all w at once.)

    Attributes
    ----------
    method
        ``"loo"``, ``"waic"`` or ``"kfold"``.
    how
        What was computed, in one sentence.
    elpd
        The sum.
    se
        Its standard error over observations, sqrt(n var(elpd_i)).
    p
        Effective number of parameters: the log density when no row is left out, minus `elpd`.
    n
        Observations: rows, or the sum of their weights.
    n_draws
        Draws of the fit.
    rows
        One row for each row of the table: ``elpd`` and ``p`` (of all observations of the row);
        ``weight`` where rows are weighted; for loo ``pareto_k``, ``n_eff`` and, with ``reloo=True``,
        ``exact`` (the row's elpd comes from a refit without it); for waic ``p`` is the variance; for kfold
        ``fold``, from 1.
    groups
        For whole groups held out: each group's ``rows``, ``fold`` and sum of ``elpd``; otherwise None.
    refits
        One row a refit: what it left out (``row``, or observations), ``draws``, ``divergences`` and the
        largest ``r_hat`` of coefficients and standard deviations (of nested Laplace ``pareto_k``, ``ess`` and
        ``acceptance``), ``seconds``. None where nothing was refitted.
    good_k
        For loo, the largest Pareto k that can be relied on with this many draws.
    outcome
        What was predicted.
    findings
        Problems and notes.
    discrete
        True where outcomes are whole numbers and have probabilities, False where they have densities.
    """

    method: Method
    how: str
    elpd: float
    se: float
    p: float
    n: float
    n_draws: int
    rows: pd.DataFrame
    outcome: Outcome
    groups: pd.DataFrame | None = None
    refits: pd.DataFrame | None = None
    good_k: float | None = None
    findings: tuple[Finding, ...] = ()
    discrete: bool = True

    @property
    def ok(self) -> bool:
        """True when no finding is a problem."""
        return not any(finding.severity == "problem" for finding in self.findings)

    @property
    def unit_elpd(self) -> Floats:
        """(n_rows,) elpd of one observation of each row; 0 for a row without observations."""
        elpd = self.rows["elpd"].to_numpy()
        if "weight" not in self.rows:
            return elpd
        weights = self.rows["weight"].to_numpy()
        return np.divide(elpd, weights, out=np.zeros_like(elpd), where=weights > 0)

    @property
    def _remaining_k(self) -> Floats:
        """(n_rows,) Pareto k, 0 where a refit has taken the place of importance sampling."""
        k = self.rows[PARETO_K].to_numpy()
        return np.where(self.rows[EXACT], 0.0, k) if EXACT in self.rows else k

    def to_arviz(self) -> ELPDData:
        """Return an ArviZ ``ELPDData``, for ``arviz_stats.compare`` and ArviZ's plots.

        Returns
        -------
        ``elpd_i`` and ``pareto_k`` have one entry an observation along ``__obs__``, labelled by its row: a
        row of weight 3 has three. Weights that are not whole numbers cannot be repeated, and leave one entry
        a row with all that it counts for. Rows refitted exactly have a k of 0, as ``arviz_stats.reloo`` has
        it.
        """
        from arviz_stats.utils import ELPDData
        from xarray import DataArray

        repeats = observations_by_row(self)
        row = np.arange(len(self.rows)) if repeats is None else np.repeat(np.arange(len(self.rows)), repeats)

        def labelled(values: Floats) -> DataArray:
            return DataArray(values[row], {ROWS: row}, [ROWS])

        return ELPDData(
            kind=ARVIZ_KINDS[self.method],
            elpd=self.elpd,
            se=self.se,
            p=self.p,
            n_samples=self.n_draws,
            n_data_points=len(row),
            scale="log",
            warning=not self.ok,
            good_k=cast("float", self.good_k),  # None is what ArviZ itself puts where there is none
            elpd_i=labelled(self.rows["elpd"].to_numpy() if repeats is None else self.unit_elpd),
            pareto_k=cast("DataArray", labelled(self._remaining_k) if self.method == "loo" else None),
            n_folds=cast("int", int(self.rows[FOLD].max()) if self.method == "kfold" else None),
        )

    def __str__(self) -> str:
        figures = [f"{'':10}{'estimate':>12}{'se':>10}", f"  {'elpd':8}{self.elpd:12,.1f}{self.se:10,.1f}"]
        parts = [textwrap.fill(self.how, 100), "\n".join([*figures, f"  {'p':8}{self.p:12,.1f}"])]
        if self.good_k is not None:
            parts.append(_pareto_table(self.rows, self.good_k))
        verdict = "No problems found." if self.ok else "Do not rely on this figure as it is."
        return "\n\n".join([*parts, verdict, *map(str, self.findings)])

    __repr__ = __str__


def observations_by_row(elpd: Elpd) -> NDArray[np.int64] | None:
    """(n,) observations of each row as whole numbers; None where weights are not whole."""
    if "weight" not in elpd.rows:
        return np.ones(len(elpd.rows), np.int64)
    weights = elpd.rows["weight"].to_numpy()
    return weights.astype(np.int64) if np.all(weights == np.floor(weights)) else None


def _pareto_table(rows: pd.DataFrame, good: float) -> str:
    """Count rows by the size of their Pareto k."""
    k, exact = rows[PARETO_K].to_numpy(), rows.get(EXACT, pd.Series(False, rows.index)).to_numpy()
    counts = {
        f"good       k <= {good:.2f}": np.sum((k <= good) & ~exact),
        f"bad        {good:.2f} < k <= 1": np.sum((k > good) & (k <= VERY_BAD_K) & ~exact),
        "very bad   k > 1": np.sum((k > VERY_BAD_K) & ~exact),
    }
    if np.any(exact):
        counts["exact      refitted without the row"] = np.sum(exact)
    lines = [f"  {label:36}{count:10,}{count / len(k):9.1%}" for label, count in counts.items()]
    return "\n".join([f"  {'Pareto k':36}{'rows':>10}{'share':>9}", *lines])
