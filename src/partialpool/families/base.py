"""What a family is: everything that other rooms need of an outcome's distribution, in one record.

A family is one file: a subclass of :class:`Family` and the scalar functions its kernels are made of.
Nothing outside this room asks which family it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, FamilyError, build
from partialpool.families.links import LINKS, Link
from partialpool.kernels.native.family_loops import family_blocks, unit_block
from partialpool.priors.base import Prior

Array = NDArray[np.float64]

MAIN = "mu"  # the parameter that the right side of a formula is of, each family's first


class OutcomeLike(Protocol):
    """The left-hand side of a formula, as far as families read it."""

    @property
    def name(self) -> str:
        """The outcome's name."""

    @property
    def values(self) -> Array:
        """(n,) outcomes, or successes."""

    @property
    def trials(self) -> Array | None:
        """(n,) trials."""

    @property
    def trials_name(self) -> str | None:
        """What the formula calls the trials."""

    @property
    def weights(self) -> Array | None:
        """(n,) frequency weights."""


@dataclass(frozen=True)
class Family:
    """A distribution of the outcome with a link for its mean.

    Parameters
    ----------
    link
        Link of the mean; empty for the family's usual one.

    Attributes
    ----------
    name
        As the user writes it.
    parameters
        Parameters that have a linear predictor, the mean's (``"mu"``) first. The others are positive, on
        the log scale in their predictor.
    cells
        By link of the mean, the scalar function of one cell: see `kernels.native.family_loops.family_blocks`.
    unit_cells
        By link, the scalar function of a cell of one row (statistic 0 is 1), where the log likelihood is a
        sum and the log of a ratio: see `kernels.native.family_loops.unit_block`.
    information_powers
        For a parameter other than the mean, p when the curvature by the mean's predictor is proportional to
        exp(p x that parameter's predictor); the sampler's coordinates then follow it exactly.
    keeps_outcome
        True when the outcome's value must be the same within a cell (no sufficient statistics).
    needs_trials
        True when the formula must give trials.
    bounded
        True when the mean is a proportion, so that predictors can separate outcomes perfectly.
    n_labels
        How many labels an outcome of labels must have; 0 for outcomes that are numbers.
    discrete
        True for outcomes that are whole numbers.
    residual_sd
        The parameter that is 0 where the mean meets every outcome; empty where there is none.
    mean_word
        What the mean is called on axes and in sentences.

    Raises
    ------
    FamilyError
        When the link is not one of `cells`.
    """

    link: str = ""
    name: ClassVar[str]
    parameters: ClassVar[tuple[str, ...]] = (MAIN,)
    cells: ClassVar[Mapping[str, Callable[..., Any]]]
    unit_cells: ClassVar[Mapping[str, Callable[..., Any]]] = MappingProxyType({})
    information_powers: ClassVar[Mapping[str, float]] = MappingProxyType({})
    keeps_outcome: ClassVar[bool] = False
    needs_trials: ClassVar[bool] = False
    bounded: ClassVar[bool] = False
    n_labels: ClassVar[int] = 0
    discrete: ClassVar[bool] = True
    residual_sd: ClassVar[str] = ""
    mean_word: ClassVar[str] = "mean"

    def __post_init__(self) -> None:
        if not self.link:
            object.__setattr__(self, "link", next(iter(self.cells)))
        if self.link not in self.cells:
            raise build(
                FamilyError,
                f"The family {self.name!r} has no link {self.link!r}.",
                allowed=", ".join(self.cells),
            )

    @property
    def main(self) -> str:
        """The parameter that the right side of a formula is of: the mean."""
        return self.parameters[0]

    @property
    def links(self) -> dict[str, str]:
        """Link of each parameter's predictor."""
        return {p: self.link if p == MAIN else "log" for p in self.parameters}

    @property
    def mean_link(self) -> Link:
        """The mean's link."""
        return LINKS[self.link]

    @property
    def quadratic(self) -> bool:
        """Whether the log likelihood is quadratic in the mean's predictor."""
        return False

    @property
    def curvature_scales(self) -> bool:
        """Whether other parameters change the curvature by the mean's predictor by a factor only."""
        return all(p == MAIN or p in self.information_powers for p in self.parameters)

    def curvature_factor(self, change: Array) -> float:
        """By what that curvature is multiplied when predictors change: exp(sum of powers x changes).

        Parameters
        ----------
        change
            (P,) of each parameter's predictor.
        """
        powers = [self.information_powers.get(p, 0.0) for p in self.parameters]
        return float(np.exp(change @ powers))

    def blocks(self) -> tuple[Any, Any, Any]:
        """Compiled loops over cells: derivatives, derivatives with curvature, and log likelihoods."""
        return family_blocks(self.cells[self.link], len(self.parameters))

    def density_block(self, only_unit_cells: bool) -> Any:
        """Compiled loop over cells that the density calls: the quicker one where every cell is one row."""
        if only_unit_cells and self.link in self.unit_cells:
            return unit_block(self.unit_cells[self.link])
        return self.blocks()[0]

    def derivatives(self, stats: Array, eta: Array) -> tuple[float, Array, Array]:
        """Log likelihood of cells, its first derivatives by their predictors, and minus its second ones.

        Parameters
        ----------
        stats
            (S, n) sufficient statistics.
        eta
            (P, n) linear predictors, one row a parameter.

        Returns
        -------
        The sum over cells, a (P, n) array, and a (P (P + 1) / 2, n) array of pairs: (0, 0), (1, 0), (1, 1),
        (2, 0), ...
        """
        first, second = np.empty_like(eta), np.empty((len(eta) * (len(eta) + 1) // 2, eta.shape[1]))
        block = self.blocks()[1].ctypes
        pointers = [a.ctypes.data_as(block.argtypes[1]) for a in (stats, eta, first, second)]
        n = eta.shape[1]
        value = block(n, pointers[0], stats.shape[1], pointers[1], n, pointers[2], pointers[3], len(eta))
        return float(value), first, second

    # --- data -----------------------------------------------------------------------------------------------

    def check(self, outcome: OutcomeLike) -> None:
        """Raise DataError when an outcome is outside the family's support."""
        raise NotImplementedError

    def statistics(self, outcome: OutcomeLike, index: NDArray[np.int64], n_cells: int) -> Array:
        """Collapse rows to cells.

        Parameters
        ----------
        outcome
            Of n rows.
        index
            (n,) cell of each row.
        n_cells
            Number of cells.

        Returns
        -------
        (S, n_cells) sufficient statistics, in the order that `cells` reads them.
        """
        raise NotImplementedError

    def unit_outcome(self, outcome: OutcomeLike) -> Array:
        """(n,) the outcome on the scale of the mean: a proportion where there are trials."""
        return outcome.values

    def unit_weights(self, outcome: OutcomeLike) -> Array:
        """(n,) how many unit outcomes each row stands for: its weight, times its trials."""
        return row_weights(outcome)

    # --- default priors -------------------------------------------------------------------------------------

    def location_scale(self, outcome: OutcomeLike, offset: Array | None) -> tuple[float, float]:
        """Centre and scale of the linear predictor, for default priors."""
        raise NotImplementedError

    def auxiliary_prior(self, parameter: str, scale: float) -> Prior:
        """Default prior of a parameter other than the mean, on its natural scale."""
        raise FamilyError(f"The family {self.name!r} has no parameter {parameter!r}.")

    # --- predictions ----------------------------------------------------------------------------------------

    def mean(self, linear: Mapping[str, Array]) -> Array:
        """Expected outcome of one unit (a probability for one trial), from linear predictors by parameter."""
        return self.mean_link.inverse(linear[MAIN])

    def average(self, linear: Mapping[str, Array], sd: Array) -> Array:
        """Average the mean over normal deviations, of these sds, of its linear predictor.

        Effects on other parameters do not change it.
        """
        return self.mean_link.average(linear[MAIN], sd)

    def draw(self, rng: np.random.Generator, linear: Mapping[str, Array], trials: Array | None) -> Array:
        """Draw outcomes, elementwise."""
        raise NotImplementedError

    def log_likelihood(self, outcome: OutcomeLike, linear: Mapping[str, Array]) -> Array:
        """Log density of each row's outcome, constants included; the last axis of predictors is rows."""
        raise NotImplementedError

    def cdf(self, values: Array, linear: Mapping[str, Array], trials: Array | None) -> Array:
        """Probability of an outcome of at most `values`, elementwise, 0 below the support.

        Parameters
        ----------
        values
            (n,) outcomes, or successes; whole numbers from -1 for a discrete family.
        linear
            Linear predictors by parameter; their last axis is rows.
        trials
            (n,) trials, where the family has them.
        """
        raise NotImplementedError

    # --- words ----------------------------------------------------------------------------------------------

    @property
    def stan(self) -> str:
        """The distribution in Stan's words, with ``{mu}`` and so on where predictors go."""
        raise NotImplementedError

    @property
    def equation(self) -> str:
        """The distribution in mathematical words, ``Binomial(1, p)``; its mean is `mean_symbol`."""
        raise NotImplementedError

    mean_symbol: ClassVar[str] = "mu"


def row_weights(outcome: OutcomeLike) -> Array:
    """(n,) frequency weights, ones where there are none."""
    return np.ones(len(outcome.values)) if outcome.weights is None else outcome.weights


def totals(index: NDArray[np.int64], weights: Array, n_cells: int) -> Array:
    """(n_cells,) sums of weights by cell."""
    return np.bincount(index, weights, n_cells).astype(float)


def refuse_rows(
    outcome: OutcomeLike,
    bad: NDArray[np.bool_],
    family: str,
    allowed: str,
    hint: str,
    *,
    subject: str = "",
    tell: Callable[[int], str] | None = None,
) -> None:
    """Raise DataError naming the first rows whose outcome is outside a family's support.

    Parameters
    ----------
    subject
        What the message is about; the outcome when left out.
    tell
        From a row to what it has; the outcome's value when left out.
    """
    rows = np.flatnonzero(bad)
    if not len(rows):
        return
    tell = tell or (lambda r: f"{outcome.values[r]:g}")
    shown = ", ".join(f"row {r}: {tell(r)}" for r in rows[:5])
    raise build(
        DataError,
        f"{subject or f'Outcome {outcome.name!r} has'} {len(rows)} of {len(bad)} rows outside the support of "
        f"the family {family!r} ({shown}{', ...' if len(rows) > 5 else ''}; rows count from 0).",
        allowed=allowed,
        hint=hint,
    )


def refuse_trials(outcome: OutcomeLike, family: str, hint: str) -> None:
    """Raise FamilyError when trials were given to a family that has none."""
    if outcome.trials is not None:
        raise build(FamilyError, f"The family {family!r} takes no trials().", hint=hint)


def is_whole(values: Array) -> NDArray[np.bool_]:
    """Which values are whole numbers."""
    return np.asarray(values == np.floor(values))
