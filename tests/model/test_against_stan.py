"""The log density is Stan's, in Stan's coordinates and in any others."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import stanli
from numpy.typing import NDArray
from tests.model.cases import CASES, EXAMPLES, STRUCTURES, TABLE, Case, N, with_outcome

from partialpool.constraints.positive import Positive
from partialpool.families.registry import FAMILIES, get_family
from partialpool.formula.design import build_design
from partialpool.inference.chosen_geometry import choose_geometry
from partialpool.model.density import Density
from partialpool.model.effects import Effects
from partialpool.model.geometry import NO_ROTATION, Geometry, Nesting, coordinates, plain_geometry
from partialpool.model.spec import ModelSpec, build_spec
from partialpool.model.stan import to_stan
from partialpool.model.stan_terms import named_pieces
from partialpool.priors.base import REAL, Prior
from partialpool.priors.registry import PRIORS, Exponential, HalfNormal, Normal, StudentT, Uniform

Floats = NDArray[np.float64]

# Stan's inv_cloglog rounds to 1 where ours keeps its digits, so its points stay near zero.
SPREAD_OF_POINTS = {"cloglog": 0.3}
# Stan's ordered_probit takes derivatives of log Phi by approximations with five digits. Ours are compared
# with differences of scipy's in tests/families/test_laws.py.
GRADIENT_OF_STAN = {"ordered_probit": 1e-4}


def stan_order(spec: ModelSpec) -> tuple[NDArray[np.int64], Floats]:
    """Which of our coordinates each of Stan's is, and what it is multiplied by."""
    position = coordinates(spec)
    order: list[int] = list(range(position.n_coef))
    scales = [1.0] * len(order)
    parameters = [part.parameter for part in spec.parameters.predictors]
    for t, block in enumerate(spec.parameters.effects):
        j, d = block.size, block.width
        order += [p for p in position.sd[t] if p >= 0]
        if block.corr is not None:
            order += range(position.corr[t], position.corr[t] + d * (d - 1) // 2)
        scales += [1.0] * (len(order) - len(scales))
        effects = np.arange(position.effect[t], position.effect[t] + j * d).reshape(j, d)
        groups = (
            [tuple(range(d))]
            if block.corr is not None
            else [p.coordinates for p in named_pieces(block, parameters)]
        )
        for columns in groups:
            first = block.coefficients[columns[0]]
            given = block.corr is None and block.between is None and not first.learnt
            order += effects[:, columns].ravel().tolist()
            scales += [first.fixed_sd if given else 1.0] * (j * len(columns))
    return np.array(order, np.int64), np.array(scales)


def stan_model(spec: ModelSpec) -> Any:
    program = to_stan(spec)
    return stanli.Model(stan_code=program.code, data=dict(program.data))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_density_and_gradient_are_stans(case: Case) -> None:
    spec = case.spec()
    density, stan = Density(spec, plain_geometry(spec)), stan_model(spec)
    order, scales = stan_order(spec)
    assert stan.n_unconstrained == density.n_dim == len(order)
    rng = np.random.default_rng(5)
    differences, values = [], []
    rtol = GRADIENT_OF_STAN.get(spec.family.stan.partition("(")[0], 1e-8)
    for _ in range(4):
        x = SPREAD_OF_POINTS.get(spec.family.link, 0.7) * rng.normal(size=density.n_dim)
        value, gradient = density(x)
        theirs, their_gradient = stan.log_prob_grad(scales * x[order])
        size = np.max(np.abs(their_gradient), initial=1.0)
        np.testing.assert_allclose(
            gradient[order], scales * their_gradient, rtol=rtol, atol=0.1 * rtol * size
        )
        differences.append(value - theirs)
        values.append(abs(theirs))
    assert np.ptp(differences) <= 1e-9 * max(values, default=0.0) + 1e-12


def test_every_family_and_prior_has_a_case() -> None:
    families = {case.family.partition("(")[0] for case in CASES.values()}
    assert families == set(FAMILIES)
    assert set(EXAMPLES) == set(PRIORS)
    assert all(type(prior).__name__ == name for name, prior in EXAMPLES.items())


# --- other coordinates --------------------------------------------------------------------------------------

MOVED: dict[str, Case] = {
    **STRUCTURES,
    "normal effects of two predictors": Case(
        "x + (x | g) + (1 | h)", "gaussian", others={"sigma": "~ z + (1 + z | g)"}
    ),
    "crossed, scaled by sigma": Case("x + (x + z | g) + (z | h) + (1 | two)", "gaussian"),
    "crossed, of fixed priors": Case(
        "x + (x || g) + (1 | h) + (1 | k)",
        "gaussian",
        priors={
            "x|g": StudentT(3, 1, 2),
            "1|h": Normal(0, 1.5),
            "1|k": StudentT(4, 0.5, 1),
            "x": HalfNormal(1),
        },
    ),
    "crossed, a row in several groups": Case("x + (x | g) + (x || mm(h, two))", "negative_binomial"),
    "crossed, without coefficients": Case("0 + (1 | g) + (x | h)", "poisson"),
    "crossed thresholds": Case("x + (x | g) + (1 | h) + (1 | k)", "cumulative"),
    "crossed, of two predictors": Case(
        "x + (1 | p | g) + (1 | h)", "gaussian", others={"sigma": "~ z + (1 | p | g) + (1 | two)"}
    ),
    "bounded": Case(
        "x + z + (x || g)",
        "gaussian",
        priors={
            "x": HalfNormal(1),
            "z": Uniform(-2, 3),
            "sigma": Uniform(0.1, 9),
            "1|g": Normal(0, Uniform(0, 4)),
            "x|g": StudentT(3, 1, 2),
        },
    ),
}


def random_geometry(spec: ModelSpec, seed: int) -> Geometry:
    """Nothing the program would choose, but valid coordinates."""
    rng, plain = np.random.default_rng(seed), plain_geometry(spec)
    k, q = len(plain.coef_centre), len(plain.hyper_centre)
    roots = [rng.normal(size=a.shape) for a in plain.information]
    return Geometry(
        0.1 * rng.normal(size=k),
        0.3 * np.tril(rng.normal(size=(k, k))) + np.eye(k),
        0.1 * rng.normal(size=k),
        0.1 * rng.normal(size=q),
        np.exp(0.1 * rng.normal(size=q)),
        tuple(3.0 * r @ r.transpose(0, 2, 1) for r in roots),
        tuple(rng.normal(size=a.shape) for a in plain.pull),
        tuple(rng.normal(size=a.shape) for a in plain.cross),
        tuple(rng.normal(size=a.shape) for a in plain.effects),
        random_links(spec, rng),
        rotations=random_rotations(spec, rng),
    )


def random_rotations(spec: ModelSpec, rng: np.random.Generator) -> tuple[Floats, ...]:
    """For each block with a known covariance A some matrix M with A = M M'."""
    return tuple(
        NO_ROTATION
        if block.between is None
        else np.linalg.cholesky(block.between) @ np.linalg.qr(rng.normal(size=block.between.shape))[0]
        for block in spec.parameters.effects
    )


def random_links(spec: ModelSpec, rng: np.random.Generator) -> tuple[Nesting, ...]:
    """Every term follows the terms of its predictor that have fewer groups, in any groups."""
    # Those of a block with a known covariance, each by itself, follow nothing.
    own = [
        -1 - t if b.between is not None else spec.part_of(b) for t, b in enumerate(spec.parameters.effects)
    ]
    shapes = [(p, b.size, b.width) for p, b in zip(own, spec.parameters.effects, strict=True)]
    return tuple(
        Nesting(t, s, rng.integers(0, others, size), rng.normal(size=(size, d, outer_d)))
        for t, (p, size, d) in enumerate(shapes)
        for s, (q, others, outer_d) in enumerate(shapes)
        if p == q and others < size
    )


def chosen_geometry(spec: ModelSpec, seed: int) -> Geometry:
    return choose_geometry(spec)


def free(value: float, prior: Prior, positive: bool) -> float:
    """The unconstrained number of a parameter."""
    return float(prior.constraint(Positive() if positive else REAL).free(np.array([value]))[0])


def free_correlations(matrix: Floats) -> list[float]:
    """Atanh of canonical partial correlations, row by row, from the definition of the Cholesky factor."""
    factor, found = np.linalg.cholesky(matrix), []
    for i in range(1, len(factor)):
        for j in range(i):
            found.append(np.arctanh(factor[i, j] / np.sqrt(1.0 - np.sum(factor[i, :j] ** 2))))
    return found


def plain_coordinates(spec: ModelSpec, draw: Floats) -> Floats:
    """Coordinates in the plain geometry of a draw as a person reads it."""
    x: list[float] = []
    for block in spec.blocks.blocks:
        if len(x) < len(spec.parameters.coefficients):
            x += block.constraint.free(draw[list(block.places)]).tolist()
    found = [_block_coordinates(block, draw) for block in spec.parameters.effects]
    return np.array([*x, *(h for hyper, _ in found for h in hyper), *(z for _, own in found for z in own)])


def _block_coordinates(block: Effects, draw: Floats) -> tuple[list[float], list[float]]:
    j, d = block.size, block.width
    learnt = [c for c in block.coefficients if isinstance(c.sd, Prior)]
    found = [free(draw[c.sd_value], c.sd, True) for c in learnt if isinstance(c.sd, Prior)]
    sds = [draw[c.sd_value] if isinstance(c.sd, Prior) else c.fixed_sd for c in block.coefficients]
    corr = np.eye(d)
    if block.corr is not None:
        corr = draw[block.corr_value : block.corr_value + d * d].reshape(d, d)
        found += free_correlations(corr)
    effects = np.column_stack([draw[c.value : c.value + j] for c in block.coefficients])
    chol = np.diag(sds) @ np.linalg.cholesky(corr)
    if block.between is not None:
        effects = np.linalg.solve(np.linalg.cholesky(block.between), effects)
    return found, np.linalg.solve(chol, effects.T).T.ravel().tolist()


def differentiated(function: Any, x: Floats, step: float = 1e-3) -> Floats:
    """Derivatives by each coordinate, (..., n): central differences, extrapolated twice (Richardson)."""

    def central(i: int, h: float) -> Floats:
        move = np.zeros_like(x)
        move[i] = h
        return (np.asarray(function(x + move)) - np.asarray(function(x - move))) / (2 * h)

    columns = []
    for i in range(len(x)):
        rough = [central(i, step / 2**k) for k in range(3)]
        finer = [(4 * b - a) / 3 for a, b in pairwise(rough)]
        columns.append((16 * finer[1] - finer[0]) / 15)
    return np.stack(columns, axis=-1) if columns else np.zeros((0, 0))


@pytest.mark.parametrize("geometry", [random_geometry, chosen_geometry])
@pytest.mark.parametrize("case", MOVED.values(), ids=MOVED)
def test_gradient_in_other_coordinates_agrees_with_differences(case: Case, geometry: Any) -> None:
    spec = case.spec()
    density = Density(spec, geometry(spec, 1))
    x = 0.5 * np.random.default_rng(2).normal(size=density.n_dim)
    _, gradient = density(x)
    numerical = differentiated(lambda at: density(at)[0], x)
    size = np.max(np.abs(gradient), initial=1.0)
    np.testing.assert_allclose(gradient, numerical.reshape(-1), rtol=1e-6, atol=1e-7 * size)


SMALL = TABLE[TABLE["g"].isin([3, 7, 61])].head(40)
SMALL_CASES = {
    name: case
    for name, case in MOVED.items()
    if name
    in (
        "one intercept",
        "no coefficients",
        "varying intercepts",
        "correlated slope",
        "independent slope",
        "three correlated",
        "crossed",
        "a fixed sd among correlated",
        "shared by two predictors",
        "known covariance, correlated",
        "no pooling",
        "prior at means",
        "normal effects of two predictors",
        "bounded",
        "crossed, scaled by sigma",
        "crossed, of fixed priors",
        "crossed, of two predictors",
    )
}


@pytest.mark.parametrize("name", [name for name in MOVED if name.startswith("crossed")])
def test_crossed_effects_have_a_joint_map(name: str) -> None:
    assert choose_geometry(MOVED[name].spec()).joint


@pytest.mark.parametrize("geometry", [random_geometry, chosen_geometry])
@pytest.mark.parametrize("case", SMALL_CASES.values(), ids=SMALL_CASES)
def test_other_coordinates_change_the_density_by_their_jacobian(case: Case, geometry: Any) -> None:
    spec = case.spec(SMALL)
    moved, plain = Density(spec, geometry(spec, 4)), Density(spec, plain_geometry(spec))
    rng = np.random.default_rng(6)

    def to_plain(x: Floats) -> Floats:
        return plain_coordinates(spec, moved.draw(x))

    constants = []
    for _ in range(4):
        x = 0.5 * rng.normal(size=moved.n_dim)
        sign, log_determinant = np.linalg.slogdet(differentiated(to_plain, x))
        assert sign != 0
        constants.append(moved(x)[0] - plain(to_plain(x))[0] - log_determinant)
    assert np.ptp(constants) < 1e-6


@pytest.mark.parametrize("case", MOVED.values(), ids=MOVED)
def test_a_draw_has_the_coordinates_it_was_made_of(case: Case) -> None:
    spec = case.spec()
    plain = Density(spec, plain_geometry(spec))
    x = 0.7 * np.random.default_rng(8).normal(size=plain.n_dim)
    np.testing.assert_allclose(plain_coordinates(spec, plain.draw(x)), x, rtol=1e-9, atol=1e-9)


# --- rows and hand-made cells -------------------------------------------------------------------------------

SAME_PRIORS = {
    "Intercept": Normal(0, 1.5),
    "x": Normal(0, 1),
    "1|g": Normal(0, Exponential(1)),
    "x|g": Normal(0, Exponential(2)),
}


def assert_same_density(one: ModelSpec, other: ModelSpec) -> None:
    """Differ by one constant over random points, and not at all in gradients."""
    a, b = Density(one, plain_geometry(one)), Density(other, plain_geometry(other))
    rng, differences = np.random.default_rng(9), []
    for _ in range(5):
        x = rng.normal(size=a.n_dim)
        (value, gradient), (other_value, other_gradient) = a(x), b(x)
        np.testing.assert_allclose(
            gradient, other_gradient, rtol=1e-11, atol=1e-11 * np.max(np.abs(gradient))
        )
        differences.append((value - other_value) / abs(value))
    assert np.ptp(differences) < 1e-13


def spec_of(formula: str, family: str, table: pd.DataFrame, **priors: Prior) -> ModelSpec:
    design, _ = build_design(formula, table)
    return build_spec(design, get_family(family), {**SAME_PRIORS, **priors})


@pytest.mark.parametrize("link", FAMILIES["bernoulli"].cells)
def test_bernoulli_rows_are_binomial_cells(link: str) -> None:
    rows = with_outcome(get_family("bernoulli"))
    cells = rows.groupby(["g", "x"], as_index=False).agg(y=("y", "sum"), n=("y", "size"))
    assert len(cells) < N
    one = spec_of("y ~ x + (x | g)", f"bernoulli({link})", rows)
    other = spec_of("y | trials(n) ~ x + (x | g)", f"binomial({link})", cells)
    assert_same_density(one, other)
    assert one.cells.index.n_cells == len(cells)


@pytest.mark.parametrize(
    ("family", "auxiliary"), [("poisson", None), ("gaussian", "sigma"), ("negative_binomial", "shape")]
)
def test_repeated_rows_are_weighted_rows(family: str, auxiliary: str | None) -> None:
    weighted = with_outcome(get_family(family))
    repeated = weighted.loc[weighted.index.repeat(weighted["w"])].reset_index(drop=True)
    priors = {auxiliary: Exponential(1)} if auxiliary else {}
    one = spec_of("y | weights(w) ~ x + (x | g)", family, weighted, **priors)
    assert_same_density(one, spec_of("y ~ x + (x | g)", family, repeated, **priors))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_order_of_rows_does_not_matter(family: str) -> None:
    case = Case("x + (x | g) + (1 | h)", family)
    shuffled = with_outcome(get_family(family)).sample(frac=1, random_state=1).reset_index(drop=True)
    spec = case.spec()
    left = "y | trials(m)" if get_family(family).needs_trials else "y"
    other, _ = build_design(f"{left} ~ {case.right}", shuffled)
    assert spec.design.n_rows == other.n_rows
    assert_same_density(spec, build_spec(other, get_family(family), spec.priors))
