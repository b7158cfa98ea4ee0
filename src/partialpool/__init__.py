"""Bayesian multilevel generalised linear models: fast to fit, honest about what they know.

Names are loaded when they are first used, so that ``import partialpool`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from partialpool.version import __version__ as __version__

if TYPE_CHECKING:
    from partialpool.api.fit import Fit as Fit
    from partialpool.api.loading import load_fit as load_fit
    from partialpool.api.loading import resume as resume
    from partialpool.api.model import Model as Model
    from partialpool.api.pools import Pools as Pools
    from partialpool.api.pools import compare_pooling as compare_pooling
    from partialpool.api.scoring import compare_models as compare_models
    from partialpool.api.versions import versions as versions
    from partialpool.data.datasets import datasets as datasets
    from partialpool.data.datasets import load_dataset as load_dataset
    from partialpool.data.tables import read_table as read_table
    from partialpool.families.bernoulli import Bernoulli as Bernoulli
    from partialpool.families.binomial import Binomial as Binomial
    from partialpool.families.categorical import Categorical as Categorical
    from partialpool.families.cumulative import Cumulative as Cumulative
    from partialpool.families.gaussian import Gaussian as Gaussian
    from partialpool.families.negative_binomial import NegativeBinomial as NegativeBinomial
    from partialpool.families.poisson import Poisson as Poisson
    from partialpool.formula.formula import Formula as Formula
    from partialpool.priors.base import AtMeans as AtMeans
    from partialpool.priors.base import Prior as Prior
    from partialpool.priors.gamma import Exponential as Exponential
    from partialpool.priors.gamma import Gamma as Gamma
    from partialpool.priors.lkj import LKJ as LKJ
    from partialpool.priors.normal import HalfNormal as HalfNormal
    from partialpool.priors.normal import Normal as Normal
    from partialpool.priors.registry import parse_prior as parse_prior
    from partialpool.priors.student_t import Cauchy as Cauchy
    from partialpool.priors.student_t import HalfCauchy as HalfCauchy
    from partialpool.priors.student_t import HalfStudentT as HalfStudentT
    from partialpool.priors.student_t import StudentT as StudentT
    from partialpool.priors.uniform import Flat as Flat
    from partialpool.priors.uniform import Uniform as Uniform

_WHERE = {
    "api.fit": ("Fit",),
    "api.loading": ("load_fit", "resume"),
    "api.model": ("Model",),
    "api.pools": ("Pools", "compare_pooling"),
    "api.scoring": ("compare_models",),
    "api.versions": ("versions",),
    "data.datasets": ("datasets", "load_dataset"),
    "data.tables": ("read_table",),
    "families.bernoulli": ("Bernoulli",),
    "families.binomial": ("Binomial",),
    "families.categorical": ("Categorical",),
    "families.cumulative": ("Cumulative",),
    "families.gaussian": ("Gaussian",),
    "families.negative_binomial": ("NegativeBinomial",),
    "families.poisson": ("Poisson",),
    "formula.formula": ("Formula",),
    "priors.base": ("AtMeans", "Prior"),
    "priors.gamma": ("Exponential", "Gamma"),
    "priors.lkj": ("LKJ",),
    "priors.normal": ("HalfNormal", "Normal"),
    "priors.registry": ("parse_prior",),
    "priors.student_t": ("Cauchy", "HalfCauchy", "HalfStudentT", "StudentT"),
    "priors.uniform": ("Flat", "Uniform"),
}
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

__all__ = sorted([*_MODULE_OF, "__version__", "errors"])


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("partialpool.errors")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'partialpool' has no attribute {name!r}")
    return getattr(import_module(f"partialpool.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
