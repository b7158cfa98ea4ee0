"""Links and file names in the documentation lead somewhere, and the map of the code stays a map."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    p.relative_to(ROOT).as_posix()
    for p in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "CHANGELOG.md",
        *(ROOT / "docs").rglob("*.md"),
    )
)
# The log of decisions may name files that are gone.
OF_THE_CODE = [p for p in PAGES if p == "docs/architecture.md" or p.startswith("docs/mathematics/")]
LONGEST_MAP = 200

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"`([\w./*]+\.py)`")


def anchors(text: str) -> set[str]:
    """Fragments of a Markdown text's headings, as GitHub makes them."""
    headings = HEADING.findall(FENCED.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(text: str, folder: Path) -> list[str]:
    """Relative links of a page in a folder that lead to no file, or to no heading of it."""
    broken = []
    for link in LINK.findall(FENCED.sub("", text)):
        path, _, fragment = link.partition("#")
        if "://" in link:
            continue
        target = folder / path
        own = text if not path else target.read_text("utf-8") if target.suffix == ".md" else ""
        if not target.exists() or (fragment and fragment not in anchors(own)):
            broken.append(link)
    return broken


def unknown_files(text: str) -> list[str]:
    """Python files that a page names in code marks and that neither the package nor the repository has."""
    places = (ROOT / "src" / "partialpool", ROOT / "tests", ROOT / "benchmarks", ROOT)

    def exists(name: str) -> bool:
        if "/" in name:
            return any(any(place.glob(name)) for place in (places[0], ROOT))
        return any(any(place.rglob(name)) for place in places[:3])

    return [name for name in FILE_NAME.findall(text) if not exists(name)]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    assert broken_links(path.read_text("utf-8"), path.parent) == []


@pytest.mark.parametrize("page", OF_THE_CODE)
def test_files_that_are_named_exist(page: str) -> None:
    assert unknown_files((ROOT / page).read_text("utf-8")) == []


def test_the_architecture_is_a_map() -> None:
    assert len((ROOT / "docs" / "architecture.md").read_text("utf-8").splitlines()) <= LONGEST_MAP


def test_broken_links_and_unknown_files_are_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A title, here\n", "utf-8")
    text = "## Own\n[a](there.md#a-title-here) [b](#own) [c](gone.md) [d](there.md#gone) [e](#gone)\n"
    text = text.replace("gone.md", "there.txt")
    assert broken_links(text, tmp_path) == ["there.txt", "there.md#gone", "#gone"]
    assert unknown_files(
        "`kernels/density/log_density.py` `density.py` `kernels/gone.py` `gone.py` `kernels/*.py`"
    ) == [
        "kernels/gone.py",
        "gone.py",
    ]
