"""Checks whether a nested Laplace approximation represents the posterior, with findings in words."""

from __future__ import annotations

import math
from collections.abc import Iterator

from partialpool.inference.draws import Approximation, GroupCheck
from partialpool.results.findings import Finding

Checks = Iterator[Finding | str]

MAX_PARETO_K = 0.7  # beyond it means are not reliable: Vehtari et al. (2024), JMLR 25(72)
MIN_POINTS_ESS = 50  # for quasi-random points this number gives errors of about a fortieth of an sd
MIN_ACCEPTANCE = 0.5
MAX_MEAN_SHIFT = 0.1
MAX_SD_CHANGE = 0.1
MONTE_CARLO_ERRORS = 3  # tolerated difference of a group; with few draws Monte Carlo errors are large
SAMPLE_INSTEAD = 'Fit with method="nuts", which makes no such approximation.'
_GROUPS_SHOWN = 3


def points_stand(pareto_k: float, ess: float) -> bool:
    """Say whether points with this Pareto k and effective number represent the outer parameters.

    Minus infinity is the k of a model without such parameters, which needs no points.

    Examples
    --------
    >>> points_stand(0.2, 1500.0), points_stand(0.9, 1500.0), points_stand(float("nan"), 1500.0)
    (True, False, False)
    """
    return pareto_k == -math.inf or (pareto_k < MAX_PARETO_K and ess >= MIN_POINTS_ESS)


def check_approximation(found: Approximation, has_groups: bool, n_draws: int) -> Checks:
    """Check an approximation: its points, its draws of group effects, and the groups that were compared.

    Parameters
    ----------
    found
        How the draws were made.
    has_groups
        Whether the model has group effects.
    n_draws
        How many draws there are: groups are compared by them, with their Monte Carlo error.

    Yields
    ------
    A problem, or a sentence with the figures for a check that was passed.
    """
    yield from _check_points(found)
    if found.exact:
        what = "The group effects were integrated out exactly" if has_groups else "Nothing was approximated"
        yield f"{what}, given {'the outer parameters' if found.outer else 'the priors'}."
    elif has_groups:
        yield from _check_acceptance(found)
        yield from _check_groups(found.groups, n_draws)


def _check_points(found: Approximation) -> Checks:
    """Check the importance sampling of the outer parameters."""
    if not found.outer:
        return
    figures = f"Pareto k {found.pareto_k:.2f}, worth {found.ess:,.0f} independent points"
    if points_stand(found.pareto_k, found.ess):
        yield f"{_outer(found)} integrated over {found.points:,} points ({figures})."
        return
    yield Finding(
        "problem",
        "The points do not stand for the posterior",
        f"{_outer(found)} integrated over {found.points:,} points, of which few carry most of the weight "
        f"({figures}; good are a k below {MAX_PARETO_K} and {MIN_POINTS_ESS} points): standard deviations "
        "and what hangs on them may be far off.",
        SAMPLE_INSTEAD,
    )


def _outer(found: Approximation) -> str:
    several = found.outer != 1
    return f"{found.outer:,} outer parameter{'s were' if several else ' was'}"


def _check_acceptance(found: Approximation) -> Checks:
    """Check the acceptance rate of draws of group effects; NaN where it cannot be computed."""
    share = f"{found.acceptance:.0%}"
    if math.isnan(found.acceptance):
        yield Finding(
            "problem",
            "Group effects of several parameters are only roughly integrated out",
            "Effects on the mean and on another parameter, of different grouping factors, were taken to be "
            "normal together. Nothing corrects that or measures what it misses: means of the other parameter "
            "were seen a posterior sd off.",
            SAMPLE_INSTEAD,
        )
    elif found.acceptance < MIN_ACCEPTANCE:
        yield Finding(
            "problem",
            "Group effects are far from what was drawn",
            f"Their exact conditional density accepts {share} of the draws of some group's effects "
            f"({MIN_ACCEPTANCE:.0%} is needed): the approximation misses their shape.",
            SAMPLE_INSTEAD,
        )
    elif found.acceptance >= MIN_ACCEPTANCE:
        yield f"Exact conditional densities accept at least {share} of the draws of every group's effects."


def _check_groups(groups: tuple[GroupCheck, ...], n_draws: int) -> Checks:
    """Check the groups whose effects were also computed exactly."""
    if not groups:
        return
    # Standard errors of a mean and of an sd, in sds, of independent normal draws.
    most = max(MAX_MEAN_SHIFT, MONTE_CARLO_ERRORS / math.sqrt(n_draws))
    most_sd = max(MAX_SD_CHANGE, MONTE_CARLO_ERRORS / math.sqrt(2 * n_draws))

    def distance(group: GroupCheck) -> float:
        return max(abs(group.mean_shift) / most, abs(group.sd_ratio - 1) / most_sd)

    off = sorted((group for group in groups if not distance(group) <= 1), key=distance, reverse=True)
    if off:
        shown = "; ".join(map(_described, off[:_GROUPS_SHOWN]))
        shown += f"; and {len(off) - _GROUPS_SHOWN} more" if len(off) > _GROUPS_SHOWN else ""
        yield Finding(
            "problem",
            "Groups differ from their exact computation",
            f"{len(off)} of the {len(groups)} group effects that were compared: {shown}. Within {most:.2g} "
            f"sd and {most_sd:.0%} would do.",
            SAMPLE_INSTEAD,
        )
        return
    shift = max(abs(group.mean_shift) for group in groups)
    change = max(abs(group.sd_ratio - 1) for group in groups)
    yield (
        f"{len(groups)} group effects compared with an exact computation: means within {shift:.2f} sd, sds "
        f"within {change:.1%}."
    )


def _described(group: GroupCheck) -> str:
    return (
        f"{group.coefficient}[{group.group}] by {group.mean_shift:+.2f} sd, its sd {group.sd_ratio - 1:+.0%}"
    )
