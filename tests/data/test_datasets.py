"""The bundled data are the survey's, as published."""

import numpy as np
import pytest

from partialpool.data.datasets import datasets, load_dataset
from partialpool.errors import OptionError


@pytest.mark.parametrize("dataset", datasets(), ids=lambda d: d.name)
def test_each_data_set_is_what_its_record_says(dataset):
    table = load_dataset(dataset.name)
    assert len(table) == dataset.rows
    assert tuple(table.columns) == dataset.columns
    assert not table.isna().any().any()
    assert all(f"{name}:" in dataset.description or name in ("woman", "district") for name in table)
    assert dataset.source


def test_bangladesh_has_the_survey_s_counts():
    women = load_dataset("bangladesh")
    assert women["use.contraception"].value_counts().to_dict() == {0: 1175, 1: 759}
    assert sorted(women["district"].unique()) == [d for d in range(1, 62) if d != 54]
    assert sorted(women["living.children"].unique()) == [1, 2, 3, 4]
    assert sorted(women["urban"].unique()) == [0, 1]
    assert women["woman"].is_unique
    assert abs(women["age.centered"].mean()) < 0.01
    assert women.dtypes.drop("age.centered").map(lambda kind: kind.kind).eq("i").all()


def test_bangladesh_has_the_survey_s_districts():
    women = load_dataset("bangladesh")
    sizes = np.unique(women["district"], return_counts=True)[1]
    assert sizes[[2, 48, 53, 57, 41]].tolist() == [2, 4, 6, 10, 11]
    assert sizes[[13, 0, 45, 24, 5]].tolist() == [118, 117, 86, 67, 65]
    assert women.groupby("district")["use.contraception"].sum()[11] == 0


def test_each_call_gives_a_table_of_its_own():
    mine = load_dataset("bangladesh")
    mine.loc[0, "urban"] = 9
    assert load_dataset("bangladesh").loc[0, "urban"] == 1


def test_an_unknown_name_is_answered_with_the_near_one():
    with pytest.raises(OptionError, match="There is no bundled data set 'bangladsh'") as caught:
        load_dataset("bangladsh")
    assert "Try: 'bangladesh'" in str(caught.value)
