"""Labels on one line, that fit, and that stay apart."""

from __future__ import annotations

import pytest

from partialpool.plots.bidi import clusters
from partialpool.plots.labels import MAX_WIDTH, legible, shorten, width, written


def test_labels_that_cutting_made_equal_stay_apart() -> None:
    first, second, third = legible(["x" * 60 + "a" + "x" * 30, "x" * 60 + "b" + "x" * 30, "y"])
    assert first != second
    assert first.endswith("#1")
    assert third == "y"
    assert all(len(label) <= MAX_WIDTH + 3 for label in (first, second))


def test_names_with_a_long_common_beginning_show_where_they_differ() -> None:
    names = [f"The municipality by the great river called number {i} of the country" for i in (7, 12)]
    assert legible(names) == ["…7 of the country", "…12 of the country"]


def test_equal_labels_of_unequal_groups_stay_apart() -> None:
    assert legible([1, "1"]) == ["1 #1", "1 #2"]
    assert legible(["x" * 99, "x" * 98])[0].endswith("#1")


def test_white_space_is_one_blank() -> None:
    assert legible(["a\n\tb ", 3, 2.5]) == ["a b", "3", "2.5"]


@pytest.mark.parametrize("label", ["", " \n", "\u200b", "\ufe0f"])
def test_what_cannot_be_seen_is_called_empty(label: str) -> None:
    assert legible([label]) == ["(empty)"]


@pytest.mark.filterwarnings("ignore:Labels have letters")
def test_what_no_font_has_is_called_by_its_place() -> None:
    private = "\ue123\ue124"
    assert legible(["a", private]) == ["a", "#2 (no font)"]
    assert written(f"g{private}") == "g??"


def test_widths_count_what_is_seen() -> None:
    assert width("abc") == 3
    assert width("北京") == 4
    assert width("e\u0301") == 1


@pytest.mark.parametrize("letter", ["x", "中", "e\u0301", "é"])
@pytest.mark.parametrize("most", [1, 2, 3, 4, 12, 37])
def test_short_texts_fit_and_keep_accents_with_their_letters(letter: str, most: int) -> None:
    text = shorten(letter * 50, most)
    assert width(text) <= most
    assert "…" in text
    assert all(cluster in (letter, "…") for cluster in clusters(text))


def test_a_text_that_fits_is_left_alone() -> None:
    assert shorten("x" * 36) == "x" * 36
    assert written("$x_1$") == "$x_1$"
