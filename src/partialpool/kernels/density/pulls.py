"""The pull of the data on each group's effects, given the coefficients and the effects of outer groups.

h_j = scale (pull_j - cross_j (beta - beta^) - sum over links X_j (b_p(j) - b^_p(j))): where other parameters
have moved from the point of expansion, a group's own effects make up for it.
"""

from __future__ import annotations

from partialpool.kernels.density.inputs import (
    CROSS,
    EFFECT_EXPANSION,
    LINK_CROSS,
    LINK_GROUP,
    LINK_PLACE,
    LINK_START,
    LINK_TERM,
    PLACES,
    PULL,
    TERM_PLACE,
    TERM_START,
)
from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import floats_at, integers_at, vector_in


@kernel
def _link(data, link):
    """A link's (J,) outer groups and its (J, d, outer d) cross curvature, both flat and open at the end."""
    place = integers_at(data, LINK_PLACE)
    return (
        integers_at(data, LINK_GROUP)[place[2 * link] :],
        floats_at(data, LINK_CROSS)[place[2 * link + 1] :],
    )


@kernel
def pulls_forward(data, t, deviation, scale, effects, out):
    """Write term t's scaled pulls into (J, d).

    effects are all terms', those of outer terms done already.
    """
    size, d = out.shape
    n_coef = deviation.shape[0]
    place = integers_at(data, TERM_PLACE)
    pull = floats_at(data, PULL)[place[PLACES * t] :]
    cross = floats_at(data, CROSS)[place[PLACES * t + 2] :]
    rows = vector_in(out, 0, size * d)
    for row in range(size * d):
        rows[row] = pull[row]
    # Coefficients are few and groups many: the long loop is the inner one.
    for k in range(n_coef):
        moved = deviation[k]
        for row in range(size * d):
            rows[row] -= cross[row * n_coef + k] * moved
    term_start, link_start = integers_at(data, TERM_START), integers_at(data, LINK_START)
    expansion = floats_at(data, EFFECT_EXPANSION)
    for link in range(link_start[t], link_start[t + 1]):
        s = integers_at(data, LINK_TERM)[link]
        outer = term_start[s + 1] - term_start[s]
        group, own = _link(data, link)
        for j in range(size):
            first = place[PLACES * s] + group[j] * outer
            for a in range(d):
                for c in range(outer):
                    out[j, a] -= own[(j * d + a) * outer + c] * (effects[first + c] - expansion[first + c])
    for row in range(size * d):
        rows[row] *= scale


@kernel
def pulls_backward(data, t, scale, pull_bar, deviation_bar, effects_bar):
    """From the derivatives by term t's (J, d) pulls add those by coefficients and outer effects."""
    size, d = pull_bar.shape
    n_coef = deviation_bar.shape[0]
    place = integers_at(data, TERM_PLACE)
    cross = floats_at(data, CROSS)[place[PLACES * t + 2] :]
    rows_bar = vector_in(pull_bar, 0, size * d)
    for k in range(n_coef):
        total = 0.0
        for row in range(size * d):
            total += cross[row * n_coef + k] * rows_bar[row]
        deviation_bar[k] -= scale * total
    term_start, link_start = integers_at(data, TERM_START), integers_at(data, LINK_START)
    for link in range(link_start[t], link_start[t + 1]):
        s = integers_at(data, LINK_TERM)[link]
        outer = term_start[s + 1] - term_start[s]
        group, own = _link(data, link)
        for j in range(size):
            first = place[PLACES * s] + group[j] * outer
            for a in range(d):
                for c in range(outer):
                    effects_bar[first + c] -= own[(j * d + a) * outer + c] * scale * pull_bar[j, a]
