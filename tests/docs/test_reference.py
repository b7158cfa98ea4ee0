"""The tables of docs/reference.md say what the registries say, row for row."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

import partialpool as pp
from partialpool.api.checking import Shown
from partialpool.api.scoring import ESTIMATORS
from partialpool.checking.report import Check
from partialpool.cli.commands import app
from partialpool.errors import PartialPoolError
from partialpool.families.registry import FAMILIES
from partialpool.predict.asked import Kind, NewGroups
from partialpool.priors.registry import PRIORS
from partialpool.scoring.elpd import Elpd

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
        assert described == (["threshold"] if name == "cumulative" else list(family.parameters[1:]))


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


RESULTS = {"`Model.`": pp.Model, "`Fit.`": pp.Fit, "`Pools.`": pp.Pools}
COMMANDS = typer.main.get_command(app).commands


def spans(cell: str) -> list[str]:
    """Pieces of code in a cell."""
    return [span.replace("\\|", "|") for span in re.findall(r"`([^`]+)`", cell)]


def names(cell: str) -> list[str]:
    """Names in a cell, without arguments."""
    return [span.split("(")[0] for span in spans(cell)]


def public(kind: Any) -> set[str]:
    """Name the public methods and attributes of a class."""
    own = {field.name for field in fields(kind)} if is_dataclass(kind) else set()
    return {name for name in own | set(dir(kind)) if not name.startswith("_")}


@pytest.mark.parametrize("header", RESULTS)
def test_every_public_method_has_its_row(header: str) -> None:
    listed = [name for cells in rows(header, "what it gives") for name in names(cells[0])]
    assert sorted(listed) == sorted(public(RESULTS[header]))


@pytest.mark.parametrize("header", RESULTS)
def test_arguments_in_the_rows_are_those_of_the_methods(header: str) -> None:
    for cells in rows(header, "what it gives"):
        for span in (span for span in spans(cells[0]) if re.search(r"\(.+\)", span)):
            name, arguments = span.rstrip(")").split("(")
            listed = [a.strip() for a in arguments.split(",") if a.strip() not in ("*", "...")]
            known = list(inspect.signature(getattr(RESULTS[header], name)).parameters)[1:]
            assert listed == known[: len(listed)], span
            assert "..." in span or len(listed) == len(known), span


@pytest.mark.parametrize("kind", RESULTS.values())
def test_every_argument_is_mentioned(kind: Any) -> None:
    methods = [getattr(kind, name) for name in dir(kind) if not name.startswith("_")]
    arguments = {a for m in methods if callable(m) for a in inspect.signature(m).parameters}
    assert [a for a in arguments - {"self"} if not re.search(rf"\b{a}\b", PAGE)] == []


def test_every_attribute_of_a_check_and_of_an_elpd_has_its_row() -> None:
    starts = [m.start() for m in re.finditer(r"\| of the result \| what it is \|", PAGE)]
    for start, kind, inside in zip(
        starts, (Check, Elpd), ({"factor", "bounded", "scale", "tables"}, set()), strict=True
    ):
        table = PAGE[start:].split("\n\n")[0].splitlines()[2:]
        listed = {name for line in table for name in names(line.split("|")[1])}
        assert listed == public(kind) - inside


def test_options_of_predictions_have_their_rows() -> None:
    assert [c[0] for c in rows("`kind`", "what is predicted")] == [f'`"{k}"`' for k in get_args(Kind)]
    table = rows("`new_groups`", "what a group is that the fit never saw")
    assert [c[0] for c in table] == [f'`"{k}"`' for k in get_args(NewGroups)]


def test_methods_of_cross_validation_and_plots_have_their_rows() -> None:
    assert [names(c[0])[0] for c in rows("method", "what is left out")] == list(ESTIMATORS)
    listed = {name.split(".")[1] for c in rows("method", "options", "shows") for name in names(c[0])}
    assert listed == {n for kind in (pp.Fit, pp.Pools) for n in public(kind) if n.startswith("plot_")}
    assert all(f'`"{figure}"`' in PAGE for figure in get_args(Shown))


def test_options_of_plots_are_their_arguments() -> None:
    for cells in rows("method", "options", "shows"):
        for name in names(cells[0]):
            kind, method = name.split(".")
            function = getattr({"fit": pp.Fit, "pools": pp.Pools}[kind], method)
            assert names(cells[1]) == list(inspect.signature(function).parameters)[1:], name


def test_every_command_has_its_row() -> None:
    listed = [spans(c[0])[0].split()[1] for c in rows("command", "what it does")]
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("name", ["predict", "check", "loo", "report"])
def test_options_of_commands_on_kept_fits_have_their_place(name: str) -> None:
    row = next(c for c in rows("command", "what it does") if f"partialpool {name} " in c[0])
    listed = {span.split()[0] for span in spans(row[1]) if span.startswith("--")}
    known = {p.opts[0] for p in COMMANDS[name].params if p.opts[0].startswith("--")}
    assert listed == known - {"--help"}
