"""Fonts that can draw the labels at hand, and what to install for those that none can draw."""

from __future__ import annotations

import unicodedata
import warnings
from contextlib import suppress
from functools import cache

# The first is part of matplotlib; the others draw what it lacks, where they are installed.
_CANDIDATES = (
    "DejaVu Sans",
    "Noto Sans CJK JP",  # holds Chinese, Japanese and Korean; one of these is enough
    "Noto Sans CJK SC",
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
    "Noto Sans Ethiopic",
    "Noto Sans Gujarati",
    "Noto Sans Gurmukhi",
    "Noto Sans Kannada",
    "Noto Sans Khmer",
    "Noto Sans Malayalam",
    "Noto Sans Myanmar",
    "Noto Sans Sinhala",
    "Noto Sans Tamil",
    "Noto Sans Telugu",
    "Noto Sans Thai",
    "Nirmala UI",
    "Arial Unicode MS",
    "Noto Emoji",
    "Noto Sans Symbols 2",
)
_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "IDEOGRAPHIC")


def families() -> tuple[str, ...]:
    """List the fonts to use, in order of preference, among those installed."""
    from matplotlib import font_manager

    _look_for_new_fonts()
    installed = set(font_manager.get_font_names())
    return tuple(name for name in _CANDIDATES if name in installed)


def drawable(text: str) -> bool:
    """Say whether the installed fonts have every letter of a text."""
    return all(_has(letter) for letter in text)


@cache
def _has(letter: str) -> bool:
    return unicodedata.category(letter) == "Cf" or any(ord(letter) in _points(name) for name in families())


@cache
def _points(family: str) -> frozenset[int]:
    """Collect the code points that a font can draw."""
    from matplotlib import font_manager

    return frozenset(font_manager.get_font(font_manager.findfont(family)).get_charmap())


@cache
def _look_for_new_fonts() -> None:
    """Add fonts that were installed after matplotlib made its list, which it keeps for ever."""
    from matplotlib import font_manager

    known = {font.fname for font in font_manager.fontManager.ttflist}
    for path in set(font_manager.findSystemFonts()) - known:
        with suppress(Exception):  # fonts that matplotlib cannot read fail in many ways
            font_manager.fontManager.addfont(path)


def with_fonts(text: str, instead: str = "") -> str:
    """Replace letters that no font can draw by ``?``, or the whole text when it has no other letter or digit.

    Warns
    -----
    UserWarning
        Once for each font that would draw what cannot be drawn: what to install.
    """
    if drawable(text):
        return text
    for name in sorted({_font_for(letter) for letter in text if not _has(letter)}):
        _advise(name)
    shown = "".join(letter if _has(letter) else "?" for letter in text)
    return shown if any(letter.isalnum() for letter in shown) else instead or shown


def _font_for(letter: str) -> str:
    """Name a font that is likely to have a letter, one of the candidates; empty when none is known."""
    script = unicodedata.name(letter, "").split(" ")[0].split("-")[0]
    font = "Noto Sans CJK JP" if script in _EAST_ASIAN else f"Noto Sans {script.title()}"
    if font in _CANDIDATES:
        return font
    return "Noto Emoji" if unicodedata.category(letter) == "So" else ""


@cache
def _advise(font: str) -> None:
    """Say once what to install."""
    todo = (
        f"Install the font {font} (fonts.google.com/noto) and draw again"
        if font
        else "Use other labels for the figure"
    )
    text = f"Labels have letters that no installed font can draw; they are shown as ? or by place. {todo}."
    warnings.warn(text, stacklevel=2)
