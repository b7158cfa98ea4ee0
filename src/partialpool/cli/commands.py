"""The commands that fit, `demo`, `fit`, `resume` and `compare`, and the list of all commands."""

from __future__ import annotations

import os
import shlex
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import partialpool as pp
from partialpool import errors
from partialpool.cli import arguments as options
from partialpool.cli import kept, pages
from partialpool.cli.screen import Screen, show_error
from partialpool.report.folder import write_fit, write_pools
from partialpool.report.page import EXPLAINED
from partialpool.report.protocols import FitLike, PoolsLike, poolings
from partialpool.storage.files import make_folder

FAILED, BAD_OPTION, INTERRUPTED = 1, 2, 130


class Commands(TyperGroup):
    """The commands, where an error that a user can cause becomes a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", errors.ExtrapolationWarning)
                warnings.showwarning = _show_warning
                return super().invoke(ctx)
        except errors.PartialPoolError as problem:
            show_error(f"Error: {problem}")
            code = BAD_OPTION if isinstance(problem, errors.OptionError) else FAILED
            raise typer.Exit(code) from problem


def _show_warning(message: Warning | str, *_place: Any, **_more: Any) -> None:
    """Show a warning without the line of code that it comes from."""
    show_error(f"Note: {message}")


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        Screen().text(f"partialpool {pp.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Fast Bayesian multilevel models from a formula, with poolings compared and explained.

    \b
    [bold]Start with[/bold]
      partialpool demo
    """
    del version
    os.environ.setdefault("MPLBACKEND", "agg")  # figures go to files: never load a window toolkit


@app.command()
def demo(
    out: options.ReportFolder = Path("partialpool-demo"),
    seed: options.Seed = 19,
    draws: options.Draws = 1000,
    chains: options.Chains = 4,
    method: options.Method = "nuts",
    progress: options.Progress = True,
) -> None:
    """Compare three poolings on bundled data: contraception in 60 districts of Bangladesh.

    No pooling gives each district a separate effect, complete pooling one effect
    for all. Partial pooling estimates how much districts differ, and shrinks the
    estimates of small districts towards the population.

    \b
    [bold]Examples[/bold]
      partialpool demo
      partialpool demo --out results --seed 7 --draws 4000
    """
    make_folder(out)
    pools = pp.compare_pooling(
        "`use.contraception` ~ 1 + (1 | district)",
        pp.load_dataset("bangladesh"),
        family="bernoulli",
        priors={"Intercept": pp.Normal(0, 1.5), "1|district": pp.Normal(0, pp.Exponential(1))},
        seed=seed,
        draws=draws,
        chains=chains,
        method=method,
        progress=progress,
    )
    _report(pools, "How much does the use of contraception differ between districts?", "bangladesh", out)


@app.command()
def fit(
    data: options.Data,
    formula: options.FormulaText,
    family: options.Family = "gaussian",
    prior: options.Priors = None,
    parameter: options.Parameters = None,
    missing: options.Missing = "error",
    draws: options.Draws = 1000,
    chains: options.Chains = 4,
    method: options.Method = "nuts",
    warmup: options.Warmup = None,
    seed: options.Seed = 19,
    cores: options.Cores = None,
    prob: options.Prob = 0.89,
    out: options.Out = None,
    store: options.Store = None,
    progress: options.Progress = True,
) -> None:
    """Fit one model; print its summary and checks, and write its draws to a folder.

    Ctrl-C stops sampling; the draws made until then are summarised and written.

    \b
    [bold]Examples[/bold]
      partialpool fit bangladesh "`use.contraception` ~ urban + (1 | district)" \\
        --family bernoulli
      partialpool fit scores.csv "score ~ hours + (hours | school)" --out scores
      partialpool fit scores.csv "score ~ hours + (1 | school)" \\
        --prior "hours=Normal(0, 1)" \\
        --prior "1|school=Normal(0, Exponential(1))" \\
        --parameter "sigma=~ 1 + (1 | school)"
    """
    asked, table, priors = options.read(formula, parameter, data, prior)
    model = pp.Model(asked, table, family=family, priors=priors, missing=missing)
    if out is not None:
        make_folder(out)  # before the work, so that a folder that cannot be written costs none
    screen = Screen()
    pages.tell_data(screen, data, model)
    pages.tell_model(screen, model)
    result = model.fit(
        draws=draws,
        chains=chains,
        seed=seed,
        method=method,
        warmup=warmup,
        cores=cores,
        store=store,
        progress=progress,
    )
    _finish(result, screen, data, prob, out)


@app.command()
def resume(
    file: options.Unfinished,
    cores: options.Cores = None,
    prob: options.Prob = 0.89,
    out: options.Out = None,
    progress: options.Progress = True,
) -> None:
    """Continue an interrupted fit whose draws were written by --store.

    The draws are those of an uninterrupted run.

    \b
    [bold]Examples[/bold]
      partialpool fit scores.csv "score ~ hours + (1 | school)" --store fit.nc
      partialpool resume fit.nc --out scores
    """
    if out is not None:
        make_folder(out)
    result = pp.resume(file, cores=cores, progress=progress)
    _finish(result, Screen(), None, prob, out)


@app.command()
def compare(
    data: options.Data,
    formula: options.FormulaText,
    family: options.Family = "gaussian",
    prior: options.Priors = None,
    parameter: options.Parameters = None,
    group: options.Group = None,
    missing: options.Missing = "error",
    draws: options.Draws = 1000,
    chains: options.Chains = 4,
    method: options.Method = "nuts",
    warmup: options.Warmup = None,
    seed: options.Seed = 19,
    cores: options.Cores = None,
    prob: options.Prob = 0.89,
    out: options.ReportFolder = Path("partialpool-compare"),
    progress: options.Progress = True,
) -> None:
    """Fit with no, partial and complete pooling: a report with tables, figures and explanations.

    \b
    [bold]Examples[/bold]
      partialpool compare bangladesh "`use.contraception` ~ 1 + (1 | district)" \\
        --family bernoulli
      partialpool compare scores.parquet "score ~ hours + (1 | school)" --prob 0.95
      partialpool compare scores.csv "score ~ 1 + (1 | school) + (1 | town)" \\
        --group town --out towns
    """
    asked, table, priors = options.read(formula, parameter, data, prior)
    make_folder(out)
    pools = pp.compare_pooling(
        asked,
        table,
        family=family,
        priors=priors,
        group=group,
        missing=missing,
        draws=draws,
        chains=chains,
        method=method,
        warmup=warmup,
        seed=seed,
        cores=cores,
        prob=prob,
        progress=progress,
    )
    _report(pools, f"Poolings compared: {formula}", data, out)


@app.command()
def datasets() -> None:
    """List the bundled data sets, with their columns and sources."""
    pages.tell_datasets(Screen(), pp.datasets())


for command in (kept.predict, kept.check, kept.loo, kept.report):
    app.command()(command)


def _finish(result: pp.Fit, screen: Screen, source: str | None, prob: float, out: Path | None) -> None:
    """Write a fit to a folder, if one is given, and print it."""
    # Files are written before printing, so that a closed pipe or a second Ctrl-C loses no draws.
    files = (
        ()
        if out is None
        else write_fit(result, out, question=None, source=source, prob=prob, versions=pp.versions())
    )
    pages.tell_fit(screen, result, prob)
    if out is not None:
        pages.tell_files(screen, out, files)
    _leave_if_interrupted(result)


def _report(pools: PoolsLike, question: str, source: str, out: Path) -> None:
    """Write a comparison to a folder and print it."""
    screen, versions = Screen(), pp.versions()
    files = write_pools(pools, out, question=question, source=source, versions=versions)
    screen.title(question)
    pages.tell_data(screen, source, pools.partial_pooling.model)
    pages.tell_pools(screen, pools, EXPLAINED)
    pages.tell_files(screen, out, files)
    pages.tell_versions(screen, versions)
    _leave_if_interrupted(*poolings(pools).values())


def _leave_if_interrupted(*fits: FitLike) -> None:
    """Exit with the code of Ctrl-C, after the results of all draws have been printed."""
    if any(fit.draws.interrupted for fit in fits):
        told = "Interrupted: results are of the draws made until then."
        stores = [fit.draws.store for fit in fits if fit.draws.store is not None]
        show_error(told + "".join(f"\n  Try: partialpool resume {shlex.quote(store)}" for store in stores))
        raise typer.Exit(INTERRUPTED)
