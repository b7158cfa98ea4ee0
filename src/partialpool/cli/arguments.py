"""The shared options of commands, and the conversion of their text to arguments of the library."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import partialpool as pp
from partialpool import errors
from partialpool.data.tables import is_text_file, read_as_written

if TYPE_CHECKING:
    import pandas as pd

MODEL, SAMPLING, OUTPUT = "Model", "Sampling", "Output"
BRACKETS = {"(": 1, ")": -1, "[": 1, "]": -1}

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A CSV, TSV, Parquet or Arrow file, or the name of a bundled dataset.",
        show_default=False,
    ),
]
FormulaText = Annotated[
    str,
    typer.Argument(
        metavar="FORMULA",
        help='For example "y ~ 1 + x + (1 + x | group)". Quote it for the shell.',
        show_default=False,
    ),
]
Family = Annotated[
    str,
    typer.Option(
        "--family",
        "-f",
        help="The outcome's distribution, for example bernoulli or poisson; a wrong name lists them all.",
        rich_help_panel=MODEL,
    ),
]
Priors = Annotated[
    list[str] | None,
    typer.Option(
        "--prior",
        metavar="NAME=PRIOR",
        help='A prior, for example "x=Normal(0, 1)" or "1|group=Normal(0, Exponential(1))". Repeatable.',
        show_default=False,
        rich_help_panel=MODEL,
    ),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter",
        metavar="NAME=FORMULA",
        help='A formula for another parameter, for example "sigma=~ z + (1 | group)". Repeatable.',
        show_default=False,
        rich_help_panel=MODEL,
    ),
]
Missing = Annotated[
    Literal["error", "drop"],
    typer.Option(
        "--missing",
        metavar="error|drop",
        help="What to do with rows that have missing values.",
        rich_help_panel=MODEL,
    ),
]
Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="COLUMN",
        help="The grouping factor to compare; needed when the formula has several.",
        show_default=False,
        rich_help_panel=MODEL,
    ),
]
Draws = Annotated[
    int, typer.Option("--draws", min=1, help="Draws of each chain that are kept.", rich_help_panel=SAMPLING)
]
Chains = Annotated[int, typer.Option("--chains", min=1, help="Number of chains.", rich_help_panel=SAMPLING)]
Method = Annotated[
    Literal["nuts", "laplace"],
    typer.Option(
        "--method",
        metavar="nuts|laplace",
        help="Sample with NUTS, or integrate the group effects out: an approximation that the checks judge, "
        "quickest with one effect a group of one factor; with slopes or crossed factors NUTS can be quicker.",
        rich_help_panel=SAMPLING,
    ),
]
Warmup = Annotated[
    int | None,
    typer.Option(
        "--warmup",
        min=50,
        help="Warm-up draws of each chain at most, of NUTS; it ends by itself when all has settled.",
        show_default=False,
        rich_help_panel=SAMPLING,
    ),
]
Seed = Annotated[
    int,
    typer.Option("--seed", min=0, help="The same seed gives the same draws.", rich_help_panel=SAMPLING),
]
Cores = Annotated[
    int | None,
    typer.Option(
        "--cores",
        min=1,
        help="Processors to use; all when left out.",
        show_default=False,
        rich_help_panel=SAMPLING,
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FILE",
        help="A new file that takes draws while they are made: after a crash, go on with resume FILE.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Unfinished = Annotated[Path, typer.Argument(metavar="FILE", help="What `partialpool fit --store` began.")]
Progress = Annotated[
    bool,
    typer.Option("--progress/--quiet", help="Show progress bars while sampling.", rich_help_panel=OUTPUT),
]
Prob = Annotated[
    float,
    typer.Option(
        "--prob", min=0.01, max=0.999, help="Probability that intervals hold.", rich_help_panel=OUTPUT
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        help="Folder for tables, draws and Stan code; made when it does not exist.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
ReportFolder = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        help="Folder for the report, tables, figures and draws.",
        rich_help_panel=OUTPUT,
    ),
]


def read(
    formula: str, parameters: list[str] | None, data: str, priors: list[str] | None
) -> tuple[pp.Formula, pd.DataFrame, dict[str, pp.Prior] | None]:
    """Read the formula, the table and the priors of a model.

    Raises
    ------
    OptionError, FormulaError, PriorError, FileError, DataError
        When one of them cannot be read.
    """
    prior_texts = _pairs("--prior", priors)
    asked = pp.Formula(formula, **_pairs("--parameter", parameters))
    read_priors = {name: pp.parse_prior(text) for name, text in prior_texts.items()}
    return asked, read_data(data, labels=asked.labels), read_priors or None


def read_data(data: str, text: Collection[str] = (), labels: Collection[str] | None = None) -> pd.DataFrame:
    """Read a file as `read_table` does, or load a bundled dataset when no file has that name."""
    names = [record.name for record in pp.datasets()]
    path = Path(data)
    if path.is_file() or path.suffix or path.parent != Path():
        return pp.read_table(path, text, labels)
    if data in names:
        return pp.load_dataset(data)
    raise errors.unknown_name(errors.FileError, "file or bundled dataset", data, names)


def as_written(data: str, table: pd.DataFrame) -> pd.DataFrame:
    """Give the table that `read_data` read with every value as it stands in the file, where that is text."""
    path = Path(data)
    return read_as_written(path).fillna("") if path.is_file() and is_text_file(path) else table


def read_groups(groups: list[str] | None) -> str | list[str] | None:
    """Read which group-level effects are included: a single word, or names of grouping factors.

    Examples
    --------
    >>> read_groups(None), read_groups(["none"]), read_groups(["school", "town"])
    ('all', None, ['school', 'town'])
    """
    if not groups:
        return "all"
    if len(groups) == 1 and groups[0] in ("all", "average", "none"):
        return None if groups[0] == "none" else groups[0]
    return groups


def split_pair(option: str, text: str) -> tuple[str, str]:
    """Split ``NAME=VALUE`` at the first equals sign outside brackets.

    Examples
    --------
    >>> split_pair("--prior", "C(x, Treatment(reference='a')) = Normal(mean=0, sd=1)")
    ("C(x, Treatment(reference='a'))", 'Normal(mean=0, sd=1)')
    """
    depth = 0
    for position, character in enumerate(text):
        depth += BRACKETS.get(character, 0)
        if character == "=" and depth == 0:
            return text[:position].strip(), text[position + 1 :].strip()
    raise errors.build(
        errors.OptionError, f"{option} {text!r} has no '='.", allowed=f'{option} "NAME=VALUE", with quotes'
    )


def _pairs(option: str, texts: list[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for name, value in (split_pair(option, text) for text in texts or []):
        if name in pairs:
            raise errors.build(errors.OptionError, f"{option} is given twice for {name!r}.", hint="keep one")
        pairs[name] = value
    return pairs
