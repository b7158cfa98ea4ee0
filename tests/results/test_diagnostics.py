from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.results.fixtures import Case, make_case, make_draws

from partialpool.inference.draws import Draws
from partialpool.results.diagnostics import diagnose
from partialpool.results.findings import Diagnosis
from partialpool.results.tree import posterior_dataset


@pytest.fixture(scope="module")
def case() -> Case:
    return make_case(n_draws=500)


def check(case: Case, draws: Draws) -> Diagnosis:
    return diagnose(case.drawn(draws), posterior_dataset(draws, case.layout))


def with_stat(case: Case, name: str, value: np.ndarray) -> Draws:
    draws = make_draws(case.draws.values)
    return make_draws(draws.values, stats=dict(draws.stats) | {name: value})


def shifted(case: Case, name: str, by: float) -> Draws:
    """Move the first chain's draws of one variable away from the other chains'."""
    values = case.draws.values.copy()
    values[0, :, case.layout[name].columns] += by
    return make_draws(values)


def titles(diagnosis: Diagnosis, severity: str = "problem") -> list[str]:
    return [finding.title for finding in diagnosis.findings if finding.severity == severity]


def test_a_good_fit_says_what_was_checked_with_the_figures(case: Case) -> None:
    diagnosis = check(case, case.draws)
    assert diagnosis.ok
    assert diagnosis.findings == ()
    text = str(diagnosis)
    assert text.startswith("No problems found.")
    for part in [
        "4 chains of 500 draws",
        "No divergences",
        "Largest R-hat 1.0",
        "Smallest bulk effective",
        "E-BFMI",
    ]:
        assert part in text


def test_divergences_are_counted_with_their_share(case: Case) -> None:
    diverging = np.zeros((4, 500), dtype=bool)
    diverging[1, :30] = True
    diagnosis = check(case, with_stat(case, "diverging", diverging))
    assert not diagnosis.ok
    assert titles(diagnosis) == ["Divergences"]
    assert "30 of 2,000 draws (1.5%)" in str(diagnosis)
    assert "1|district_sigma" in diagnosis.findings[0].advice
    assert str(diagnosis).startswith("Do not rely on this fit as it is.")


def test_one_divergence_is_not_rounded_to_none(case: Case) -> None:
    diverging = np.zeros((4, 500), dtype=bool)
    diverging[0, 0] = True
    assert "1 of 2,000 draws (less than 0.1%)" in str(check(case, with_stat(case, "diverging", diverging)))


def test_chains_that_disagree_are_named_worst_first(case: Case) -> None:
    diagnosis = check(case, shifted(case, "x|school", 5.0))
    assert "Chains disagree" in titles(diagnosis)
    finding = next(f for f in diagnosis.findings if f.title == "Chains disagree")
    assert "2 of " in finding.what
    assert "x|school[a]" in finding.what
    assert "x|school[b]" in finding.what


def test_slow_chains_have_too_few_effective_draws(case: Case) -> None:
    values = case.draws.values.copy()
    walk = np.cumsum(np.random.default_rng(4).normal(size=(4, 500)), axis=1)
    values[:, :, case.layout["Intercept"].start] = walk
    diagnosis = check(case, make_draws(values))
    assert {"Too few effective draws (bulk)", "Too few effective draws (tail)"} <= set(titles(diagnosis))
    assert "below 400 (100 a chain) for 1 of" in str(diagnosis)
    assert "at Intercept" in str(diagnosis)


def test_low_energy_is_a_problem(case: Case) -> None:
    energy = np.cumsum(np.random.default_rng(4).normal(size=(4, 500)), axis=1)
    diagnosis = check(case, with_stat(case, "energy", energy))
    assert titles(diagnosis) == ["Low energy"]
    assert "in 4 of 4 chains" in str(diagnosis)


@pytest.mark.parametrize(
    "energy", [np.ones((4, 500)), np.full((4, 500), np.nan)], ids=["constant", "missing"]
)
def test_energy_that_says_nothing_is_not_fine(case: Case, energy: np.ndarray) -> None:
    assert titles(check(case, with_stat(case, "energy", energy))) == ["Low energy"]


def test_long_trajectories_are_a_note(case: Case) -> None:
    reached = np.ones((4, 500), dtype=bool)
    diagnosis = check(case, with_stat(case, "reached_max_treedepth", reached))
    assert diagnosis.ok
    assert titles(diagnosis, "note") == ["Trajectories cut short"]
    assert "2,000 of 2,000 draws (100.0%)" in str(diagnosis)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_draws_that_are_not_numbers_are_a_problem(case: Case, bad: float) -> None:
    values = case.draws.values.copy()
    values[2, 10, case.layout["shape"].start] = bad
    diagnosis = check(case, make_draws(values))
    assert titles(diagnosis) == ["Draws that are not numbers"]
    assert diagnosis.findings[0].what.startswith("shape: ")


def test_only_the_diagonal_of_correlations_may_stand_still(case: Case) -> None:
    diagnosis = check(case, make_draws(np.ones_like(case.draws.values)))
    assert "The sampler never moved" in titles(diagnosis)


@pytest.mark.parametrize(("n_draws", "severity"), [(3, "problem"), (50, "problem"), (400, "note")])
def test_an_interrupted_run_says_how_far_it_got(case: Case, n_draws: int, severity: str) -> None:
    draws = make_draws(case.draws.values[:, :n_draws], interrupted=True, asked=1000)
    diagnosis = check(case, draws)
    assert "Stopped early" in titles(diagnosis, severity)
    assert f"4 chains of {n_draws} draws, 1,000 a chain were asked for" in str(diagnosis)


@pytest.mark.parametrize("changes", [{}, {"interrupted": True}], ids=["asked for", "interrupted"])
def test_no_draws_at_all_are_a_problem(case: Case, changes: dict[str, Any]) -> None:
    assert not check(case, make_draws(case.draws.values[:, :0], **changes)).ok


def test_one_chain_is_never_called_converged(case: Case) -> None:
    diagnosis = check(case, make_draws(case.draws.values[:1]))
    assert titles(diagnosis) == ["Convergence not checked"]


def test_what_was_tried_is_told(case: Case) -> None:
    attempts = ("Target acceptance 0.8: 12 divergences.", "Target acceptance 0.95: no divergence.")
    diagnosis = check(case, make_draws(case.draws.values, attempts=attempts))
    assert diagnosis.ok
    assert titles(diagnosis, "note") == ["2 runs were needed"]
    assert all(sentence in diagnosis.findings[0].what for sentence in attempts)


def test_problems_come_before_notes(case: Case) -> None:
    draws = make_draws(shifted(case, "x", 9.0).values, attempts=("One.", "Two."))
    severities = [finding.severity for finding in check(case, draws).findings]
    assert severities[0] == "problem"
    assert severities[-1] == "note"


def test_draws_without_statistics_of_a_sampler_are_checked_as_far_as_possible(case: Case) -> None:
    diagnosis = check(case, make_draws(case.draws.values, stats={}))
    assert diagnosis.ok
    assert not any("diverg" in sentence.lower() for sentence in diagnosis.passed)
