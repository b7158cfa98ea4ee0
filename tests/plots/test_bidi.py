"""Letters in the order in which they are drawn: expected orders are Unicode's reference algorithm's."""

from __future__ import annotations

import unicodedata

import pytest

from partialpool.plots.bidi import visual

# Hebrew letters by their code points, because editors turn them round.
A, B, C, D = "\u05d0", "\u05d1", "\u05d2", "\u05d3"


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("ward 3 (b)", "ward 3 (b)"),
        (A + B + C, C + B + A),
        (f"{A}{B} 12", f"12 {B}{A}"),
        (f"12 {A}{B}", f"{B}{A} 12"),
        (f"{A} 1,000.5 {B}", f"{B} 1,000.5 {A}"),
        (f"{A}{B} ({C}{D}) 7", f"7 ({D}{C}) {B}{A}"),
        (f"x ({A}{B}) 3", f"x ({B}{A}) 3"),
        (f"{A}{B} (x)", f"(x) {B}{A}"),
        (f"{A}{B} xy {C}{D}", f"{D}{C} xy {B}{A}"),
        (f"xy {A}{B} {C}{D} z", f"xy {D}{C} {B}{A} z"),
        (f"x 5 {A}", f"x 5 {A}"),
        (f"{A}) {B}", f"{B} ({A}"),
    ],
)
def test_orders(text: str, drawn: str) -> None:
    assert visual(text) == drawn


def test_accents_stay_with_their_letters() -> None:
    assert visual(f"{A}\u05b8{B}") == f"{B}{A}\u05b8"


def forms(text: str) -> list[str]:
    """Name the forms of Arabic letters, in reading order."""
    return [unicodedata.decomposition(letter).split(" ")[0] for letter in reversed(visual(text))]


def test_arabic_letters_are_joined() -> None:
    cairo = "\u0627\u0644\u0642\u0627\u0647\u0631\u0629"  # alef, lam, qaf, alef, heh, reh, teh marbuta
    joined = ["<isolated>", "<initial>", "<medial>", "<final>", "<initial>", "<final>", "<isolated>"]
    assert forms(cairo) == joined
    assert unicodedata.normalize("NFKC", visual(cairo)) == cairo[::-1]


def test_lam_and_alef_are_one_letter() -> None:
    assert visual("\u0644\u0627") == "\ufefb"
    assert visual("\u0628\u0644\u0627") == "\ufefc\ufe91"


def test_a_mark_between_letters_that_says_not_to_join_is_obeyed_and_not_drawn() -> None:
    assert forms("\u0628\u200c\u0628") == ["<isolated>", "<isolated>"]
    assert visual("a\u200db") == "ab"
