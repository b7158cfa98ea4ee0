"""All that the log density needs, as one record of arrays, and its form as a table of addresses.

Kernels get the table and read from it the few arrays they need: passing dozens of arrays from function to
function made compiling several times slower.

n cells, S statistics, C columns, P predictors, K population-level coefficients, T blocks of group effects
(terms), E coordinates of a group's effects (over all terms), B parameter blocks that make V values of F free
numbers, the coefficients' first.
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

    sizes: Integers  # (6,): n, P, T, family block's address, S, address of `likelihood.native_share`
    rows: Integers  # (2 (S + P + C),) statistics, offsets, covariates of (n,): see `packed_rows.row_table`
    coef_start: Integers  # (P + 1,) range of each predictor's coefficients
    coef_column: Integers  # (K,)
    coef_form: Integers  # (K,) what it is of its value, see `kernels.density.constrained.VALUE` and after
    coef_centre: Floats  # (K,) of the coefficients' free numbers
    coef_scale: Floats  # (K, K) lower triangular: free numbers = centre + scale @ coordinates
    coef_expansion: Floats  # (K,) coefficients at the centre, as the predictor uses them
    hyper_centre: Floats  # (F,) free = centre + scale x coordinate, for free numbers from K on
    hyper_scale: Floats  # (F,)
    block_forward: Integers  # (B,) address of each block's constraint
    block_backward: Integers  # (B,) and of its derivative
    block_place: Integers  # (3 (B + 1),) where each block's free numbers, values and constants start
    block_constants: Floats  # all blocks' constants, flat
    value_place: Integers  # (V,) position of each value in a draw, or -1
    prior_address: Integers  # (M,) of the blocks of priors of single values
    prior_value: Integers  # (M,) the value that each is of
    prior_place: Integers  # (M,) where its constants start
    prior_constants: Floats  # all priors' constants, flat
    anchor_prior: Integers  # (A,) addresses of priors of combinations of coefficients
    anchor_prior_place: Integers  # (A,) where their constants start
    anchor_weights: Floats  # (A, K) the combinations
    slot_start: Integers  # (P + 1,) range of each predictor's slots
    slots: Integers  # (S, 6) see `SLOT_TERM` and after
    term_coefs: Integers  # (T, 2) range of the coefficients of each term's predictors
    term_size: Integers  # (T,) J
    scale_coef: Integers  # (T,) coefficient that scales the term's information, or -1
    scale_power: Floats  # (T,) information = exp(power (coefficient - its expansion)) x information there
    term_start: Integers  # (T + 1,) range of each term's coefficients in E
    group_index: NDArray[np.int32]  # (I, n) groups of the cells, a row for each index that slots read
    run_start: Integers  # (I + 1,) range of each index's runs of cells of one group; empty: read group_index
    run_end: NDArray[np.int32]  # all indices', flat: the cell after each run
    run_group: NDArray[np.int32]  # the same: its group
    effect_prior: Integers  # (E,) address of a fixed prior's block, or 0 for Normal(0, sd)
    effect_prior_parameters: Floats  # (E, 4)
    effect_value: Integers  # (E,)
    effect_position: Integers  # (T,) coordinates of group j are at + j * d
    sd_source: Integers  # (E,) the value that the sd is, or -1
    sd_fixed: Floats  # (E,) the sd where it is no value
    sd_value: Integers  # (E,)
    corr_source: Integers  # (T,) the first of the (d, d) values of the correlations' factor, or -1
    corr_value: Integers  # (T,)
    information: Floats  # all terms' (J, d, d), flat: expected curvature of each group
    pull: Floats  # all terms' (J, d), flat: curvature times mode plus gradient
    cross: Floats  # all terms' (J, d, K of the predictor), flat: cross curvature
    effect_expansion: Floats  # all terms' (J, d), flat: effects where the quadratic was taken
    rotation_place: Integers  # (T,) where each term's rotation starts, or -1
    rotation: Floats  # (J, J) of the terms that have one, flat: effects = rotation @ independent effects
    term_place: Integers  # (4 (T + 1),) see `PLACES`
    term_order: Integers  # (T,) terms, each after the terms its groups lie in
    link_start: Integers  # (T + 1,) range of each term's links
    link_term: Integers  # (links,) the term whose groups the term's groups lie in
    link_place: Integers  # (2 links,) where each link starts in link_group and in link_cross
    link_group: Integers  # all links' (J,), flat: the group that each group lies in
    link_cross: Floats  # all links' (J, d, d of the outer term), flat: cross curvature
    joint: Integers  # of coefficients and effects with a map of all together, or empty: see `JOINT_FORWARD`
    joint_curvature: Floats  # (r, r) of the rest: see `kernels.density.joint`
    joint_cross: Floats  # (J d, r) of the largest block with the rest
    joint_pull: Floats  # (2, J d + r) by the data and by priors
    joint_prior: Floats  # (k, k) prior precision of the coefficients' coordinates
    share_start: Integers  # (shares + 1,) range of each share's cells
    share_place: Integers  # (shares + 1,) range of each share's sums of derivatives
    share_term: Integers  # (shares T, 3) see `SHARE_FIRST` and after
    team: Integers  # whose threads take shares, see `thread_team`; empty: the calling thread takes all


# Row of each array in the table.
(
    SIZES,
    ROWS,
    COEF_START,
    COEF_COLUMN,
    COEF_FORM,
    COEF_CENTRE,
    COEF_SCALE,
    COEF_EXPANSION,
    HYPER_CENTRE,
    HYPER_SCALE,
    BLOCK_FORWARD,
    BLOCK_BACKWARD,
    BLOCK_PLACE,
    BLOCK_CONSTANTS,
    VALUE_PLACE,
    PRIOR_ADDRESS,
    PRIOR_VALUE,
    PRIOR_PLACE,
    PRIOR_CONSTANTS,
    ANCHOR_PRIOR,
    ANCHOR_PRIOR_PLACE,
    ANCHOR_WEIGHTS,
    SLOT_START,
    SLOTS,
    TERM_COEFS,
    TERM_SIZE,
    SCALE_COEF,
    SCALE_POWER,
    TERM_START,
    GROUP_INDEX,
    RUN_START,
    RUN_END,
    RUN_GROUP,
    EFFECT_PRIOR,
    EFFECT_PRIOR_PARAMETERS,
    EFFECT_VALUE,
    EFFECT_POSITION,
    SD_SOURCE,
    SD_FIXED,
    SD_VALUE,
    CORR_SOURCE,
    CORR_VALUE,
    INFORMATION,
    PULL,
    CROSS,
    EFFECT_EXPANSION,
    ROTATION_PLACE,
    ROTATION,
    TERM_PLACE,
    TERM_ORDER,
    LINK_START,
    LINK_TERM,
    LINK_PLACE,
    LINK_GROUP,
    LINK_CROSS,
    JOINT,
    JOINT_CURVATURE,
    JOINT_CROSS,
    JOINT_PULL,
    JOINT_PRIOR,
    SHARE_START,
    SHARE_PLACE,
    SHARE_TERM,
    TEAM,
) = range(len(DensityInputs._fields))

# Where a term's numbers start, four to a term and four for the end: in all effects, in the information, in
# the cross curvature, and in the covariances (their factor and the derivative by it).
PLACES = 4
# A slot adds a column times a coordinate of a group's effects to its predictor: the term and the coordinate,
# where the first group's effect stands among all effects and how far it is to the next group's, the covariate
# (-1 for ones), and the row of `group_index` that says which group each cell reads.
SLOT_TERM, SLOT_COORDINATE, SLOT_PLACE, SLOT_STRIDE, SLOT_COLUMN, SLOT_INDEX = range(6)
# What a share needs to know of a term: the range of its effects that the share's cells can have, and where
# effect 0 would be among the share's sums by effects.
SHARE_FIRST, SHARE_STOP, SHARE_ZERO = range(3)
# Of a joint map: addresses of the map and of its derivative, the range of its coefficients, the largest
# block, how many numbers the rest are, and from `JOINT_PLACES` on where each term stands among the rest, or
# NOT_JOINT; the largest block stands nowhere there.
JOINT_FORWARD, JOINT_BACKWARD, JOINT_FIRST, JOINT_STOP, JOINT_LARGEST, JOINT_SIZE, JOINT_PLACES = range(7)
NOT_JOINT = -1
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
