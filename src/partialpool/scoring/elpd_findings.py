"""Findings about an elpd, in words, with what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.model.spec import ModelSpec
from partialpool.results.approximation import MIN_ACCEPTANCE, points_stand
from partialpool.results.findings import Finding

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

SHOWN = 5
LARGEST_P_WAIC = 0.4  # of one observation: Vehtari, Gelman & Gabry (2017), Statistics and Computing 27(5)
LARGEST_R_HAT = 1.05  # one refit of many: a limit of 1.01 would be passed by chance


def pareto_finding(model: ModelSpec, k: Floats, good: float) -> tuple[Finding, ...]:
    """Report rows for which importance sampling fails, why, and what to do, given their Pareto k."""
    bad = np.flatnonzero(k > good)
    if not len(bad):
        return ()
    worst = bad[np.argsort(-k[bad], kind="stable")]
    what = (
        f"Pareto k is above {good:.2f} in {_counted(len(bad), len(k))} ({_listed(model, worst, k)}): without "
        "such a row the posterior is so different that the fit's draws cannot stand for it. The elpd of "
        "these rows, and so the sum, is too uncertain to use, and most often too high."
    )
    advice = "fit.loo(reloo=True) fits again without each of these rows, which is exact."
    alone = _alone(model)[bad]
    if np.any(alone):
        what += (
            f" {_rows_are(int(np.sum(alone)), len(bad))} the only row of a group: without it nothing is left "
            "to say where the group's effect lies but the population of groups."
        )
    advice += " Where they are many, fit.kfold() costs a fixed number of refits"
    advice += "; with group= it predicts whole groups that the model has not seen." if np.any(alone) else "."
    return (Finding("problem", "leaving out a row changes the posterior too much", what, advice),)


def waic_finding(model: ModelSpec, p: Floats) -> tuple[Finding, ...]:
    """Report rows with too large a variance of the log likelihood, given (n,) of one observation."""
    bad = np.flatnonzero(~(p <= LARGEST_P_WAIC))
    if not len(bad):
        return ()
    worst = bad[np.argsort(-p[bad], kind="stable")]
    return (
        Finding(
            "problem",
            "WAIC is not reliable here",
            f"The variance of the log likelihood is above {LARGEST_P_WAIC} in {_counted(len(bad), len(p))} "
            f"({_listed(model, worst, p)}).",
            "fit.loo(): it says for each row whether it can be relied on, and refits where it cannot.",
        ),
    )


def refit_findings(refits: pd.DataFrame) -> tuple[Finding, ...]:
    """Report unreliable refits of either method."""
    return _of_approximations(refits) if "pareto_k" in refits else _of_chains(refits)


def _of_approximations(refits: pd.DataFrame) -> tuple[Finding, ...]:
    """Report refits whose nested Laplace approximation failed its checks."""
    stand = [points_stand(k, ess) for k, ess in zip(refits["pareto_k"], refits["ess"], strict=True)]
    poor = refits[~np.array(stand) | ~(refits["acceptance"] >= MIN_ACCEPTANCE)]
    if not len(poor):
        return ()
    which = ", ".join(f"refit {i}" for i in poor.index[:SHOWN])
    return (
        Finding(
            "problem",
            f"{len(poor)} of {len(refits)} refits are not approximated well",
            f"Nested Laplace does not stand for their posterior ({which}{_more(len(poor))}): see the columns "
            "pareto_k, ess and acceptance of .refits.",
            'Fit the model with method="nuts": refits use the method of the fit.',
        ),
    )


def _of_chains(refits: pd.DataFrame) -> tuple[Finding, ...]:
    """Report refits that diverged or did not converge."""
    findings = []
    diverged = refits[refits["divergences"] > 0]
    if len(diverged):
        which = ", ".join(f"refit {i}: {d}" for i, d in diverged["divergences"].head(SHOWN).items())
        findings.append(
            Finding(
                "problem",
                f"{len(diverged)} of {len(refits)} refits had divergent transitions",
                f"Divergent transitions that smaller steps did not remove ({which}{_more(len(diverged))}).",
                "Look at fit.diagnose() first; then a model with fewer group-level terms, or tighter priors "
                "of their sds.",
            )
        )
    apart = refits[refits["r_hat"] > LARGEST_R_HAT]
    if len(apart):
        which = ", ".join(f"refit {i}: {r:.2f}" for i, r in apart["r_hat"].head(SHOWN).items())
        findings.append(
            Finding(
                "problem",
                f"{len(apart)} of {len(refits)} refits did not converge",
                f"Their largest R-hat is above {LARGEST_R_HAT} ({which}{_more(len(apart))}).",
                "Fit the model with more draws, model.fit(draws=2000): refits have as many as the fit.",
            )
        )
    return tuple(findings)


def _alone(model: ModelSpec) -> NDArray[np.bool_]:
    """(n,) which rows are the only row of a group of some grouping factor."""
    alone = np.zeros(model.design.n_rows, dtype=bool)
    for grouping in model.design.groupings.values():
        rows, groups = grouping.pairs()
        alone[rows[np.bincount(groups, minlength=len(grouping.labels))[groups] == 1]] = True
    return alone


def _listed(model: ModelSpec, rows: Rows, figures: Floats) -> str:
    shown = ", ".join(f"row {row}: {figures[row]:.2f}" for row in rows[:SHOWN])
    dropped = model.design.n_dropped
    among = f" among those used, without the {dropped:,} left out for missing values" if dropped else ""
    return f"{shown}{_more(len(rows))}; rows count from 0{among}"


def _more(n: int) -> str:
    return ", ..." if n > SHOWN else ""


def _counted(n: int, total: int) -> str:
    return f"{n:,} of {total:,} rows"


def _rows_are(n: int, total: int) -> str:
    if n == total:
        return "It is" if n == 1 else "Each of them is"
    return f"{n:,} of them {'is' if n == 1 else 'are each'}"
