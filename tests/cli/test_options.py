"""The text of options becomes what the library takes."""

from __future__ import annotations

import pytest

from partialpool.cli.arguments import split_pair
from partialpool.errors import OptionError


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("x=Normal(0, 1)", ("x", "Normal(0, 1)")),
        ("1|g = Normal(0, Exponential(1))", ("1|g", "Normal(0, Exponential(1))")),
        ("x=Normal(mean=0, sd=1)", ("x", "Normal(mean=0, sd=1)")),
        ("C(x, Treatment(reference='a'))[b]=Flat()", ("C(x, Treatment(reference='a'))[b]", "Flat()")),
        ("sigma=~ z + (1 | g)", ("sigma", "~ z + (1 | g)")),
    ],
)
def test_pairs_are_split_at_the_first_equals_sign_outside_brackets(text, pair):
    assert split_pair("--prior", text) == pair


def test_a_pair_without_an_equals_sign_is_an_error():
    with pytest.raises(OptionError) as raised:
        split_pair("--prior", "Normal(mean=0)")
    assert str(raised.value) == (
        "--prior 'Normal(mean=0)' has no '='.\n  Allowed: --prior \"NAME=VALUE\", with quotes"
    )
