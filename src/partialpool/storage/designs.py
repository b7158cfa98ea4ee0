"""A design as plain data and columns: what a file keeps so that it need not be evaluated again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.known_covariances import Covariances
from partialpool.formula.recipe import AnyFactor, Columns
from partialpool.formula.recipe_io import plain_term, recalled_term
from partialpool.formula.records import (
    Design,
    Floats,
    Grouping,
    GroupTerm,
    Membership,
    Outcome,
    Population,
    Predictor,
)
from partialpool.model.names import ROWS

if TYPE_CHECKING:
    import xarray as xr

OWN_GROUP = "partialpool"
NOWHERE = ""  # the place of a column in a file without rows

Plain = dict[str, Any]
Put = Callable[[NDArray[Any]], str]


class ColumnStore:
    """Columns of one number a row, each kept once, wherever in the file it stands first.

    Parameters
    ----------
    tree
        What the file has already: outcomes and group indices, which ArviZ reads too.

    Attributes
    ----------
    columns
        By name, the columns that the tree does not have.
    """

    def __init__(self, tree: xr.DataTree) -> None:
        self.columns: dict[str, NDArray[Any]] = {}
        self._places: dict[bytes, str] = {}
        for group in tree.children.values():
            for name, variable in group.data_vars.items():
                if variable.dims == (ROWS,):
                    self._places[_digest(variable.to_numpy())] = f"{group.name}/{name}"

    def put(self, column: NDArray[Any]) -> str:
        """Keep a column; return its place in the file."""
        digest = _digest(column)
        if digest not in self._places:
            name = f"column_{len(self.columns)}"
            self.columns[name] = column
            self._places[digest] = f"{OWN_GROUP}/{name}"
        return self._places[digest]


def plain_design(design: Design, store: ColumnStore | None) -> Plain:
    """Write a design as plain data.

    Parameters
    ----------
    store
        Keeps its columns; None for a design that comes back with all its names and no row.
    """
    assert design.outcome is not None, "models are built from rows with an outcome"
    put = _put_nowhere if store is None else store.put
    return {
        "n_rows": 0 if store is None else design.n_rows,
        "n_dropped": design.n_dropped,
        "outcome": _plain_outcome(design.outcome, put),
        "predictors": [_plain_predictor(predictor, put) for predictor in design.predictors.values()],
    }


def _put_nowhere(_column: NDArray[Any]) -> str:
    return NOWHERE


def _plain_outcome(outcome: Outcome, put: Put) -> Plain:
    return {
        "name": outcome.name,
        "levels": None if outcome.levels is None else list(outcome.levels),
        "values": put(outcome.values),
        "trials": None if outcome.trials is None else put(outcome.trials),
        "trials_name": outcome.trials_name,
        "weights": None if outcome.weights is None else put(outcome.weights),
    }


def _plain_predictor(predictor: Predictor, put: Put) -> Plain:
    population = predictor.population
    return {
        "parameter": predictor.parameter,
        "offset": None if predictor.offset is None else put(predictor.offset),
        "population": {
            "names": list(population.names),
            "terms": [plain_term(term) for term in population.terms],
            "columns": [put(column) for column in population.matrix.T],
        },
        "groups": [
            {
                "names": list(group.names),
                "terms": [plain_term(term) for term in group.terms],
                "columns": [put(column) for column in group.matrix.T],
                "correlated": group.correlated,
                "shared": group.shared,
                "covariance": "" if group.covariance is None else group.covariance.name,
                **_plain_grouping(group.grouping, put),
            }
            for group in predictor.groups
        ],
    }


def _plain_grouping(grouping: Grouping, put: Put) -> Plain:
    """Write which groups rows are of, by the key of the factor."""
    kept: Plain = {"factor": list(grouping.key)}
    if not grouping.members:
        return kept | {"index": put(grouping.index)}
    return kept | {
        "members": [
            {"index": put(m.index), "weights": None if m.weights is None else put(m.weights)}
            for m in grouping.members
        ]
    }


class DesignReader:
    """Makes the design again that `plain_design` wrote.

    Parameters
    ----------
    file
        By place, the columns of the file.
    factors
        The recipe's grouping factors, which have the labels.
    covariances
        Its known covariances between groups.
    """

    def __init__(
        self, file: Mapping[str, Any], factors: Mapping[Columns, AnyFactor], covariances: Covariances
    ) -> None:
        self._file = file
        self._factors = factors
        self._covariances = covariances
        self._columns: dict[str, NDArray[Any]] = {}
        self._n_rows = 0

    def design(self, kept: Plain) -> Design:
        """Read a design.

        Raises
        ------
        KeyError, TypeError, ValueError
            When parts of it are missing or do not fit together.
        """
        self._n_rows = kept["n_rows"]
        predictors = {p["parameter"]: self._predictor(p) for p in kept["predictors"]}
        return Design(self._outcome(kept["outcome"]), predictors, kept["n_rows"], kept["n_dropped"])

    def _outcome(self, kept: Plain) -> Outcome:
        values = self._numbers(kept["values"])
        trials, weights = self._optional(kept["trials"]), self._optional(kept["weights"])
        levels = None if kept["levels"] is None else tuple(kept["levels"])
        name = kept.get("trials_name")  # which earlier files lack
        return Outcome(kept["name"], values, trials, weights, levels, name)

    def _predictor(self, kept: Plain) -> Predictor:
        population = kept["population"]
        terms = tuple(recalled_term(term) for term in population["terms"])
        return Predictor(
            kept["parameter"],
            Population(self._matrix(population), tuple(population["names"]), terms),
            tuple(self._group(group) for group in kept["groups"]),
            self._optional(kept["offset"]),
        )

    def _group(self, kept: Plain) -> GroupTerm:
        grouping = self._grouping(kept, self._factors[tuple(kept["factor"])])
        terms = tuple(recalled_term(term) for term in kept["terms"])
        shared, name = kept.get("shared", ""), kept.get("covariance", "")  # which earlier files lack
        known = self._covariances[grouping.key, name] if name else None
        names, matrix = tuple(kept["names"]), self._matrix(kept)
        return GroupTerm(terms, names, matrix, grouping, kept["correlated"], shared, known)

    def _grouping(self, kept: Plain, factor: AnyFactor) -> Grouping:
        if "members" not in kept:
            return Grouping(factor.name, factor.labels, self._index(kept["index"], factor), factor.columns)
        members = tuple(
            Membership(self._index(m["index"], factor), self._optional(m["weights"])) for m in kept["members"]
        )
        if len(members) != len(factor.columns):
            raise ValueError(
                f"{factor.name!r} has {len(factor.columns)} columns, and rows {len(members)} groups"
            )
        return Grouping(factor.name, factor.labels, members[0].index[:0], factor.columns, None, members)

    def _index(self, place: str, factor: AnyFactor) -> NDArray[Any]:
        index = self._column(place, np.int64)
        if len(index) and not 0 <= index.min() <= index.max() < len(factor.labels):
            raise ValueError(f"a row has no group of {factor.name!r}")
        return index

    def _matrix(self, kept: Plain) -> Floats:
        matrix = np.empty((self._n_rows, len(kept["names"])))
        for i, place in zip(range(matrix.shape[1]), kept["columns"], strict=True):
            matrix[:, i] = self._numbers(place)
        return matrix

    def _optional(self, place: str | None) -> Floats | None:
        return None if place is None else self._numbers(place)

    def _numbers(self, place: str) -> Floats:
        return self._column(place, np.float64)

    def _column(self, place: str, dtype: type[np.generic]) -> NDArray[Any]:
        if place == NOWHERE:
            return np.empty(0, dtype)
        if place not in self._columns:
            found = self._file[place]
            if found.shape != (self._n_rows,):  # before it is read, since a file may claim any size
                raise ValueError(f"{place!r} has the shape {found.shape}, not {(self._n_rows,)}")
            self._columns[place] = np.asarray(found[...])
        column = self._columns[place]
        if column.dtype != dtype:
            raise ValueError(f"{place!r} is not a column of {dtype.__name__}")
        return column


def _digest(column: NDArray[Any]) -> bytes:
    """Tell columns apart by their bits, so that what comes back is what was kept."""
    return column.dtype.str.encode() + hashlib.blake2b(np.ascontiguousarray(column).data).digest()
