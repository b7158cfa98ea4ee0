"""What a person asked of a prediction, checked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from partialpool.errors import OptionError, build, unknown_name
from partialpool.formula.records import Design
from partialpool.inference.options import chosen_seed

Kind = Literal["mean", "linear", "outcome"]
NewGroups = Literal["population", "existing", "zero", "error"]
Groups = Literal["all", "average"] | Collection[str] | None


@dataclass(frozen=True)
class Asked:
    """A checked request.

    Attributes
    ----------
    factors
        Names of the grouping factors whose terms count.
    average
        True to integrate over the population of their groups, False to take each row's own group.
    seed
        Never None: where a person gave none it was drawn.
    """

    kind: Kind
    factors: tuple[str, ...]
    average: bool
    new_groups: NewGroups
    seed: int

    def like(self, design: Design) -> Design:
        """Leave out the group-level terms that do not count."""
        predictors = {
            name: replace(p, groups=tuple(t for t in p.groups if t.grouping.name in self.factors))
            for name, p in design.predictors.items()
        }
        return replace(design, predictors=predictors)


def check_asked(design: Design, kind: str, groups: Groups, new_groups: str, seed: int | None) -> Asked:
    """Check the options of a prediction against the terms of the fit.

    Raises
    ------
    OptionError
        When an option has an unknown value, or a grouping factor is not one of the fit's.
    """
    _require_one_of("kind", kind, get_args(Kind))
    _require_one_of("new_groups", new_groups, get_args(NewGroups))
    average = isinstance(groups, str) and groups == "average"
    factors = _chosen(groups, tuple(design.groupings))
    # The average of a linear predictor over groups whose effects have mean zero is the population's.
    factors, average = ((), False) if average and kind == "linear" else (factors, average)
    return Asked(kind, factors, average, new_groups, chosen_seed(seed))  # type: ignore[arg-type]


def _chosen(groups: Any, factors: tuple[str, ...]) -> tuple[str, ...]:
    if groups is None:
        return ()
    if isinstance(groups, str) and groups in ("all", "average"):
        return factors
    if isinstance(groups, str) or not isinstance(groups, Collection):
        hint = f"groups=[{groups!r}]" if groups in factors else None
        known = ", ".join(map(repr, factors)) or "there is none"
        raise build(
            OptionError,
            f"groups={groups!r} is not an option.",
            allowed=f"'all', 'average', None, or a list of grouping factors ({known})",
            hint=hint,
        )
    for name in groups:
        if name not in factors:
            raise unknown_name(OptionError, "grouping factor", str(name), factors)
    return tuple(name for name in factors if name in groups)


def _require_one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise build(OptionError, f"{name}={value!r} is not an option.", allowed=", ".join(map(repr, allowed)))
