"""What a family is: everything that other rooms need of an outcome's distribution, in one record.

A family is one file: a subclass of :class:`Family` and the scalar functions its kernels are made of.
Nothing outside this room asks which family it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from partialpool.constraints.base import Constraint
from partialpool.errors import FamilyError, build
from partialpool.families.links import LINKS, Link, scale_of
from partialpool.families.support import Additions, OutcomeLike, row_weights
from partialpool.kernels.native.family_loops import family_blocks, unit_block
from partialpool.priors.base import Prior

Array = NDArray[np.float64]

MAIN = "mu"  # the parameter that the right side of a formula is of, each family's first


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
        Parameters that have a linear predictor, the mean's (``"mu"``) first. A family whose parameters depend
        on the outcome has them once it is bound to one: see `bind`.
    cells
        By link of the mean, the scalar function of one cell: see `kernels.native.family_loops.family_blocks`.
    any_number
        True where the scalar function takes any number of predictors.
    coupled
        True where the curvature of the log likelihood ties the predictors to each other, so that they are
        fitted together.
    intercept
        False where other parameters take the place of the main predictor's intercept.
    unit_cells
        By link, the scalar function of a cell of one row (statistic 0 is 1), where the log likelihood is a
        sum and the log of a ratio: see `kernels.native.family_loops.unit_block`.
    information_powers
        For a parameter other than the mean, p when the curvature by the mean's predictor is proportional to
        exp(p x that parameter's predictor); the sampler's coordinates then follow it exactly.
    keeps_outcome
        True when the outcome's value must be the same within a cell (no sufficient statistics).
    additions
        Columns that the formula may add to the outcome: names of `families.support.ADDITIONS`.
    needs_trials
        True when the formula must give trials.
    bounded
        True when the mean is a proportion, so that predictors can separate outcomes perfectly.
    labels
        How many labels an outcome may have: ``"none"`` for outcomes that are numbers, ``"two"`` or ``"any"``.
    needs_order
        True when labels must be in an order that the user gave them.
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
    any_number: ClassVar[bool] = False
    coupled: ClassVar[bool] = False
    intercept: ClassVar[bool] = True
    unit_cells: ClassVar[Mapping[str, Callable[..., Any]]] = MappingProxyType({})
    information_powers: ClassVar[Mapping[str, float]] = MappingProxyType({})
    keeps_outcome: ClassVar[bool] = False
    additions: ClassVar[tuple[str, ...]] = ()
    needs_trials: ClassVar[bool] = False
    bounded: ClassVar[bool] = False
    labels: ClassVar[Literal["none", "two", "any"]] = "none"
    needs_order: ClassVar[bool] = False
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

    def bind(self, outcome: OutcomeLike) -> Self:
        """Meet an outcome: the family with the parameters that this outcome asks for.

        A family that is bound already stays as it is, so that other rows of the same model have the same
        parameters.
        """
        return self

    def require_bound(self) -> None:
        """Raise ValueError where what a file says of the family's outcome cannot be."""

    @property
    def main(self) -> str:
        """The first parameter that the right side of a formula is of."""
        return self.parameters[0]

    @property
    def mains(self) -> tuple[str, ...]:
        """The parameters that the right side of a formula is of: the mean."""
        return (self.main,)

    @property
    def vector_values(self) -> tuple[str, ...]:
        """Parameters ``"name[label]"`` that are the values of one variable; they have no formula."""
        return ()

    @property
    def categories(self) -> tuple[str, ...]:
        """Labels of the outcome's categories where expectations are their probabilities; empty elsewhere."""
        return ()

    @property
    def links(self) -> dict[str, str]:
        """Link of each parameter from its value to its predictor; beside the mean identity, log or logit."""
        return {p: self.link if p == MAIN else "log" for p in self.parameters}

    def effect_scale(self, parameter: str) -> str:
        """Link whose scale a predictor's coefficients are on."""
        return self.links[parameter]

    def scale(self, parameter: str) -> Constraint:
        """What keeps a parameter other than the mean in its range; its predictor is the free number."""
        return scale_of(self.links[parameter])

    def constraint(self, parameter: str, prior: Prior) -> Constraint:
        """What keeps a parameter without a formula in its support; equal ties neighbours to each other."""
        return prior.constraint(self.scale(parameter))

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
        """By what that curvature is multiplied when (P,) predictors change: exp(sum of powers x changes)."""
        return float(np.exp(change @ [self.information_powers.get(p, 0.0) for p in self.parameters]))

    def blocks(self) -> tuple[Any, Any, Any]:
        """Compiled loops over cells: derivatives, derivatives with curvature, and log likelihoods."""
        n_predictors = None if self.any_number else len(self.parameters)
        return family_blocks(self.cells[self.link], n_predictors)

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

    def keys(self, outcome: OutcomeLike) -> tuple[Array, ...]:
        """(n,) columns of the outcome that must be the same within a cell."""
        return (outcome.values,) if self.keeps_outcome else ()

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

    def typical(self, outcome: OutcomeLike, offset: Array | None) -> dict[str, float]:
        """Value of each parameter's predictor where the outcomes lie, less the offset of the main one."""
        location, scale = self.location_scale(outcome, offset)
        others = {p: float(np.log(scale)) if link == "log" else 0.0 for p, link in self.links.items()}
        return {p: location if p in self.mains else others[p] for p in self.parameters}

    def auxiliary_prior(self, parameter: str, scale: float) -> Prior:
        """Default prior of a parameter other than the mean, on its natural scale."""
        raise FamilyError(f"The family {self.name!r} has no parameter {parameter!r}.")

    # --- predictions ----------------------------------------------------------------------------------------

    def mean(self, linear: Mapping[str, Array]) -> Array:
        """Expected outcome of one unit (a probability for one trial), from linear predictors by parameter.

        Where there are categories, their probabilities along a last axis.
        """
        return self.mean_link.inverse(linear[MAIN])

    def expected(self, linear: Mapping[str, Array]) -> Array:
        """Expected outcome of one unit as a number, also where there are categories."""
        return self.mean(linear)

    def average(self, linear: Mapping[str, Array], sd: Array) -> Array:
        """Average the mean over normal deviations, of these sds, of the main linear predictor.

        Effects on other parameters do not change it. For families of one main predictor.
        """
        return self.mean_link.average(linear[MAIN], sd)

    def draw(self, rng: np.random.Generator, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Draw outcomes, elementwise."""
        raise NotImplementedError

    def log_likelihood(self, outcome: OutcomeLike, linear: Mapping[str, Array]) -> Array:
        """Log density of each row's outcome, constants included; the last axis of predictors is rows."""
        raise NotImplementedError

    def cdf(self, values: Array, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Probability of an outcome of at most `values`, elementwise, 0 below the support.

        Parameters
        ----------
        values
            (n,) outcomes, or successes; whole numbers from -1 for a discrete family.
        linear
            Linear predictors by parameter; their last axis is rows.
        additions
            (n,) columns that belong to the outcome, where the family has them.
        """
        raise NotImplementedError

    def stan_values(self, values: Array) -> Array:
        """Outcomes as the distribution in Stan takes them."""
        return values

    def tallied(self, values: Array) -> Array:
        """Outcomes as they are counted: numbers of their categories, from 0, where there are any."""
        return values

    def group_figure(self, values: Array) -> Array:
        """Outcomes of which a check compares the groups' means: see `group_word`."""
        return values

    # --- words ----------------------------------------------------------------------------------------------

    @property
    def stan(self) -> str:
        """The distribution in Stan's words, with ``{mu}`` and so on where predictors go.

        Several main predictors all go where ``{mu}`` stands.
        """
        raise NotImplementedError

    @property
    def equation(self) -> str:
        """The distribution in mathematical words, ``Binomial(1, p)``; its mean is `mean_symbol`."""
        raise NotImplementedError

    @property
    def stan_by_row(self) -> bool:
        """Whether the distribution in Stan takes one row at a time."""
        return len(self.mains) > 1

    @property
    def group_word(self) -> str:
        """What the mean of a group's outcomes is called."""
        return "proportion" if self.bounded else "mean"

    def subject(self, parameter: str) -> str:
        """Name a parameter's predictor as the subject of a sentence about a row: "the log of its mean"."""
        link, word = LINKS[self.links[parameter]].text, {self.main: self.mean_word}.get(parameter, parameter)
        return f"the {link} of its {word}" if link else f"its {word}"

    mean_symbol: ClassVar[str] = "mu"
