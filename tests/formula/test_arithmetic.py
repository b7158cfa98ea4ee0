"""Arithmetic in formulas is Python's on real numbers, and a name says what is computed."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.formula.built import build_design

from partialpool.errors import DataError, FormulaError
from partialpool.formula.calculation import Calculation, Columns
from partialpool.formula.syntax.arithmetic import read_arithmetic
from partialpool.formula.syntax.arithmetic_tree import text_of
from partialpool.formula.syntax.scan import scan

N = 24
RNG = np.random.default_rng(7)
TABLE = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "x": RNG.normal(3, 1, N).round(3),
        "a": RNG.integers(2_100_000, 3_000_000, N),
        "b": RNG.integers(2_100_000, 3_000_000, N),
        "c": RNG.integers(2_100_000, 3_000_000, N),
        "small": RNG.integers(-128, 127, N).astype(np.int8),
        "e": np.arange(N) % 20 + 1,
        "p": RNG.random(N) < 0.5,
        "q": RNG.random(N) < 0.5,
        "k": RNG.integers(1, 4, N),
        "a - b": RNG.normal(size=N),
        "cat": np.tile(["u", "v", "w"], N)[:N],
    }
)
X, A, B, C, E, K = (TABLE[name].to_numpy(float) for name in "xabcek")
P, Q = TABLE["p"].to_numpy(float), TABLE["q"].to_numpy(float)
SMALL, ODD = TABLE["small"].to_numpy(float), TABLE["a - b"].to_numpy()

VALUES = {
    # precedence
    "{-x**2}": -(X**2),
    "{exp(-x**2/2)}": np.exp(-(X**2) / 2),
    "I(-(x**2))": -(X**2),
    "{(-x)**2}": X**2,
    "{2**x**0.5}": 2 ** (X**0.5),
    "{(2**x)**0.5}": (2**X) ** 0.5,
    "{2**-x}": 2**-X,
    "{-x**-2}": -(X**-2),
    "{1 - x**2}": 1 - X**2,
    "{x - 2 - 1}": X - 3,
    "{x - (2 - 1)}": X - 1,
    "{x/2/3}": X / 6,
    "{x/(2/3)}": X * 1.5,
    "{x/2*3}": X * 1.5,
    "{--x + +x}": 2 * X,
    "{(x > 3)*2 + (x <= 2)}": 2.0 * (X > 3) + (X <= 2),
    "log((x + 10)*2)": np.log((X + 10) * 2),
    "scale((x - 1)**2)": (((X - 1) ** 2) - np.mean((X - 1) ** 2)) / np.std((X - 1) ** 2),
    "{scale(x)**2 + center(x)}": ((X - X.mean()) / X.std()) ** 2 + X - X.mean(),
    # whole numbers
    "I(a**3)": A**3,
    "{a*b*c}": A * B * C,
    "a:b:c": A * B * C,
    "{10**e}": 10.0**E,
    "{e**-1}": 1 / E,
    "{small*small}": SMALL**2,
    "{-small}": -SMALL,
    "{a/b}": A / B,
    "{3/2*x}": 1.5 * X,
    # true and false
    "{p + q}": P + Q,
    "{p*q}": P * Q,
    "{-p}": -P,
    "{p + q + x}": P + Q + X,
    "{exp(p)}": np.exp(P),
    "log1p(p)": np.log1p(P),
    "I(p - q)": P - Q,
    "{x*p}": X * P,
    "center(p)": P - P.mean(),
    "sqrt({p})": P,
    # names
    "{`a - b` + 1}": ODD + 1,
    "{a - b + 1}": A - B + 1,
}


def matrix(formula: str, table: pd.DataFrame = TABLE) -> dict[str, np.ndarray]:
    population = build_design(f"y ~ {formula}", table)[0].main.population
    return dict(zip(population.names, population.matrix.T, strict=True))


@pytest.mark.parametrize("text", VALUES)
def test_a_term_has_the_values_that_python_computes(text: str) -> None:
    (values,) = [values for name, values in matrix(text).items() if name != "Intercept"]
    np.testing.assert_allclose(values, VALUES[text], rtol=1e-13)
    assert values.dtype == np.float64


@pytest.mark.parametrize(
    ("offset", "values"), [("-x**2", -(X**2)), ("p + q", P + Q), ("a**3", A**3), ("2", np.full(N, 2.0))]
)
def test_an_offset_is_computed_likewise(offset: str, values: np.ndarray) -> None:
    found = build_design(f"y ~ 1 + offset({offset})", TABLE)[0].main.offset
    np.testing.assert_allclose(found, values, rtol=1e-14)


def test_an_outcome_is_computed_and_named_likewise() -> None:
    outcome = build_design("(y + x)/2 ~ 1", TABLE)[0].outcome
    np.testing.assert_array_equal(outcome.values, (TABLE["y"] + TABLE["x"]) / 2)
    assert outcome.name == "(y + x) / 2"


# ---- against Python's own evaluation, on random expressions -----------------------------------------------


class Real(float):
    """A number that notes how large the results on the way to a result were."""

    sizes: ClassVar[list[float]] = []

    @classmethod
    def noted(cls, result: Any) -> Any:
        if isinstance(result, complex):
            raise ValueError("no real number")
        cls.sizes.append(abs(result))
        return cls(result)


def _operation(name: str) -> Any:
    return lambda self, *other: Real.noted(getattr(float, name)(self, *map(float, other)))


for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Real, f"__{_name}__", _operation(f"__{_name}__"))
    setattr(Real, f"__r{_name}__", _operation(f"__r{_name}__"))
for _name in ("neg", "pos"):
    setattr(Real, f"__{_name}__", _operation(f"__{_name}__"))

COLUMNS = {
    "u": np.array([1.5, -2.0, 0.25, 3.0]),
    "n": np.array([2, -3, 7, 1], dtype=np.int8),
    "big": np.array([3_000_000_000, -5, 2**40, 1]),
    "flag": np.array([True, False, True, True]),
}
ATOMS = st.sampled_from([*COLUMNS, "1", "2", "3", "0.5", "1e-3", ".25", "10"])


def expressions() -> st.SearchStrategy[str]:
    """Operands between operators, some in brackets, some with signs, with spaces or without."""
    signed = st.sampled_from(["{}", "{}", "{}", "-{}", "+{}", "- -{}", "({})", "(-{})"])

    def larger(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        operators = st.sampled_from(["+", "-", "*", "/", "**", " + ", " - ", " * ", " / ", " ** "])
        operand = st.builds(str.format, signed, parts)
        tail = st.lists(st.tuples(operators, operand), min_size=1, max_size=4)
        joined = st.builds(lambda first, rest: first + "".join(map("".join, rest)), operand, tail)
        return st.builds(str.format, st.sampled_from(["{}", "({})"]), joined)

    return st.recursive(ATOMS, larger, max_leaves=12)


@settings(max_examples=1000)
@given(expressions())
def test_random_expressions_have_the_values_of_python(text: str) -> None:
    # As whole numbers Python would compute 10**10**10 digit by digit.
    numbered = re.sub(r"(\d+\.?\d*|\.\d+)(e-\d+)?", r"Real(\g<0>)", text)
    with np.errstate(all="ignore"):
        found = np.broadcast_to(calculated(text, COLUMNS), (4,))
    for row in range(4):
        Real.sizes.clear()
        names = {name: Real(values[row]) for name, values in COLUMNS.items()} | {"Real": Real}
        try:
            wanted = float(eval(numbered, {"__builtins__": {}}, names))
        except (ArithmeticError, ValueError, TypeError):
            continue  # no real number, of which Python makes an error and we a number that is not finite
        assume(np.isfinite(wanted) and all(np.isfinite(Real.sizes)))
        size = max([abs(wanted), *Real.sizes, 1.0])
        assert abs(found[row] - wanted) <= 1e-10 * size, (row, found[row], wanted)


@settings(max_examples=500)
@given(expressions(), expressions())
def test_a_name_is_read_as_the_expression_that_it_names(one: str, other: str) -> None:
    trees = [read_arithmetic(scan(text)) for text in (one, other)]
    names = [text_of(tree) for tree in trees]
    assert [read_arithmetic(scan(name)) for name in names] == trees
    assert (names[0] == names[1]) == (trees[0] == trees[1])


def calculated(text: str, columns: dict[str, np.ndarray]) -> Any:
    return Calculation(read_arithmetic(scan(text))).eval(Columns(pd.DataFrame(columns)))


# ---- names ------------------------------------------------------------------------------------------------

NAMES = {
    "{(x - 70)/10}": "I((x - 70) / 10)",
    "{x - 70/10}": "I(x - 70 / 10)",
    "I((x + 10)**2)": "I((x + 10) ** 2)",
    "I(-(x + 1))": "I(-(x + 1))",
    "{-x**2}": "I(-x ** 2)",
    "{(-x)**2}": "I((-x) ** 2)",
    "{x**(2)}": "I(x ** 2)",
    "{(x**2)**3}": "I((x ** 2) ** 3)",
    "{x**2**3}": "I(x ** 2 ** 3)",
    "{x - (a - b)}": "I(x - (a - b))",
    "{(x - a) - b}": "I(x - a - b)",
    "{x/(a*b)}": "I(x / (a * b))",
    "{x*-a}": "I(x * -a)",
    "{(x > 2)*x}": "I((x > 2) * x)",
    "log((x + 10)*2)": "log((x + 10) * 2)",
    "{`a - b` + 1}": "I(`a - b` + 1)",
    "{a - b + 1}": "I(a - b + 1)",
    "{x*1e3 + 1.50}": "I(x * 1000.0 + 1.5)",
    "`a - b`": "a - b",
}


@pytest.mark.parametrize("text", NAMES)
def test_a_name_keeps_the_brackets_that_matter(text: str) -> None:
    assert [name for name in matrix(text) if name != "Intercept"] == [NAMES[text]]


def test_expressions_that_differ_are_two_terms() -> None:
    found = matrix("{(x + 1)*2 + x**2} + {x + 1*2 + x**2} + {(x + 1)*2 + (x**2)}")
    assert list(found) == ["Intercept", "I((x + 1) * 2 + x ** 2)", "I(x + 1 * 2 + x ** 2)"]
    np.testing.assert_allclose(found["I(x + 1 * 2 + x ** 2)"], X + 2 + X**2)
    np.testing.assert_allclose(found["I((x + 1) * 2 + x ** 2)"], (X + 1) * 2 + X**2)


def test_whole_numbers_are_labels_as_they_are() -> None:
    table = TABLE.assign(id=2**60 + TABLE["k"])
    assert list(matrix("C(id)", table))[1:] == [f"C(id)[{2**60 + 2}]", f"C(id)[{2**60 + 3}]"]
    found = matrix("C(k) + k", TABLE.assign(k=TABLE["k"] * 3_000_000_000))
    assert list(found) == ["Intercept", "C(k)[6000000000]", "C(k)[9000000000]", "k"]


# ---- what is refused --------------------------------------------------------------------------------------

REFUSED = {
    "{cat + 1}": (DataError, "Column 'cat' holds labels, such as 'u', which are no numbers"),
    "log(cat)": (DataError, "Column 'cat' holds labels"),
    "{'a' * 10**9}": (FormulaError, "'a' is no number"),
    "{x + None}": (FormulaError, "None is no number"),
    "{9**(9**9) * x}": (DataError, r"Term 'I\(9 \*\* 9 \*\* 9 \* x\)' is infinite .* in 24 rows"),
    "{1e400 * x}": (FormulaError, "This number is beyond double precision"),
    "{x < 2 < 3}": (FormulaError, r"A comparison has two sides\.[\s\S]*Try: \(a < b\) \* \(b < c\)"),
    "exp(x, k)": (FormulaError, r"exp\(x, k\) needs one argument"),
    "exp(x, where=p)": (FormulaError, r"exp\(x, where=p\) needs one argument"),
    "scale(2)": (FormulaError, r"scale\(2\) needs one number a row; 2 is a constant"),
    "scale(poly(x, 2))": (FormulaError, r"poly\(x, 2\) is 2 columns"),
    "bs(x, df=k)": (FormulaError, "The argument k is no constant"),
    "{2}": (FormulaError, r"I\(2\) is a constant, no predictor"),
    "{x:k}": (FormulaError, "':' cannot stand here"),
    "{x, k}": (FormulaError, r"I\(x, k\) needs one argument"),
    "{(x, k)}": (FormulaError, "has no meaning in arithmetic"),
    "scale(x, x=k)": (FormulaError, "multiple values for argument 'x'"),
    "bs(x, df=4, df=5)": (FormulaError, "df= cannot stand here"),
    "bs(x, 1=2)": (FormulaError, "1= cannot stand here"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_arithmetic_is_refused(text: str) -> None:
    kind, message = REFUSED[text]
    with pytest.raises(kind, match=message):
        build_design(f"y ~ {text}", TABLE)


MANY = pd.DataFrame({f"v{i}": RNG.normal(size=20) for i in range(500)} | {"y": RNG.normal(size=20)})
MANY = MANY.assign(**{f"c{i}": np.arange(20) // 2 ** (i % 4) % 2 == 0 for i in range(16)})
MANY = MANY.assign(id=[f"id{i % 19}" for i in range(20)])


def together(sign: str, n: int, letter: str = "v") -> str:
    return sign.join(f"{letter}{i}" for i in range(n))


TOO_MANY = {
    f"({together(' + ', 20)})**20": "ask for 1,048,575 columns or more",
    f"({together(' + ', 20)})**{'9' * 5000}": "ask for 1,048,575 columns or more",
    f"(({together(' + ', 20)})**20)**20": "'\\*\\*' means|ask for 1,048,575 columns or more",
    together(" * ", 16): "ask for 65,535 columns or more",
    together(" * ", 500): "ask for about 10\\^150 columns or more",
    together(":", 12, "c"): "An interaction of 12 categories asks for 4,096 columns",
    together(":", 16, "c"): "An interaction of 16 categories asks for 65,536 columns",
    "poly(v0, 100000)": r"poly\(v0, 100000\) asks for 100,000 columns\.\n  Allowed: degree up to 1,000",
    "poly(v0, 20)": r"asks for 20 columns of 20 distinct values\.\n  Allowed: a degree up to 19",
    "bs(v0, df=100000)": r"bs\(v0, df=100000\) asks for 100,000 columns",
    "bs(v0, df=10**5)": "asks for 100,000 columns",
    "bs(v0, knots=[0, 1], degree=100000)": "asks for 100,000 columns",
    "cr(v0, df=100000)": "asks for 100,000 columns",
    "tp(v0, df=100000)": "asks for 100,000 columns",
    "tp(v0, max_knots=10**9)": "asks for 1,000,000,000 places of max_knots",
}


@pytest.mark.parametrize("text", TOO_MANY, ids=range(len(TOO_MANY)))
def test_a_formula_that_would_never_end_says_how_many_columns_it_asks_for(text: str) -> None:
    with pytest.raises(FormulaError, match=TOO_MANY[text]):
        build_design(f"y ~ {text}", MANY)


def test_a_category_of_many_levels_belongs_among_the_groups() -> None:
    table = pd.DataFrame({"y": np.arange(10_500.0), "id": [f"id{i}" for i in range(10_500)]})
    with pytest.raises(FormulaError, match=r"ask for 10,500 columns\.[\s\S]*Try: \(1 \| g\) instead of g"):
        build_design("y ~ id", table)


def test_hundreds_of_predictors_and_of_brackets_work() -> None:
    text = together(" + ", 500)
    found = matrix(text, MANY)
    assert list(found) == ["Intercept", *MANY.columns[:500]]
    np.testing.assert_array_equal(found["v321"], MANY["v321"])
    total = matrix(f"{{{text}}}", MANY)
    np.testing.assert_allclose(list(total.values())[1], MANY.iloc[:, :500].sum(axis=1), rtol=1e-12)
    for inside in ("{0}v1 + v2{1}", "{{{0}v1 + v2{1}}}", "{{{2}v1{1}}}"):
        nested = matrix(inside.format("(" * 100, ")" * 100, "abs(" * 100), MANY)
        wanted = MANY["v1"].abs() if "abs" in list(nested)[1] else MANY[["v1", "v2"]].sum(axis=1)
        np.testing.assert_allclose(sum(list(nested.values())[1:]), wanted, rtol=1e-12)
    deep = "(v1 + " * 100 + "v2" + ")*2" * 100
    np.testing.assert_allclose(
        list(matrix(f"{{{deep}}}", MANY).values())[1],
        (2.0**101 - 2) * MANY["v1"] + 2.0**100 * MANY["v2"],
        rtol=1e-12,
    )


DEEP = {
    "{" + "(" * 151 + "x" + ")" * 151 + "}": "More than 150 brackets stand inside one another",
    "(" * 151 + "x" + ")" * 151: "More than 150 brackets stand inside one another",
    "{" + "**".join(["x"] * 400) + "}": "The expression is nested too deeply",
    "{" + "-" * 400 + "x}": "The expression is nested too deeply",
    "{" + "+".join(["x"] * 20_000) + "}": "The expression is too long",
}


@pytest.mark.parametrize("text", DEEP, ids=range(len(DEEP)))
def test_what_is_too_deep_is_refused_in_our_words(text: str) -> None:
    with pytest.raises(FormulaError, match=DEEP[text]):
        build_design(f"y ~ {text}", TABLE)


# ---- the algebra of terms ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x*a*b", ["x", "a", "x:a", "b", "x:b", "a:b", "x:a:b"]),
        ("x:a + a:x", ["x:a"]),
        ("(x + a)*(x + a)", ["x", "a", "x:a"]),
        ("x/a/b", ["x", "x:a", "x:a:b"]),
        ("(x + a)/b", ["x", "a", "x:a:b"]),
        ("(x + a + b)**2 - x - a:b", ["a", "b", "x:a", "x:b"]),
        ("x*(a - b)", ["x", "a", "x:a"]),
        ("(1 + x):a", ["a", "x:a"]),
        ("({x - 1} + log(a))**2", ["I(x - 1)", "log(a)", "I(x - 1):log(a)"]),
    ],
)
def test_operators_between_terms(text: str, names: list[str]) -> None:
    assert list(matrix(text)) == ["Intercept", *names]


@pytest.mark.parametrize("text", ["(0 + x)", "x - 1", "x + 0", "-1 + x", "x + -1", "0 + x", "x - (1 + a)"])
def test_an_intercept_can_be_taken_away(text: str) -> None:
    assert list(matrix(text)) == ["x"]


@pytest.mark.parametrize("text", ["x*1", "0:x", "x + (1):x", "x + -a:x"])
def test_an_intercept_is_no_part_of_an_interaction(text: str) -> None:
    with pytest.raises(FormulaError, match=r"On both sides of|This sign stands before a term"):
        build_design(f"y ~ {text}", TABLE)


# ---- codings of categories --------------------------------------------------------------------------------

LEVELS = {"f": list("pqr"), "g": list("uv"), "h": list("st")}
FACTORS = pd.MultiIndex.from_product(LEVELS.values(), names=LEVELS).to_frame(index=False)
FACTORS = pd.concat([FACTORS] * 6, ignore_index=True)
FACTORS = FACTORS.assign(**{name: RNG.normal(size=len(FACTORS)) for name in ("x", "z", "y")})


def spanned(terms: list[tuple[str, ...]], intercept: bool) -> np.ndarray:
    """Make all columns that terms mean, with an indicator for every level, though some follow from others."""
    blocks = [np.ones((len(FACTORS), int(intercept)))]
    for term in terms:
        block = np.ones((len(FACTORS), 1))
        for name in term:
            own = pd.get_dummies(FACTORS[name]).to_numpy(float) if name in LEVELS else FACTORS[[name]]
            block = np.einsum("ni,nj->nij", block, own).reshape(len(FACTORS), -1)
        blocks.append(block)
    return np.hstack(blocks)


TERMS = st.lists(st.sampled_from("fghxz"), min_size=1, max_size=4, unique=True).map(tuple)


@settings(max_examples=200)
@given(st.lists(TERMS, min_size=1, max_size=5), st.booleans())
def test_columns_span_what_the_terms_mean_and_none_follows_from_others(
    terms: list[tuple[str, ...]], intercept: bool
) -> None:
    text = " + ".join([*([] if intercept else ["0"]), *map(":".join, terms)])
    found = build_design(f"y ~ {text}", FACTORS)[0].main.population.matrix
    wanted = spanned(terms, intercept)
    ranks = [np.linalg.matrix_rank(m) for m in (found, wanted, np.hstack([found, wanted]))]
    assert ranks == [found.shape[1]] * 3


def test_a_term_that_others_contain_is_left_out() -> None:
    names = build_design("y ~ f:g + g", FACTORS)[0].main.population.names
    assert set(names) == {"Intercept", "g[v]", "f[q]:g[u]", "f[r]:g[u]", "f[q]:g[v]", "f[r]:g[v]"}
    assert len(names) == 6
