"""New groups that a known covariance covers: their effects given those of the fitted groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.checks import count_rows, first_labels
from partialpool.errors import DataError, build
from partialpool.formula.known_covariances import KnownCovariance, label_texts

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

HINT = (
    "give the covariance these groups when the model is made; or new_groups='existing' for effects of fitted "
    "groups, new_groups='zero' for none"
)


@dataclass(frozen=True)
class Relatives:
    """The groups that a known covariance A covers and the fit does not have.

    With k the J fitted groups and r these M ones, effects b_r given b_k are normal with the mean
    A_rk inv(A_kk) b_k and the covariance (A_rr - A_rk inv(A_kk) A_kr) times that of one group's effects.

    Attributes
    ----------
    labels
        M labels, as text.
    weights
        (M, J) A_rk inv(A_kk).
    factor
        (M, M) lower triangular, times its transpose the covariance given the fitted groups.
    hashes
        (M,) uint64, of the labels.
    """

    labels: tuple[str, ...]
    weights: Floats
    factor: Floats
    hashes: NDArray[np.uint64]

    def positions(self, labels: NDArray[Any]) -> Index:
        """Find (m,) groups, which the covariance covers, by their labels."""
        found = pd.Index(self.labels, dtype=object).get_indexer(pd.Index(label_texts(labels), dtype=object))
        assert (found >= 0).all(), "groups that are not covered were refused"
        return found.astype(np.int64)


def relatives(known: KnownCovariance) -> Relatives:
    """Condition a known covariance on the groups that were fitted."""
    from scipy.linalg import cho_factor, cho_solve

    j = known.n_groups
    across, labels = known.matrix[j:, :j], known.labels[j:]
    weights = cho_solve(cho_factor(known.between, lower=True), across.T).T
    left = known.matrix[j:, j:] - weights @ across.T
    factor = np.linalg.cholesky(0.5 * (left + left.T)) if labels else left
    hashes = pd.util.hash_array(np.array(labels, dtype=object), categorize=False)
    return Relatives(labels, weights, factor, hashes)


def uncovered(factor: str, name: str, rows: Mapping[str, int]) -> DataError:
    """Say that a known covariance lacks groups whose effects are wanted.

    Parameters
    ----------
    rows
        By label, how many rows each of the groups has.
    """
    groups = "1 group" if len(rows) == 1 else f"{len(rows):,} groups"
    return build(
        DataError,
        f"Factor {factor!r} has {groups} that neither the fit nor the covariance {name!r} has, in "
        f"{count_rows(sum(rows.values()))}: {first_labels(rows)}. Nothing says how they are related to the "
        "groups of the fit.",
        hint=HINT,
    )
