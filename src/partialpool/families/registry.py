"""All families by name."""

from __future__ import annotations

from partialpool.errors import FamilyError, build, unknown_name
from partialpool.families.base import Family
from partialpool.families.bernoulli import Bernoulli
from partialpool.families.binomial import Binomial
from partialpool.families.categorical import Categorical
from partialpool.families.cumulative import Cumulative
from partialpool.families.gamma_outcomes import Gamma
from partialpool.families.gaussian import Gaussian
from partialpool.families.negative_binomial import NegativeBinomial
from partialpool.families.poisson import Poisson
from partialpool.families.support import OutcomeLike

FAMILIES: dict[str, type[Family]] = {
    family.name: family
    for family in (
        Bernoulli,
        Binomial,
        Categorical,
        Cumulative,
        Gamma,
        Gaussian,
        NegativeBinomial,
        Poisson,
    )
}


def refuse_additions(family: Family, outcome: OutcomeLike) -> None:
    """Raise FamilyError when the formula adds a column to the outcome that the family does not take."""
    for name in outcome.additions:
        if name not in family.additions:
            others = [repr(other) for other, kind in FAMILIES.items() if name in kind.additions]
            raise build(
                FamilyError,
                f"The family {family.name!r} takes no {name}().",
                hint=f"family={' or '.join(others)}" if others else "leave it out",
            )


def get_family(family: str | Family) -> Family:
    """A family from its name, with its usual link, or the family itself.

    Parameters
    ----------
    family
        ``"bernoulli"``, ``"bernoulli(probit)"``, or an object such as ``Bernoulli(link="probit")``.

    Raises
    ------
    FamilyError
        When the name or the link is unknown.

    Examples
    --------
    >>> get_family("bernoulli(cloglog)").link
    'cloglog'
    """
    if isinstance(family, Family):
        return family
    if not isinstance(family, str):
        raise build(
            FamilyError, f"The family is {family!r}.", allowed="a name, or a family such as Bernoulli()"
        )
    name, _, link = family.strip().removesuffix(")").partition("(")
    if name not in FAMILIES:
        raise unknown_name(FamilyError, "family", name, FAMILIES)
    return FAMILIES[name](link=link.strip())
