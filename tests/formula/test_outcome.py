"""The left side: numbers, two labels, trials, weights."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.formula.built import build_design

from partialpool.data.tables import read_table
from partialpool.errors import DataError, FormulaError

from .table import TABLE

NO_YES = [0, 1, 0, 1, 0, 1]
K, N, W = (TABLE[name].tolist() for name in "knw")

CASES = {
    "y": ("y", TABLE["y"].tolist(), None, None, None),
    "flag": ("flag", [1, 0, 0, 1, 1, 0], None, None, None),
    "`use.contraception`": ("use.contraception", NO_YES, None, None, None),
    "use.contraception": ("use.contraception", NO_YES, None, None, None),
    "lab": ("lab", NO_YES, None, None, ("no", "yes")),
    "lab[no]": ("lab", [1, 0, 1, 0, 1, 0], None, None, ("yes", "no")),
    "cat": ("cat", [list("abc").index(label) for label in TABLE["cat"]], None, None, ("a", "b", "c")),
    "log(x)": ("log(x)", np.log(TABLE["x"]).tolist(), None, None, None),
    "{x / 2}": ("I(x / 2)", (TABLE["x"] / 2).tolist(), None, None, None),
    "k | trials(n)": ("k", K, N, None, None),
    "p(k, n)": ("k", K, N, None, None),
    "k | trials(12)": ("k", K, [12] * 6, None, None),
    "k | trials(2 * n) + weights(w)": ("k", K, [2 * n for n in N], W, None),
    "y | weights(w)": ("y", TABLE["y"].tolist(), None, W, None),
}


@pytest.mark.parametrize("text", CASES)
def test_the_left_side_is_read(text):
    name, values, trials, weights, levels = CASES[text]
    design, recipe = build_design(f"{text} ~ z", TABLE)
    for outcome in (design.outcome, recipe.evaluate(TABLE, outcome=True).outcome):
        assert outcome.name == name
        assert outcome.values.tolist() == values
        assert outcome.values.dtype == np.float64
        assert (None if outcome.trials is None else outcome.trials.tolist()) == trials
        assert (None if outcome.weights is None else outcome.weights.tolist()) == weights
        assert outcome.levels == levels


@pytest.mark.parametrize(
    ("text", "name"), [("k | trials(2 * n)", "2 * n"), ("p(k, n)", "n"), ("k | weights(w)", None)]
)
def test_the_trials_keep_their_name(text, name):
    assert build_design(f"{text} ~ z", TABLE)[0].outcome.sources.get("trials") == name


def test_weights_may_stand_on_the_right():
    design, _ = build_design("y ~ x + weights(w)", TABLE)
    assert design.outcome.weights.tolist() == W
    assert design.predictors["mu"].population.names == ("Intercept", "x")


def test_the_order_of_declared_categories_says_which_is_one():
    table = TABLE.assign(lab=pd.Categorical(TABLE["lab"], categories=["yes", "no", "never"], ordered=True))
    design, _ = build_design("lab ~ x", table)
    assert design.outcome.levels == ("yes", "no")
    assert design.outcome.values.tolist() == [1, 0, 1, 0, 1, 0]


def test_new_rows_need_no_outcome():
    _, recipe = build_design("k | trials(n) ~ x", TABLE)
    new = pd.DataFrame({"x": [1.0, 2.0], "n": [7, 8]})
    assert recipe.evaluate(new).outcome is None


BAD = {
    "cat[b]": (DataError, r"Outcome 'cat' has 3 labels: a, b, c, and \[b\] chooses one of two"),
    "lab[maybe]": (DataError, "Outcome 'lab' has no label 'maybe'.\n  Allowed: no and yes"),
    "y[yes]": (FormulaError, "The outcome 'y' has numbers, no labels"),
    "day": (DataError, "Outcome 'day' is not a number in each row"),
    "log(z)": (DataError, r"Outcome 'log\(z\)' is infinite or not a number in 1 row \(row 5"),
    "k | trials(cat)": (DataError, "Number of trials 'cat' is not a number in each row"),
    "y | weights({w - 1})": (
        DataError,
        r"Weights 'I\(w - 1\)' are negative in 1 row \(row 4, counted from 0\)",
    ),
    "y z": (FormulaError, "'z' cannot stand here"),
    "gaps": (DataError, "'gaps': 2"),
}


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_an_outcome_is_refused(text):
    kind, message = BAD[text]
    with pytest.raises(kind, match=message):
        build_design(f"{text} ~ x", TABLE)


def test_an_unknown_label_of_new_rows_is_refused():
    _, recipe = build_design("lab ~ x", TABLE)
    new = TABLE.assign(lab=["no", "yes", "perhaps", "no", "perhaps", "yes"])
    with pytest.raises(DataError, match=r"does not know, 'perhaps', in 2 rows \(rows 2, 4, counted from 0\)"):
        recipe.evaluate(new, outcome=True)


ORDERS = {  # what counts as 1, whatever the table is made of
    "text": (lambda y: y, "yes"),
    "objects": (lambda y: y.astype(object), "yes"),
    "categories": (lambda y: pd.Categorical(y), "yes"),
    "categories, yes first": (lambda y: pd.Categorical(y, ["yes", "no"]), "yes"),
    "an order": (lambda y: pd.Categorical(y, ["yes", "no"], ordered=True), "no"),
}


@pytest.mark.parametrize("kind", ORDERS)
@pytest.mark.parametrize("source", ["table", "parquet", "feather"])
def test_what_counts_as_one_is_the_same_from_every_source(kind: str, source: str, tmp_path: Path) -> None:
    make, one = ORDERS[kind]
    y = np.array(["yes", "no", "no", "yes", "yes"])
    table = pd.DataFrame({"y": make(y)})
    if source != "table":
        path = tmp_path / f"t.{source}"
        getattr(table, f"to_{source}")(path)
        table = read_table(path)
    design, _ = build_design("y ~ 1", table)
    assert design.outcome is not None
    assert design.outcome.levels is not None
    assert design.outcome.levels[1] == one
    np.testing.assert_array_equal(design.outcome.values, y == one)
