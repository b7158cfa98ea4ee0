"""Output on the terminal: headings, text, tables and errors for 80 columns, in colour or piped."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from io import TextIOWrapper

from rich.console import Console
from rich.text import Text

from partialpool.report.html_tables import Grid

MAX_WIDTH = 100
MIN_NAME = 12
GAP = 2
LEAST_IMPORTANT = ("ess_tail", "mcse")
GOOD, BAD, QUIET = "green", "yellow", "dim"


class Screen:
    """A page on standard output, as wide as the terminal and never wider than 100 columns."""

    def __init__(self) -> None:
        self._console = _console(stderr=False)
        self._width = self._console.width = min(self._console.width, MAX_WIDTH)

    def title(self, text: str) -> None:
        """Open the page."""
        self.text(text, style="bold")

    def heading(self, text: str) -> None:
        """Open a part of the page."""
        self._console.print()
        self._console.rule(Text(text, style="bold"), align="left", style="cyan", characters="─")

    def text(self, text: str, *, first: str = "", rest: str = "", style: str = "") -> None:
        """Show prose folded at the page's width, each line of `text` a paragraph.

        Parameters
        ----------
        text
            The words.
        first, rest
            Text before the first and before the other lines of each paragraph.
        style
            Colour and weight.
        """
        for paragraph in text.splitlines() or [""]:
            folded = textwrap.fill(
                paragraph,
                self._width,
                initial_indent=first,
                subsequent_indent=rest,
                break_long_words=False,
                break_on_hyphens=False,
            )
            self.verbatim(folded, style=style)

    def verbatim(self, text: str, *, style: str = "") -> None:
        """Show lines as they are, however long, so that they can be copied."""
        self._console.print(Text(text, style=style), soft_wrap=True)

    def grids(self, parts: Mapping[str, Grid]) -> None:
        """Show grids of the same columns as one table, each under its name.

        When the page is too narrow, first the less important columns go, then the middle of long names.
        """
        grids = dict(parts)
        for column in LEAST_IMPORTANT:
            if sum(_widths(grids.values())) > self._width:
                grids = {name: grid.without(column) for name, grid in grids.items()}
        first, *others = _widths(grids.values())
        widths = [max(MIN_NAME, min(first, self._width - sum(others))), *others]
        self._line(next(iter(grids.values())).header, widths, "bold")
        self.verbatim("─" * sum(widths), style="cyan")
        for name, grid in grids.items():
            if name:
                self.verbatim(name, style="bold cyan")
            for row in grid.rows:
                self._line(row, widths)
            if grid.left_out:
                self.verbatim(f"{grid.left_out:,} more", style=QUIET)

    def _line(self, cells: Sequence[str], widths: Sequence[int], style: str = "") -> None:
        name = _shortened(cells[0], widths[0]).ljust(widths[0])
        numbers = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
        self.verbatim(name + "".join(numbers), style=style)


def show_error(message: str) -> None:
    """Show what went wrong on standard error, in red."""
    _console(stderr=True).print(Text(message, style="red"), soft_wrap=True)


def _console(*, stderr: bool) -> Console:
    """Make a console for a stream as it is now; a character its encoding lacks becomes a question mark."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")
    return Console(stderr=stderr, highlight=False, emoji=False)


def _widths(grids: Iterable[Grid]) -> list[int]:
    """Measure the columns of several grids together, with a gap before each but the first."""
    columns = list(zip(*(cells for grid in grids for cells in (grid.header, *grid.rows)), strict=True))
    return [max(map(len, column)) + (GAP if i else 0) for i, column in enumerate(columns)]


def _shortened(name: str, width: int) -> str:
    """Cut the middle of a long name; its end identifies the level or group."""
    if len(name) <= width:
        return name
    tail = (width - 1) // 2
    return f"{name[: width - 1 - tail]}…{name[-tail:]}"
