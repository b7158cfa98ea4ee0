"""The type of a column of a text file is decided by all that it holds, and nothing is lost or merged."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from partialpool.data.tables import SEVERAL_WAYS, read_table

TYPES = {  # what a column holds, and what is read
    "whole numbers": (["3", "-2", "9223372036854775807"], [3, -2, 2**63 - 1]),
    "numbers": (["1.5", "-2e3", ".5", "4."], [1.5, -2000.0, 0.5, 4.0]),
    "spaces around numbers": ([" 1", "2 ", "3"], [1, 2, 3]),
    "true and false": (["True", "false", "TRUE"], [True, False, True]),
    "yes and no": (["yes", "no", "yes"], ["yes", "no", "yes"]),
    "T and F": (["T", "F", "t"], ["T", "F", "t"]),
    "dates": (["2026-01-31", "2026-02-01"], [pd.Timestamp("2026-01-31"), pd.Timestamp("2026-02-01")]),
    "times": (["2026-01-31 10:00:05"], [pd.Timestamp("2026-01-31 10:00:05")]),
    "days before months": (["13/04/2026", "03/04/2026"], ["13/04/2026", "03/04/2026"]),
    "days or months": (["03/04/2026", "05/04/2026"], ["03/04/2026", "05/04/2026"]),
    "no dates": (["2026-02-30", "2026-01-01"], ["2026-02-30", "2026-01-01"]),
    "20 digits": (["11898508762506083287", "1"], ["11898508762506083287", "1"]),
    "a plus sign": (["+1", "2"], ["+1", "2"]),
    "underscores": (["1_0", "2"], ["1_0", "2"]),
    "a decimal comma": (['"1,5"', "2"], ["1,5", "2"]),
    "NA in quotes": (['"NA"', "ZA"], ["NA", "ZA"]),
}


def write(folder: Path, values: list[str]) -> Path:
    path = folder / "a'file.csv"
    path.write_text("\n".join(["odd name,z", *(f"{value},1" for value in values)]) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("kind", TYPES)
def test_types_are_those_of_all_values(kind: str, tmp_path: Path) -> None:
    written, expected = TYPES[kind]
    found = read_table(write(tmp_path, written))["odd name"].tolist()
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


def test_missing_values_keep_whole_numbers_exact(tmp_path: Path) -> None:
    large = 1_460_000_000_000_000_001
    found = read_table(write(tmp_path, ["NA", str(large), str(large + 1), "", '""']))["odd name"]
    assert found.isna().tolist() == [True, False, False, True, True]
    assert found.dropna().tolist() == [large, large + 1]


LABELS = {
    "ways of writing": ["1E2", "10E1", "100"],
    "zeros at the end": ["1.1", "1.10", "1.2"],
    "zeros in front": ["007", "008"],
    "whole and not": ["1", "1.0"],
    "a sign": ["0", "-0"],
    "large": ["1e19", "2e19"],
    "22 digits": ["1234567890123456789012", "1234567890123456789013"],
    "dates with a time": ["2026-01-01", "2026-01-01 00:00"],
    "more digits than a number has": ["0.1", "0.10000000000000000001"],
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_are_kept_as_they_are_written(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path, LABELS[kind])
    assert read_table(path, labels=["odd name"])["odd name"].tolist() == LABELS[kind]


def test_labels_that_lose_nothing_are_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, ["10", "9", "10"])
    assert read_table(path, labels=["odd name"])["odd name"].tolist() == [10, 9, 10]
    path = write(tmp_path, ["0.5", "10", "2"])
    assert read_table(path, labels=["odd name"])["odd name"].tolist() == [0.5, 10.0, 2.0]


def test_what_is_no_label_is_a_number(tmp_path: Path) -> None:
    path = write(tmp_path, ["1E2", "10E1", "007"])
    assert read_table(path, labels=[])["odd name"].tolist() == [100.0, 100.0, 7.0]
    path = write(tmp_path, ["1234567890123456789012"])
    assert read_table(path, labels=[])["odd name"].tolist() == [1234567890123456789012.0]


def test_where_roles_are_not_known_two_ways_of_writing_are_noted(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, ["1.10", "2", "1.1"]))
    np.testing.assert_array_equal(table["odd name"], [1.1, 2, 1.1])
    assert table.attrs[SEVERAL_WAYS] == {"odd name": ["1.1", "1.10"]}
