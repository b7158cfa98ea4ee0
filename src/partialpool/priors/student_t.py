"""Student's t and Cauchy priors, whole and half."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.native.compiling import inlined
from partialpool.priors.base import Prior, number, require_finite, require_positive

LOG_TWO = 0.6931471805599453


@inlined
def _t(x, nu, mean, sd):
    z = (x - mean) / sd
    constant = (
        math.lgamma(0.5 * (nu + 1.0)) - math.lgamma(0.5 * nu) - 0.5 * math.log(nu * math.pi) - math.log(sd)
    )
    log_density = constant - 0.5 * (nu + 1.0) * math.log1p(z * z / nu)
    return log_density, -(nu + 1.0) * z / (nu + z * z) / sd


@inlined
def _student_t(x, p):
    return _t(x, p[0], p[1], p[2])


@inlined
def _half_student_t(x, p):
    log_density, slope = _t(x, p[0], 0.0, p[1])
    return log_density + LOG_TWO, slope


@inlined
def _cauchy(x, p):
    return _t(x, 1.0, p[0], p[1])


@inlined
def _half_cauchy(x, p):
    log_density, slope = _t(x, 1.0, 0.0, p[0])
    return log_density + LOG_TWO, slope


def _logpdf(x: NDArray[np.float64], nu: float, mean: float, sd: float) -> NDArray[np.float64]:
    z = (np.asarray(x, float) - mean) / sd
    constant = (
        math.lgamma(0.5 * (nu + 1)) - math.lgamma(0.5 * nu) - 0.5 * math.log(nu * math.pi) - math.log(sd)
    )
    return constant - 0.5 * (nu + 1) * np.log1p(z**2 / nu)


@dataclass(frozen=True)
class StudentT(Prior):
    """Student's t with nu degrees of freedom, a location and a scale.

    Parameters
    ----------
    nu
        Degrees of freedom, positive.
    mean
        Location.
    sd
        Scale, positive (the standard deviation only as nu grows).

    Examples
    --------
    >>> print(StudentT(3, 0, 2.5))
    StudentT(3, 0, 2.5)
    """

    nu: float
    mean: float
    sd: float
    kernel = _student_t

    def __post_init__(self) -> None:
        require_positive("StudentT", "nu", self.nu)
        require_finite("StudentT", "mean", self.mean)
        require_positive("StudentT", "sd", self.sd)

    @property
    def scale(self) -> float:
        """The scale."""
        return float(self.sd)

    def logpdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density."""
        return _logpdf(x, self.nu, self.mean, self.sd)

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = ()) -> NDArray[np.float64]:
        """Draw."""
        return np.asarray(self.mean + self.sd * rng.standard_t(self.nu, size))

    @property
    def stan(self) -> str:
        """``student_t(nu, mean, sd)``."""
        return f"student_t({number(self.nu)}, {number(self.mean)}, {number(self.sd)})"


@dataclass(frozen=True)
class HalfStudentT(Prior):
    """The positive half of StudentT(nu, 0, sd).

    Parameters
    ----------
    nu
        Degrees of freedom, positive.
    sd
        Scale, positive.

    Examples
    --------
    >>> print(HalfStudentT(3, 2.5))
    HalfStudentT(3, 2.5)
    """

    nu: float
    sd: float
    support = "positive"
    kernel = _half_student_t

    def __post_init__(self) -> None:
        require_positive("HalfStudentT", "nu", self.nu)
        require_positive("HalfStudentT", "sd", self.sd)

    @property
    def scale(self) -> float:
        """The scale."""
        return float(self.sd)

    def logpdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density, -inf below zero."""
        return np.where(np.asarray(x) >= 0, _logpdf(x, self.nu, 0.0, self.sd) + LOG_TWO, -np.inf)

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = ()) -> NDArray[np.float64]:
        """Draw."""
        return np.abs(self.sd * rng.standard_t(self.nu, size))

    @property
    def stan(self) -> str:
        """Stan's form for a parameter declared with lower=0."""
        return f"student_t({number(self.nu)}, 0, {number(self.sd)})"


@dataclass(frozen=True)
class Cauchy(Prior):
    """Cauchy(location, scale).

    Parameters
    ----------
    mean
        Location (the median; a Cauchy has no mean).
    sd
        Scale, positive.

    Examples
    --------
    >>> print(Cauchy(0, 2.5))
    Cauchy(0, 2.5)
    """

    mean: float
    sd: float
    kernel = _cauchy

    def __post_init__(self) -> None:
        require_finite("Cauchy", "mean", self.mean)
        require_positive("Cauchy", "sd", self.sd)

    @property
    def scale(self) -> float:
        """The scale."""
        return float(self.sd)

    def logpdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density."""
        return _logpdf(x, 1.0, self.mean, self.sd)

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = ()) -> NDArray[np.float64]:
        """Draw."""
        return np.asarray(self.mean + self.sd * rng.standard_cauchy(size))

    @property
    def stan(self) -> str:
        """``cauchy(location, scale)``."""
        return f"cauchy({number(self.mean)}, {number(self.sd)})"


@dataclass(frozen=True)
class HalfCauchy(Prior):
    """The positive half of Cauchy(0, scale).

    Parameters
    ----------
    sd
        Scale, positive.

    Examples
    --------
    >>> print(HalfCauchy(2.5))
    HalfCauchy(2.5)
    """

    sd: float
    support = "positive"
    kernel = _half_cauchy

    def __post_init__(self) -> None:
        require_positive("HalfCauchy", "sd", self.sd)

    @property
    def scale(self) -> float:
        """The scale."""
        return float(self.sd)

    def logpdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density, -inf below zero."""
        return np.where(np.asarray(x) >= 0, _logpdf(x, 1.0, 0.0, self.sd) + LOG_TWO, -np.inf)

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = ()) -> NDArray[np.float64]:
        """Draw."""
        return np.abs(self.sd * rng.standard_cauchy(size))

    @property
    def stan(self) -> str:
        """Stan's form for a parameter declared with lower=0."""
        return f"cauchy(0, {number(self.sd)})"
