"""What `diagnose` says of a nested Laplace approximation, and when the marginal likelihood is given."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.results.approximations import EXACT, GOOD, approximated
from tests.results.fixtures import Case, make_case

import partialpool as pp
from partialpool.inference.draws import Approximation, GroupCheck
from partialpool.results.approximation import check_approximation
from partialpool.results.diagnostics import diagnose
from partialpool.results.evidence import log_marginal_likelihood
from partialpool.results.findings import Diagnosis
from partialpool.results.fitted import Fitted
from partialpool.results.tree import posterior_dataset


@pytest.fixture(scope="module")
def case() -> Case:
    return make_case()


def check(case: Case, found: Approximation, values: np.ndarray | None = None) -> Diagnosis:
    draws = approximated(case.draws, found)
    draws = draws if values is None else replace(draws, values=values)
    return diagnose(case.drawn(draws), posterior_dataset(draws, case.layout))


def problems(case: Case, **changes: Any) -> list[str]:
    return [f.title for f in check(case, replace(GOOD, **changes)).findings if f.severity == "problem"]


def test_a_good_approximation_says_what_was_checked_with_the_figures(case: Case) -> None:
    diagnosis = check(case, GOOD)
    assert diagnosis.ok
    assert diagnosis.findings == ()
    assert diagnosis.passed == (
        "1,000 independent draws: no chains that would have to converge.",
        "All draws are finite.",
        "2 outer parameters were integrated over 2,000 points (Pareto k 0.12, worth 1,500 independent "
        "points).",
        "Exact conditional densities accept at least 93% of the draws of every group's effects.",
        "2 group effects compared with an exact computation: means within 0.04 sd, sds within 2.0%.",
    )


def test_an_exact_integral_says_that_it_is(case: Case) -> None:
    passed = check(case, EXACT).passed
    assert passed[-1] == "The group effects were integrated out exactly, given the outer parameters."
    assert not any("accept" in sentence or "compared" in sentence for sentence in passed)


def test_a_model_without_groups_is_not_said_to_have_any() -> None:
    nothing_outer = replace(EXACT, outer=0, points=1, ess=1.0, pareto_k=-math.inf)
    assert list(check_approximation(nothing_outer, has_groups=False, n_draws=1000)) == [
        "Nothing was approximated, given the priors."
    ]
    (points,) = check_approximation(replace(GOOD, groups=()), has_groups=False, n_draws=1000)
    assert str(points).startswith("2 outer parameters were integrated over")


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"pareto_k": 0.7}, "The points do not stand for the posterior"),
        ({"pareto_k": math.inf}, "The points do not stand for the posterior"),
        ({"pareto_k": math.nan}, "The points do not stand for the posterior"),
        ({"ess": 49.9}, "The points do not stand for the posterior"),
        ({"acceptance": 0.49}, "Group effects are far from what was drawn"),
        ({"acceptance": math.nan}, "Group effects of several parameters are only roughly integrated out"),
        ({"groups": (GroupCheck("1|g", "a", 0.101, 1.0),)}, "Groups differ from their exact computation"),
        ({"groups": (GroupCheck("1|g", "a", -0.2, 1.0),)}, "Groups differ from their exact computation"),
        ({"groups": (GroupCheck("1|g", "a", 0.0, 0.89),)}, "Groups differ from their exact computation"),
        ({"groups": (GroupCheck("1|g", "a", math.nan, 1.0),)}, "Groups differ from their exact computation"),
    ],
)
def test_what_is_not_good_enough_is_a_problem_with_a_way_out(
    case: Case, changes: dict[str, Any], title: str
) -> None:
    diagnosis = check(case, replace(GOOD, **changes))
    assert not diagnosis.ok
    assert [finding.title for finding in diagnosis.findings] == [title]
    assert 'method="nuts"' in diagnosis.findings[0].advice


@pytest.mark.parametrize(
    "changes",
    [
        {"pareto_k": 0.69, "ess": 50.0},
        {"acceptance": 0.5},
        {"groups": ()},
        {"groups": (GroupCheck("1|g", "a", -0.1, 1.099), GroupCheck("1|g", "b", 0.1, 0.901))},
    ],
)
def test_what_is_just_good_enough_passes(case: Case, changes: dict[str, Any]) -> None:
    assert problems(case, **changes) == []


def test_the_groups_that_are_furthest_off_are_named_first(case: Case) -> None:
    shifts = [0.0, 0.2, -0.6, 0.3, 0.4]
    groups = tuple(GroupCheck("1|g", str(i), shift, 1.0) for i, shift in enumerate(shifts))
    (finding,) = check(case, replace(GOOD, groups=groups)).findings
    assert finding.what.startswith(
        "4 of the 5 group effects that were compared: 1|g[2] by -0.60 sd, its sd +0%; 1|g[4] by +0.40 sd, "
        "its sd +0%; 1|g[3] by +0.30 sd, its sd +0%; and 1 more. Within 0.1 sd and 10% would do."
    )


def test_few_draws_may_be_off_by_their_own_error() -> None:
    """Three standard errors: 0.3 sd of a mean of 100 draws, 21% of their sd."""
    just, off = GroupCheck("1|g", "a", 0.29, 1.21), GroupCheck("1|g", "b", 0.31, 1.0)
    for n_draws, ok in ((100, True), (4000, False)):
        *_, last = check_approximation(replace(GOOD, groups=(just,)), True, n_draws)
        assert isinstance(last, str) == ok
    *_, finding = check_approximation(replace(GOOD, groups=(just, off)), True, 100)
    assert finding.what == (
        "1 of the 2 group effects that were compared: 1|g[b] by +0.31 sd, its sd +0%. Within 0.3 sd and 21% "
        "would do."
    )


def test_every_problem_is_told(case: Case) -> None:
    bad = {"pareto_k": 1.2, "acceptance": 0.1, "groups": (GroupCheck("1|g", "a", 3.0, 2.0),)}
    assert len(problems(case, **bad)) == 3


def test_few_or_broken_draws_are_a_problem_whatever_the_approximation_says(case: Case) -> None:
    few = check(case, EXACT, case.draws.values[:, :24])
    assert [f.title for f in few.findings] == ["Too few draws"]
    assert check(case, EXACT, case.draws.values[:, :25]).ok
    values = case.draws.values.copy()
    values[2, 10, case.layout["shape"].start] = np.inf
    broken = check(case, EXACT, values)
    assert [f.title for f in broken.findings] == ["Draws that are not numbers"]
    assert broken.findings[0].what.startswith("shape: ")


ROWS = {"y": [1.0, 2.0, 4.0, 5.0], "g": ["a", "a", "b", "b"]}


def fitted(case: Case, priors: dict[str, pp.Prior], *, laplace: bool = True) -> Fitted:
    draws = approximated(case.draws) if laplace else case.draws
    return Fitted(pp.Model("y ~ 1 + (1 | g)", ROWS, priors=priors).spec, draws)


def test_the_marginal_likelihood_is_that_of_the_approximation(case: Case) -> None:
    assert log_marginal_likelihood(fitted(case, {})) == GOOD.log_marginal_likelihood


def test_draws_of_a_sampler_have_no_marginal_likelihood(case: Case) -> None:
    with pytest.raises(pp.errors.FitError) as raised:
        log_marginal_likelihood(fitted(case, {}, laplace=False))
    assert str(raised.value) == (
        "Draws of method 'nuts' say nothing about the marginal likelihood.\n"
        '  Try: model.fit(method="laplace"), which computes it'
    )


@pytest.mark.parametrize(
    ("name", "prior"),
    [
        ("Intercept", pp.Flat()),
        ("Intercept", pp.AtMeans(pp.Flat())),
        ("1|g", pp.Normal(0, pp.Flat())),
    ],
)
def test_an_improper_prior_leaves_the_marginal_likelihood_open(
    case: Case, name: str, prior: pp.Prior
) -> None:
    with pytest.raises(pp.errors.FitError, match=rf"prior of '{name.replace('|', '[|]')}' is improper"):
        log_marginal_likelihood(fitted(case, {name: prior}))
