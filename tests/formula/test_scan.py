"""Tokens know where they stand; errors point at one."""

import pytest

from partialpool.errors import FormulaError
from partialpool.formula.syntax.scan import scan


def texts(piece):
    return [token.text for token in piece.tokens]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y~x", ["y", "~", "x"]),
        (" y ~ 1 +\n x ", ["y", "~", "1", "+", "x"]),
        ("`odd name` ~ `a+b`", ["`odd name`", "~", "`a+b`"]),
        ("use.contraception ~ _x1", ["use.contraception", "~", "_x1"]),
        ("年齢 ~ मूल्य + é", ["年齢", "~", "मूल्य", "+", "é"]),
        ("(x || g)", ["(", "x", "||", "g", ")"]),
        ("x**2 >= 1.5e-3", ["x", "**", "2", ">=", "1.5e-3"]),
        ("""C(x, "it's (")""", ["C", "(", "x", ",", '"it\'s ("', ")"]),
    ],
)
def test_the_text_is_cut_into_tokens(text, expected):
    piece = scan(text)
    assert texts(piece) == expected
    assert all(text[t.start : t.end] == t.text for t in piece.tokens)


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("y ~ (1 | g", 4, "This '(' is never closed."),
        ("y ~ x)", 5, "This ')' closes nothing."),
        ("y ~ (x}", 6, "This '}' closes nothing."),
        ("y ~ `odd", 4, "This quote is never closed."),
        ('y ~ C(x, "a)', 9, "This quote is never closed."),
        ("y ~ x^2", 5, "A formula cannot have '^' here."),
        ("y ~ a %in% b", 6, "A formula cannot have '%' here."),
        ("y\n~ $x", 4, "A formula cannot have '$' here."),
    ],
)
def test_an_error_points_at_the_character(text, at, message):
    with pytest.raises(FormulaError) as caught:
        scan(text)
    one_line = " ".join(text.splitlines())
    assert str(caught.value).splitlines()[:3] == [message, f"    {one_line}", f"    {' ' * at}^"]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("log(x) + x + z", ("x", "z")),
        ("np.log(`log`)", ("log",)),
        ("poly(x, degree=k)", ("x", "k")),
        ("C(cat, Treatment('a')) + C(h, Sum) + C(j, contrast=Treatment)", ("cat", "h", "j")),
        ("Sum + {Treatment * 2}", ("Sum", "Treatment")),
        ("C(x, `Sum`)", ("x", "Sum")),
        ("f(x, True) + None", ("x",)),
    ],
)
def test_columns_are_told_from_functions_and_arguments(text, columns):
    assert scan(text).columns == columns


def test_a_piece_is_split_outside_brackets_only():
    assert [p.source for p in scan("a + f(b + c) + {d + e}").split("+")] == ["a", "f(b + c)", "{d + e}"]
    assert [len(p) for p in scan("+ a").split("+")] == [0, 1]


def test_the_argument_is_that_of_one_whole_call():
    assert scan("offset(log(x))").argument("offset").source == "log(x)"
    assert scan("offset(x) + offset(z)").argument("offset") is None
    assert scan("log(x)").argument("offset") is None
    assert scan("offset").argument("offset") is None
