"""Which letters can be drawn, and what is said about those that cannot."""

from __future__ import annotations

import warnings

import pytest
from matplotlib import font_manager
from tests.plots.cases import LONG, make_table

from partialpool.plots import fonts
from partialpool.plots.fonts import drawable, families, with_fonts
from partialpool.plots.forest import draw_forest, forest_data

PRIVATE = "\ue123\ue124"  # a private-use area that no listed font fills


@pytest.fixture
def only_dejavu(monkeypatch):
    """Act as a machine that has matplotlib's own font alone, and has told nobody yet."""
    caches = (fonts._has, fonts._points, fonts._look_for_new_fonts, fonts._advise)
    monkeypatch.setattr(font_manager, "get_font_names", lambda: ["DejaVu Sans"])
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def test_the_font_of_matplotlib_is_first() -> None:
    assert families()[0] == "DejaVu Sans"


def test_common_scripts_are_drawable() -> None:
    assert drawable("Łódź, Ærø, Πειραιάς, Москва, 1.5 −3, תל אביב, القاهرة")


@pytest.mark.parametrize(
    ("text", "font"),
    [
        ("北京", "Noto Sans CJK JP"),
        ("サカナ", "Noto Sans CJK JP"),
        ("서울", "Noto Sans CJK JP"),
        ("उत्तर", "Noto Sans Devanagari"),
        ("กรุงเทพ", "Noto Sans Thai"),
        ("🏥", "Noto Emoji"),
    ],
)
def test_it_is_said_once_what_to_install(only_dejavu, text: str, font: str) -> None:
    with pytest.warns(UserWarning, match=f"no installed font.*Install the font {font} "):
        assert with_fonts(text, "#2") == "#2"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert with_fonts(text) == "?" * len(text)
    assert font in fonts._CANDIDATES


def test_letters_nobody_has_get_no_advice(only_dejavu) -> None:
    with pytest.warns(UserWarning, match=r"by place\. Use other labels for the figure\."):
        assert with_fonts(PRIVATE, "#2") == "#2"


@pytest.mark.filterwarnings("ignore:Labels have letters")
def test_what_can_be_drawn_of_a_label_stays(only_dejavu) -> None:
    assert with_fonts("ward 北 4", "#2") == "ward ? 4"


@pytest.mark.filterwarnings("ignore:Labels have letters")
def test_a_font_installed_after_matplotlib_made_its_list_is_found(only_dejavu, monkeypatch, tmp_path) -> None:
    added: list[str] = []
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["/new/font.ttf"])
    monkeypatch.setattr(font_manager.fontManager, "addfont", added.append)
    assert not drawable(PRIVATE)
    assert added == ["/new/font.ttf"]


@pytest.mark.filterwarnings("ignore:Labels have letters")
def test_without_other_fonts_every_label_is_drawn_without_a_box(only_dejavu, line) -> None:
    table = make_table(len(LONG), list(LONG))
    labels = forest_data(table)["label"]
    assert "#3 (no font)" in labels.tolist()
    assert all(drawable(label) for label in labels)
    draw_forest(forest_data(table), line)  # matplotlib's warning of a missing glyph would be an error


def test_marks_that_only_steer_need_no_font() -> None:
    assert drawable("a\u200db")
