"""Terms that share a name between their bars: what they must have in common."""

from __future__ import annotations

from collections.abc import Iterable

from partialpool.formula.syntax.right import GroupPart, RightSide


def check_sharing(sides: Iterable[RightSide]) -> None:
    """Refuse terms of one name whose effects cannot be those of the same groups.

    Raises
    ------
    FormulaError
        When terms with the same name between their bars have different factors or known covariances.
    """
    first: dict[str, GroupPart] = {}
    for part in (group for side in sides for group in side.groups if group.shared):
        other = first.setdefault(part.shared, part)
        factors = ":".join(other.key), ":".join(part.key)
        if other.key != part.key:
            raise part.expression.error(
                f"The terms called {part.shared!r} have the factors {factors[0]!r} and {factors[1]!r}: "
                "effects are correlated within a group.",
                hint=f"another name in one of them, such as (... | {part.shared}2 | {factors[1]})",
            )
        if other.covariance != part.covariance:
            found = [f"cov={p.covariance}" if p.covariance else "no cov" for p in (other, part)]
            raise part.expression.error(
                f"The terms called {part.shared!r} have {found[0]} and {found[1]}: effects that are "
                "correlated have one covariance between groups.",
                hint=f"the same gr({factors[0]}, cov=...) in both",
            )
