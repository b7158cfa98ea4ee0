"""Covariances between groups that are known, of a pedigree, a phylogeny: read, checked, arranged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.checks import first_labels
from partialpool.errors import DataError, build, unknown_name

Floats = NDArray[np.float64]
Columns = tuple[str, ...]

LARGEST = 5_000  # labels; a matrix of so many takes 200 MB, and a fit holds a few of that size
_ASYMMETRY = 1e-8  # of the largest variance: what computing a matrix leaves
_OWN_VARIANCE = 1e-10  # of a group's variance that others do not determine: less is none


@dataclass(frozen=True, eq=False)
class KnownCovariance:
    """A known covariance between the groups of a factor, and others that it covers.

    Attributes
    ----------
    name
        What the formula calls it: ``"A"``.
    labels
        (L,) labels as text: those of the factor's J groups in its order, then the others.
    matrix
        (L, L), positive definite.
    n_groups
        J.
    """

    name: str
    labels: tuple[str, ...]
    matrix: Floats = field(repr=False)
    n_groups: int

    @cached_property
    def between(self) -> Floats:
        """(J, J) covariance between the factor's groups."""
        return np.ascontiguousarray(self.matrix[: self.n_groups, : self.n_groups])

    @property
    def mean_variance(self) -> float:
        """Mean of the groups' variances, where their sd is 1."""
        return float(np.mean(np.diag(self.between)))


# By the columns of the factor, and name.
Covariances = Mapping[tuple[Columns, str], KnownCovariance]


class Labelled(Protocol):
    """A grouping factor, as far as its labels go."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def labels(self) -> NDArray[Any]:
        """(J,) labels."""


@dataclass(frozen=True)
class LabelledMatrix:
    """A covariance as a person gives it, checked."""

    name: str
    labels: tuple[str, ...]
    matrix: Floats

    def of_factor(self, factor: str, groups: NDArray[Any]) -> KnownCovariance:
        """Arrange it by the groups of a factor.

        Raises
        ------
        DataError
            When groups are not covered.
        """
        own = label_texts(groups)
        position = {label: i for i, label in enumerate(self.labels)}
        missing = [label for label in own if label not in position]
        if missing:
            raise build(
                DataError,
                f"The covariance {self.name!r} lacks {len(missing):,} of the {len(own):,} groups of "
                f"{factor!r}: {first_labels(missing)}.",
                allowed=f"a row and a column for each group, labelled as in the table; {self.name!r} has "
                f"{first_labels(self.labels)}",
                hint="leave the rows of these groups out, or give the matrix their covariances",
            )
        known = set(own)
        labels = (*own, *(label for label in self.labels if label not in known))
        order = [position[label] for label in labels]
        return KnownCovariance(self.name, labels, self.matrix[np.ix_(order, order)], len(own))


def read_covariances(given: Mapping[str, Any] | None, wanted: Collection[str]) -> dict[str, LabelledMatrix]:
    """Read the covariances that a formula names.

    Parameters
    ----------
    given
        By name, pandas tables whose row labels and column labels are the groups', or xarray arrays with such
        coordinates. Labels are compared as text, so that 3 and "3" are the same.
    wanted
        The names in the formula.

    Raises
    ------
    DataError
        When one is absent or not in the formula, is no table with labels, or no covariance: not symmetric, or
        not positive definite.
    """
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        raise build(
            DataError,
            f"The covariances are a {type(given).__name__}.",
            allowed='tables by name: {"A": table}',
        )
    for name in given:
        if name not in wanted:
            raise unknown_name(DataError, "covariance in the formula called", str(name), wanted)
    for name in wanted:
        if name not in given:
            raise build(
                DataError,
                f"The formula has cov={name}, and no covariance of that name is given.",
                hint=f'covariances={{"{name}": table}}, with the groups as row and column labels',
            )
    return {name: _checked(name, given[name]) for name in dict.fromkeys(wanted)}


def arrange(
    matrices: Mapping[str, LabelledMatrix],
    wanted: Iterable[tuple[Columns, str]],
    factors: Mapping[Columns, Labelled],
) -> Covariances:
    """Arrange matrices by the groups of the factors that have them.

    Raises
    ------
    DataError
        When groups are not covered.
    """
    return {
        (columns, name): matrices[name].of_factor(factors[columns].name, factors[columns].labels)
        for columns, name in wanted
    }


def label_texts(labels: Iterable[Any]) -> list[str]:
    """Write labels as text, whole floats as whole numbers."""
    return [
        str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)
        for label in pd.Index(labels)
    ]


def _checked(name: str, given: Any) -> LabelledMatrix:
    given = given.to_pandas() if _is_labelled_array(given) else given
    if not isinstance(given, pd.DataFrame):
        raise build(
            DataError,
            f"The covariance {name!r} is a {type(given).__name__}, which does not say which groups its rows "
            "and columns are.",
            allowed="a pandas table with the groups as row and column labels, or such an xarray array",
            hint="pd.DataFrame(matrix, index=groups, columns=groups)",
        )
    if len(given) > LARGEST:
        raise build(
            DataError,
            f"The covariance {name!r} has {len(given):,} groups: it is kept dense, and a fit would need "
            f"several times its {8 * len(given) ** 2 / 1e9:,.1f} GB.",
            allowed=f"{LARGEST:,} groups",
            hint="only the groups of the table, and the few others to predict for",
        )
    labels, columns = label_texts(given.index), label_texts(given.columns)
    for what, own in (("rows", labels), ("columns", columns)):
        twice = pd.Index(own)[pd.Index(own).duplicated()].unique()
        if len(twice):
            raise build(
                DataError, f"In the covariance {name!r} several {what} are called {first_labels(twice)}.",
                hint="one row and one column a group",
            )  # fmt: skip
    if set(labels) != set(columns) or not labels:
        odd = sorted(set(labels) ^ set(columns))
        raise build(
            DataError,
            f"The rows and the columns of the covariance {name!r} have different labels: "
            f"{first_labels(odd) or 'none at all'}, in one of the two only.",
            hint="pd.read_csv(path, index_col=0) where the first column of a file is the labels",
        )
    place = {label: i for i, label in enumerate(columns)}
    matrix = _numbers(name, given)[:, [place[label] for label in labels]]
    _require_symmetric(name, labels, matrix)
    matrix = 0.5 * (matrix + matrix.T)
    _require_definite(name, labels, matrix)
    return LabelledMatrix(name, tuple(labels), matrix)


def _is_labelled_array(given: Any) -> bool:
    """Tell an xarray array of two dimensions that both have labels, without an import of xarray."""
    sizes = getattr(given, "sizes", {})
    return hasattr(given, "to_pandas") and len(sizes) == 2 and all(dim in given.coords for dim in sizes)


def _numbers(name: str, given: pd.DataFrame) -> Floats:
    odd = [str(column) for column, kind in given.dtypes.items() if kind.kind not in "biuf"]
    if odd:
        raise build(
            DataError, f"The covariance {name!r} has columns that are no numbers: {first_labels(odd)}."
        )
    matrix = given.to_numpy(np.float64, copy=True)
    bad = np.argwhere(~np.isfinite(matrix))
    if len(bad):
        row, column = (str(axis[i]) for axis, i in zip((given.index, given.columns), bad[0], strict=True))
        raise build(
            DataError,
            f"The covariance {name!r} lacks {len(bad):,} numbers, the first that of {row} and {column}.",
            hint="0 for groups that are independent",
        )
    return matrix


def _require_symmetric(name: str, labels: Sequence[str], matrix: Floats) -> None:
    difference = np.abs(matrix - matrix.T)
    worst = int(np.argmax(difference))
    if difference.flat[worst] > _ASYMMETRY * np.max(np.abs(np.diag(matrix))):
        i, j = divmod(worst, len(labels))
        raise build(
            DataError,
            f"The covariance {name!r} is not symmetric: {matrix[i, j]:g} for {labels[i]} and {labels[j]}, "
            f"{matrix[j, i]:g} for {labels[j]} and {labels[i]}.",
        )


def _require_definite(name: str, labels: Sequence[str], matrix: Floats) -> None:
    """Refuse a matrix by which some group has no variance of its own, or less than none."""
    from scipy.linalg.lapack import dpotrf

    factor, failed = dpotrf(matrix, lower=1)
    variances = np.diag(matrix)
    if failed:
        at = failed - 1
    else:
        determined = np.diag(factor) ** 2 < _OWN_VARIANCE * variances
        if not determined.any():
            return
        at = int(np.argmax(determined))
    before = f" given {first_labels(labels[:at])}" if at else ""
    raise build(
        DataError,
        f"The covariance {name!r} is not positive definite: {labels[at]} has no variance of its own{before}.",
        allowed="a matrix whose eigenvalues are all above zero",
        hint="one label for groups that are one (twins, clones, tips at distance 0); where it is rounding, "
        f"a little on the diagonal: {name} + 1e-6 * np.eye(len({name}))",
    )
