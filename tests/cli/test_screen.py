"""Pages fit their width, piped or in colour, and survive a poor encoding."""

from __future__ import annotations

import io
import sys

import pytest

from partialpool.cli.screen import Screen, show_error
from partialpool.report.html_tables import Grid

HEADER = ("parameter", "mean", "sd", "89% HDI", "mcse", "ess_bulk", "ess_tail", "r_hat")
NUMBERS = ("-0.540", "0.088", "[-0.680, -0.399]", "0.0014", "4,310", "2,907", "1.001")


@pytest.fixture
def screen(monkeypatch):
    def make(columns: int) -> Screen:
        monkeypatch.setenv("COLUMNS", str(columns))
        return Screen()

    return make


def grid(name: str, left_out: int = 0) -> Grid:
    return Grid(HEADER, ((name, *NUMBERS),), left_out)


def test_columns_line_up_under_each_name(screen, capsys):
    screen(100).grids({"One": grid("Intercept"), "Two": grid("1|district_sigma", left_out=1200)})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["parameter", "mean", "sd", "89%", "HDI", *HEADER[4:]]
    assert [lines[2], lines[4], lines[6]] == ["One", "Two", "1,200 more"]
    assert len(lines[0]) == len(lines[1]) == len(lines[3]) == len(lines[5])


@pytest.mark.parametrize(("columns", "gone"), [(100, []), (80, ["ess_tail"]), (72, ["mcse", "ess_tail"])])
def test_a_narrow_page_loses_the_less_important_columns(screen, capsys, columns, gone):
    screen(columns).grids({"": grid("1|district_sigma")})
    lines = capsys.readouterr().out.splitlines()
    assert [name for name in HEADER if name not in lines[0]] == gone
    assert max(map(len, lines)) <= columns


def test_a_long_name_loses_its_middle(screen, capsys):
    screen(80).grids({"": grid("C(education, Treatment(reference='none'))[primary school]")})
    line = capsys.readouterr().out.splitlines()[2]
    name = line.partition("  ")[0]
    assert name.startswith("C(educ")
    assert name.endswith("school]")
    assert "…" in name
    assert len(line) == 80


def test_prose_is_folded_and_its_paragraphs_kept(screen, capsys):
    screen(40).text("word " * 12 + "\n\nend", first="- ", rest="  ")
    assert capsys.readouterr().out == (
        "- word word word word word word word\n  word word word word word\n\n- end\n"
    )


def test_a_wide_terminal_does_not_make_wide_prose(screen, capsys):
    screen(300).text("word " * 100)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


def test_brackets_are_not_markup(screen, capsys):
    screen(80).text("1|g[bold] in [-1, 1]")
    show_error("column 'a[red]'")
    captured = capsys.readouterr()
    assert captured.out == "1|g[bold] in [-1, 1]\n"
    assert captured.err == "column 'a[red]'\n"


def test_a_character_the_encoding_lacks_does_not_stop_a_page(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    Screen().verbatim("α ~ Normal(0, 1)")
    sys.stdout.flush()
    assert written.getvalue() == b"? ~ Normal(0, 1)\n"


def test_errors_are_red_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    show_error("Error: no")
    assert capsys.readouterr().err == "\x1b[31mError: no\x1b[0m\n"
