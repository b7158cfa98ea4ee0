"""Convergence and precision of many variables at once: R-hat, effective sample sizes, Monte Carlo errors.

The definitions are those of Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), "Rank-normalization,
folding, and localization: an improved R-hat for assessing convergence of MCMC", Bayesian Analysis 16(2), and
the numbers agree with arviz_stats. That computes one variable at a time, in milliseconds each; here blocks
of variables share their ranks and Fourier transforms, because models have thousands of group effects.

Shapes use V for variables, C for chains, D for draws of a chain, M = 2C and L = D // 2 for half chains.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.cores import available_cores

Floats = NDArray[np.float64]

MIN_DRAWS = 4
MAX_R_HAT = 1.01
MIN_ESS_PER_CHAIN = 100
CHANCE = 0.01  # that some R-hat of a fit is called too large although all chains have converged
CHANCE_R_HAT = 1.02  # above which none is put down to chance
TAIL = (0.05, 0.95)
_BLOCK_VALUES = 2**17  # a block and what is made from it stay in a core's cache
_ROUNDING = 8 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class Convergence:
    """Monte Carlo precision and convergence of each variable; each array is (V,).

    Attributes
    ----------
    mean, sd
        Of all draws together; ``sd`` divides by their number, as ArviZ does.
    mcse_mean, mcse_sd
        Monte Carlo standard errors; zero for a constant.
    ess_bulk, ess_tail
        Effective sample sizes; the tail's is the smaller of those of the 5% and the 95% quantile. For a
        constant the number of draws, as ArviZ has it.
    r_hat
        Rank-normalised split R-hat. NaN for a constant, where there is nothing to compare, and for one chain.
    """

    mean: Floats
    sd: Floats
    mcse_mean: Floats
    mcse_sd: Floats
    ess_bulk: Floats
    ess_tail: Floats
    r_hat: Floats


def convergence(values: Floats) -> Convergence:
    """Measure every variable of a set of draws.

    Parameters
    ----------
    values
        (C, D, V). A variable with any value that is not finite gets NaN everywhere; with fewer than four
        draws a chain only mean and sd are known.

    Returns
    -------
    Arrays of V figures.
    """
    n_chains, n_draws, n_variables = values.shape
    step = max(1, _BLOCK_VALUES // (n_chains * n_draws))
    blocks = [values[:, :, start : start + step] for start in range(0, n_variables, step)]
    if len(blocks) == 1:
        return Convergence(*_measure(values))
    with ThreadPoolExecutor(available_cores()) as pool:
        return Convergence(*np.concatenate(list(pool.map(_measure, blocks)), axis=1))


def disagreeing(figures: Convergence, n_chains: int, n_draws: int) -> NDArray[np.bool_]:
    """Say of which variables the chains disagree: R-hat is above 1.01, and by more than chance.

    The means of M = 2 C half chains of the same distribution, each of ESS / M independent draws, have
    R-hat^2 = 1 - 1 / L + chi^2 M / ((M - 1) ESS) with M - 1 degrees of freedom. So of 500 values with an ESS
    of 1,000 seven are above 1.01. Variables with enough effective draws are said to disagree where so large
    an R-hat, or the folded one, of any of V variables has a probability below 1%.

    Parameters
    ----------
    figures
        Of V variables.
    n_chains, n_draws
        C and D.
    """
    from scipy.special import chdtrc

    m, length = 2 * n_chains, n_draws // 2
    square = (figures.r_hat**2 - 1 + 1 / length) * (m - 1) * figures.ess_bulk / m
    probability = 2 * len(square) * chdtrc(m - 1, np.maximum(square, 0.0))
    enough = figures.ess_bulk >= MIN_ESS_PER_CHAIN * n_chains
    chance = enough & (figures.r_hat < CHANCE_R_HAT) & (probability > CHANCE)
    return np.asarray((figures.r_hat > MAX_R_HAT) & ~chance)


def _measure(block: Floats) -> Floats:
    """Compute the seven figures of each variable of a (C, D, V) block; (7, V)."""
    x = np.ascontiguousarray(np.moveaxis(block, -1, 0), dtype=np.float64)
    finite: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(x), axis=(1, 2))
    if not finite.all():
        x = np.where(finite[:, np.newaxis, np.newaxis], x, 0.0)
    figures = np.full((7, len(x)), np.nan)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        figures[0], figures[1] = x.mean(axis=(1, 2)), x.std(axis=(1, 2))
        if x.shape[-1] >= MIN_DRAWS:
            figures[2:] = _diagnostics(x)
    if x.shape[-1] >= MIN_DRAWS:
        n_values = x[0].size
        spread: Floats = x.max(axis=(1, 2)) - x.min(axis=(1, 2))
        constant = spread <= _ROUNDING * np.abs(x).max(axis=(1, 2))
        figures[1:, constant] = np.array([0.0, 0.0, 0.0, n_values, n_values, np.nan])[:, np.newaxis]
    figures[:, ~finite] = np.nan
    return figures


def _diagnostics(x: Floats) -> Floats:
    """Compute mcse_mean, mcse_sd, ess_bulk, ess_tail and r_hat of (V, C, D) draws; (5, V)."""
    flat = x.reshape(len(x), -1)
    halves = _split(x)
    scores = _normal_scores(halves)
    mcse_mean, mcse_sd = _monte_carlo_errors(flat, _ess(halves))
    low, high = np.quantile(flat, TAIL, axis=1)[..., np.newaxis, np.newaxis]
    ess_tail = np.minimum(_ess(_split(x <= low)), _ess(_split(x <= high)))
    if x.shape[1] == 1:
        r_hat = np.full(len(x), np.nan)
    else:
        centre = np.median(halves.reshape(len(x), -1), axis=1)[:, np.newaxis, np.newaxis]
        r_hat = np.fmax(_r_hat(scores), _r_hat(_normal_scores(np.abs(halves - centre))))
    return np.stack([mcse_mean, mcse_sd, _ess(scores), ess_tail, r_hat])


def _monte_carlo_errors(flat: Floats, ess: Floats) -> tuple[Floats, Floats]:
    """Give the standard errors of mean and sd of (V, N) draws whose effective sample size is `ess`."""
    squares = (flat - flat.mean(axis=1, keepdims=True)) ** 2
    variance = squares.mean(axis=1)
    variance_of_variance = ((squares**2).mean(axis=1) - variance**2) / ess
    return flat.std(axis=1, ddof=1) / np.sqrt(ess), np.sqrt(variance_of_variance / variance / 4)


def _split(x: NDArray[np.generic]) -> Floats:
    """Halve each chain, leaving out the middle draw of an odd number: (V, C, D) to (V, M, L)."""
    half = x.shape[-1] // 2
    return np.concatenate([x[..., :half], x[..., -half:]], axis=1, dtype=np.float64)


def _normal_scores(halves: Floats) -> Floats:
    """Replace draws by the normal quantiles of their ranks (Blom), ties sharing their mean rank."""
    from scipy.special import ndtri

    n_variables, n = len(halves), halves[0].size
    flat = halves.reshape(n_variables, n)
    order = np.argsort(flat, axis=1) + n * np.arange(n_variables)[:, np.newaxis]
    ordered = flat.ravel()[order]
    rises = np.ones(flat.shape, dtype=bool)
    rises[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    runs = np.flatnonzero(rises)
    lengths = np.diff(runs, append=flat.size)
    doubled_ranks = np.arange(2, 2 * n + 1)
    quantiles = ndtri((doubled_ranks / 2 - 3 / 8) / (n + 1 / 4))
    scores = np.empty(flat.size)
    scores[order.ravel()] = np.repeat(quantiles[2 * (runs % n) + lengths - 1], lengths)
    return scores.reshape(halves.shape)


def _r_hat(scores: Floats) -> Floats:
    """Compare the variance between half chains with that within, (V, M, L) to (V,)."""
    length = scores.shape[-1]
    between = length * scores.mean(axis=-1).var(axis=-1, ddof=1)
    within = scores.var(axis=-1, ddof=1).mean(axis=-1)
    r_hat: Floats = np.sqrt((between / within + length - 1) / length)
    return r_hat


def _ess(halves: Floats) -> Floats:
    """Estimate the effective sample size of half chains, (V, M, L) to (V,)."""
    _, n_halves, length = halves.shape
    total = n_halves * length
    tau = _geyer_sum(_autocorrelation(halves))
    ess: Floats = total / np.maximum(tau, 1 / np.log10(total))
    ess[np.ptp(halves, axis=(1, 2)) == 0] = total
    return ess


def _autocorrelation(halves: Floats) -> Floats:
    """Estimate the correlation at each lag from all half chains together, (V, M, L) to (V, L)."""
    from scipy.fft import next_fast_len

    length = halves.shape[-1]
    means = halves.mean(axis=-1, keepdims=True)
    padded = next_fast_len(2 * length, real=True)
    spectrum = np.fft.rfft(halves - means, n=padded)
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=1)
    covariance = np.fft.irfft(power, n=padded)[:, :length] / length
    within = covariance[:, :1] * length / (length - 1)
    overall = covariance[:, :1] + means[..., 0].var(axis=1, ddof=1)[:, np.newaxis]
    correlation: Floats = 1 - (within - covariance) / overall
    correlation[:, 0] = 1.0
    return correlation


def _geyer_sum(correlation: Floats) -> Floats:
    """Sum 1 + 2 rho_1 + 2 rho_2 + ... over Geyer's initial monotone sequence, (V, L) to (V,).

    Lags go in pairs (0, 1), (2, 3), ...: the sum stops before the first pair that is not positive, no
    pair counts for more than the one before it, and the even lag of the last pair still counts once.
    """
    n_pairs = max(1, (correlation.shape[1] - 1) // 2)
    even = correlation[:, : 2 * n_pairs : 2]
    pairs = even + correlation[:, 1 : 2 * n_pairs : 2]
    kept = np.logical_and.accumulate(pairs[:, :-1] > 0, axis=1)
    falling = np.minimum.accumulate(pairs[:, :-1], axis=1)
    last = kept.sum(axis=1, keepdims=True)
    last_even = np.take_along_axis(even, last, axis=1)[:, 0]
    last_pair = np.take_along_axis(pairs, last, axis=1)[:, 0]
    remainder = np.where((last_even > 0) | (last_pair >= 0), last_even, 0.0)
    total: Floats = -1 + 2 * np.where(kept, falling, 0.0).sum(axis=1) + remainder
    return total
