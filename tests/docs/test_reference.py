"""The tables of docs/reference.md say what the registries say, row for row."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import partialpool as pp
from partialpool.errors import PartialPoolError
from partialpool.families.registry import FAMILIES
from partialpool.priors.registry import PRIORS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference.md").read_text("utf-8")


def rows(*header: str) -> list[list[str]]:
    """Cells of the table whose header starts with these names."""
    start = "| " + " | ".join(header) + " |"
    table = PAGE[PAGE.index(start) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]


def test_every_family_has_its_row() -> None:
    table = {cells[0]: cells for cells in rows("family", "outcome")}
    assert list(table) == list(FAMILIES)
    for name, family in FAMILIES.items():
        assert table[name][2].split(", ") == list(family.cells)
        described = [table[name][3].split(",")[0].split(":")[0]] if table[name][3] else []
        assert described == list(family.parameters[1:])


def test_every_prior_has_its_row() -> None:
    table = {cells[0]: cells[1] for cells in rows("prior", "support")}
    expected = {
        f"{name}({', '.join(f.name for f in fields(prior))})": prior.support for name, prior in PRIORS.items()
    }
    assert table == expected


def test_every_error_has_its_row() -> None:
    table = {cells[0]: cells[1] for cells in rows("error", "also a")}
    assert table == {kind.__name__: kind.__bases__[1].__name__ for kind in PartialPoolError.__subclasses__()}


def test_every_public_name_is_mentioned() -> None:
    assert [
        name for name in pp.__all__ if name != "__version__" and not re.search(rf"\b{name}\b", PAGE)
    ] == []
