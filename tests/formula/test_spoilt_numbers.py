"""Numbers that came as text are refused with what to do; labels that are none stay labels."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from partialpool.data.tables import read_table
from partialpool.errors import DataError
from partialpool.formula.design import build_design

N = 60
NUMBERS = np.random.default_rng(3).normal(0, 30, N).round(2)
SPOILT = {  # a number as it is written; what the message says of it; what makes numbers
    "a decimal comma": (lambda v: f"{v:.2f}".replace(".", ","), ".str.replace(',', '.')"),
    "separators of thousands": (lambda v: f"{abs(v) * 1e5 + 1000:,.0f}", ".str.replace(',', '')"),
    "a percent sign": (lambda v: f"{v:.1f}%", ".str.rstrip('%')"),
    "a plus sign": (lambda v: f"{v:+.2f}", ".str.lstrip('+')"),
    "a minus sign that is no hyphen": (
        lambda v: f"{v:.2f}".replace("-", "\u2212"),
        ".str.replace('\u2212', '-')",
    ),
    "a unit of money": (lambda v: f"${abs(v):.2f}", ".str.strip('$"),
    "brackets for a minus": (lambda v: f"{v:.2f}" if v > 0 else f"({-v:.2f})", ".str.replace('(', '-')"),
}


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("distinct", [N, 5])
@pytest.mark.parametrize("source", ["table", "file"])
def test_spoilt_numbers_are_refused_with_what_to_do(
    how: str, distinct: int, source: str, tmp_path: Path
) -> None:
    write, mend = SPOILT[how]
    values = [write(NUMBERS[i % distinct]) for i in range(N)]
    table = pd.DataFrame({"y": np.arange(N) % 7.0, "x": values})
    table.to_csv(tmp_path / "t.csv", index=False, sep=";")
    with pytest.raises(DataError, match=f"Column 'x' is text because of .*, with {how}") as caught:
        build_design("y ~ x", table if source == "table" else read_table(tmp_path / "t.csv"))
    assert mend in str(caught.value)
    assert "C(x) if its labels are categories" in str(caught.value)
    design, _ = build_design("y ~ C(x)", table)
    assert len(design.predictors["mu"].population.names) == len({*values})


@pytest.mark.parametrize("nothing", [".", "-", "N/A", "#DIV/0!"])
def test_a_sign_of_a_missing_value_among_few_numbers_is_refused(nothing: str) -> None:
    table = pd.DataFrame({"y": np.arange(N) % 7.0, "x": ["1", "2", "3", nothing] * (N // 4)})
    with pytest.raises(
        DataError, match=r"is text because of 15 rows .* its other labels, 3 of 4, are numbers"
    ):
        build_design("y ~ x", table)


def test_numbers_of_too_many_digits_are_refused_as_a_predictor() -> None:
    table = pd.DataFrame({"y": np.arange(N) % 7.0, "x": [str(10**20 + i % 4) for i in range(N)]})
    with pytest.raises(DataError, match="more digits than 64 bits hold, such as 100000000000000000000"):
        build_design("y ~ x", table)


LABELS = {
    "wards": ["1", "2", "3", "x"],
    "ages": ["18-24", "25-34", "35+", "0-17"],
    "signs": ["+", "-"],
    "grades": ["A", "A-", "B+", "B"],
    "shares and words": ["10%", "20%", "more", "less"],
    "numbers as text": ["1", "2", "3"],
    "codes": ["1a", "2b", "10"],
    "versions": ["1.1.0", "1.2.0"],
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_stay_labels(kind: str) -> None:
    values = LABELS[kind]
    table = pd.DataFrame({"y": np.arange(N) % 7.0, "x": [values[i % len(values)] for i in range(N)]})
    design, _ = build_design("y ~ x", table)
    assert len(design.predictors["mu"].population.names) == len(values)


def test_new_rows_with_spoilt_numbers_are_refused_with_what_to_do() -> None:
    _, recipe = build_design("y ~ x", pd.DataFrame({"y": np.arange(N) % 7.0, "x": NUMBERS}))
    message = r"was numbers when the model was made, and now holds '1,5' in 1 row \(row 1, .*"
    with pytest.raises(DataError, match=message + r"[\s\S]*\.str\.replace\(',', '\.'\)"):
        recipe.evaluate(pd.DataFrame({"x": ["2", "1,5"]}))
