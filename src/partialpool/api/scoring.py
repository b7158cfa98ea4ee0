"""Methods of a fit for cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from partialpool.api.fit_view import FitView
from partialpool.errors import OptionError, build, unknown_name
from partialpool.inference.options import Progress
from partialpool.inference.progress import progress_bar
from partialpool.inference.refitting import Refits
from partialpool.predict.linear import BLOCK_BYTES
from partialpool.predict.log_likelihood import log_likelihood_blocks
from partialpool.scoring.comparison import compare
from partialpool.scoring.elpd import Elpd
from partialpool.scoring.kfold import kfold
from partialpool.scoring.loo import loo
from partialpool.scoring.waic import waic

if TYPE_CHECKING:
    import xarray as xr

REFITS = "fitting again"


class Scoring(FitView):
    """Cross-validation of a fit."""

    def loo(
        self, *, reloo: bool = False, seed: int = 0, cores: int | None = None, progress: bool = True
    ) -> Elpd:
        """Estimate the elpd by leave-one-out cross-validation.

        By Pareto-smoothed importance sampling (Vehtari, Gelman & Gabry 2017), each kind of row once.

        Parameters
        ----------
        reloo
            Refit without each row whose Pareto k is too large, which is exact.
        seed, cores, progress
            Of these refits.

        Returns
        -------
        The sum, its standard error, each row's contribution and Pareto k, and advice; printing it gives a
        text.

        Raises
        ------
        DataError
            When the fit was saved without its rows.
        FitError
            When there are fewer than 25 draws, or a refit fails or is interrupted.

        Examples
        --------
        >>> import partialpool as pp
        >>> women = pp.load_dataset("bangladesh")
        >>> model = pp.Model("`use.contraception` ~ urban + (1 | district)", women, family="bernoulli")
        >>> found = model.fit(seed=19, progress=False).loo()
        >>> abs(found.elpd + 1245.6) < 2, found.ok
        (True, True)
        """
        with progress_bar(REFITS, progress and reloo) as report:
            again = self._again(seed, cores, report)
            return loo(self.fitted, again if reloo else None)

    def waic(self) -> Elpd:
        """Estimate the same as :meth:`loo` by the widely applicable information criterion (Watanabe 2010).

        Raises
        ------
        DataError
            When the fit was saved without its rows.
        """
        return waic(self.fitted)

    def kfold(
        self,
        k: int = 10,
        group: str | Iterable[Any] | None = None,
        *,
        seed: int = 0,
        cores: int | None = None,
        progress: bool = True,
    ) -> Elpd:
        """Hold out parts of the rows in turn, fit the rest, and score the predictions of the held-out rows.

        Every refit has the priors of the full model.

        Parameters
        ----------
        k
            Folds. More folds than rows or groups leave out one at a time.
        group
            Hold out whole groups: a grouping factor of the model, or the label of each row. This measures
            predictions for groups that are not in the data. None deals single rows at random.
        seed
            Of folds and refits. Models of the same rows have the same folds.
        cores, progress
            As :meth:`Model.fit`.

        Returns
        -------
        The sum, its standard error, each row's share and fold, each group's sum, and advice. The standard
        error is over rows, as in loo and brms; it is too small because rows of a held-out group are
        correlated.

        Raises
        ------
        OptionError, DataError
            When k or group cannot be used, or the fit was saved without its rows.
        FitError
            When a refit fails or is interrupted.
        """
        with progress_bar(REFITS, progress) as report:
            return kfold(self.fitted, self._again(seed, cores, report), k, group, seed)

    def log_likelihood(self, max_bytes: int = BLOCK_BYTES) -> Iterator[xr.DataArray]:
        """Iterate over the log likelihood of each row in blocks of rows.

        Parameters
        ----------
        max_bytes
            Size of a block.

        Yields
        ------
        Blocks with dimensions ``chain``, ``draw`` and ``__obs__``. All of it in one tree:
        ``to_datatree(log_likelihood=True)``.
        """
        return log_likelihood_blocks(self.fitted, max_bytes)

    def _again(self, seed: int, cores: int | None, report: Progress | None) -> Refits:
        """How refits are made, with a progress bar that counts them."""
        count = None if report is None else lambda done, total: report(done, total, 0)
        return Refits(self.model.spec, self.draws, seed, cores, count)


ESTIMATORS: Mapping[str, Callable[[Scoring], Elpd]] = {
    "loo": Scoring.loo,
    "waic": Scoring.waic,
    "kfold": lambda fit: fit.kfold(progress=False),
}


def compare_models(models: Mapping[str, Scoring | Elpd], method: str = "loo") -> pd.DataFrame:
    """Rank models of the same data by expected log predictive density.

    Parameters
    ----------
    models
        By name: fits, or what their `loo`, `waic` or `kfold` returned.
    method
        What to compute for fits: ``"loo"``, ``"waic"`` or ``"kfold"``.

    Returns
    -------
    One row for each model, the best first: ``elpd``, ``se``, its ``difference`` to the best and
    ``se_difference``, ``p``, stacking ``weight`` (Yao et al. 2018), and ``warning`` where the model's own
    elpd has a problem.
    A difference of less than 4, or of less than about twice its standard error, is weak evidence.

    Raises
    ------
    OptionError
        When there are fewer than two models, something is no model, or they have different methods or folds,
        or one family is of whole numbers and the other is not.
    DataError
        When models are of different data.

    Examples
    --------
    >>> import partialpool as pp
    >>> women = pp.load_dataset("bangladesh")
    >>> texts = {"plain": "`use.contraception` ~ (1 | district)",
    ...          "urban": "`use.contraception` ~ urban + (1 | district)"}
    >>> fits = {name: pp.Model(text, women, family="bernoulli").fit(seed=19, progress=False)
    ...         for name, text in texts.items()}
    >>> print(pp.compare_models(fits).index.tolist())
    ['urban', 'plain']
    """
    if not isinstance(models, Mapping):
        raise build(
            OptionError,
            f"models is of type {type(models).__name__}.",
            allowed='by name: {"a": fit, "b": other}',
        )
    return compare({name: _scored(name, model, method) for name, model in models.items()})


def _scored(name: str, model: Scoring | Elpd, method: str) -> Elpd:
    if isinstance(model, Elpd):
        return model
    if isinstance(model, Scoring):
        if method not in ESTIMATORS:
            raise unknown_name(OptionError, "method", method, ESTIMATORS)
        return ESTIMATORS[method](model)
    raise build(
        OptionError,
        f"{name!r} is of type {type(model).__name__}: it cannot be compared.",
        allowed="a fit, or what its loo(), waic() or kfold() returned",
    )
