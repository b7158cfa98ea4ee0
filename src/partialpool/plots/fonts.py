"""Fonts that can draw the labels at hand, and labels cut to what fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

MAX_LETTERS = 36

# The first is part of matplotlib; the others draw what it lacks, where they are installed.
_CANDIDATES = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Noto Sans CJK TC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Hiragino Sans",
    "Hiragino Sans GB",
    "Apple SD Gothic Neo",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "SimHei",
    "Noto Sans Bengali",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Nirmala UI",
    "Arial Unicode MS",
)


@cache
def families() -> tuple[str, ...]:
    """List the fonts to use, in order of preference, among those installed."""
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return tuple(name for name in _CANDIDATES if name in installed)


@cache
def _letters() -> frozenset[int]:
    """Collect the code points that some font can draw."""
    from matplotlib import font_manager

    paths = [font_manager.findfont(name) for name in families()]
    return frozenset(point for path in paths for point in font_manager.get_font(path).get_charmap())


def drawable(text: str) -> bool:
    """Say whether the installed fonts have every letter of a text."""
    return all(ord(letter) in _letters() for letter in text)


def legible(labels: Iterable[object]) -> list[str]:
    """Turn labels into texts that can be drawn, that fit, and that stay apart.

    A long label loses its middle. One that no installed font can draw becomes its place among the
    labels, ``#3 (no font)``, counted from 1; the place is also added to labels that cutting made equal.

    Examples
    --------
    >>> legible([3, "a  b", "x" * 40])
    ['3', 'a b', 'xxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxx']
    """
    texts = [" ".join(str(label).split()) for label in labels]
    shown = [shorten(t) if drawable(t) else f"#{i} (no font)" for i, t in enumerate(texts, 1)]
    return _apart(shown)


def written(text: str) -> str:
    """Make a name of a column fit on an axis: short, with ``?`` for letters that no font can draw."""
    return "".join(letter if drawable(letter) else "?" for letter in shorten(text))


def shorten(text: str, most: int = MAX_LETTERS) -> str:
    """Cut the middle out of a text that is too long.

    Examples
    --------
    >>> shorten("Chapai Nawabganj Sadar", 12)
    'Chapai N…dar'
    """
    if len(text) <= most:
        return text
    tail = (most - 1) // 3 if most > 3 else 0
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"


def _apart(texts: Sequence[str]) -> list[str]:
    times = Counter(texts)
    return [t if times[t] == 1 else f"{t} #{i}" for i, t in enumerate(texts, 1)]
