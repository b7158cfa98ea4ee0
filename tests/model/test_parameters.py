"""The layout of a draw: names, shapes, labels and positions for every structure of terms."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from tests.inference.models import model

from partialpool.errors import DataError
from partialpool.formula.formula import Formula
from partialpool.model.density import Density
from partialpool.model.geometry import coordinates, plain_geometry
from partialpool.model.names import group_name
from partialpool.priors.normal import Normal
from partialpool.priors.student_t import StudentT

rng = np.random.default_rng(0)
N = 60
TABLE = pd.DataFrame(
    {
        "y": rng.normal(size=N),
        "x": rng.normal(size=N),
        "z": rng.normal(size=N),
        "cat": list("abc") * 20,
        "g": np.repeat([61, 3, 7, 55], 15),  # labels are not positions
        "h": list("pqrst") * 12,
    }
)

STRUCTURES = {
    "y ~ 1": ["Intercept", "sigma"],
    "y ~ 0 + x": ["x", "sigma"],
    "y ~ x + cat": ["Intercept", "x", "cat", "sigma"],
    "y ~ (1 | g)": ["Intercept", "sigma", "1|g_sigma", "1|g"],
    "y ~ x + (x | g)": ["Intercept", "x", "sigma", "1|g_sigma", "x|g_sigma", "g_corr", "1|g", "x|g"],
    "y ~ (x || g)": ["Intercept", "sigma", "1|g_sigma", "x|g_sigma", "1|g", "x|g"],
    "y ~ (0 + x | g)": ["Intercept", "sigma", "x|g_sigma", "x|g"],
    "y ~ (cat | g)": ["Intercept", "sigma", "1|g_sigma", "cat|g_sigma", "g_corr", "1|g", "cat|g"],
    "y ~ (1 | g/h)": ["Intercept", "sigma", "1|g_sigma", "1|g", "1|g:h_sigma", "1|g:h"],
    "y ~ (1 | g) + (x | h)": [
        *("Intercept", "sigma", "1|g_sigma", "1|g"),
        *("1|h_sigma", "x|h_sigma", "h_corr", "1|h", "x|h"),
    ],
    "y ~ (1 + x | g) + (0 + z + cat | g)": [
        *("Intercept", "sigma", "1|g_sigma", "x|g_sigma", "1|g_corr", "1|g", "x|g"),
        *("z|g_sigma", "cat|g_sigma", "z|g_corr", "z|g", "cat|g"),
    ],
}


def fitted(formula, priors=None):
    return model(formula, TABLE, priors=priors)


@pytest.mark.parametrize("formula", STRUCTURES)
def test_variables_are_named_and_tile_the_draw(formula: str) -> None:
    layout = fitted(formula).layout
    assert sorted(v.name for v in layout.variables) == sorted(STRUCTURES[formula])
    position = 0
    for variable in layout.variables:
        assert variable.start == position
        position += variable.size
    assert layout.n_values == position


@pytest.mark.parametrize("formula", STRUCTURES)
def test_every_value_of_a_draw_is_written(formula: str) -> None:
    spec = fitted(formula)
    density = Density(spec, plain_geometry(spec))
    values = np.full(density.n_values, np.nan)
    x = np.random.default_rng(1).normal(size=density.n_dim)
    values[:] = density.draw(x)
    assert np.all(np.isfinite(values))
    for variable in spec.layout.roles("group_corr"):
        matrix = variable.take(values)
        np.testing.assert_allclose(matrix, matrix.T)
        np.testing.assert_array_equal(np.diag(matrix), 1.0)
        assert np.all(np.linalg.eigvalsh(matrix) > 0)


@pytest.mark.parametrize("formula", STRUCTURES)
def test_the_samplers_vector_has_a_place_for_each_free_number(formula: str) -> None:
    spec = fitted(formula)
    free = 0
    for variable in spec.layout.variables:
        d = variable.shape[0] if variable.shape else 1
        free += d * (d - 1) // 2 if variable.role == "group_corr" else variable.size
    assert coordinates(spec).n_dim == free


def test_roles_dims_and_labels() -> None:
    layout = fitted("y ~ x + cat + (cat | g)").layout
    roles = {v.name: v.role for v in layout.variables}
    assert roles == {
        "Intercept": "population",
        "x": "population",
        "cat": "population",
        "sigma": "auxiliary",
        "1|g_sigma": "group_sd",
        "cat|g_sigma": "group_sd",
        "g_corr": "group_corr",
        "1|g": "group_effect",
        "cat|g": "group_effect",
    }
    dims = {v.name: v.dims for v in layout.variables if v.dims}
    assert dims == {
        "cat": ("cat_dim",),
        "cat|g_sigma": ("cat__expr_dim",),
        "g_corr": ("g__effect_dim", "g__effect_dim_bis"),
        "1|g": ("g__factor_dim",),
        "cat|g": ("cat__expr_dim", "g__factor_dim"),
    }
    assert list(layout["cat"].coords["cat_dim"]) == ["b", "c"]
    assert list(layout["1|g"].coords["g__factor_dim"]) == [3, 7, 55, 61]
    assert list(layout["g_corr"].coords["g__effect_dim"]) == ["1", "cat[b]", "cat[c]"]


def test_positions_hold_the_values_they_are_named_for() -> None:
    """Through the density's own draw: a coordinate moves its variable and nothing else."""
    spec = fitted("y ~ x + (cat | g)")
    density, position = Density(spec, plain_geometry(spec)), coordinates(spec)
    zero = density.draw(np.zeros(density.n_dim))

    def moved(coordinate: int) -> list[str]:
        x = np.zeros(density.n_dim)
        x[coordinate] = 0.5
        change = density.draw(x) != zero
        return [v.name for v in spec.layout.variables if np.any(v.take(change.astype(float)))]

    assert [moved(k) for k in range(3)] == [["Intercept"], ["x"], ["sigma"]]
    assert [moved(k) for k in position.sd[0]] == [["1|g_sigma"], ["cat|g_sigma"], ["cat|g_sigma"]]
    assert moved(position.corr[0]) == ["g_corr"]
    effect = position.effect[0]
    assert [moved(effect + k) for k in range(3)] == [["1|g"], ["cat|g"], ["cat|g"]]
    x = np.zeros(density.n_dim)
    x[effect + 2 * 3 + 1] = 0.5  # third group, second coefficient
    np.testing.assert_array_equal(spec.layout["cat|g"].take(density.draw(x)), [[0, 0, 0.5, 0], [0] * 4])


def test_a_parameter_with_a_formula_has_prefixed_names() -> None:
    layout = fitted(Formula("y ~ 1", sigma="~ x + (x | g)")).layout
    assert [v.name for v in layout.variables] == [
        *("Intercept", "sigma_Intercept", "sigma_x"),
        *("sigma_1|g_sigma", "sigma_x|g_sigma", "sigma_g_corr", "sigma_1|g", "sigma_x|g"),
    ]
    assert group_name("sigma", "x", "g") == "sigma_x|g"


def test_given_sds_are_no_variables() -> None:
    spec = fitted("y ~ x + (x | g)", {"1|g": Normal(0, 2.0)})
    assert "1|g_sigma" not in spec.layout
    assert "x|g_sigma" in spec.layout
    with pytest.raises(KeyError, match=r"1\|g_sigma"):
        spec.layout["1|g_sigma"]


def test_effects_with_another_prior_have_blocks_of_their_own_in_the_same_layout() -> None:
    formula = "y ~ x + (x || g)"
    plain, mixed = fitted(formula), fitted(formula, {"x|g": StudentT(3, 0, 1)})
    assert len(plain.parameters.effects) == 1
    assert len(mixed.parameters.effects) == 2
    names = [v.name for v in plain.layout.variables if v.name != "x|g_sigma"]
    assert [v.name for v in mixed.layout.variables] == names


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ sigma", "two variables called 'sigma': a coefficient and a parameter of the family"),
        ("y ~ draw", "may be called 'draw'"),
        ("chain ~ 1", "may be called 'chain'"),
        ("y ~ 1 + (1 | __obs__)", "may be called '__obs__'"),
    ],
)
def test_names_that_results_could_not_tell_apart_are_refused(formula: str, message: str) -> None:
    names = ("y", "sigma", "draw", "chain")
    table = {name: [1.0, 2.5, 2.0, 4.0] for name in names} | {"__obs__": ["a", "b", "a", "b"]}
    with pytest.raises(DataError, match=re.escape(message)):
        model(formula, table)
