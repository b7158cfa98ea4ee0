"""What a page says, before and after it is HTML, without a browser."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from contextlib import redirect_stdout
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from tests.report.invented import ODD_LABELS, FakePools, make_fit, make_pools, make_table, without_rows

import partialpool as pp
from partialpool.errors import FileError
from partialpool.plots.style import COLOURS
from partialpool.pooling.population import Estimate
from partialpool.report import document
from partialpool.report import page_blocks as blocks
from partialpool.report.chart_parts import padded
from partialpool.report.document import page_html
from partialpool.report.group_tables import pooling_groups
from partialpool.report.html import block_html, json_html
from partialpool.report.page import fit_page, pools_page, write_fit_page
from partialpool.report.phrases import about_groups, about_outcome, model_in_words, question_of_fit
from partialpool.report.python_text import fit_script, pools_script, prior_text
from partialpool.report.sections import verdict
from partialpool.report.sections_pools import draw_figures
from partialpool.report.shrinkage_chart import shrinkage_spec
from partialpool.results.findings import Diagnosis, Finding

VERSIONS = {"partialpool": "0.1.0", "numpy": "2"}
ABOUT = {"question": None, "source": None, "versions": VERSIONS}
VOID = {"meta", "input", "img", "br"}


def page_of(pools, **about):
    return pools_page(pools, **ABOUT | about, figures=draw_figures(pools))


def of_kind(page, kind):
    return [block for section in page.sections for block in section.blocks if isinstance(block, kind)]


@pytest.fixture(scope="module")
def comparison():
    return page_of(FakePools(), source="bangladesh")


@pytest.fixture(scope="module")
def html(comparison):
    return page_html(comparison)


class Outline(HTMLParser):
    """Checks that elements close in order; collects identifiers, headings and links."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.headings, self.links, self.addresses = [], [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in found:
            self.ids.append(found["id"])
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag == "a":
            self.links.append(found["href"])
        self.addresses += [found[name] for name in ("src", "href", "data", "action") if name in found]
        assert not [name for name in found if name.startswith("on")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


# ---- what is said ------------------------------------------------------------------------------------------


def test_a_comparison_is_told_in_order(comparison):
    assert [section.name for section in comparison.sections] == [
        "data",
        "model",
        "priors",
        "checks",
        "estimates",
        "pooling",
        "groups",
        "figures",
        "meaning",
        "again",
    ]
    assert comparison.title == "How much does the probability of y differ between 3 groups of g?"
    assert comparison.lead[1].text.startswith("12 rows in 3 groups of g, 2 to 7 rows each")


def test_a_fit_is_told_in_order(fit):
    page = fit_page(fit, prob=0.5, **ABOUT)
    names = [section.name for section in page.sections]
    assert names == ["data", "model", "priors", "checks", "estimates", "groups", "meaning", "again"]
    assert page.title == "How much does the probability of y differ between groups of g?"
    first = fit.summary(prob=0.5).loc["Intercept"]
    told = "12 rows; 3 groups of g, of 2 to 7 rows (median 3). Posterior means with 50% intervals: Intercept "
    ends = f"[{first['hdi_25%']:z.2f}, {first['hdi_75%']:z.2f}]"
    assert page.lead[1].text.startswith(f"{told}{first['mean']:z.2f} {ends}; ".replace("-", "−"))
    (table,) = of_kind(page, blocks.GroupTable)
    expected = fit.group_coefficients(prob=0.5)
    np.testing.assert_allclose([row[2].value for row in table.rows], expected["mean"])
    assert table.rows[0][2].detail == f"{expected['hdi_25%'][0]:.2f} to {expected['hdi_75%'][0]:.2f}"


def test_what_the_caller_says_stands(fit):
    page = fit_page(fit, question="Why <so>?", source="a survey", prob=0.89, versions=VERSIONS)
    assert page.title == "Why <so>?"
    assert ("Source", "a survey") in of_kind(page, blocks.Facts)[0].pairs
    assert "<h1>Why &lt;so&gt;?</h1>" in page_html(page)


def test_a_fit_without_rows_says_so(fit):
    spec = replace(fit.model.spec, design=without_rows(fit.model.design))
    kept = replace(fit, model=replace(fit.model, spec=spec))
    page = fit_page(kept, prob=0.89, **ABOUT)
    assert of_kind(page, blocks.Notice)[0].title == "Without rows"
    (table,) = of_kind(page, blocks.GroupTable)
    assert [column.title for column in table.columns] == ["g", "mean", "sd"]
    assert "3 groups of g" in dict(of_kind(page, blocks.Facts)[0].pairs)["Groups"]
    assert page.title == "How much does the probability of y differ between groups of g?"


def test_a_problem_is_told_first(interrupted_fit):
    draws = replace(interrupted_fit.draws, values=interrupted_fit.draws.values[:, :20])
    stats = {name: value[:, :20] for name, value in draws.stats.items()}
    page = fit_page(replace(interrupted_fit, draws=replace(draws, stats=stats)), prob=0.89, **ABOUT)
    assert page.lead[0].kind == "problem"
    told = [notice for notice in of_kind(page, blocks.Notice) if notice.kind == "problem"]
    assert told[0].text.endswith("Run the fit again and let it finish.")
    assert "and those after them that the interruption left out." in page.sections[-1].blocks[0].text


@pytest.mark.parametrize(
    ("bad", "title"),
    [
        ((0,), "Do not rely on the fit with a as it is"),
        ((0, 2), "Do not rely on the fits with a and c as they are"),
    ],
)
def test_the_verdict_names_the_fits_with_problems(bad, title):
    problem = Finding("problem", "t", "w", "a")
    found = {name: Diagnosis((problem,) if i in bad else (), ()) for i, name in enumerate("abc")}
    assert verdict(found).title == title


def test_draws_from_the_prior_are_told_as_such():
    table = pd.DataFrame({"y": [0, 1, 1, 0], "g": list("aabb")})
    prior = pp.Model("y ~ (1 | g)", table, "bernoulli").sample_prior(100, seed=1)
    page = fit_page(prior, prob=0.89, **ABOUT)
    assert (page.lead[0].kind, page.lead[0].title) == ("note", "Draws from the prior")
    assert "Prior means with 89% intervals" in page.lead[1].text
    assert "posterior" not in str(page.sections[-2]).lower()
    script = of_kind(page, blocks.Code)[-1].text
    made = {"TABLE": table}
    with redirect_stdout(io.StringIO()):
        exec(script.replace("data = ...", "data = TABLE"), made)
    assert made["fit"].summary().equals(prior.summary())


def test_the_python_has_a_place_for_known_covariances():
    related = pd.DataFrame(0.5 + 0.5 * np.eye(2), ["a", "b"], ["a", "b"])
    table = pd.DataFrame({"y": [0, 1, 1, 0], "g": list("aabb")})
    model = pp.Model("y ~ (1 | gr(g, cov=A))", table, "bernoulli", covariances={"A": related})
    prior = model.sample_prior(100, seed=1)
    page = fit_page(prior, prob=0.89, **ABOUT)
    assert "In place of ... after A comes the known covariance between groups" in str(page.sections[-1])
    script = of_kind(page, blocks.Code)[-1].text.replace("data = ...", "data = TABLE")
    made = {"TABLE": table, "RELATED": related}
    with redirect_stdout(io.StringIO()):
        exec(script.replace('"A": ...', '"A": RELATED'), made)
    assert made["fit"].summary().equals(prior.summary())


def test_a_group_without_a_name_or_rows_is_told():
    table = FakePools().table().assign(group=["", "b", "c"])
    unknown = [name for name in table if name.endswith(("_outcome", "_mean", "_lower", "_upper"))]
    table.loc[1, unknown] = np.nan
    shown = pooling_groups(table, FakePools().population(), "groups-1")
    assert shown.rows[0][0].text == "(empty)"
    assert {(cell.text, cell.detail) for cell in shown.rows[1][3:6]} == {("-", "")}


@pytest.mark.parametrize(
    ("sizes", "ticks"), [((1, 10, 118), [1, 2, 5, 10, 20, 50, 100]), ((4, 4), None), ((13, 31), None)]
)
def test_sizes_of_groups_have_three_ticks_or_more(sizes, ticks):
    table = make_table(tuple("abc"[: len(sizes)]), sizes)
    spec = shrinkage_spec(table, Estimate(0.0, 1.0, -1.0, 1.0), "", ("n", "y"))
    assert spec["encoding"]["x"]["axis"].get("values") == ticks


def test_the_table_of_groups_has_the_numbers_of_the_comparison(comparison):
    table = FakePools().table()
    (shown,) = of_kind(comparison, blocks.GroupTable)
    columns = {(c.title, c.view): [row[i] for row in shown.rows] for i, c in enumerate(shown.columns)}
    for pooling in ("no", "partial", "complete"):
        for view, suffix in (("probability", "_outcome"), ("log-odds", "")):
            cells = columns[f"{pooling} pooling", view]
            np.testing.assert_allclose(
                [cell.value for cell in cells], table[f"{pooling}_pooling_mean{suffix}"]
            )
            low, high = (float(table[f"{pooling}_pooling_{end}{suffix}"][0]) for end in ("lower", "upper"))
            ends = [float(text) for text in cells[0].detail.split(" to ")]
            np.testing.assert_allclose(ends, [low, high], atol=0.006)


def test_the_chart_has_every_group_and_the_table_its_rows(comparison):
    (chart,) = of_kind(comparison, blocks.Chart)
    table = FakePools().table()
    assert [view.title for view in chart.views] == ["probability", "log-odds"]
    for view, suffix in zip(chart.views, ("_outcome", ""), strict=True):
        data = pd.DataFrame(view.spec["data"]["values"]).set_index("row").sort_index()
        for pooling in ("no", "partial"):
            mean = table[f"{pooling}_pooling_mean{suffix}"]
            np.testing.assert_allclose(data[pooling], mean, rtol=1e-4)
        assert data["name"].tolist() == table["group"].tolist()
        moved = (data["partial"] - data["no"]).abs()
        assert moved[data.sort_values("place").index].is_monotonic_decreasing


def test_names_stand_at_a_few_groups_only():
    (chart,) = of_kind(page_of(make_pools(500)), blocks.Chart)
    values = chart.views[0].spec["data"]["values"]
    assert [item.get("place") for item in values[:9]] == [*range(8), None]
    assert "label" not in values[0]


def test_axes_reach_a_little_further_than_what_they_show():
    assert padded([1.0, None, 2.0]) == pytest.approx([0.94, 2.06])
    assert padded([3.0, float("nan")]) == [2.5, 3.5]


# ---- words -------------------------------------------------------------------------------------------------


def test_groups_of_one_size_are_described_once():
    (term,) = make_fit(("a", "b", "c"), (4, 4, 4)).model.design.predictors["mu"].groups
    assert about_groups(term.grouping) == "3 groups of g, of 4 rows each"
    (term,) = make_fit(("a", "b", "c"), (1, 1, 1)).model.design.predictors["mu"].groups
    assert about_groups(term.grouping) == "3 groups of g, of 1 row each"


@pytest.mark.parametrize(
    ("outcome", "family", "told"),
    [
        ("y", "gaussian", "y: 1 to 8; raw mean 4.500"),
        ("p(k, t)", "binomial", "k: 0 to 3, of 2 to 4 trials a row; raw probability 0.500"),
        ("yes", "bernoulli", "yes: no (0) or yes (1), 2 yes"),
    ],
)
def test_the_outcome_is_described(outcome, family, told):
    table = pd.DataFrame({"y": np.arange(1.0, 9), "k": [0, 1, 2, 3] * 2, "t": [2, 2, 4, 4] * 2})
    table["yes"] = ["no", "no", "no", "yes"] * 2
    assert about_outcome(pp.Model(f"{outcome} ~ 1", table, family=family)) == told


def real_model(formula, **options):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"y": rng.normal(size=24), "x": rng.normal(size=24), "g": list("abcdef") * 4})
    return pp.Model(formula, table, **options)


@pytest.mark.parametrize(
    ("formula", "question"),
    [
        ("y ~ 1", "What is the mean of y?"),
        ("y ~ x", "How does the mean of y depend on x?"),
        (
            "y ~ x + (x | g)",
            "How does the mean of y depend on x, and how does it differ between groups of g?",
        ),
    ],
)
def test_the_question_is_made_of_the_formula(formula, question):
    assert question_of_fit(real_model(formula)) == question


def test_a_model_is_told_in_words():
    model = real_model(pp.Formula("y ~ x + (x | g)", sigma="~ 1"))
    assert model_in_words(model) == [
        "Each row's y has a Gaussian distribution.",
        "Its mean is a sum of an intercept, a coefficient of x and what varies by group.",
        "Each of the 6 groups of g has its own intercept and coefficient of x, which are correlated; how far "
        "groups are spread is learnt from the data, so groups share information.",
        "The log of its sigma is a sum of an intercept.",
    ]


@pytest.mark.parametrize(
    ("right", "priors", "words"),
    [
        ("(x | gr(g, cov=A))", {}, "which are correlated; groups are related by A, which is known; how far"),
        ("(1 | gr(g, cov=A))", {"1|g": pp.Normal(0, 1)}, "with a fixed spread; groups are related by A"),
        ("(1 | p | g)", {}, "its own intercept, correlated with all effects of terms called p; how far"),
    ],
)
def test_words_say_how_groups_and_terms_are_related(right, priors, words):
    table = pd.DataFrame({"y": [0.1, 1, 0.7, 0.2], "x": [1.0, 2, 3, 5], "g": list("aabb")})
    related = pd.DataFrame(0.5 + 0.5 * np.eye(2), ["a", "b"], ["a", "b"])
    formula = pp.Formula(f"y ~ x + {right}", **({"sigma": "~ (1 | p | g)"} if "p" in right else {}))
    known = {"A": related} if "cov" in right else None
    model = pp.Model(formula, table, priors=priors, covariances=known)
    assert words in " ".join(model_in_words(model))


# ---- the Python --------------------------------------------------------------------------------------------


def test_the_python_makes_the_same_model(fit):
    formula = pp.Formula("`y` ~ x + (x | g)", sigma="~ 1")
    model = real_model(formula, priors={"x": pp.StudentT(3, 0, 1 / 3)})
    script = fit_script(replace(fit, model=model), "table.csv", 0.89)
    asked = {}

    class Door:
        def __getattr__(self, name):
            return getattr(pp, name)

        def read_table(self, path):
            return path

        def Model(self, *given, **named):  # noqa: N802
            asked.update(given=given, named=named)
            return self

        def fit(self, **named):
            asked.update(fit=named)
            return self

        def summary(self, prob):
            asked["prob"] = prob

    exec(script.replace("import partialpool as pp", ""), {"pp": Door(), "print": lambda _: None})
    assert asked["given"] == (formula, "table.csv")
    assert asked["named"] == {"family": "gaussian", "priors": dict(model.priors)}
    assert asked["fit"] == {"draws": 200, "chains": 4, "seed": 19, "warmup": 400}
    assert asked["prob"] == 0.89


def test_the_python_of_a_comparison(pools):
    assert pools_script(pools, "bangladesh") == "\n".join(
        [
            "import partialpool as pp",
            "",
            'data = pp.load_dataset("bangladesh")',
            "pools = pp.compare_pooling(",
            '    "y ~ 1 + (1 | g)",',
            "    data,",
            '    family="bernoulli",',
            "    priors={",
            '        "Intercept": pp.Normal(0, 1.5),',
            '        "1|g": pp.Normal(0, pp.Exponential(1)),',
            "    },",
            "    draws=200,",
            "    chains=4,",
            "    seed=19,",
            "    warmup=400,",
            ")",
            "print(pools.table())",
            "print(pools.explain())",
        ]
    )


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("scores.parquet", 'pp.read_table("scores.parquet")'),
        ('a "b".csv', 'pp.read_table("a \\"b\\".csv")'),
        ("the survey of 1988", "..."),
        (None, "..."),
        ("中文\u202e.csv", 'pp.read_table("中文\\u202e.csv")'),
    ],
)
def test_the_data_are_named_where_that_is_possible(pools, source, data):
    assert pools_script(pools, source).splitlines()[2] == f"data = {data}"
    page = page_of(pools, source=source)
    told = [block.text for block in page.sections[-1].blocks if isinstance(block, blocks.Prose)]
    assert any("third line" in text for text in told) == (data == "...")


def test_a_prior_keeps_its_digits():
    assert prior_text(pp.AtMeans(pp.Normal(0.1, 1 / 3))) == "pp.AtMeans(pp.Normal(0.1, 0.3333333333333333))"


# ---- HTML --------------------------------------------------------------------------------------------------


def test_the_page_is_well_formed_and_its_headings_are_in_order(html):
    outline = Outline(html)
    assert len(outline.ids) == len(set(outline.ids))
    assert {link[1:] for link in outline.links} <= set(outline.ids)
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(outline.headings, outline.headings[1:], strict=False))


def test_the_page_addresses_nothing_outside_itself(html):
    addresses = [a for a in Outline(html).addresses if not a.startswith(("#", "data:image/png;base64,"))]
    assert addresses == []
    assert "url(" not in re.search(r"<style>(.*?)</style>", html, re.S)[1]


def test_the_policy_allows_the_pages_own_scripts_only(html):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1].replace("&#x27;", "'")
    scripts = re.findall(r"<script>(.*?)</script>", html, re.S)
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    assert re.search("script-src ([^;]+);", policy)[1].split() == [f"'sha256-{h}'" for h in hashes]
    assert policy.startswith("default-src 'none';")
    assert len(scripts) == 2


def test_odd_labels_are_text(html):
    odd = page_html(page_of(FakePools(ODD_LABELS, (2, 3, 4, 5, 6))))
    Outline(odd)
    assert odd.count("</script") == html.count("</script")
    assert "&lt;b onmouseover=&quot;alert(1)&quot;&gt;&amp;&quot;&lt;/b&gt;&lt;/script&gt;" in odd
    assert "<bdi>الشمال</bdi>" in odd


def test_data_for_scripts_cannot_end_their_element():
    value = {"label": '</script><!-- & "\u2028中'}
    text = json_html("a", value)
    inside = text.removeprefix('<script type="application/json" id="a">').removesuffix("</script>")
    assert not set("<>&\u2028") & set(inside)
    assert json.loads(inside) == value


def test_figures_have_real_minus_signs_and_unknown_ones_a_dash():
    cells = (blocks.Cell("-a"), blocks.Cell("-0.5", "-1.0 to 0.2", -0.5), blocks.Cell("-"))
    columns = (blocks.TableColumn("g", numeric=False), blocks.TableColumn("x"), blocks.TableColumn("y"))
    text = block_html(blocks.GroupTable("t", "c", "groups", columns, (cells,)))
    assert '<bdi>-a</bdi></th><td data-value="-0.5">−0.5 <i>−1.0 to 0.2</i></td><td>–</td>' in text


def test_light_colours_are_those_of_the_figures(html):
    for pooling, colour in COLOURS.items():
        assert f"--{pooling.replace('_', '-')}: light-dark({colour}, " in html


def test_a_page_without_groups_has_no_chart_and_no_vega(fit):
    alone = real_model("y ~ x")
    draws = replace(fit.draws, values=np.random.default_rng(2).normal(size=(4, 200, alone.layout.n_values)))
    page = page_html(fit_page(replace(fit, model=alone, draws=draws), prob=0.89, **ABOUT))
    assert "vegaEmbed=" not in page
    assert len(page) < 60_000


def test_vega_is_put_together_once_a_machine(monkeypatch, tmp_path):
    monkeypatch.setattr(document, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr("vl_convert.javascript_bundle", lambda: "const end = '</script>';")
    vega = document._vega.__wrapped__
    assert vega() == "(()=>{const end = '<\\/script>';})();\n"
    monkeypatch.delattr("vl_convert.javascript_bundle")
    assert vega().startswith("(()=>{const end")


def test_a_page_that_cannot_be_written_leaves_what_was_there(fit, tmp_path):
    with pytest.raises(FileError, match="cannot be written"):
        write_fit_page(fit, tmp_path / "no" / "page.html", prob=0.89, **ABOUT)
    assert list(tmp_path.iterdir()) == []
