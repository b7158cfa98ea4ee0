"""Known covariances between groups in the file of a fit: labels in the record, matrices beside columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from partialpool.formula.known_covariances import Covariances, KnownCovariance
from partialpool.storage.designs import OWN_GROUP, Plain

_NAME = "covariance"


def plain_covariances(covariances: Covariances) -> list[Plain]:
    """Write all but the matrices as plain data, in order."""
    return [
        {"factor": list(factor), "name": name, "labels": list(known.labels), "groups": known.n_groups}
        for (factor, name), known in covariances.items()
    ]


def covariance_variables(covariances: Covariances) -> dict[str, tuple[tuple[str, str], Any]]:
    """Make the file's variables of the matrices, in the same order."""
    return {
        f"{_NAME}_{i}": ((f"{_NAME}_{i}_row", f"{_NAME}_{i}_column"), known.matrix)
        for i, known in enumerate(covariances.values())
    }


def read_covariances(kept: list[Plain], file: Mapping[str, Any]) -> Covariances:
    """Make the covariances again.

    Parameters
    ----------
    kept
        What `plain_covariances` returned.
    file
        By place, arrays.

    Raises
    ------
    KeyError, TypeError, ValueError
        When parts are missing or do not fit together.
    """
    found = {}
    for i, own in enumerate(kept):
        matrix, size = file[f"{OWN_GROUP}/{_NAME}_{i}"], len(own["labels"])
        if matrix.shape != (size, size) or not 0 < own["groups"] <= size:  # before it is read
            raise ValueError(
                f"the covariance {own['name']!r} has the shape {matrix.shape}, not {(size, size)}"
            )
        numbers = np.asarray(matrix[...], np.float64)
        known = KnownCovariance(own["name"], tuple(own["labels"]), numbers, own["groups"])
        found[tuple(own["factor"]), own["name"]] = known
    return found
