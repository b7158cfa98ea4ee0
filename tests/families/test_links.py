"""Laws that every link keeps: there and back, and its average over a normal against adaptive quadrature."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, special

from partialpool.families.links import LINKS, Link

CENTRES = (-30.0, -21.0, -9.0, -2.5, 0.05, 0.7, 3.0, 14.0, 30.0)
KNOTS = (-10.0, -4.0, -2.0, 0.0, 2.0, 4.0, 10.0)  # of predictors, where an inverse link may change quickly
REACH = 30.0

each_link = pytest.mark.parametrize("link", LINKS.values(), ids=list(LINKS))


def slow_average(link: Link, centre: float, sd: float) -> float:
    """Integrate piece by piece; an exponential's integrand has its peak sd deviations from the centre."""

    def integrand(u: float) -> float:
        return (
            float(link.inverse(np.array(centre + sd * u))) * math.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)
        )

    first, last = -REACH, sd + REACH
    inner = [-9.0, -4.0, 0.0, 4.0, 9.0, 15.0, sd, *((x - centre) / sd for x in KNOTS)]
    edges = sorted({first, last, *(u for u in inner if first < u < last)})
    pieces = pairwise(edges)
    return sum(integrate.quad(integrand, *piece, epsabs=1e-300, epsrel=1e-10)[0] for piece in pieces)


@each_link
@pytest.mark.parametrize("sd", [0.05, 1.0, 1.5, 1.6, 3.1, 3.2, 5.0, 12.0])
def test_an_average_is_the_integral(link: Link, sd: float) -> None:
    found = link.average(np.array(CENTRES), np.full(len(CENTRES), sd))
    np.testing.assert_allclose(found, [slow_average(link, m, sd) for m in CENTRES], rtol=1e-7)


@each_link
def test_without_deviations_an_average_is_the_mean(link: Link) -> None:
    centre = np.linspace(-30, 30, 61)
    np.testing.assert_allclose(link.average(centre, np.zeros(61)), link.inverse(centre), rtol=1e-13)


@pytest.mark.parametrize("name", ["logit", "cloglog"])
@pytest.mark.parametrize("sd", [9.0, 20.0, 50.0])
def test_a_very_wide_average_is_the_integral(name: str, sd: float) -> None:
    """By parts, since beside so wide a normal the link is a step: h' on its own axis, times Phi."""
    slope = {
        "logit": lambda x: special.expit(x) * special.expit(-x),
        "cloglog": lambda x: np.exp(x - np.exp(x)),
    }[name]
    edges = [-60.0, -20.0, -5.0, 0.0, 3.0, 6.0, 40.0]
    expected = [
        sum(
            integrate.quad(lambda x: slope(x) * special.ndtr((m - x) / sd), a, b, epsabs=0, epsrel=1e-11)[0]  # noqa: B023
            for a, b in pairwise(edges)
        )
        for m in CENTRES
    ]
    found = LINKS[name].average(np.array(CENTRES), np.full(len(CENTRES), sd))
    np.testing.assert_allclose(found, expected, rtol=1e-7)


@each_link
def test_averages_keep_the_shape_and_go_elementwise(link: Link) -> None:
    """Narrow and wide normals may stand in one array; a predictor without covariates is one column."""
    centre, sd = np.array([[-1.0], [2.0]]), np.array([[0.0, 1.0, 4.0], [2.0, 0.3, 9.0]])
    expected = [[float(link.average(centre[i, :1], sd[i, [j]])[0]) for j in range(3)] for i in range(2)]
    np.testing.assert_array_equal(link.average(centre, sd), expected)


@each_link
def test_an_average_at_the_ends_of_the_line_is_the_limit(link: Link) -> None:
    ends, sd = np.array([-np.inf, np.inf]), np.array([[0.5], [5.0]])
    found = link.average(ends, sd)
    np.testing.assert_allclose(found, np.broadcast_to(link.inverse(ends), (2, 2)), rtol=1e-14)
    assert link.name in ("identity", "log") or found.max() <= 1.0, "a probability"


def test_a_log_normal_mean_beyond_all_numbers_is_infinite() -> None:
    assert LINKS["log"].average(np.array(3.0), np.array(50.0)) == np.inf


@each_link
def test_there_and_back(link: Link) -> None:
    for mean in (0.02, 0.5, 0.9):
        assert float(link.inverse(np.array(link.forward(mean)))) == pytest.approx(mean, rel=1e-12)
