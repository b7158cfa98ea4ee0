"""Whatever is typed, the answer is a design or one of our own errors."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formula.built import build_design

from partialpool.errors import PartialPoolError
from partialpool.formula.records import Design

from .table import TABLE

WORDS = [
    "y", "x", "z", "cat", "flag", "g", "h", "`odd name`", "1", "0", "2", "'a'", "True", "None",
    "log", "scale", "C", "poly", "offset", "weights", "trials", "p", "Treatment", "np.exp",
    "+", "-", "*", "/", ":", "**", "|", "||", "~", "(", ")", "{", "}", "[", "]", ",", "=", "==", "<", "^",
    "(1 | g)", "(x | g)", "poly(x, 2)", "{x + 1}", "C(g)",
]  # fmt: skip


@settings(max_examples=400)
@given(st.lists(st.sampled_from(WORDS), max_size=9), st.booleans())
def test_a_formula_becomes_a_design_or_an_error_of_ours(words, with_outcome):
    text = ("y ~ " if with_outcome else "") + " ".join(words)
    try:
        design, recipe = build_design(text, TABLE)
    except PartialPoolError:
        return
    assert isinstance(design, Design)
    for name, predictor in recipe.evaluate(TABLE).predictors.items():
        first = design.predictors[name]
        assert (predictor.population.matrix == first.population.matrix).all()
        assert predictor.population.matrix.shape[1] == len(first.population.names)


@given(st.text(max_size=12))
def test_any_text_at_all(text):
    with contextlib.suppress(PartialPoolError):
        assert isinstance(build_design(text, TABLE)[0], Design)
