"""Names for netCDF files, in which a slash separates a group from its content."""

from __future__ import annotations

from dataclasses import replace

from partialpool.errors import FileError, build
from partialpool.formula.records import Design, GroupTerm, Predictor
from partialpool.model.layout import Layout, Variable

_SLASH, _DIVISION_SLASH = "/", "\N{DIVISION SLASH}"


def file_name(name: str) -> str:
    """Return the name that a variable has in a file.

    Examples
    --------
    >>> file_name("1|district"), file_name("I(x / 2)")
    ('1|district', 'I(x ∕ 2)')
    """
    return name.replace(_SLASH, _DIVISION_SLASH)


def file_layout(layout: Layout) -> Layout:
    """Give every variable and dimension the name that it has in a file.

    Raises
    ------
    FileError
        When two would have the same.
    """
    variables = tuple(_variable(variable) for variable in layout.variables)
    names = [variable.name for variable in variables]
    for name in names:
        if names.count(name) > 1:
            raise build(
                FileError,
                f"Two variables of the fit would be called {name!r} in a file.",
                hint="rename one of the table's columns",
            )
    return Layout(variables)


def file_design(design: Design) -> Design:
    """Give the outcome and the grouping factors the names that they have in a file."""
    predictors = {name: _predictor(predictor) for name, predictor in design.predictors.items()}
    outcome = design.outcome
    if outcome is not None:
        outcome = replace(outcome, name=file_name(outcome.name))
    return replace(design, outcome=outcome, predictors=predictors)


def _variable(variable: Variable) -> Variable:
    coords = {file_name(dim): labels for dim, labels in variable.coords.items()}
    dims = tuple(file_name(dim) for dim in variable.dims)
    return replace(variable, name=file_name(variable.name), dims=dims, coords=coords)


def _predictor(predictor: Predictor) -> Predictor:
    return replace(predictor, groups=tuple(_group(group) for group in predictor.groups))


def _group(group: GroupTerm) -> GroupTerm:
    return replace(group, grouping=replace(group.grouping, name=file_name(group.grouping.name)))
