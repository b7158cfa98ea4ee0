"""The records of a page before it is HTML: sections and their blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from partialpool.report.html_tables import Grid


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list; numbered where the order matters."""

    items: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Facts:
    """Terms, each with its description."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Code:
    """Text whose lines and spaces are kept; ``title`` is its heading."""

    text: str
    title: str


@dataclass(frozen=True)
class Notice:
    """A highlighted verdict."""

    kind: Literal["good", "note", "problem"]
    title: str
    text: str


@dataclass(frozen=True)
class Table:
    """A small table; ``numeric`` says whether all but its first column are figures."""

    caption: str
    grid: Grid
    numeric: bool = True


@dataclass(frozen=True)
class TableColumn:
    """A column of a table of groups.

    Attributes
    ----------
    title
        Its header.
    view
        The view of the chart that it belongs to, its scale; empty when it is in all views.
    numeric
        Whether its cells are figures.
    """

    title: str
    view: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Cell:
    """One cell of a table of groups.

    Attributes
    ----------
    text
        What is shown first: a label or a figure.
    detail
        What is shown after it, such as an interval.
    value
        Values to sort figures by; None for text and for missing values.
    """

    text: str
    detail: str = ""
    value: float | None = None


@dataclass(frozen=True)
class GroupTable:
    """A table that a reader sorts and filters.

    Attributes
    ----------
    name
        Unique on the page.
    caption
        What it shows.
    things
        What its rows are, in the plural: ``"groups of district"``.
    columns
        The first is that of the groups' labels.
    rows
        Each as long as the columns.
    """

    name: str
    caption: str
    things: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Image:
    """A static figure.

    Attributes
    ----------
    png
        The picture.
    caption
        The line below it.
    alt
        What it shows, for whoever does not see it.
    """

    png: bytes
    caption: str
    alt: str


@dataclass(frozen=True)
class View:
    """One way to look at a chart: its name, and a Vega-Lite specification."""

    title: str
    spec: Mapping[str, Any]


@dataclass(frozen=True)
class Chart:
    """An interactive figure.

    Attributes
    ----------
    name
        Unique on the page.
    views
        The same groups on one scale or several; the reader chooses.
    key
        What the marks mean: a class of the style sheet and words.
    table
        Name of the table whose rows are what pointing at a group shows.
    caption, alt
        As for `Image`.
    still
        The replacement where scripts do not run.
    """

    name: str
    views: tuple[View, ...]
    key: tuple[tuple[str, str], ...]
    table: str
    caption: str
    alt: str
    still: Image | None


Block = Prose | Heading | Bullets | Facts | Code | Notice | Table | GroupTable | Image | Chart


@dataclass(frozen=True)
class Section:
    """A part of the page under a heading of its own; ``name`` is what links lead to."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A page, complete.

    Attributes
    ----------
    title
        The question.
    kind
        The line above it: what kind of page this is.
    lead
        What a reader should know who reads no further.
    sections
        In reading order.
    footer
        The line at the end.
    """

    title: str
    kind: str
    lead: tuple[Block, ...]
    sections: tuple[Section, ...]
    footer: str
