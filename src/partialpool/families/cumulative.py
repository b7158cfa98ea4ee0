"""Ordered categories: a latent predictor and thresholds between the categories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from partialpool.constraints.base import Constraint
from partialpool.constraints.ordered import Ordered
from partialpool.errors import DataError, build
from partialpool.families.base import MAIN, Array
from partialpool.families.categories import CategoryFamily
from partialpool.families.links import LINKS, log_expits
from partialpool.families.support import OutcomeLike
from partialpool.kernels.math.special import mills_ratio
from partialpool.kernels.math.vectorised import (
    exponential,
    exponential_less_one,
    log_one_plus_any,
    log_one_plus_ratio,
    logarithm,
    where,
)
from partialpool.kernels.native.compiling import inlined
from partialpool.priors.base import AtMeans, Prior
from partialpool.priors.student_t import StudentT

LOG_SQRT_TWO_PI = 0.9189385332046727
THRESHOLD = "threshold"


@inlined
def _logistic(x):
    """Log of F(x) and of 1 - F(x), F(x) and its derivative, F the logistic distribution function."""
    log_rest, smaller, larger = log_one_plus_ratio(exponential(-abs(x)), 1.0)
    p = where(x >= 0.0, larger, smaller)
    return min(x, 0.0) - log_rest, -max(x, 0.0) - log_rest, p, smaller * larger


@inlined
def _logit_first(a):
    """Log of F(a), its derivative by a, and minus its second derivative."""
    log_p, _, p, slope = _logistic(a)
    return log_p, 1.0 - p, slope


@inlined
def _logit_last(b):
    """Log of 1 - F(b), its derivative by b, and minus its second derivative."""
    _, log_q, p, slope = _logistic(b)
    return log_q, -p, slope


@inlined
def _logit_between(a, b):
    """Log of F(a) - F(b), derivatives by a and b, and minus the second ones by (a, a), (a, b), (b, b).

    F(a) - F(b) = F(a) (1 - F(b)) (1 - exp(b - a)), of which no digits are lost however near a and b are.
    """
    log_a, _, p_a, slope_a = _logistic(a)
    _, log_b, p_b, slope_b = _logistic(b)
    apart = -exponential_less_one(b - a)
    ratio = (1.0 - apart) / apart
    both = ratio * (1.0 + ratio)
    value = log_a + log_b + logarithm(apart)
    return value, 1.0 - p_a + ratio, -p_b - ratio, slope_a + both, -both, slope_b + both


@inlined
def _log_normal_cdf(x):
    """Log of Phi(x), Phi the normal distribution function."""
    log_density = -0.5 * x * x - LOG_SQRT_TWO_PI
    mills = mills_ratio(abs(x))
    return where(
        x <= 0.0, log_density + logarithm(mills), log_one_plus_any(-exponential(log_density) * mills)
    )


@inlined
def _probit_first(a):
    log_p = _log_normal_cdf(a)
    slope = exponential(-0.5 * a * a - LOG_SQRT_TWO_PI - log_p)
    return log_p, slope, slope * (slope + a)


@inlined
def _probit_last(b):
    log_q, slope, curvature = _probit_first(-b)
    return log_q, -slope, curvature


@inlined
def _probit_between(a, b):
    """The same as `_logit_between`, of Phi.

    Phi(a) - Phi(b) = Phi(-b) - Phi(-a): of the two the one in the left tail is taken, whose logs have all
    their digits.
    """
    mirrored = a + b > 0.0
    up, down = where(mirrored, -b, a), where(mirrored, -a, b)
    log_up = _log_normal_cdf(up)
    apart = -exponential_less_one(_log_normal_cdf(down) - log_up)
    value = log_up + logarithm(max(apart, 1e-300))
    by_a = exponential(-0.5 * a * a - LOG_SQRT_TWO_PI - value)
    by_b = -exponential(-0.5 * b * b - LOG_SQRT_TWO_PI - value)
    return value, by_a, by_b, by_a * (by_a + a), by_a * by_b, by_b * (by_b + b)


def _cell(first_of: Callable[..., Any], last_of: Callable[..., Any], between: Callable[..., Any]) -> Any:
    """Make the cell function of one distribution function F.

    Predictor 0 is mu, predictor k the threshold c_k; category k has the probability
    F(c_(k+1) - mu) - F(c_k - mu), without the second part for the first category and with 1 in place of the
    first part for the last one.
    """

    @inlined
    def cell(stats, i, eta, first, second):
        n_thresholds, mu, total = eta.shape[0] - 1, eta[0, i], 0.0
        for p in range(first.shape[0]):
            first[p, i] = 0.0
        for pair in range(second.shape[0]):
            second[pair, i] = 0.0
        for k in range(n_thresholds + 1):
            count = stats[1 + k, i]
            if count == 0.0:
                continue
            # Predictors k and k + 1 are the thresholds below and above; by mu, minus the sum of theirs.
            value, by_a, by_b, aa, ab, bb = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            if k == 0:
                value, by_a, aa = first_of(eta[1, i] - mu)
            elif k == n_thresholds:
                value, by_b, bb = last_of(eta[k, i] - mu)
            else:
                value, by_a, by_b, aa, ab, bb = between(eta[k + 1, i] - mu, eta[k, i] - mu)
            total += count * value
            if first.shape[0] > 0:
                first[0, i] -= count * (by_a + by_b)
                if k < n_thresholds:
                    first[k + 1, i] += count * by_a
                if k > 0:
                    first[k, i] += count * by_b
            if second.shape[0] > 0:
                above, below = (k + 1) * (k + 2) // 2, k * (k + 1) // 2  # pairs (k + 1, 0) and (k, 0)
                second[0, i] += count * (aa + 2.0 * ab + bb)
                if k < n_thresholds:
                    second[above, i] -= count * (aa + ab)
                    second[above + k + 1, i] += count * aa
                if k > 0:
                    second[below, i] -= count * (bb + ab)
                    second[below + k, i] += count * bb
                if k > 0 and k < n_thresholds:
                    second[above + k, i] += count * ab
        return total

    return cell


logit_cell = _cell(_logit_first, _logit_last, _logit_between)
probit_cell = _cell(_probit_first, _probit_last, _probit_between)


@dataclass(frozen=True)
class Cumulative(CategoryFamily):
    """Ordered categories: P(y <= category k) = F(threshold[k] - mu).

    F is the logistic distribution function (the proportional odds model: McCullagh 1980) with the link logit,
    the normal one with the link probit. The K - 1 ascending thresholds take the place of mu's intercept.
    Outcomes are an ordered categorical column, or whole numbers.

    Parameters
    ----------
    link
        ``"logit"`` or ``"probit"``.

    Examples
    --------
    >>> Cumulative().link
    'logit'
    >>> Cumulative(names=("low", "mid", "high"), codes=(0.0, 1.0, 2.0)).parameters
    ('mu', 'threshold[1]', 'threshold[2]')
    """

    name = "cumulative"
    cells = {"logit": logit_cell, "probit": probit_cell}  # noqa: RUF012
    intercept = False
    needs_order = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "parameters", (MAIN, *self.thresholds))

    @property
    def thresholds(self) -> tuple[str, ...]:
        """Names of the thresholds."""
        return tuple(f"{THRESHOLD}[{k}]" for k in range(1, len(self.names)))

    @property
    def vector_values(self) -> tuple[str, ...]:
        """The thresholds."""
        return self.thresholds

    @property
    def links(self) -> dict[str, str]:
        """All predictors are on the scale of the thresholds."""
        return dict.fromkeys(self.parameters, "identity")

    def check(self, outcome: OutcomeLike) -> None:
        """Raise unless categories are in order, by their numbers or by the user."""
        super().check(outcome)
        if outcome.levels is not None and not outcome.ordered:
            raise build(
                DataError,
                f"The labels of outcome {outcome.name!r} have no order: {', '.join(outcome.levels[:10])}.",
                allowed="an ordered categorical column, or whole numbers",
                hint=f"table[{outcome.name!r}] = pd.Categorical(table[{outcome.name!r}], "
                "[<lowest>, ..., <highest>], ordered=True); family='categorical' for labels without an order",
            )

    def constraint(self, parameter: str, prior: Prior) -> Constraint:
        """Thresholds ascend."""
        return Ordered()

    def typical(self, outcome: OutcomeLike, offset: Array | None) -> dict[str, float]:
        """Thresholds that give the categories their shares where mu is zero."""
        forward, below = LINKS[self.link].forward, np.cumsum(self.shares(outcome))[:-1]
        return {MAIN: 0.0} | dict(zip(self.thresholds, map(forward, below.tolist()), strict=True))

    def auxiliary_prior(self, parameter: str, scale: float) -> Prior:
        """Student t with 3 degrees of freedom and scale 2.5, where every predictor is at its mean."""
        return AtMeans(StudentT(3, 0, 2.5))

    def log_probability(self, k: int, linear: Mapping[str, Array]) -> Array:
        """Log of the difference of F at the thresholds above and below category k."""
        mu, last = linear[MAIN], len(self.thresholds)
        if k == last:
            return self._logs(linear[self.thresholds[-1]] - mu)[1]
        above = linear[self.thresholds[k]] - mu
        return self._log_between(above, linear[self.thresholds[k - 1]] - mu) if k else self._logs(above)[0]

    def cumulated(self, n: int, linear: Mapping[str, Array]) -> Array:
        """F at the threshold above the first n categories."""
        if n in (0, len(self.names)):
            return super().cumulated(n, linear)
        return np.exp(self._logs(linear[self.thresholds[n - 1]] - linear[MAIN])[0])

    def _logs(self, x: Array) -> tuple[Array, Array]:
        """Logs of F and of 1 - F."""
        if self.link == "logit":
            return log_expits(x)
        from scipy.special import log_ndtr

        return np.asarray(log_ndtr(x)), np.asarray(log_ndtr(-x))

    def _log_between(self, a: Array, b: Array) -> Array:
        """Log of F(a) - F(b)."""
        if self.link == "logit":
            return self._logs(a)[0] + self._logs(b)[1] + np.log(-np.expm1(b - a))
        mirrored = a + b > 0
        up, down = self._logs(np.where(mirrored, -b, a))[0], self._logs(np.where(mirrored, -a, b))[0]
        return np.asarray(up + np.log(-np.expm1(down - up)))

    def average(self, linear: Mapping[str, Array], sd: Array) -> Array:
        """Differences of averages of F."""
        average, upto = LINKS[self.link].average, np.empty((*np.shape(sd), len(self.names) + 1))
        upto[..., 0], upto[..., -1] = 0.0, 1.0
        for k, threshold in enumerate(self.thresholds, 1):
            upto[..., k] = average(np.broadcast_to(linear[threshold] - linear[MAIN], np.shape(sd)), sd)
        return np.diff(upto, axis=-1)

    def subject(self, parameter: str) -> str:
        """Where a row is between the thresholds."""
        scale = "log-odds" if self.link == "logit" else self.link
        return f"its position between the {len(self.thresholds)} thresholds, on the {scale} scale,"

    @property
    def stan(self) -> str:
        """``ordered_logistic`` or ``ordered_probit``."""
        return f"ordered_{'logistic' if self.link == 'logit' else 'probit'}({{mu}}, {{{THRESHOLD}}})"

    @property
    def equation(self) -> str:
        """``OrderedLogistic(mu, threshold)``."""
        return f"Ordered{'Logistic' if self.link == 'logit' else 'Probit'}(mu, {THRESHOLD})"
