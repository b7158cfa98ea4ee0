"""Reports in a browser: offline, by mouse and keyboard, light and dark, printed, odd labels, many groups."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager
from itertools import combinations

import pytest
from tests.report.invented import ODD_LABELS, FakePools, make_fit, make_pools

from partialpool.report.document import page_html
from partialpool.report.page import fit_page, pools_page
from partialpool.report.sections_pools import draw_figures

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDED = bool(os.environ.get("PARTIALPOOL_NEEDS_BROWSER"))  # then tests fail where there is no browser
pytestmark = pytest.mark.skipif(CHROMIUM is None and not NEEDED, reason="no Chromium on this machine")

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
ABOUT = {"question": None, "source": None, "versions": {"partialpool": "0.1.0"}}
BOXES = """
    marks => marks.filter(mark => Number(mark.getAttribute("opacity") ?? 1) > 0 && mark.textContent)
        .map(mark => { const b = mark.getBoundingClientRect();
                       return [b.left, b.top, b.right, b.bottom, mark.textContent]; })
"""


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Write pages once: of comparisons by their number of groups, of odd labels, and of fits."""
    place = tmp_path_factory.mktemp("pages")

    def pools_file(name, pools):
        page = pools_page(pools, **ABOUT, figures=draw_figures(pools))
        (place / f"{name}.html").write_text(page_html(page), encoding="utf-8")

    def fit_file(name, fit):
        page = fit_page(fit, prob=0.89, **ABOUT)
        (place / f"{name}.html").write_text(page_html(page), encoding="utf-8")

    for n_groups in (5, 60, 500, 5000):
        pools_file(str(n_groups), make_pools(n_groups))
    pools_file("odd", FakePools(ODD_LABELS, (2, 3, 4, 5, 6)))
    fit_file("fitodd", make_fit(ODD_LABELS, (2, 3, 4, 5, 6)))
    for n_groups in (60, 500):
        pools = make_pools(n_groups)
        fit_file(f"fit{n_groups}", make_fit(pools.labels, pools.sizes))
    return place


@pytest.fixture
def opened(browser, files):
    """Open a page offline; at the end nothing was fetched, and no script complained."""

    @contextmanager
    def open_page(name, width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_offline(True)
        context.set_default_timeout(60_000)  # on a busy machine a page of 5,000 groups takes ten seconds
        page, complaints, fetched = context.new_page(), [], []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto((files / f"{name}.html").as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_function("document.querySelectorAll('.chart:not([data-drawn])').length === 0")
        yield page
        assert complaints == []
        assert [url[:40] for url in fetched if not re.match(r"file:.*\.html|data:", url)] == []
        context.close()

    return open_page


def labels_of(page, table="#groups-1"):
    return page.locator(f"{table} tbody th").all_inner_texts()


def figures_of(page, title, table="#groups-1"):
    """Read a column's first figures, in the order shown."""
    headers = page.locator(f"{table} thead th").all_inner_texts()
    column = next(i for i, header in enumerate(headers) if title in header and header.strip())
    cells = page.locator(f"{table} tbody tr td:nth-child({column + 1})").all_inner_texts()
    return [float(cell.split()[0].replace("−", "-")) for cell in cells]


def sorter(page, title):
    return page.locator("#groups-1 thead th:visible", has_text=title).get_by_role("button")


def point_at(page, row):
    """Move the pointer to the group at a row of the table, as the chart has it."""
    page.locator(".chart").first.scroll_into_view_if_needed()
    path = page.locator(".chart .plot .after_marks path").nth(row)
    box = path.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator(".tip").wait_for(state="visible")


def overlaps(page):
    """List the texts of a chart that are drawn over each other."""
    boxes = page.locator(".chart .plot svg text").evaluate_all(BOXES)
    assert len(boxes) >= 10
    return [
        (a[4], b[4])
        for a, b in combinations(boxes, 2)
        if a[2] > b[0] + 1 and b[2] > a[0] + 1 and a[3] > b[1] + 1 and b[3] > a[1] + 1
    ]


# ---- charts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["60", "odd"])
def test_pointing_at_a_group_shows_its_row_of_the_table(opened, name):
    with opened(name) as page:
        by_label = {
            row.locator("th").inner_text(): row.locator("td:visible").all_inner_texts()
            for row in page.locator("#groups-1 tbody tr").all()
        }
        seen = set()
        for mark in range(3):
            point_at(page, mark)
            label = page.locator(".tip strong").inner_text()
            assert page.locator(".tip dd").all_inner_texts() == by_label[label]
            titles = page.locator(".tip dt").all_inner_texts()
            assert titles == [
                "rows",
                "raw",
                "no pooling",
                "partial pooling",
                "complete pooling",
                "pooling factor",
            ]
            seen.add(label)
        assert len(seen) == 3


def test_the_tooltip_leaves_with_the_pointer(opened):
    with opened("5") as page:
        point_at(page, 0)
        page.mouse.move(5, 5)
        page.locator(".tip").wait_for(state="hidden")


def test_the_chosen_scale_is_that_of_chart_tooltip_and_table(opened):
    with opened("5") as page:
        assert page.locator("#groups-1 thead small:visible").all_inner_texts() == ["probability"] * 3
        before = figures_of(page, "no pooling")
        page.get_by_label("log-odds").check()
        page.wait_for_function("document.querySelector('.plot').textContent.includes('log-odds')")
        assert page.locator("#groups-1 thead small:visible").all_inner_texts() == ["log-odds"] * 3
        point_at(page, 0)
        shown = page.locator(".tip dd").nth(2).inner_text()
        label = page.locator(".tip strong").inner_text()
        row = page.locator("#groups-1 tbody tr", has=page.get_by_text(label, exact=True))
        assert shown in row.locator("td:visible").all_inner_texts()
        assert before != [
            float(t.split()[0].replace("−", "-"))
            for t in page.locator("#groups-1 td:nth-child(8)").all_inner_texts()
        ]


@pytest.mark.parametrize("name", ["5", "60", "500", "odd", "fit60", "fit500"])
def test_texts_of_charts_overlap_neither_on_a_desk_nor_on_a_phone(opened, name):
    with opened(name) as page:
        assert overlaps(page) == []
        page.set_viewport_size({"width": 360, "height": 800})
        page.wait_for_function("document.querySelector('.plot svg').getBoundingClientRect().right <= 360")
        assert overlaps(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_largest_moves_are_named(opened):
    with opened("500") as page:
        names = page.locator(".names text").evaluate_all(BOXES)
        assert 3 <= len(names) <= 8


def test_marks_are_told_to_screen_readers(opened):
    with opened("5") as page:
        told = page.locator(".after_marks [aria-label]").evaluate_all("m => m.map(x => x.ariaLabel)")
        assert sorted(told) == sorted(make_pools(5).labels)
        assert "The table of groups has the figures" in page.locator(".plot").get_attribute("aria-label")


# ---- tables ------------------------------------------------------------------------------------------------


def test_figures_sort_both_ways_by_mouse_and_by_keyboard(opened):
    with opened("60") as page:
        sorter(page, "rows").click()
        sizes = figures_of(page, "rows")
        assert sizes == sorted(make_pools(60).sizes, reverse=True)
        header = page.locator("#groups-1 thead th", has_text="rows")
        assert header.get_attribute("aria-sort") == "descending"
        sorter(page, "rows").press("Enter")
        assert figures_of(page, "rows") == sizes[::-1]
        assert header.get_attribute("aria-sort") == "ascending"
        sorter(page, "no pooling").press("Space")
        means = figures_of(page, "no pooling")
        assert means == sorted(means, reverse=True)
        assert means[0] > means[-1]
        assert page.locator("#groups-1 [aria-sort]").count() == 1


def test_labels_sort_both_ways_with_their_numbers_in_order(opened):
    with opened("5") as page:
        sorter(page, "g").first.click()
        up = labels_of(page)
        assert up.index("district of 0") < up.index("district of 3")
        sorter(page, "g").first.press("Enter")
        assert labels_of(page) == up[::-1]


def test_the_filter_counts_and_finds_whatever_the_case(opened):
    with opened("60") as page:
        status = page.get_by_role("status")
        assert status.inner_text() == "60 groups of g"
        page.get_by_label("Find").fill("UPPER 1")
        found = [label for label in make_pools(60).labels if "Upper 1" in label]
        assert labels_of(page) == found
        assert status.inner_text() == f"{len(found)} of 60 groups of g"
        page.get_by_label("Find").fill("nowhere")
        assert status.inner_text() == "0 of 60 groups of g"
        page.get_by_label("Find").fill("")
        assert len(labels_of(page)) == 60


def test_a_long_table_has_pages(opened):
    with opened("5000") as page:
        assert len(labels_of(page)) == 100
        status = page.get_by_role("status")
        assert status.inner_text() == "1 to 100 of 5,000 groups of g"
        assert page.get_by_role("button", name="Previous").is_disabled()
        page.get_by_role("button", name="Next").click()
        assert status.inner_text() == "101 to 200 of 5,000 groups of g"
        page.get_by_label("Find").fill("of 4999")
        assert labels_of(page) == [label for label in make_pools(5000).labels if label.endswith("of 4999")]


# ---- the page ----------------------------------------------------------------------------------------------


def test_odd_labels_are_shown_as_they_are_written(opened):
    with opened("odd") as page:
        assert labels_of(page) == list(ODD_LABELS)
        names = page.locator(".names text").all_text_contents()
        assert "中文" in names
        assert page.locator("b").count() == 0
    with opened("fitodd") as page:
        axis = page.locator(".role-axis-label text").all_text_contents()
        assert set(ODD_LABELS[1:]) <= set(axis)
        assert page.locator("b").count() == 0


def test_dark_is_the_systems_or_the_buttons_choice(opened):
    look = "getComputedStyle(document.body).backgroundColor"
    mark = "getComputedStyle(document.querySelector('.after_marks path')).fill"
    with opened("5") as page:
        assert (page.evaluate(look), page.evaluate(mark)) == ("rgb(255, 255, 255)", "rgb(0, 114, 178)")
        page.get_by_role("button", name="Dark").press("Enter")
        dark = page.evaluate(look), page.evaluate(mark)
        assert dark == ("rgb(22, 25, 29)", "rgb(91, 181, 238)")
        page.get_by_role("button", name="Light").click()
        assert page.evaluate(look) == "rgb(255, 255, 255)"
    with opened("5", color_scheme="dark") as page:
        assert (page.evaluate(look), page.evaluate(mark)) == dark
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate(look) == "rgb(255, 255, 255)"


def test_the_page_prints_all_rows_and_no_buttons(opened):
    with opened("500") as page:
        pdf = page.pdf(format="A4", prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 10  # about 60 rows a page
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert len(labels_of(page)) == 500
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert len(labels_of(page)) == 100
        page.emulate_media(media="print")
        assert page.locator("button:not(thead button):visible, input:visible").count() == 0


def test_the_page_can_be_used_by_keyboard(opened):
    with opened("5") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        assert [page.get_by_role(role).count() for role in ("banner", "main", "contentinfo")] == [1, 1, 1]
        assert page.get_by_role("navigation").get_by_role("link").count() == 10


def test_without_scripts_tables_and_a_figure_are_there(opened):
    with opened("60", java_script_enabled=False) as page:
        assert labels_of(page) == list(make_pools(60).labels)
        assert page.get_by_role("img").count() == 4
        assert page.get_by_role("button").count() == 0
        assert page.get_by_role("searchbox").count() == 0
