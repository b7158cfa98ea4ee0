"""A formula, a table, a family and priors: a model that can be fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partialpool.api.fit import Fit
from partialpool.api.sampling import draw, nuts_options, random_seed
from partialpool.api.view import ModelView
from partialpool.data.checks import Missing
from partialpool.data.tables import read_table
from partialpool.families.base import Family
from partialpool.families.registry import get_family
from partialpool.formula.asked import Formula
from partialpool.formula.design import build_design
from partialpool.inference.prior import sample_prior
from partialpool.model.spec import build_spec
from partialpool.priors.base import Prior


class Model(ModelView):
    """A formula, a table, a family and priors: checked, collapsed into cells, ready to fit.

    Parameters
    ----------
    formula
        lme4's meaning: ``"y ~ x + (1 + x | g)"``; a :class:`Formula` for several parameters.
    data
        A pandas, Polars or Arrow table, a dict of columns, or a path: CSV, TSV, Parquet or Arrow.
    family
        ``"gaussian"``, ``"bernoulli"``, ``"binomial"``, ``"poisson"``, ``"negative_binomial"``, with a link
        as in ``"bernoulli(probit)"``, or a family such as ``Bernoulli(link="probit")``.
    priors
        By the names results have; defaults stand where there is none. See :attr:`priors`.
    missing
        ``"error"``, or ``"drop"`` to leave out rows that lack a value that the formula uses.

    Raises
    ------
    DataError, FormulaError, FamilyError, PriorError
        When something cannot be used as given: the message names it and says what to do.

    Examples
    --------
    >>> import partialpool as pp
    >>> women = pp.load_dataset("bangladesh")
    >>> model = pp.Model("`use.contraception` ~ 1 + (1 | district)", women, family="bernoulli")
    >>> for name, prior in model.priors.items():
    ...     print(name, "~", prior)
    Intercept ~ Normal(0, 2.5)
    1|district ~ Normal(0, Exponential(1))
    """

    def __init__(
        self,
        formula: str | Formula,
        data: Any,
        family: str | Family = "gaussian",
        priors: Mapping[str, Prior] | None = None,
        missing: Missing = "error",
    ) -> None:
        design, recipe = build_design(formula, read_table(data), missing)
        asked = formula if isinstance(formula, Formula) else Formula(formula)
        super().__init__(build_spec(design, get_family(family), priors), asked.text, asked, recipe)

    def fit(
        self,
        draws: int = 1000,
        chains: int = 4,
        seed: int | None = None,
        *,
        warmup: int | None = None,
        cores: int | None = None,
        target_accept: float | None = None,
        progress: bool = True,
    ) -> Fit:
        """Draw from the posterior with NUTS.

        Parameters
        ----------
        draws, chains
            Draws kept of each chain, and chains.
        seed
            The same seed gives the same draws, whatever the number of cores. None takes a random one, which
            the fit remembers.
        warmup
            Warm-up draws of each chain; None for 400, enough in coordinates chosen by a quick fit.
        cores
            Chains run at once; None for all that this process may use.
        target_accept
            Acceptance rate the step size is tuned for; None chooses. Rarely worth changing: when transitions
            diverge, the chains run again with smaller steps by themselves.
        progress
            Show a progress bar.

        Returns
        -------
        The fit. Ctrl-C ends sampling early: the fit then has what all chains have drawn.

        Raises
        ------
        OptionError
            When a number is impossible.
        FitError
            When sampling cannot start.
        """
        options = nuts_options(draws, chains, seed, warmup, cores, target_accept)
        return Fit(self, draw(self.spec, options, "sampling", progress))

    def sample_prior(self, draws: int = 1000, seed: int | None = None) -> Fit:
        """Draw every parameter from its prior, before any outcome is looked at.

        Parameters
        ----------
        draws
            How many, independent of each other.
        seed
            The same seed gives the same draws; None takes a random one, which the fit remembers.

        Returns
        -------
        A fit whose draws are the prior's: ``.check()`` is then a prior predictive check.

        Raises
        ------
        PriorError
            When a prior is improper (Flat).
        OptionError
            When a number is impossible.
        """
        return Fit(self, sample_prior(self.spec, draws, random_seed(seed)))

    def __repr__(self) -> str:
        formula = self.formula if self.formula.parameters else self.formula.text
        return f"Model({formula!r}, family={self.family.name!r}): {self.size}"
