"""Pages, folders and scripts of a nested Laplace fit: no word of chains, which there are none of."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.report.invented import FakePools, make_fit
from tests.results.approximations import EXACT, GOOD, approximated

from partialpool.report import page_blocks as blocks
from partialpool.report.document import page_html
from partialpool.report.folder import write_fit
from partialpool.report.html_tables import for_draws, population_summary
from partialpool.report.page import fit_page, pools_page
from partialpool.report.phrases import about_draws
from partialpool.report.python_text import fit_script
from partialpool.report.sections_pools import draw_figures

VERSIONS = {"partialpool": "0.1.0", "numpy": "2"}
ABOUT = {"question": None, "source": None, "versions": VERSIONS}
OF_CHAINS = re.compile(r"\bchains? of|warm-up|R-hat|r_hat|ess_bulk|divergen|trajector|E-BFMI", re.IGNORECASE)


@pytest.fixture
def approximate_fit(fit):
    return replace(fit, draws=approximated(fit.draws))


class ApproximatePools(FakePools):
    @property
    def partial_pooling(self):
        fit = make_fit(self.labels, self.sizes)
        return replace(fit, draws=approximated(fit.draws))

    no_pooling = complete_pooling = partial_pooling


def words_of(page):
    """What a reader sees, without styles and scripts."""
    text = re.sub(r"<(style|script)\b.*?</\1>", " ", page_html(page), flags=re.DOTALL)
    return re.sub(r"<[^>]+>", " ", text)


def test_a_page_speaks_of_the_approximation_and_never_of_chains(approximate_fit):
    page = fit_page(approximate_fit, prob=0.89, **ABOUT)
    told = " ".join(words_of(page).split())
    for words in (
        "Its draws passed every check",
        "800 independent draws: no chains that would have to converge.",
        "2 outer parameters were integrated over 2,000 points",
        "Seed 19, 0.25 s in all.",
        "These are 800 independent draws by nested Laplace, seed 19.",
        "Below 0.7 the points stand for the posterior.",
    ):
        assert words in told
    assert not OF_CHAINS.search(told)


def test_a_page_of_a_sampler_still_speaks_of_chains(fit):
    told = " ".join(words_of(fit_page(fit, prob=0.89, **ABOUT)).split())
    assert "400 draws of warm-up a chain, seed 19, 0.25 s in all." in told
    assert "These are 4 chains of 200 draws after 400 of warm-up, seed 19." in told
    assert "nested Laplace" not in told
    assert OF_CHAINS.search(told)


def test_a_comparison_of_approximations_never_speaks_of_chains():
    pools = ApproximatePools()
    told = words_of(pools_page(pools, **ABOUT, figures=draw_figures(pools)))
    assert not OF_CHAINS.search(told)
    assert told.count("2 outer parameters were integrated") == 3


def test_an_approximation_that_fails_is_told_first(approximate_fit):
    poor = approximated(approximate_fit.draws, replace(GOOD, pareto_k=0.9))
    page = fit_page(replace(approximate_fit, draws=poor), prob=0.89, **ABOUT)
    assert (page.lead[0].kind, page.lead[0].title) == ("problem", "Do not rely on this fit as it is")
    (notice,) = (b for s in page.sections for b in s.blocks if isinstance(b, blocks.Notice))
    assert notice.title == "The points do not stand for the posterior"
    assert 'method="nuts"' in notice.text


def test_tables_leave_out_what_is_about_chains(fit, approximate_fit):
    grid = population_summary(fit.summary(), fit.model.layout, 0.89, limit=4)
    assert for_draws(grid, fit.draws) is grid
    assert for_draws(grid, approximate_fit.draws).header == ("parameter", "mean", "sd", "89% HDI", "mcse")


def test_the_python_asks_for_the_same_method(approximate_fit, fit):
    script = fit_script(approximate_fit, None, 0.89)
    assert '    seed=19,\n    method="laplace",\n)' in script
    assert "warmup" not in script
    assert "method" not in fit_script(fit, None, 0.89)


def test_a_folder_says_how_the_draws_came_about(approximate_fit, tmp_path):
    exact = replace(approximate_fit, draws=approximated(approximate_fit.draws, EXACT))
    write_fit(exact, tmp_path, prob=0.89, **ABOUT)
    text = (tmp_path / "diagnostics.txt").read_text()
    assert text.startswith("800 independent draws by nested Laplace, seed 19, 0.25 s\n")
    assert "The group effects were integrated out exactly" in text


def test_draws_from_the_prior_have_no_chains_either(fit):
    prior = replace(fit.draws, method="prior", stats={}, warmup=0)
    assert about_draws(prior) == "800 independent draws from the prior, seed 19"
