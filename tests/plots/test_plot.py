"""A figure with its data: saved whole, as its name says, the same each time."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from partialpool.api.pools import Pools
from partialpool.errors import FileError, OptionError
from partialpool.plots.forest import draw_forest, forest_data
from partialpool.plots.plot import Plot, with_population

KINDS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.fixture
def make_plot(tables, line):
    def make() -> Plot:
        data = forest_data(tables("long"))
        return Plot(draw_forest(data, line), with_population(data, line, "link"))

    return make


@pytest.mark.filterwarnings("ignore:Labels have letters")
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_written_as_its_name_says_and_equal_plots_are_equal_files(
    tmp_path, make_plot, kind: str
) -> None:
    first, second = tmp_path / f"a{kind}", tmp_path / f"b{kind.upper()}"
    assert make_plot().save(first) == first
    make_plot().save(str(second))
    assert first.read_bytes().startswith(KINDS[kind])
    assert first.read_bytes() == second.read_bytes()
    assert sorted(tmp_path.iterdir()) == [first, second]


@pytest.mark.parametrize("name", ["a.jpg", "a", "png"])
def test_other_endings_are_refused(tmp_path, name: str) -> None:
    plot = Plot(plt.Figure(), pd.DataFrame())
    with pytest.raises(OptionError, match=r"cannot be written to .*\n  Allowed: \.png, \.svg, \.pdf"):
        plot.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.png"
    path.write_text("old")
    plot = Plot(plt.Figure(), pd.DataFrame())

    def full(file, **look):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plot.figure, "savefig", full)
    with pytest.raises(FileError, match="No space left on device"):
        plot.save(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.filterwarnings("ignore:Labels have letters")
def test_a_notebook_shows_one_picture(make_plot) -> None:
    plot = make_plot()
    assert plot._repr_png_().startswith(KINDS[".png"])
    assert not hasattr(plot, "_repr_svg_")
    assert repr(plot) == "Plot of 7 x 12 data: see .figure, .data, .save(path)"


@pytest.mark.filterwarnings("ignore:Labels have letters")
def test_figures_belong_to_no_window(make_plot) -> None:
    before = plt.get_fignums()
    plots = [make_plot() for _ in range(3)]
    assert plt.get_fignums() == before
    assert len({id(plot.figure) for plot in plots}) == 3


def test_the_population_is_in_the_data(tables, line) -> None:
    data = with_population(forest_data(tables("3"), scale="outcome"), line, "outcome", raw=True)
    drawn = ["population_mean", "population_lower", "population_upper", "population_raw"]
    assert (data[drawn] == [0.37, 0.34, 0.4, 0.39]).all().all()
    assert (with_population(data, line, "link")["population_mean"] == -0.54).all()


@pytest.mark.parametrize(
    ("method", "options", "marks"),
    [
        ("plot_forest", {"scale": "outcome", "sort": "n"}, ["mean", "lower", "upper", "population_lower"]),
        ("plot_forests", {}, ["pooling", "mean", "population_upper"]),
        ("plot_sd", {}, ["no_pooling_sd", "partial_pooling_sd", "n"]),
        ("plot_predictions", {"sort": "estimate"}, ["pooling", "mean", "population_raw"]),
        ("plot_shrinkage", {"scale": "outcome"}, ["n", "no_pooling", "partial_pooling", "population_mean"]),
    ],
)
def test_every_plot_of_a_comparison_returns_what_it_drew(tables, line, method, options, marks) -> None:
    fit: Any = None  # the figures are made of the table and the line alone
    pools = Pools(fit, fit, fit, "district", _tables={"1": (tables("3"), line)})
    plot = getattr(pools, method)(**options)
    assert isinstance(plot, Plot)
    assert plot.figure.axes
    assert set(plot.data["group"]) == {1, 2, 3}
    assert plot.data[marks].notna().all().all()
    assert plot.data["label"].tolist() == plot.data["group"].astype(str).tolist()
