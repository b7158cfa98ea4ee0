"""The commands for saved fits: `predict`, `check`, `loo`, `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import typer

import partialpool as pp
from partialpool import errors
from partialpool.cli import arguments as options
from partialpool.cli import pages
from partialpool.cli.screen import Screen
from partialpool.report.folder import write_check
from partialpool.storage.files import make_folder, write_csv

FitFile = Annotated[
    Path,
    typer.Argument(metavar="FIT", help="A fit kept by `partialpool fit --out` or by fit.save()."),
]
FitFiles = Annotated[
    list[Path],
    typer.Argument(metavar="FIT...", help="One fit, or several to compare."),
]
Kind = Annotated[
    Literal["mean", "linear", "outcome"],
    typer.Option("--kind", help="The expected outcome, the linear predictor, or outcomes themselves."),
]
Groups = Annotated[
    list[str] | None,
    typer.Option(
        "--groups",
        metavar="all|none|average|NAME",
        help="Which group-level effects count; repeat it for several grouping factors.",
        show_default="all",
    ),
]
NewGroups = Annotated[
    Literal["population", "existing", "zero", "error"],
    typer.Option(
        "--new-groups",
        help="What a group never seen is: drawn from the population, one of the known groups, without "
        "effects, or an error.",
    ),
]
OutFile = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="Write the table here as CSV.", show_default=False),
]
OutFolder = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="DIR", help="Write tables and figures into this folder.", show_default=False
    ),
]
Page = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The page to write.")]
Question = Annotated[
    str | None, typer.Option("--question", help="Title of the page; made of the formula when left out.")
]
Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        help="Where the data come from: a bundled data set or a table, which the page's Python then reads, "
        "or words.",
        show_default=False,
    ),
]


def predict(
    fit: FitFile,
    data: options.Data,
    kind: Kind = "mean",
    groups: Groups = None,
    new_groups: NewGroups = "population",
    missing: options.Missing = "error",
    prob: options.Prob = 0.89,
    seed: options.Seed = 19,
    out: OutFile = None,
) -> None:
    """Predict new rows with a saved fit: mean, sd and interval of each.

    The table's own columns are written as they came.

    \b
    [bold]Examples[/bold]
      partialpool predict scores/fit.nc new.csv
      partialpool predict scores/fit.nc new.csv --kind outcome --out predicted.csv
      partialpool predict scores/fit.nc new.csv --groups average
    """
    kept = pp.load_fit(fit)
    table = options.read_data(data, kept.model.recipe.text_columns)
    figures = kept.predict(
        table,
        kind,
        groups=options.read_groups(groups),
        new_groups=new_groups,
        summary=True,
        prob=prob,
        seed=seed,
        missing=missing,
    )
    assert isinstance(figures, pd.DataFrame), "a summary is a table"
    if figures.index.nlevels > 1:  # a row for each category, whose name becomes a column
        figures = figures.reset_index(level=-1)
    while len(taken := figures.columns.intersection(table.columns)):
        figures = figures.rename(columns={name: f"predicted_{name}" for name in taken})
    given = options.as_written(data, table)
    predicted = pd.concat([given.loc[figures.index], figures], axis=1)
    pages.tell_table(Screen(), predicted)
    n = len(table) - figures.index.nunique()
    if n:
        Screen().text(
            f"{n:,} row{'s' * (n != 1)} with missing values {'were' if n != 1 else 'was'} left out."
        )
    if out is not None:
        write_csv(out, predicted)
        pages.tell_file(Screen(), out)


def check(
    fit: FitFile,
    group: options.Group = None,
    prob: options.Prob = 0.89,
    seed: options.Seed = 19,
    out: OutFolder = None,
) -> None:
    """Check a saved fit: replicated outcomes compared with the observed ones.

    \b
    [bold]Examples[/bold]
      partialpool check scores/fit.nc
      partialpool check scores/fit.nc --group school --out checks
    """
    if out is not None:
        make_folder(out)
    kept = pp.load_fit(fit)
    found = kept.check(group, prob=prob, seed=seed)
    screen = Screen()
    screen.text(str(kept.diagnose()))
    screen.verbatim("")
    screen.verbatim(str(found))
    if out is not None:
        pages.tell_files(screen, out, write_check(kept, found, out))


def loo(
    fits: FitFiles,
    reloo: Annotated[
        bool, typer.Option("--reloo", help="Fit again without each row that the estimate is bad for.")
    ] = False,
) -> None:
    """Leave-one-out cross-validation of saved fits, and a comparison of several.

    \b
    [bold]Examples[/bold]
      partialpool loo scores/fit.nc
      partialpool loo plain/fit.nc slopes/fit.nc
    """
    screen = Screen()
    names = _names(fits)
    found = {name: pp.load_fit(path).loo(reloo=reloo) for name, path in zip(names, fits, strict=True)}
    for name, elpd in found.items():
        screen.title(name)
        screen.verbatim(str(elpd))
    if len(found) > 1:
        screen.heading("Compared")
        pages.tell_table(screen, pp.compare_models(found))


def report(
    fit: FitFile,
    out: Page = Path("report.html"),
    question: Question = None,
    source: Source = None,
    prob: options.Prob = 0.89,
) -> None:
    """Write a saved fit as one page that opens in any browser, offline, and prints well.

    \b
    [bold]Examples[/bold]
      partialpool report scores/fit.nc --source scores.csv
      partialpool report scores/fit.nc --out page.html --question "Do hours of study pay?"
    """
    pages.tell_file(Screen(), pp.load_fit(fit).report(out, question, source, prob))


def _names(fits: list[Path]) -> list[str]:
    """Shorten file names as far as they stay distinct."""
    for parts in range(1, max(len(path.resolve().parts) for path in fits) + 1):
        names = ["/".join(path.resolve().with_suffix("").parts[-parts:]) for path in fits]
        if len(set(names)) == len(names):
            return names
    raise errors.build(errors.OptionError, "The same file is given twice.", hint="give each fit once")
