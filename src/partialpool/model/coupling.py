"""Which linear predictors have to be fitted together: those that data or group effects tie to each other."""

from __future__ import annotations

from collections.abc import Iterable

from partialpool.model.effects import Effects


def coupled_predictors(
    n_predictors: int, effects: Iterable[Effects], coupled: Iterable[Iterable[int]] = ()
) -> tuple[range, ...]:
    """Divide predictors into ranges that are independent of each other near the mode.

    Parameters
    ----------
    effects
        Blocks of group effects; one that goes into several predictors ties them.
    coupled
        Sets of predictors that are tied by the curvature of the family's log likelihood.

    Returns
    -------
    Ranges of numbers that cover all predictors. Predictors between two that are tied belong to their range.

    Examples
    --------
    >>> coupled_predictors(4, (), [{0, 2}])
    (range(0, 3), range(3, 4))
    """
    ties = [sorted(block.predictors) for block in effects] + [sorted(own) for own in coupled]
    found: list[range] = []
    for p in range(n_predictors):
        reach = max((own[-1] for own in ties if own and own[0] <= p), default=p)
        if found and p < found[-1].stop:
            found[-1] = range(found[-1].start, max(found[-1].stop, reach + 1))
        else:
            found.append(range(p, max(reach, p) + 1))
    return tuple(found)
