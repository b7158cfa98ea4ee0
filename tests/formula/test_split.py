"""The text of a formula is cut into its parts, or the error points at what is wrong."""

import pytest

from partialpool.errors import FormulaError
from partialpool.formula.syntax.split import split_formula, split_parameter


def sources(*pieces):
    return tuple(None if p is None else p.source for p in pieces)


@pytest.mark.parametrize(
    ("text", "value", "success", "trials", "weights"),
    [
        ("y ~ x", "y", None, None, None),
        ("`use.contraception` ~ x", "`use.contraception`", None, None, None),
        ("k | trials(n) ~ x", "k", None, "n", None),
        ("k | trials(12) + weights(w) ~ x", "k", None, "12", "w"),
        ("k | weights(w) + trials(2 * n) ~ x", "k", None, "2 * n", "w"),
        ("y ~ x + weights(w)", "y", None, None, "w"),
        ("p(k, n) ~ x", "k", None, "n", None),
        ("prop(k, log(n)) ~ x", "k", None, "log(n)", None),
        ("proportion(k, 12) ~ x", "k", None, "12", None),
        ("y[yes] ~ x", "y", "yes", None, None),
        ("`y y`['a b'] ~ x", "`y y`", "a b", None, None),
        ("log(y) ~ x", "log(y)", None, None, None),
    ],
)
def test_the_left_side(text, value, success, trials, weights):
    left, _ = split_formula(text)
    assert sources(left.value, left.additions.get("trials"), left.weights) == (value, trials, weights)
    assert left.success == success


@pytest.mark.parametrize(
    ("text", "population"),
    [
        ("y ~ 1", "1+1"),
        ("y ~ x", "1+x"),
        ("y ~ x - 1", "1+x-1"),
        ("y ~ -1 + x", "1+-1+x"),
        ("y ~ 0 + (1 | g)", "1+0"),
        ("y ~ (1 | g)", "1"),
        ("y ~ (1 | g) + x + offset(z) + cat:x", "1+x+cat:x"),
        ("y ~ (x + z)**2 + {x | z == 1}", None),
        ("y ~ (x + z)**2 + {x**2} + log(x + 1)", "1+(x+z)**2+{x**2}+log(x+1)"),
        ("y ~ weights(w)", "1"),
    ],
)
def test_the_population_level_rest(text, population):
    if population is None:
        with pytest.raises(FormulaError, match="A bar belongs inside the brackets"):
            split_formula(text)
    else:
        assert "".join(t.text for t in split_formula(text)[1].population.tokens) == population


@pytest.mark.parametrize(
    ("term", "groups"),
    [
        ("(1 | g)", [("1+1", ("g",), True)]),
        ("(x | g)", [("1+x", ("g",), True)]),
        ("(0 + x | g)", [("1+0+x", ("g",), True)]),
        ("(x || g)", [("1+x", ("g",), False)]),
        ("(x*z | `odd g`)", [("1+x*z", ("odd g",), True)]),
        ("(1 | a:b)", [("1+1", ("a", "b"), True)]),
        ("(1 | a/b)", [("1+1", ("a",), True), ("1+1", ("a", "b"), True)]),
        ("(1|a/b/c)", [("1+1", ("a",), True), ("1+1", ("a", "b"), True), ("1+1", ("a", "b", "c"), True)]),
        ("(1 | a) + (log(x) | b)", [("1+1", ("a",), True), ("1+log(x)", ("b",), True)]),
    ],
)
def test_group_level_terms(term, groups):
    _, right = split_formula(f"y ~ x + {term}")
    found = [("".join(t.text for t in g.expression.tokens), g.columns, g.correlated) for g in right.groups]
    assert found == groups


def test_offsets_are_taken_off():
    _, right = split_formula("y ~ x + offset(log(t)) + offset(z)")
    assert sources(*right.offsets) == ("log(t)", "z")
    assert right.columns == ("x", "t", "z")
    assert sources(*right.pieces) == ("x", "log(t)", "z")


@pytest.mark.parametrize("text", ["~ z + (1 | g)", "z + (1 | g)"])
def test_the_formula_of_a_parameter(text):
    right = split_parameter(text)
    assert right.population.source == "z"
    assert right.columns == ("z", "g")


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("y", 0, "The formula has no outcome"),
        ("~ x", 0, "The formula has no outcome"),
        ("", 0, "The formula has no outcome"),
        ("y ~", 3, "Nothing stands right of '~'"),
        ("y ~ x ~ z", 6, "The formula has a second '~'"),
        ("y ~ x +", 6, r"Nothing follows this '\+'"),
        ("y ~ x | g", 6, "A bar belongs inside the brackets of a group-level term"),
        ("y ~ (1 | g) * x", 7, "A bar belongs inside the brackets of a group-level term"),
        ("y ~ x - (1 | g)", 6, r"'\(1 \| g\)' cannot be taken away"),
        ("y ~ x - offset(z)", 6, r"'offset\(z\)' cannot be taken away"),
        ("y ~ (x | g | h | k)", 15, "A group-level term has one bar, or a name between two"),
        ("y ~ (| g)", 5, "Nothing stands left of the bar"),
        ("y ~ (1 | )", 7, "No grouping factor stands right of the bar"),
        ("y ~ (1 | a + b)", 9, r"A grouping factor cannot be 'a \+ b'[\s\S]*Try: \(1 \| a\) \+ \(1 \| b\)"),
        ("y ~ (1 | f(g))", 9, r"A grouping factor cannot be 'f\(g\)'"),
        ("y ~ (1 | a/)", 9, "A grouping factor cannot be 'a/'"),
        ("y ~ (1 | a:a)", 9, "has a column twice"),
        ("y ~ x**2", 5, r"'\*\*' means all interactions of a sum[\s\S]*Try: \{x\*\*2\}"),
        ("y ~ log(x)**2", 10, r"'\*\*' means all interactions of a sum"),
        ("y ~ (x + z)**w", 13, "The order of interactions after"),
        ("y ~ 2*x", 4, "The number 2 is not a term"),
        ("y ~ 'a'", 4, "'a' is not a term"),
        ("y ~ True", 4, "True is not a term"),
        ("y ~ x == 2", 6, "'==' means nothing among terms"),
        ("y ~ x, z", 5, "',' means nothing among terms"),
        ("y ~ x[a]", 5, "Square brackets belong to the outcome"),
        ("y ~ offset(x) * 2", 4, r"offset\(...\) stands alone"),
        ("y ~ log(offset(x))", 8, r"offset\(...\) stands alone"),
        ("y ~ trials(n)", 4, r"trials\(...\) stands alone"),
        ("y | foo(w) ~ x", 4, r"Only trials\(...\) and weights\(...\) can follow"),
        ("y | trials() ~ x", 4, r"Only trials\(...\) and weights\(...\) can follow"),
        ("y | trials(n) | weights(w) ~ x", 13, "The outcome has a second"),
        ("y | trials(n) + trials(m) ~ x", 16, "The formula has trials twice"),
        ("y | weights(w) ~ weights(v)", 25, "The formula has weights twice"),
        ("y ~ weights(w) + weights(v)", 25, "The formula has weights twice"),
        ("p(k) ~ x", 0, "p takes successes and trials"),
        ("p(k, n) | trials(n) ~ x", 17, "The formula has trials twice"),
        ("y ~ (x)(z)", 7, "This bracket follows no function"),
        ("y ~ `a`(z)", 7, "This bracket follows no function"),
    ],
)
def test_an_error_points_at_what_is_wrong(text, at, message):
    with pytest.raises(FormulaError, match=message) as caught:
        split_formula(text)
    assert str(caught.value).splitlines()[1:3] == [f"    {text}", f"    {' ' * at}^"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("sigma ~ z", "has nothing left of its one '~'"), ("~ z + weights(w)", "Weights belong to the outcome")],
)
def test_the_formula_of_a_parameter_has_no_left_side(text, message):
    with pytest.raises(FormulaError, match=message):
        split_parameter(text)


@pytest.mark.parametrize(
    ("text", "name", "at"),
    [
        ("y ~ foo(x)", "foo", 4),
        ("foo(y) ~ x", "foo", 0),
        ("y ~ np.linalg.norm(x)", "np.linalg.norm", 4),
        ("y ~ log(__import__('os'))", "__import__", 8),
        ("y ~ {x.__class__(1)}", "x.__class__", 5),
        ("y ~ (open(x) | g)", "open", 5),
        ("y ~ offset(eval(x))", "eval", 11),
        ("k | trials(max(n)) ~ x", "max", 11),
        ("y ~ weights(sum(w))", "sum", 12),
        ("y ~ binary(x)", "binary", 4),
    ],
)
def test_only_the_listed_functions_can_be_called(text, name, at):
    with pytest.raises(FormulaError) as caught:
        split_formula(text)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"A formula cannot call {name!r}."
    assert lines[2] == f"    {' ' * at}^"
    assert lines[3].startswith("  Allowed: abs, cos, exp")


def test_a_misspelt_function_is_answered_with_the_near_one():
    with pytest.raises(FormulaError, match="Try: scale"):
        split_formula("y ~ scael(x)")
