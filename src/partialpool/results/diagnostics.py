"""Diagnosis of a fit: problems in words, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.convergence import (
    MAX_R_HAT,
    MIN_DRAWS,
    MIN_ESS_PER_CHAIN,
    Convergence,
    disagreeing,
)
from partialpool.inference.draws import Draws
from partialpool.inference.nuts.resume import resuming
from partialpool.model.layout import Layout
from partialpool.results.approximation import check_approximation
from partialpool.results.findings import Diagnosis, Finding, Severity
from partialpool.results.fitted import Fitted
from partialpool.results.separation import separation
from partialpool.results.summaries import Measure, measured, value_labels

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]
Checks = Iterator[Finding | str]

MIN_BFMI = 0.3
MIN_INDEPENDENT = 100
_NAMES_SHOWN = 3


def diagnose(fitted: Fitted, posterior: xr.Dataset, measure: Measure | None = None) -> Diagnosis:
    """Check whether draws are reliable.

    Checked are: enough draws, all of them finite, divergences, R-hat (above 1.01 by more than chance, see
    `inference.convergence.disagreeing`), bulk and tail effective sample sizes (below 100 a chain), the energy
    (E-BFMI below 0.3) and the limit of the trajectories' length. What is constant, such as the diagonal of a
    correlation matrix, is left out. Draws of nested Laplace are independent: there the approximation is
    checked in place of chains, see `check_approximation`. Predictors that separate the outcomes are noted,
    see `separation`.

    Parameters
    ----------
    fitted
        Draws with the sampler's statistics, and their model.
    posterior
        The same draws labelled, see `posterior_dataset`.
    measure
        Gives precision and convergence, if the checks need them; `measured` when None. A fit gives what it
        has computed already.

    Returns
    -------
    Problems, notes, and the checks passed with their figures.
    """
    draws, layout = fitted.draws, fitted.model.layout
    if draws.method == "prior":
        return _sorted_out(_check_prior(draws, posterior))
    note = separation(fitted)
    checks = _all_checks(draws, posterior, layout, measure or measured)
    return _sorted_out(chain(checks, [] if note is None else [note]))


def _all_checks(draws: Draws, posterior: xr.Dataset, layout: Layout, measure: Measure) -> Checks:
    n_chains, n_draws, _ = draws.values.shape
    if draws.approximation is not None:
        yield from _check_independent(draws)
        yield from _check_finite(draws, posterior)
        has_groups = bool(layout.roles("group_effect"))
        yield from check_approximation(draws.approximation, has_groups, n_chains * n_draws)
        return
    yield from _check_amount(draws)
    if n_draws >= MIN_DRAWS:
        labels, figures = np.array(value_labels(posterior)), measure(posterior)
        yield from _check_finite(draws, posterior)
        yield from _check_divergences(draws, layout)
        yield from _check_r_hat(labels, figures, n_chains, n_draws)
        yield from _check_ess(labels, figures, n_chains)
        yield from _check_energy(draws, layout)
        yield from _check_tree_depth(draws)
    if len(draws.attempts) > 1:
        tried = " ".join(f"({i}) {sentence}" for i, sentence in enumerate(draws.attempts, start=1))
        advice = "The draws are those of the last run."
        yield Finding("note", f"{len(draws.attempts)} runs were needed", tried, advice)


def _check_prior(draws: Draws, prior: xr.Dataset) -> Checks:
    """Draws from a prior are independent: there is nothing to converge."""
    yield Finding(
        "note",
        "Draws from the prior",
        "These draws have not seen the outcome.",
        "Look at fit.check(), a prior predictive check; model.fit() draws from the posterior.",
    )
    yield from _check_finite(draws, prior)


def _check_independent(draws: Draws) -> Checks:
    """Independent draws do not converge: there are enough of them, or not."""
    n_chains, n_draws, _ = draws.values.shape
    amount = f"{n_chains * n_draws:,} independent draws"
    if n_chains * n_draws < MIN_INDEPENDENT:
        what = f"There are {amount}: means, and more so the ends of intervals, are uncertain."
        yield Finding("problem", "Too few draws", what, "Ask for 1,000 draws, which cost little.")
    else:
        yield f"{amount}: no chains that would have to converge."


def _sorted_out(checks: Iterable[Finding | str]) -> Diagnosis:
    found: list[Finding] = []
    passed: list[str] = []
    for check in checks:
        if isinstance(check, Finding):
            found.append(check)
        else:
            passed.append(check)
    found.sort(key=lambda finding: finding.severity != "problem")
    return Diagnosis(tuple(found), tuple(passed))


def _check_amount(draws: Draws) -> Checks:
    n_chains, n_draws, _ = draws.values.shape
    amount = f"{n_chains:,} {'chain' if n_chains == 1 else 'chains'} of {n_draws:,} draws"
    if draws.interrupted:
        severity: Severity = "problem" if n_draws < MIN_ESS_PER_CHAIN else "note"
        what = f"The run was interrupted: there are {amount}, {draws.asked:,} a chain were asked for."
        advice = "Run the fit again and let it finish."
        if draws.store is not None:
            advice = f"Go on from its file: {resuming(draws.store)}"
        yield Finding(severity, "Stopped early", what, advice)
    elif n_draws < MIN_DRAWS:
        what = f"There are {amount}: too few to check anything."
        yield Finding("problem", "Too few draws", what, "Ask for 1,000 draws a chain.")
    else:
        yield f"{amount}."


def _check_finite(draws: Draws, posterior: xr.Dataset) -> Checks:
    if not np.isfinite(draws.values).all():
        broken = np.array(value_labels(posterior))[np.isnan(measured(posterior).mean)]
        what = f"{_some(broken)}: some draws are infinite or not a number."
        advice = "Look for enormous or tiny values in the data, and give these variables tighter priors."
        yield Finding("problem", "Draws that are not numbers", what, advice)
    else:
        yield "All draws are finite."


def _check_divergences(draws: Draws, layout: Layout) -> Checks:
    diverging = draws.stats.get("diverging")
    if diverging is None:
        return
    count = int(diverging.sum())
    if count:
        what = (
            f"{count:,} of {diverging.size:,} draws ({_share(count / diverging.size)}) ended in a "
            "divergence: the sampler could not follow the posterior there, so parts of it may be missing and "
            "the estimates biased."
        )
        advice = f"{_tighter_priors(layout)} Failing that, ask for a higher target acceptance rate."
        yield Finding("problem", "Divergences", what, advice)
    else:
        yield "No divergences."


def _check_r_hat(labels: NDArray[np.str_], figures: Convergence, n_chains: int, n_draws: int) -> Checks:
    if n_chains == 1:
        what = "There is one chain only, so nothing says whether another would agree with it."
        yield Finding("problem", "Convergence not checked", what, "Run at least two chains, better four.")
        return
    known, disagree = ~np.isnan(figures.r_hat), disagreeing(figures, n_chains, n_draws)
    if np.all(figures.sd == 0):
        advice = "Check the data and the priors for values that make the posterior infinitely narrow."
        yield Finding("problem", "The sampler never moved", "Every value is the same in all draws.", advice)
        return
    if not known.any():
        return
    names, r_hat = _worst_first(labels[known], figures.r_hat[known], -figures.r_hat[known])
    worst = f"{r_hat[0]:.3f} at {names[0]}"
    bad, above = names[np.isin(names, labels[disagree])], int(np.sum(r_hat > MAX_R_HAT))
    if bad.size:
        what = (
            f"R-hat is above {MAX_R_HAT} for {len(bad):,} of {len(names):,} values ({_some(bad)}), the "
            f"largest {worst}: the chains do not agree on these, or not yet."
        )
        advice = (
            "Run more warm-up and more draws. If it stays, the data may not tell these values apart: "
            "simplify the model or give them tighter priors."
        )
        yield Finding("problem", "Chains disagree", what, advice)
    elif above:
        values = "1 value is" if above == 1 else f"{above:,} values are"
        yield f"Largest R-hat {worst}; {values} above {MAX_R_HAT} of {len(names):,}, as chance alone gives."
    else:
        yield f"Largest R-hat {worst}."


def _check_ess(labels: NDArray[np.str_], figures: Convergence, n_chains: int) -> Checks:
    needed = MIN_ESS_PER_CHAIN * n_chains
    constant = figures.sd == 0
    for part, ess in (("bulk", figures.ess_bulk), ("tail", figures.ess_tail)):
        known = ~(np.isnan(ess) | constant)
        if not known.any():
            continue
        names, sizes = _worst_first(labels[known], ess[known], ess[known])
        worst = f"{sizes[0]:,.0f} at {names[0]}"
        bad = names[sizes < needed]
        if bad.size:
            what = (
                f"The {part} effective sample size is below {needed:,} ({MIN_ESS_PER_CHAIN} a chain) for "
                f"{len(bad):,} of {len(names):,} values ({_some(bad)}), the smallest {worst}."
            )
            concerned = "means and medians" if part == "bulk" else "the ends of intervals"
            advice = f"Draw more: until then {concerned} of these values, and their R-hat, are uncertain."
            yield Finding("problem", f"Too few effective draws ({part})", what, advice)
        else:
            yield f"Smallest {part} effective sample size {worst}."


def _check_energy(draws: Draws, layout: Layout) -> Checks:
    energy = draws.stats.get("energy")
    if energy is None:
        return
    bfmi = _bfmi(energy.astype(np.float64))
    low = int(np.sum(~(bfmi >= MIN_BFMI)))
    if low:
        what = (
            f"E-BFMI is below {MIN_BFMI} in {low} of {len(bfmi)} chains, the lowest {bfmi.min():.2f}: the "
            "sampler moves slowly between the middle and the tails, which often means that a standard "
            "deviation has long tails."
        )
        yield Finding("problem", "Low energy", what, _tighter_priors(layout))
    else:
        yield f"Lowest E-BFMI {bfmi.min():.2f}."


def _bfmi(energy: Floats) -> Floats:
    """Estimate each chain's Bayesian fraction of missing information, (C, D) to (C,); NaN for no variance."""
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction: Floats = np.square(np.diff(energy, axis=1)).mean(axis=1) / energy.var(axis=1, ddof=1)
    return fraction


def _check_tree_depth(draws: Draws) -> Checks:
    reached = draws.stats.get("reached_max_treedepth")
    if reached is None:
        return
    count = int(reached.sum())
    if count:
        part = _share(count / reached.size)
        what = f"{count:,} of {reached.size:,} draws ({part}) stopped at the longest trajectory allowed."
        advice = (
            "The draws are valid but cost more than they should. Bring predictors to similar scales, or look "
            "for ones that nearly repeat each other."
        )
        yield Finding("note", "Trajectories cut short", what, advice)
    else:
        yield "No trajectory reached the limit of its length."


def _worst_first(labels: NDArray[np.str_], sizes: Floats, badness: Floats) -> tuple[NDArray[np.str_], Floats]:
    order = np.argsort(badness, kind="stable")
    return labels[order], sizes[order]


def _tighter_priors(layout: Layout) -> str:
    sds = [variable.name for variable in layout.roles("group_sd")]
    return f"Give {_some(sds)} a tighter prior." if sds else "Give the coefficients tighter priors."


def _some(names: NDArray[np.str_] | list[str]) -> str:
    shown = ", ".join(str(name) for name in names[:_NAMES_SHOWN])
    return shown if len(names) <= _NAMES_SHOWN else f"{shown} and {len(names) - _NAMES_SHOWN:,} more"


def _share(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "less than 0.1%"
