"""The models of the gallery: multilevel GLMs from the literature on real data, with priors of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from partialpool.data.datasets import load_dataset
from partialpool.priors.base import Prior
from partialpool.priors.registry import LKJ, Exponential, Normal

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Factor:
    """A grouping factor with a varying intercept and, where `slope` is given, a correlated varying slope.

    Attributes
    ----------
    name
        As results have it: ``"comm:mom"`` for mothers within communities.
    rate
        Of the exponential prior of the intercept's sd.
    centred
        How the reference run parameterises it, a matter of speed; with a slope it is never centred.
    slope
        The column that varies, and the rate of the prior of its sd. Correlations have LKJ(2).
    """

    name: str
    rate: float = 1.0
    centred: bool = False
    slope: tuple[str, float] | None = None

    @property
    def columns(self) -> list[str]:
        """Columns of the table whose values together are a group."""
        return self.name.split(":")


@dataclass(frozen=True)
class GalleryModel:
    """One model of the gallery.

    Attributes
    ----------
    data
        The table's name.
    formula, family
        What `partialpool` is given.
    outcome
        Column or pandas expression, then the trials' column for binomial outcomes.
    columns
        Each population-level coefficient's name in results, and its column as a pandas expression.
    intercept
        Mean and sd of the intercept's normal prior, at zero of all columns.
    slopes
        Sd of the normal prior, mean 0, of each population-level term.
    factors
        The grouping factors.
    auxiliary
        Name of the family's own parameter and the rate of its exponential prior.
    offset
        Pandas expression.
    """

    data: str
    formula: str
    family: str
    outcome: tuple[str, ...]
    intercept: tuple[float, float]
    factors: tuple[Factor, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    slopes: Mapping[str, float] = field(default_factory=dict)
    auxiliary: tuple[str, float] | None = None
    offset: str | None = None

    def table(self) -> pd.DataFrame:
        """Read the data."""
        if self.data == "bangladesh":
            return load_dataset("bangladesh")
        return pd.read_csv(HERE / f"{self.data}.csv")

    def priors(self) -> dict[str, Prior]:
        """The priors by the names that results have."""
        priors: dict[str, Prior] = {"Intercept": Normal(*self.intercept)}
        priors |= {term: Normal(0, sd) for term, sd in self.slopes.items()}
        for factor in self.factors:
            priors[f"1|{factor.name}"] = Normal(0, Exponential(factor.rate))
            if factor.slope:
                priors[f"{factor.slope[0]}|{factor.name}"] = Normal(0, Exponential(factor.slope[1]))
                priors[f"{factor.name}_corr"] = LKJ(2)
        if self.auxiliary:
            priors[self.auxiliary[0]] = Exponential(self.auxiliary[1])
        return priors


GALLERY: dict[str, GalleryModel] = {
    "bangladesh": GalleryModel(
        data="bangladesh",
        formula="`use.contraception` ~ 1 + (1 | district)",
        family="bernoulli",
        outcome=("`use.contraception`",),
        intercept=(0, 1.5),
        factors=(Factor("district"),),
    ),
    "bangladesh_slopes": GalleryModel(
        data="bangladesh",
        formula="`use.contraception` ~ urban + (urban | district)",
        family="bernoulli",
        outcome=("`use.contraception`",),
        intercept=(0, 1.5),
        columns={"urban": "urban"},
        slopes={"urban": 1},
        factors=(Factor("district", slope=("urban", 1.0)),),
    ),
    "sleepstudy": GalleryModel(
        data="sleepstudy",
        formula="Reaction ~ Days + (Days | Subject)",
        family="gaussian",
        outcome=("Reaction",),
        intercept=(250, 50),
        columns={"Days": "Days"},
        slopes={"Days": 20},
        factors=(Factor("Subject", rate=0.04, slope=("Days", 0.1)),),
        auxiliary=("sigma", 0.04),
    ),
    "cbpp": GalleryModel(
        data="cbpp",
        formula="incidence | trials(size) ~ C(period) + (1 | herd)",
        family="binomial",
        outcome=("incidence", "size"),
        intercept=(0, 1.5),
        columns={f"C(period)[{k}]": f"period == {k}" for k in (2, 3, 4)},
        slopes={"C(period)": 1},
        factors=(Factor("herd"),),
    ),
    "penicillin": GalleryModel(
        data="penicillin",
        formula="diameter ~ 1 + (1 | plate) + (1 | sample)",
        family="gaussian",
        outcome=("diameter",),
        intercept=(23, 5),
        factors=(Factor("plate", centred=True), Factor("sample", centred=True)),
        auxiliary=("sigma", 1.0),
    ),
    "epil": GalleryModel(
        data="epil",
        formula="y ~ lbase * trt + lage + V4 + (1 | subject)",
        family="negative_binomial",
        outcome=("y",),
        intercept=(2, 1),
        columns={
            "lbase": "lbase",
            "trt[progabide]": "trt == 'progabide'",
            "lbase:trt[progabide]": "lbase * (trt == 'progabide')",
            "lage": "lage",
            "V4": "V4",
        },
        slopes={"lbase": 1, "trt": 1, "lbase:trt": 1, "lage": 1, "V4": 1},
        factors=(Factor("subject"),),
        auxiliary=("shape", 0.1),
    ),
    "mmmec": GalleryModel(
        data="mmmec",
        formula="deaths ~ uvb + offset(log(expected)) + (1 | nation / region)",
        family="poisson",
        outcome=("deaths",),
        intercept=(0, 1),
        columns={"uvb": "uvb"},
        slopes={"uvb": 0.5},
        factors=(Factor("nation", centred=True), Factor("nation:region", centred=True)),
        offset="log(expected)",
    ),
    "ucb": GalleryModel(
        data="ucb",
        formula="admitted | trials(applications) ~ male + (male | dept)",
        family="binomial",
        outcome=("admitted", "applications"),
        intercept=(0, 1.5),
        columns={"male": "male"},
        slopes={"male": 1},
        factors=(Factor("dept", slope=("male", 1.0)),),
    ),
}
