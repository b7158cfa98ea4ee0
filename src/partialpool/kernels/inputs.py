"""All that the log density needs, as one record of arrays, and its form as a table of addresses.

Kernels get the table and read from it the few arrays they need: passing some forty arrays from function to
function made compiling several times slower.

n cells, S statistics, C columns, P predictors, K population-level coefficients, T group-level terms, E
group-level coefficients (over all terms), Q sampler coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class DensityInputs(NamedTuple):
    """Arrays of one model and one choice of sampler coordinates.

    A column number of -1 stands for a column of ones. Positions are in the sampler's vector
    (``*_position``) or in the flat vector of a draw (``*_value``); -1 means that there is none.
    """

    sizes: Integers  # (6,): n, P, T, family block's address, S, address of `kernels.likelihood.native_share`
    rows: Integers  # (2 (S + P + C),) statistics, offsets, covariates of (n,): see `kernels.rows.row_table`
    coef_start: Integers  # (P + 1,) range of each predictor's coefficients
    coef_column: Integers  # (K,)
    coef_logged: Integers  # (K,) 1 when the coefficient is the log of the parameter
    coef_transform: Integers  # (K,) 0 identity, 1 exponential, 2 interval
    coef_bounds: Floats  # (K, 2)
    coef_prior: Integers  # (K,) address of the prior's block
    coef_prior_parameters: Floats  # (K, 4)
    coef_value: Integers  # (K,)
    coef_centre: Floats  # (K,) of the unconstrained coefficients
    coef_scale: Floats  # (K, K) lower triangular: unconstrained = centre + scale @ coordinate
    coef_expansion: Floats  # (K,) coefficients at the centre, as the predictor uses them
    anchor: Integers  # (P,) coefficient whose prior holds at the predictors' means, or -1
    anchor_weights: Floats  # (K,) those means
    term_predictor: Integers  # (T,)
    term_size: Integers  # (T,) J
    scale_coef: Integers  # (T,) coefficient that scales the term's information, or -1
    scale_power: Floats  # (T,) information = exp(power (coefficient - its expansion)) x information there
    term_start: Integers  # (T + 1,) range of each term's coefficients in E
    group_index: NDArray[np.int32]  # (T, n)
    run_start: Integers  # (T + 1,) range of each term's runs of cells of one group; empty: read group_index
    run_end: NDArray[np.int32]  # all terms', flat: the cell after each run
    run_group: NDArray[np.int32]  # the same: its group
    effect_column: Integers  # (E,)
    effect_prior: Integers  # (E,) address of a fixed prior's block, or 0 for Normal(0, sd)
    effect_prior_parameters: Floats  # (E, 4)
    effect_value: Integers  # (E,)
    effect_position: Integers  # (T,) coordinates of group j are at + j * d
    sd_position: Integers  # (E,)
    sd_fixed: Floats  # (E,) the sd where it has no position
    sd_transform: Integers  # (E,)
    sd_bounds: Floats  # (E, 2)
    sd_prior: Integers  # (E,)
    sd_prior_parameters: Floats  # (E, 4)
    sd_value: Integers  # (E,)
    corr_position: Integers  # (T,)
    corr_value: Integers  # (T,)
    corr_eta: Floats  # (T,) of the LKJ prior
    hyper_centre: Floats  # (Q,) used at positions of sds and correlations
    hyper_scale: Floats  # (Q,)
    information: Floats  # all terms' (J, d, d), flat: expected curvature of each group
    pull: Floats  # all terms' (J, d), flat: curvature times mode plus gradient
    cross: Floats  # all terms' (J, d, K of the predictor), flat: cross curvature
    effect_expansion: Floats  # all terms' (J, d), flat: effects where the quadratic was taken
    term_place: Integers  # (4 (T + 1),) see `PLACES`
    term_order: Integers  # (T,) terms, each after the terms its groups lie in
    link_start: Integers  # (T + 1,) range of each term's links
    link_term: Integers  # (links,) the term whose groups the term's groups lie in
    link_place: Integers  # (2 links,) where each link starts in link_group and in link_cross
    link_group: Integers  # all links' (J,), flat: the group that each group lies in
    link_cross: Floats  # all links' (J, d, d of the outer term), flat: cross curvature
    share_start: Integers  # (shares + 1,) range of each share's cells
    share_place: Integers  # (shares + 1,) range of each share's sums of derivatives
    share_term: Integers  # (shares T, 4) see `SHARE_RUN` and after
    team: Integers  # whose threads take shares, see `kernels.team`; empty: the calling thread takes all


# Row of each array in the table.
(
    SIZES,
    ROWS,
    COEF_START,
    COEF_COLUMN,
    COEF_LOGGED,
    COEF_TRANSFORM,
    COEF_BOUNDS,
    COEF_PRIOR,
    COEF_PRIOR_PARAMETERS,
    COEF_VALUE,
    COEF_CENTRE,
    COEF_SCALE,
    COEF_EXPANSION,
    ANCHOR,
    ANCHOR_WEIGHTS,
    TERM_PREDICTOR,
    TERM_SIZE,
    SCALE_COEF,
    SCALE_POWER,
    TERM_START,
    GROUP_INDEX,
    RUN_START,
    RUN_END,
    RUN_GROUP,
    EFFECT_COLUMN,
    EFFECT_PRIOR,
    EFFECT_PRIOR_PARAMETERS,
    EFFECT_VALUE,
    EFFECT_POSITION,
    SD_POSITION,
    SD_FIXED,
    SD_TRANSFORM,
    SD_BOUNDS,
    SD_PRIOR,
    SD_PRIOR_PARAMETERS,
    SD_VALUE,
    CORR_POSITION,
    CORR_VALUE,
    CORR_ETA,
    HYPER_CENTRE,
    HYPER_SCALE,
    INFORMATION,
    PULL,
    CROSS,
    EFFECT_EXPANSION,
    TERM_PLACE,
    TERM_ORDER,
    LINK_START,
    LINK_TERM,
    LINK_PLACE,
    LINK_GROUP,
    LINK_CROSS,
    SHARE_START,
    SHARE_PLACE,
    SHARE_TERM,
    TEAM,
) = range(len(DensityInputs._fields))

# Where a term's numbers start, four to a term and four for the end: in all effects, in the information, in
# the cross curvature, and in the covariances (sds, correlation factor, their product, the derivative by it,
# free correlations).
PLACES = 4
# What a share needs to know of a term: how many of its runs come before the share's first cell, the range of
# its effects that the share's cells can have, and where effect 0 would be among the share's sums by effects.
SHARE_RUN, SHARE_FIRST, SHARE_STOP, SHARE_ZERO = range(4)
N_SLOTS = len(DensityInputs._fields)


def address_table(inputs: tuple[NDArray[Any], ...]) -> NDArray[np.int64]:
    """Describe a record's arrays by (address, length, second length).

    The arrays must stay alive, and unmoved, for as long as the table is used.
    """
    return np.array([_address_row(array) for array in inputs], np.int64)


def data_table(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """The same of some arrays of `DensityInputs` by name, for kernels that read no others."""
    rows = [_address_row(arrays[name]) if name in arrays else (0, 0, 0) for name in DensityInputs._fields]
    return np.array(rows, np.int64)


def _address_row(array: NDArray[Any]) -> tuple[int, int, int]:
    return (array.__array_interface__["data"][0], *(*array.shape, 0)[:2])
