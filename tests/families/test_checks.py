"""What families refuse, and the words they say it in."""

from __future__ import annotations

import numpy as np
import pytest
from tests.families.cases import CASES, Rows

from partialpool.errors import DataError, FamilyError
from partialpool.families.gaussian import Gaussian
from partialpool.families.registry import FAMILIES, get_family, refuse_additions


def rows(
    *values: float,
    trials: list[float] | None = None,
    weights: list[float] | None = None,
    called: str | None = None,
) -> Rows:
    return Rows(
        np.array(values, float),
        None if trials is None else np.array(trials, float),
        None if weights is None else np.array(weights, float),
        sources={} if called is None else {"trials": called},
    )


@pytest.mark.parametrize(
    ("family", "outcome", "message"),
    [
        (
            "bernoulli",
            rows(0, 2, 1, -1, 0.5, 3, 4, 5),
            "Outcome 'y' has 6 of 8 rows outside the support of the family 'bernoulli' "
            "(row 1: 2, row 3: -1, row 4: 0.5, row 5: 3, row 6: 4, ...; rows count from 0).\n"
            "  Allowed: 0 and 1, False and True, or two labels\n"
            "  Try: 'binomial' with trials(n) for successes of n, 'poisson' for counts, "
            "'gaussian' for measurements",
        ),
        (
            "binomial",
            rows(1, 2, trials=[3, 1]),
            "Outcome 'y' has 1 of 2 rows outside the support of the family 'binomial' "
            "(row 1: 2 of 1 trials; rows count from 0).\n"
            "  Allowed: successes up to the row's trials\n"
            "  Try: are successes and trials swapped?",
        ),
        (
            "binomial",
            rows(0.5, 1, trials=[3, 1]),
            "Outcome 'y' has 1 of 2 rows outside the support of the family 'binomial' "
            "(row 0: 0.5; rows count from 0).\n"
            "  Allowed: successes that are whole numbers, 0 or more\n"
            "  Try: the outcome is a count of successes, not a proportion: use 'k | trials(n)'",
        ),
        (
            "binomial",
            rows(1, 1, trials=[2.5, -1]),
            "The trials of outcome 'y' have 2 of 2 rows outside the support of the family 'binomial' "
            "(row 0: 2.5, row 1: -1; rows count from 0).\n"
            "  Allowed: trials that are whole numbers, 0 or more\n"
            "  Try: check the trials",
        ),
        (
            "binomial",
            rows(1, 2, trials=[3, 5.5], called="n"),
            "The trials 'n' of outcome 'y' have 1 of 2 rows outside the support of the family 'binomial' "
            "(row 1: 5.5; rows count from 0).\n"
            "  Allowed: trials that are whole numbers, 0 or more\n"
            "  Try: check the trials",
        ),
        (
            "binomial",
            rows(5, 2, trials=[3, 5], called="n - 1"),
            "Outcome 'y' has 1 of 2 rows outside the support of the family 'binomial' "
            "(row 0: 5 of 3 trials; rows count from 0).\n"
            "  Allowed: successes up to the row's trials 'n - 1'\n"
            "  Try: are successes and trials swapped?",
        ),
        (
            "poisson",
            rows(1, -1, 0.25),
            "Outcome 'y' has 2 of 3 rows outside the support of the family 'poisson' "
            "(row 1: -1, row 2: 0.25; rows count from 0).\n"
            "  Allowed: whole numbers, 0 or more\n"
            "  Try: family='gaussian' for measurements",
        ),
        (
            "gamma",
            rows(1.5, 0, -2),
            "Outcome 'y' has 2 of 3 rows outside the support of the family 'gamma' "
            "(row 1: 0, row 2: -2; rows count from 0).\n"
            "  Allowed: numbers above 0\n"
            "  Try: family='gaussian' for measurements of both signs; zeros are a process of their own",
        ),
        (
            "negative_binomial",
            rows(1.5),
            "Outcome 'y' has 1 of 1 rows outside the support of the family 'negative_binomial' "
            "(row 0: 1.5; rows count from 0).\n"
            "  Allowed: whole numbers, 0 or more\n"
            "  Try: family='gaussian' for measurements",
        ),
    ],
)
def test_outcomes_outside_the_support(family: str, outcome: Rows, message: str) -> None:
    with pytest.raises(DataError) as error:
        get_family(family).check(outcome)
    assert str(error.value) == message


@pytest.mark.parametrize("name", [n for n, f in FAMILIES.items() if not f.needs_trials])
def test_trials_are_refused_where_there_are_none(name: str) -> None:
    with pytest.raises(FamilyError) as error:
        refuse_additions(get_family(name), rows(1, trials=[1]))
    assert str(error.value) == f"The family {name!r} takes no trials().\n  Try: family='binomial'"


def test_a_binomial_asks_for_its_trials() -> None:
    with pytest.raises(FamilyError) as error:
        get_family("binomial").check(rows(1))
    assert str(error.value) == (
        "The family 'binomial' needs the number of trials of 'y'.\n"
        "  Try: 'y | trials(n) ~ ...', or family='bernoulli' for zeros and ones"
    )


@pytest.mark.parametrize("outcome", [rows(-1, -2), rows(-1, 3, weights=[10, 1])])
def test_a_log_link_needs_a_positive_mean(outcome: Rows) -> None:
    with pytest.raises(
        FamilyError, match=r"^Outcome 'y' has mean -.*: its log does not exist\.\n  Try: the identity"
    ):
        Gaussian(link="log").check(outcome)


@pytest.mark.parametrize("family", [n for n in FAMILIES if n != "binomial"])
def test_good_outcomes_pass(family: str) -> None:
    get_family(family).check(rows(*CASES[family].values))


def test_unknown_families_and_links() -> None:
    with pytest.raises(FamilyError) as error:
        get_family("binomal")
    assert str(error.value) == (
        f"There is no family 'binomal'.\n  Allowed: {', '.join(sorted(FAMILIES))}\n  Try: 'binomial'"
    )
    with pytest.raises(FamilyError) as error:
        get_family("poisson(logit)")
    assert str(error.value) == "The family 'poisson' has no link 'logit'.\n  Allowed: log"
    with pytest.raises(FamilyError) as error:
        get_family(3)  # type: ignore[arg-type]
    assert str(error.value) == "The family is 3.\n  Allowed: a name, or a family such as Bernoulli()"
