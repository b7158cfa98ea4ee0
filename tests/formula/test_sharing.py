"""Terms with a name between their bars: which share a block, and which cannot."""

from __future__ import annotations

import pandas as pd
import pytest
from tests.formula.built import build_design

from partialpool.errors import FormulaError
from partialpool.formula.formula import Formula
from partialpool.model.names import term_groups

TABLE = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [0.5, 1, 0, 2], "g": [7, 3, 7, 9], "h": list("baab")})


def groups(right: str, sigma: str = "1") -> list[tuple[str, tuple[str, ...]]]:
    design, _ = build_design(Formula(f"y ~ {right}", sigma=sigma), TABLE)
    return [(group.corr, group.names) for group in term_groups(design)]


def test_terms_of_a_name_have_one_block() -> None:
    assert groups("(x | p | g)", "(1 | p | g)") == [("p|g_corr", ("1|g", "x|g", "sigma_1|g"))]
    assert groups("(1 | 2 | g)", "(1 | 2 | g)") == [("2|g_corr", ("1|g", "sigma_1|g"))]


def test_other_names_and_factors_have_blocks_of_their_own() -> None:
    found = groups("(1 | p | g) + (1 | q | h)", "(1 | p | g) + (x | q | h) + (0 + x | g)")
    assert found == [
        ("p|g_corr", ("1|g", "sigma_1|g")),
        ("q|h_corr", ("1|h", "sigma_1|h", "sigma_x|h")),
        ("", ("sigma_x|g",)),
    ]


def test_a_name_that_one_coefficient_has_changes_nothing() -> None:
    assert groups("(1 | p | g)") == [("", ("1|g",))]


@pytest.mark.parametrize(
    ("right", "sigma", "message"),
    [
        ("(1 | p | g)", "(1 | p | h)", "'p' have the factors 'g' and 'h'"),
        ("(1 | p | g)", "(1 | p | gr(g, cov=A))", "'p' have no cov and cov=A"),
        ("(1 || p | g)", "1", "leaves correlations out"),
        ("(1 | p || g)", "1", "leaves correlations out"),
        ("(1 | p + q | g)", "1", "Between two bars stands 'p \\+ q'"),
        ("(1 | | g)", "1", "Nothing stands between two bars"),
        ("(1 | p | g) + (1 | p | g)", "1", "varies by 'g' in two terms"),
    ],
)
def test_terms_that_cannot_share_are_refused(right: str, sigma: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        groups(right, sigma)
