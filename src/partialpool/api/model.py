"""A formula, a table, a family and priors: a model that can be fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partialpool.api.fittable import Fittable
from partialpool.data.checks import Missing
from partialpool.data.tables import read_table
from partialpool.families.base import Family
from partialpool.families.registry import get_family
from partialpool.formula.design import build_design
from partialpool.formula.formula import Formula
from partialpool.model.spec import build_spec
from partialpool.priors.base import Prior


class Model(Fittable):
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
        By the names in results; names that are missing get defaults. See :attr:`priors`.
    missing
        ``"error"``, or ``"drop"`` to leave out rows that lack a value that the formula uses.
    covariances
        By the names that ``gr(g, cov=A)`` gives them, known covariances between groups: pandas tables with
        the groups as row labels and column labels, or xarray arrays with such coordinates, in any order. They
        may cover groups that the data lack,
        which can then be predicted for. Labels are compared as text.

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
        covariances: Mapping[str, Any] | None = None,
    ) -> None:
        kind = get_family(family)
        asked = formula if isinstance(formula, Formula) else Formula(formula)
        design, recipe = build_design(asked, read_table(data, labels=asked.labels), missing, covariances)
        super().__init__(build_spec(design, kind, priors), asked.text, asked, recipe)

    def __repr__(self) -> str:
        formula = self.formula if self.formula.parameters else self.formula.text
        return f"Model({formula!r}, family={self.family.name!r}): {self.size}"
