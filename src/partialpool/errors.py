"""What can go wrong, as types, and the one builder of messages.

Every error a user can cause is a :class:`PartialPoolError`. Its message says what
was given, what is allowed, and what to try.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TypeVar


class PartialPoolError(Exception):
    """Base of every error that partialpool raises on purpose."""


class DataError(PartialPoolError, ValueError):
    """The table or one of its columns cannot be used as it is."""


class FormulaError(PartialPoolError, ValueError):
    """The formula does not parse, or asks for something that is not allowed."""


class FamilyError(PartialPoolError, ValueError):
    """The family is unknown, or does not fit the outcome or the link."""


class PriorError(PartialPoolError, ValueError):
    """A prior has impossible parameters, or is given for a name the model lacks."""


class OptionError(PartialPoolError, ValueError):
    """An argument of a function has a value that is not allowed."""


class FileError(PartialPoolError, OSError):
    """A file cannot be found, read or written."""


class FitError(PartialPoolError, RuntimeError):
    """Sampling could not start, or its result cannot be used."""


class ExtrapolationWarning(UserWarning):
    """A prediction rests on the form of a curve where no row was fitted."""


E = TypeVar("E", bound=PartialPoolError)


def build(kind: type[E], problem: str, *, allowed: str | None = None, hint: str | None = None) -> E:
    """Make an error whose text has at most three parts, in one order.

    Parameters
    ----------
    kind
        The class of the error.
    problem
        What was given and why it cannot be used: a sentence with the names,
        the values and the number of rows.
    allowed
        What would have been accepted; printed after ``Allowed:``.
    hint
        What to try; printed after ``Try:``.

    Examples
    --------
    >>> build(DataError, "Column 'x' is empty.", hint="drop it").args[0]
    "Column 'x' is empty.\\n  Try: drop it"
    """
    lines = [problem]
    if allowed:
        lines.append(f"  Allowed: {allowed}")
    if hint:
        lines.append(f"  Try: {hint}")
    return kind("\n".join(lines))


def unknown_name(kind: type[E], what: str, given: str, valid: Iterable[str]) -> E:
    """Say that a name is not known, with the nearest ones that are, in capitals or not.

    Examples
    --------
    >>> print(unknown_name(DataError, "column", "agee", ["age", "urban"]))
    There is no column 'agee'.
      Allowed: age, urban
      Try: 'age'
    """
    names = [str(v) for v in valid]
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(name.casefold(), []).append(name)
    alike = difflib.get_close_matches(given.casefold(), folded, n=3, cutoff=0.6)
    near = folded.get(given.casefold()) or [name for key in alike for name in folded[key]][:3]
    shown = ", ".join(names[:20]) + (f", ... ({len(names)} in all)" if len(names) > 20 else "")
    hint = " or ".join(repr(n) for n in near) if near else None
    return build(kind, f"There is no {what} {given!r}.", allowed=shown or None, hint=hint)
