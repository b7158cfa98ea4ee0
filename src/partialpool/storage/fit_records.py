"""Convert a fit to plain data beside its arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FileError, build
from partialpool.families.base import Family
from partialpool.families.registry import get_family
from partialpool.formula.earlier_designs import require_same_columns
from partialpool.formula.formula import Formula
from partialpool.formula.recipe import Recipe
from partialpool.formula.recipe_io import is_earlier, recall, remember
from partialpool.inference.draws import Approximation, Draws, GroupCheck
from partialpool.model.cells import build_cells
from partialpool.model.layout import Layout
from partialpool.model.parameters import build_parameters
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import Prior
from partialpool.priors.registry import parse_prior
from partialpool.results.file_names import file_name
from partialpool.results.fitted import Fitted
from partialpool.storage.designs import ColumnStore, DesignReader, Plain, plain_design
from partialpool.storage.kept_covariances import plain_covariances, read_covariances


@dataclass(frozen=True)
class KeptFit:
    """A fit with its formula and recipe: all that a file holds.

    Attributes
    ----------
    fitted
        The model and its draws.
    name
        What the model is, in words.
    formula
        What was asked.
    recipe
        How new rows become a design with the formula's terms.
    """

    fitted: Fitted
    name: str
    formula: Formula
    recipe: Recipe


def to_record(fit: KeptFit, store: ColumnStore | None) -> Plain:
    """Write a fit as plain data, apart from its draws and its columns.

    Parameters
    ----------
    store
        Keeps the columns of one number a row; None keeps none.

    Raises
    ------
    FileError
        When a part of it cannot be kept.
    """
    model, draws = fit.fitted.model, fit.fitted.draws
    n_chains, n_draws, _ = draws.values.shape
    return {
        "name": fit.name,
        "formula": fit.formula.text,
        "parameters": dict(fit.formula.parameters),
        "family": _family_text(model.family),
        "outcome": _bound_state(model.family),
        "priors": {name: prior_text(prior) for name, prior in model.priors.items()},
        "memory": remember(fit.recipe),
        "covariances": plain_covariances(fit.recipe.covariances),
        "design": plain_design(model.design, store),
        "draws": {
            "chains": n_chains,
            "draws": n_draws,
            "stats": {name: values.dtype.str for name, values in draws.stats.items()},
            "method": draws.method,
            "seed": int(draws.seed),
            "warmup": int(draws.warmup),
            "seconds": float(draws.seconds),
            "attempts": list(draws.attempts),
            "interrupted": bool(draws.interrupted),
            "asked": int(draws.asked),
            "target_accept": None if draws.target_accept is None else float(draws.target_accept),
            "approximation": None if draws.approximation is None else asdict(draws.approximation),
        },
    }


def from_record(record: Plain, file: Mapping[str, Any]) -> KeptFit:
    """Make the fit again.

    The model is put together, not checked again: its design may have no rows.

    Parameters
    ----------
    record
        What `to_record` returned.
    file
        By place, arrays: columns, draws and the sampler's statistics.

    Raises
    ------
    FormulaError, FamilyError, PriorError
        When a text is not what it should be.
    FileError
        When arithmetic of the formula was computed in another way.
    KeyError, TypeError, ValueError
        When parts are missing or do not fit together.
    """
    formula = Formula(record["formula"], **record["parameters"])
    covariances = read_covariances(record.get("covariances", []), file)  # which earlier files lack
    recipe = recall(formula, record["memory"], covariances)
    design = DesignReader(file, recipe.factors, recipe.covariances).design(record["design"])
    if is_earlier(record["memory"]):
        require_same_columns(recipe, design)
    family = _bound_again(get_family(record["family"]), record.get("outcome", {}))  # earlier files lack it
    priors = {name: parse_prior(text) for name, text in record["priors"].items()}
    parameters = build_parameters(design, family, priors)
    model = ModelSpec(design, family, priors, parameters, build_cells(design, family, parameters))
    draws = _draws(record["draws"], file, model.layout)
    return KeptFit(Fitted(model, draws), record["name"], formula, recipe)


def prior_text(prior: Prior) -> str:
    """Write a prior with all its digits, as `parse_prior` reads it.

    Raises
    ------
    FileError
        When it is of a kind that is not registered.

    Examples
    --------
    >>> from partialpool.priors.gamma import Exponential
    >>> from partialpool.priors.normal import Normal
    >>> prior_text(Normal(0.1234567890123, Exponential(1)))
    'Normal(0.1234567890123, Exponential(1))'
    """
    text = _call(prior)
    if parse_prior(text) != prior:
        raise build(FileError, f"The prior {text} would not come back from a file as it is.")
    return text


def _call(value: Any) -> str:
    if isinstance(value, Prior):
        return f"{type(value).__name__}({', '.join(_call(getattr(value, f.name)) for f in fields(value))})"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _family_text(family: Family) -> str:
    text = f"{family.name}({family.link})"
    if _bound_again(get_family(text), _bound_state(family)) != family:
        raise build(FileError, f"The family {text} would not come back from a file as it is.")
    return text


def _bound_state(family: Family) -> Plain:
    """Write what a family has learnt from the outcome that it is bound to."""
    return {f.name: list(getattr(family, f.name)) for f in fields(family) if f.name != "link"}


def _bound_again(family: Family, kept: Mapping[str, Any]) -> Family:
    """Bind a family as it was.

    Raises
    ------
    TypeError, ValueError
        When this is not what the family learns.
    """
    state: dict[str, Any] = {name: tuple(value) for name, value in kept.items()}
    family = replace(family, **state)
    family.require_bound()
    return family


def _draws(kept: Plain, file: Mapping[str, Any], layout: Layout) -> Draws:
    sampled = kept["chains"], kept["draws"]
    values = np.empty((*sampled, layout.n_values))
    group = "posterior" if "posterior" in file else "prior"
    for variable in layout.variables:
        found = _sampled(file, f"{group}/{file_name(variable.name)}", (*sampled, *variable.shape))
        values[..., variable.columns] = found.reshape(*sampled, variable.size)
    stats = {
        name: _sampled(file, f"sample_stats/{name}", sampled).astype(dtype)
        for name, dtype in kept["stats"].items()
    }
    how = {name: kept[name] for name in ("method", "seed", "warmup", "seconds", "interrupted", "asked")}
    return Draws(
        values,
        stats,
        **how,
        attempts=tuple(kept["attempts"]),
        target_accept=kept["target_accept"],
        approximation=_approximation(kept.get("approximation")),
    )


def _approximation(kept: Plain | None) -> Approximation | None:
    """Make the record of nested Laplace again; there is none in files of other methods."""
    if kept is None:
        return None
    return Approximation(**kept | {"groups": tuple(GroupCheck(**group) for group in kept["groups"])})


def _sampled(file: Mapping[str, Any], place: str, shape: tuple[int, ...]) -> NDArray[Any]:
    found = file[place]
    if found.shape != shape:  # before it is read, since a file may claim any size
        raise ValueError(f"{place!r} has the shape {found.shape}, not {shape}")
    return np.asarray(found[...])
