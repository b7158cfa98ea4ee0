"""The left side of a formula: the outcome, columns that are added to it such as trials, and weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from partialpool.families.support import ADDITIONS
from partialpool.formula.syntax.functions import check_calls
from partialpool.formula.syntax.scan import Piece

PROPORTIONS = ("p", "prop", "proportion")


@dataclass(frozen=True)
class LeftSide:
    """What stands left of ``~``, and the weights wherever they stand.

    Attributes
    ----------
    success
        The label that counts as 1, in ``y[yes] ~ x``.
    additions
        By name, columns that belong to the outcome: ``trials(n)``.
    """

    value: Piece
    success: str | None
    additions: Mapping[str, Piece]
    weights: Piece | None

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All that is evaluated."""
        return (self.value, *self.additions.values(), *([] if self.weights is None else [self.weights]))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads."""
        return tuple(dict.fromkeys(name for piece in self.pieces for name in piece.columns))


def split_left(side: Piece, weights_on_right: Piece | None) -> LeftSide:
    """Cut the left side of a formula.

    Parameters
    ----------
    side
        What stands left of ``~``.
    weights_on_right
        The argument of ``weights()`` among the terms, which means the same.

    Raises
    ------
    FormulaError
        With a caret under what is wrong.
    """
    value, *additions = side.split("|")
    if not len(value):
        raise side.error("The formula has no outcome.", 0, hint="'y ~ x', with the outcome left of '~'")
    if len(additions) > 1:
        hint = "'k | trials(n) + weights(w) ~ x'"
        raise side.error("The outcome has a second '|'.", additions[0].end, hint=hint)
    found = _additions(additions[0]) if additions else {}
    weights = found.pop("weights", None)
    if weights is not None and weights_on_right is not None:
        raise weights_on_right.error("The formula has weights twice.", hint="keep those of the left side")
    value, success = _success(value)
    value, successes_of = _proportion(value)
    if successes_of is not None:
        if "trials" in found:
            hint = "'k | trials(n) ~ x' or 'p(k, n) ~ x'"
            raise found["trials"].error("The formula has trials twice.", hint=hint)
        found["trials"] = successes_of
    for piece in (value, *found.values(), *([] if weights is None else [weights])):
        check_calls(piece)
    return LeftSide(value, success, found, weights or weights_on_right)


def _additions(side: Piece) -> dict[str, Piece]:
    """By name, what follows ``|``."""
    known, found = (*ADDITIONS, "weights"), dict[str, Piece]()
    for part in side.split("+"):
        name = part.tokens[0].text if len(part) else ""
        argument = part.argument(*known)
        if argument is None or not len(argument):
            listed = f"{', '.join(f'{n}(...)' for n in known[:-1])} and {known[-1]}(...)"
            raise part.error(f"Only {listed} can follow '|' left of '~'.")
        if name in found:
            raise part.error(f"The formula has {name} twice.")
        found[name] = argument
    return found


def _success(value: Piece) -> tuple[Piece, str | None]:
    """Cut the label off ``y[yes]``."""
    texts = [t.text for t in value.tokens]
    if len(texts) != 4 or texts[1] != "[" or not value.tokens[0].is_name:
        return value, None
    return value[:1], value.tokens[2].value


def _proportion(value: Piece) -> tuple[Piece, Piece | None]:
    """Cut ``p(k, n)`` into successes and trials."""
    argument = value.argument(*PROPORTIONS)
    if argument is None:
        return value, None
    parts = argument.split(",")
    if len(parts) != 2 or not all(len(p) for p in parts):
        raise value.error(f"{value.tokens[0].text} takes successes and trials.", hint="'p(k, n) ~ x'")
    return parts[0], parts[1]
