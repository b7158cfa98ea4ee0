"""One small table that the tests of this room share."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd

N = 6
TABLE = pd.DataFrame(
    {
        "y": [0, 1, 1, 0, 1, 0],
        "x": [1.0, 2, 3, 4, 5, 6],
        "z": [3, 1, 2, 5, 4, 0],
        "cat": list("abcabc"),
        "two": list("vuvuvu"),
        "flag": [True, False, False, True, True, False],
        "g": [61, 3, 3, 61, 5, 5],
        "h": list("qpqpqp"),
        "f": [2.0, 1, 2, 1, 2, 1],
        "k": [1, 2, 0, 1, 3, 2],
        "n": [3, 3, 4, 3, 3, 3],
        "w": [1, 2, 1, 1, 0, 1],
        "lab": ["no", "yes"] * 3,
        "use.contraception": [0, 1] * 3,
        "odd name": [2.0, 1, 0, 1, 2, 0],
        "class": [1.0, 0, 0, 2, 0, 1],
        "年齢": [1, 5, 2, 2, 5, 1],
        "day": pd.to_datetime(["2021-01-01"] * 3 + ["2020-01-01"] * 3),
        "date": [dt.date(2021, 1, 1)] * 3 + [dt.date(2020, 1, 1)] * 3,
        "money": [Decimal("1.5")] * 3 + [Decimal("2")] * 3,
        "order": pd.Categorical(list("lohilo"), categories=list("zloih")),
        "large": [2**40 + i for i in range(N)],
        "small": np.array([100, 120, -100, 1, 2, 3], dtype=np.int8),
        "whole": pd.array([1, 2, 3, 4, 5, 6], dtype="Int32"),
        "fraction": [0.5, 1, 2, 1, 2, 1],
        "constant": [1] * N,
        "same": ["a"] * N,
        "gaps": [1, None, 2, 3, None, 4],
        "infinite": [1, np.inf, 2, 3, 4, 5],
        "mixed": [1, "a", 2, 3, 4, 5],
        "complex": [1j] * N,
    }
)
