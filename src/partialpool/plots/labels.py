"""Labels made legible: on one line, short, drawable, in the order in which letters are drawn, and apart."""

from __future__ import annotations

import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile

from partialpool.plots.bidi import clusters, visual
from partialpool.plots.fonts import with_fonts

MAX_WIDTH = 36
_LETTER = 0.065  # inches, of an axis's name


def legible(labels: Iterable[object]) -> list[str]:
    """Turn labels into texts that can be drawn, that fit, and that stay apart.

    A long label loses its middle, or what it shares with the labels that cutting would make equal to it.
    Letters that no installed font has become ``?``; a label of nothing else becomes its place among the
    labels, ``#3 (no font)``, counted from 1. The place is also added to labels that are still equal. An
    empty label becomes ``(empty)``. Letters keep the order in which they are read: `visual` comes last.

    Warns
    -----
    UserWarning
        Once for each font that would draw what cannot be drawn: what to install.

    Examples
    --------
    >>> legible([3, "a  b", "x" * 40])
    ['3', 'a b', 'xxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxx']
    """
    texts = [_plain(str(label)) for label in labels]
    shown = [with_fonts(text, f"#{i} (no font)") for i, text in enumerate(texts, 1)]
    return _apart(_cut(shown))


def written(text: str) -> str:
    """Make a name of a column fit on an axis: short, with ``?`` for letters that no font can draw.

    Examples
    --------
    >>> written("a column's name that is much too long to be read")
    "a column's name that is … to be read"
    """
    return visual(shorten(with_fonts(_plain(text))))


def wrapped(text: str, inches: float) -> str:
    """Break the name of an axis into lines that fit along so many inches.

    Examples
    --------
    >>> wrapped("coefficient of x on the log scale", 1.3)
    'coefficient of x on\\nthe log scale'
    """
    return textwrap.fill(text, max(12, int(inches / _LETTER)), break_on_hyphens=False)


def shorten(text: str, most: int = MAX_WIDTH) -> str:
    """Cut the middle out of a text that is wider than so many letters.

    Examples
    --------
    >>> shorten("Chapai Nawabganj Sadar", 12)
    'Chapai N…dar'
    """
    if width(text) <= most:
        return text
    tail = (most - 1) // 3 if most > 3 else 0
    units = clusters(text)
    return f"{_fitting(units, most - 1 - tail)}…{_fitting(units[::-1], tail, backwards=True)}"


def width(text: str) -> int:
    """Measure a text in letters, of which an East Asian one takes the room of two and an accent none."""
    return sum(2 if unicodedata.east_asian_width(unit[0]) in "WF" else 1 for unit in clusters(text))


def _plain(text: str) -> str:
    """Put a text on one line, without marks that only steer how others are drawn."""
    kept = (c for c in " ".join(text.split()) if c in "\u200c\u200d" or _is_letter(c))
    return "".join(kept) or "(empty)"


def _is_letter(letter: str) -> bool:
    steers = "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"
    return unicodedata.category(letter) not in ("Cc", "Cf", "Cs") and not steers


def _fitting(units: Sequence[str], most: int, *, backwards: bool = False) -> str:
    """Take as many letters from the beginning as fit."""
    taken: list[str] = []
    for unit in units:
        most -= width(unit)
        if most < 0:
            break
        taken.append(unit)
    return "".join(taken[::-1] if backwards else taken)


def _cut(texts: Sequence[str]) -> list[str]:
    """Shorten texts, leaving out a beginning that those share which would come out equal."""
    short = [shorten(text) for text in texts]
    alike: dict[str, list[str]] = {}
    for cut, text in zip(short, texts, strict=True):
        alike.setdefault(cut, []).append(text)
    return [
        _without_start(t, alike[cut]) if len(alike[cut]) > 1 else cut
        for cut, t in zip(short, texts, strict=True)
    ]


def _without_start(text: str, others: Sequence[str]) -> str:
    """Cut what comes before the first word in which a text differs from the others."""
    if len(set(others)) == 1:
        return shorten(text)
    same = takewhile(lambda pair: pair[0] == pair[1], zip(min(others), max(others), strict=False))
    start = "".join(letter for letter, _ in same).rfind(" ") + 1
    return shorten(f"…{text[start:]}" if start else text)


def _apart(texts: Sequence[str]) -> list[str]:
    times = Counter(texts)
    return [t if times[t] == 1 else f"{t} #{i}" for i, t in enumerate(texts, 1)]
