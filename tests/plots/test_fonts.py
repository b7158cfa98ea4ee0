"""Labels that fit, that can be drawn, and that stay apart."""

from __future__ import annotations

from partialpool.plots.fonts import MAX_LETTERS, drawable, families, legible, written


def test_the_font_of_matplotlib_is_first() -> None:
    assert families()[0] == "DejaVu Sans"


def test_common_scripts_are_drawable() -> None:
    assert drawable("Łódź, Ærø, Πειραιάς, Москва, 1.5 −3")


def test_what_no_font_has_is_called_by_its_place() -> None:
    private = "\ue123\ue124"  # a private-use area that no listed font fills
    assert not drawable(private)
    assert legible(["a", private]) == ["a", "#2 (no font)"]
    assert written(f"g{private}") == "g??"


def test_labels_that_cutting_made_equal_stay_apart() -> None:
    first, second, third = legible(["x" * 60 + "a" + "x" * 30, "x" * 60 + "b" + "x" * 30, "y"])
    assert first != second
    assert first.endswith("#1")
    assert third == "y"
    assert all(len(label) <= MAX_LETTERS + 3 for label in (first, second))


def test_white_space_is_one_blank() -> None:
    assert legible(["a\n\tb ", 3, 2.5]) == ["a b", "3", "2.5"]
