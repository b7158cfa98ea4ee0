"""How numbers, true/false and dates are written in text, and how numbers are spoilt there."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Regular expressions for a whole value without spaces around it; they mean the same to Python and to DuckDB.
INTEGER = r"-?[0-9]+"
NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:[iI]nf|INF|[iI]nfinity)"
LEADING_ZERO = r"-?0[0-9].*"
DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
BOOLS = ("true", "false", "True", "False", "TRUE", "FALSE")

_DIGITS = r"(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?"
_GROUPED = r"[0-9]{1,3}(?:[,.' \u00a0\u2009\u202f\u2019][0-9]{3})+(?:[.,][0-9]+)?"
_MONEY = "[$\u20ac\u00a3\u00a5]"
_SPOILT = {  # ways in which a number is written that are no number here, and what makes one of it
    "a decimal comma": (r"-?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?", ".str.replace(',', '.')"),
    "separators of thousands": (rf"[+-]?{_GROUPED}", ".str.replace(',', '')"),
    "a percent sign": (rf"[+-]?(?:{_DIGITS}|{_GROUPED}) ?%", ".str.rstrip('%')"),
    "a plus sign": (rf"\+ ?{_DIGITS}", ".str.lstrip('+')"),
    "a minus sign that is no hyphen": (
        rf"[\u2212\u2012\u2013\u2014\ufe63\uff0d] ?{_DIGITS}",
        ".str.replace('\u2212', '-')",
    ),
    "a unit of money": (
        rf"[+-]?{_MONEY} ?(?:{_DIGITS}|{_GROUPED})|[+-]?(?:{_DIGITS}|{_GROUPED}) ?{_MONEY}",
        ".str.strip('$\u20ac\u00a3\u00a5')",
    ),
    "brackets for a minus": (rf"\((?:{_DIGITS}|{_GROUPED})\)", ".str.replace('(', '-').str.rstrip(')')"),
}
_NOTHING = re.compile(
    r"[.\-\u2013\u2014*?]|\.\.|\.\.\.|--|#?[nN]/[aA]|#N/A|<NA>|NA|N\.A\.|n\.a\.|#DIV/0!|#VALUE!|#REF!|#NUM!|NaN|nan|-nan|null|NULL"
)


def is_number(text: str) -> bool:
    """Say whether a text is a number as files hold them.

    Examples
    --------
    >>> is_number("-1.5e3"), is_number("1,5"), is_number("+2")
    (True, False, False)
    """
    return re.fullmatch(NUMBER, text.strip()) is not None


def spoilt_how(text: str) -> str | None:
    """Say in what a text differs from a number that it is meant to be; None where it is none.

    Examples
    --------
    >>> spoilt_how("1,5"), spoilt_how("12 %"), spoilt_how("18-24")
    ('a decimal comma', 'a percent sign', None)
    """
    text = text.strip()
    return next((how for how, (pattern, _) in _SPOILT.items() if re.fullmatch(pattern, text)), None)


def mend(how: str) -> str:
    """Write what pandas calls to make numbers of such text."""
    return _SPOILT[how][1]


def is_nothing(text: str) -> bool:
    """Say whether a text stands where a number is missing: ``"."``, ``"N/A"``."""
    return _NOTHING.fullmatch(text.strip()) is not None


def longer_than_a_number(texts: Iterable[str]) -> bool:
    """Say whether whole numbers have more digits than 64 bits hold."""
    return any(re.fullmatch(INTEGER, text) and not -(2**63) <= int(text) < 2**63 for text in texts)
