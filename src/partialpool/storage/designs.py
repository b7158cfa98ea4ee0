"""A design as plain data and columns: what a file keeps so that it need not be evaluated again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.frame import DAYS, LABELS, Frame
from partialpool.families.support import ADDITIONS
from partialpool.formula.group_records import Grouping, Membership
from partialpool.formula.known_covariances import Covariances
from partialpool.formula.recipe import AnyFactor, Columns
from partialpool.formula.recipe_io import plain_term, recalled_term
from partialpool.formula.records import Design, Floats, GroupTerm, Outcome, Population, Predictor
from partialpool.model.names import ROWS
from partialpool.storage.raw_columns import (
    plain_columns,
    plain_row_labels,
    recalled_columns,
    recalled_row_labels,
)

if TYPE_CHECKING:
    import xarray as xr

OWN_GROUP = "partialpool"
NOWHERE = ""  # the place of a column in a file without rows

Plain = dict[str, Any]
Put = Callable[[NDArray[Any]], str]


class ColumnStore:
    """Columns of one number a row, or a combination, each kept once, wherever in the file it stands first.

    Parameters
    ----------
    tree
        What the file has already: outcomes and group indices, which ArviZ reads too.

    Attributes
    ----------
    columns
        By name, the columns that the tree does not have.
    combinations
        By name, columns of one number a combination.
    """

    def __init__(self, tree: xr.DataTree) -> None:
        self.columns: dict[str, NDArray[Any]] = {}
        self.combinations: dict[str, NDArray[Any]] = {}
        self._places: dict[bytes, str] = {}
        for group in tree.children.values():
            for name, variable in group.data_vars.items():
                if variable.dims == (ROWS,):
                    self._places[_digest(variable.to_numpy())] = f"{group.name}/{name}"

    def put(self, column: NDArray[Any]) -> str:
        """Keep a column; return its place in the file."""
        return self._put(column, self.columns, "column")

    def put_combination(self, column: NDArray[Any]) -> str:
        """Keep a column of one number a combination."""
        return self._put(column, self.combinations, "combination")

    def _put(self, column: NDArray[Any], kept: dict[str, NDArray[Any]], word: str) -> str:
        digest = _digest(column)
        if digest not in self._places:
            name = f"{word}_{len(kept)}"
            kept[name] = column
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
    put_one = put if store is None or design.row is None else store.put_combination
    return {
        "n_rows": 0 if store is None else design.n_rows,
        "n_dropped": design.n_dropped,
        "outcome": _plain_outcome(design.outcome, put),
        "frame": None if store is None or design.frame is None else _plain_frame(design.frame, put, put_one),
        "predictors": [_plain_predictor(predictor, put_one) for predictor in design.predictors.values()],
    }


def _plain_frame(frame: Frame, put: Put, put_one: Put) -> Plain:
    return {
        "n": len(frame.table),
        "row": None if frame.row is None else put(frame.row),
        "columns": plain_columns(frame.table, put_one),
        "others": None if frame.others is None else plain_columns(frame.others, put),
        "kinds": dict(frame.kinds),
        "labels": plain_row_labels(frame.labels, put),
    }


def _put_nowhere(_column: NDArray[Any]) -> str:
    return NOWHERE


def _plain_outcome(outcome: Outcome, put: Put) -> Plain:
    return {
        "name": outcome.name,
        "levels": None if outcome.levels is None else list(outcome.levels),
        "values": put(outcome.values),
        "additions": {name: put(column) for name, column in outcome.additions.items()},
        "sources": dict(outcome.sources),
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
        self._n_rows = self._n = 0

    def design(self, kept: Plain) -> Design:
        """Read a design.

        Raises
        ------
        KeyError, TypeError, ValueError
            When parts of it are missing or do not fit together.
        """
        self._n = self._n_rows = kept["n_rows"]
        outcome = self._outcome(kept["outcome"])
        frame = self._frame(kept.get("frame"))  # which earlier files lack
        self._n = self._n_rows if frame is None else len(frame.table)
        predictors = {p["parameter"]: self._predictor(p) for p in kept["predictors"]}
        return Design(outcome, predictors, kept["n_rows"], kept["n_dropped"], frame)

    def _frame(self, kept: Plain | None) -> Frame | None:
        if kept is None:
            return None
        row = None if kept["row"] is None else self._column(kept["row"], np.int64)
        n = self._n_rows if row is None else kept["n"]
        if row is not None:
            _require_combinations(row, n)
        others = None if kept["others"] is None else recalled_columns(kept["others"], self._column)
        self._n = n
        table = recalled_columns(kept["columns"], self._column)
        if not len(table.columns):
            table = pd.DataFrame(index=pd.RangeIndex(n))
        kinds = _kinds(kept["kinds"], table, others)
        labels = recalled_row_labels(kept.get("labels"), self._column)  # which earlier files lack
        return Frame(table, self._n_rows, row, others, MappingProxyType(kinds), labels)

    def _outcome(self, kept: Plain) -> Outcome:
        values = self._numbers(kept["values"])
        weights = self._optional(kept["weights"])
        levels = None if kept["levels"] is None else tuple(kept["levels"])
        additions = {name: self._numbers(place) for name, place in _kept_additions(kept).items()}
        return Outcome(kept["name"], values, additions, weights, levels, _kept_sources(kept))

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
        matrix = np.empty((self._n, len(kept["names"])))
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
            if found.shape != (self._n,):  # before it is read, since a file may claim any size
                raise ValueError(f"{place!r} has the shape {found.shape}, not {(self._n,)}")
            self._columns[place] = np.asarray(found[...])
        column = self._columns[place]
        if len(column) != self._n:
            raise ValueError(f"{place!r} has {len(column)} numbers, not {self._n}")
        if column.dtype != dtype:
            raise ValueError(f"{place!r} is not a column of {dtype.__name__}")
        return column


def _kept_additions(kept: Plain) -> dict[str, str]:
    """Places of what is added to an outcome, by name; earlier files have trials alone."""
    trials = kept.get("trials")
    found: dict[str, str] = kept.get("additions", {"trials": trials} if trials else {})
    if not {*found} <= {*ADDITIONS}:
        raise ValueError("an outcome has columns that no family takes")
    return found


def _kept_sources(kept: Plain) -> dict[str, str]:
    name = kept.get("trials_name")
    found: dict[str, str] = kept.get("sources", {"trials": name} if name else {})
    return found


def _require_combinations(row: NDArray[Any], n: Any) -> None:
    """Raise unless each row is of one of n combinations, and each combination has a row."""
    inside = type(n) is int and 0 <= row.min() <= row.max() < n <= len(row)
    if not inside or not np.bincount(row, minlength=n).all():
        raise ValueError("rows are of other combinations than there are")


def _kinds(kept: Plain, table: pd.DataFrame, others: pd.DataFrame | None) -> dict[str, str]:
    """Read what labels and dates were, of columns that have any."""
    columns = [*table.items(), *(() if others is None else others.items())]
    labels = {name for name, column in columns if isinstance(column.dtype, pd.CategoricalDtype)}
    dates = {name for name, column in columns if column.dtype.kind == "M"}
    if len(dict(columns)) < len(columns):
        raise ValueError("two raw columns have one name")
    misplaced = (name not in (dates if kind == DAYS else labels) for name, kind in kept.items())
    if not {*kept.values()} <= {*LABELS, DAYS} or any(misplaced):
        raise ValueError("raw columns are of kinds that there are not")
    return dict(kept)


def _digest(column: NDArray[Any]) -> bytes:
    """Tell columns apart by their bits, so that what comes back is what was kept."""
    return column.dtype.str.encode() + hashlib.blake2b(np.ascontiguousarray(column).data).digest()
