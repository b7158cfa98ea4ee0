"""Every Python example of README.md and docs/ runs, one file after another, as a reader would run it."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = ("README.md", "docs/tutorial.md")
EXEMPT = (  # may do without examples
    "docs/architecture.md",
    "docs/benchmarks.md",
    "docs/decisions.md",
    "docs/published-models.md",
)

FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]*\S) -->\n\s*)?^```python\n(?P<code>.*?)^```$"
    r"(?:\n\n^```text\n(?P<shown>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True)
class Block:
    """One example: its code, the line it starts on, why it is not run, if it is not, and what it prints.

    Output is what stands in a block of text right below the code; None where nothing is shown.
    """

    code: str
    line: int
    skipped: str | None
    shown: str | None = None


def blocks(text: str) -> list[Block]:
    """Find the fenced Python blocks of a Markdown text, in order."""
    return [
        Block(m["code"], text.count("\n", 0, m.start("code")) + 1, m["reason"], m["shown"])
        for m in FENCE.finditer(text)
    ]


def run(source: list[Block], filename: str) -> dict[str, Any]:
    """Run blocks in one namespace, and compare what they print where the page shows it.

    Tracebacks point at the lines of the file.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in source:
        if block.skipped is None:
            padded = "\n" * (block.line - 1) + block.code
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(padded, filename, "exec", dont_inherit=True), namespace)
            if block.shown is not None:
                found, shown = printed.getvalue().split(), block.shown.split()
                assert len(found) == len(shown), f"below line {block.line}"
                assert all(map(alike, found, shown)), f"below line {block.line}: {found}"
    return namespace


def alike(found: str, shown: str) -> bool:
    """Compare two words; numbers may differ as another processor's draws do, by 3% or 2 in the last digit."""
    if not NUMBER.fullmatch(shown):
        return found == shown
    last_digit = 10.0 ** -len(shown.partition(".")[2])
    return bool(NUMBER.fullmatch(found)) and abs(float(found) - float(shown)) <= max(
        2.01 * last_digit if "." in shown else 0.0, 0.03 * abs(float(shown))
    )


def pages() -> list[str]:
    """Name the pages that are checked, whether or not they exist."""
    found = {p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").glob("*.md")}
    return sorted(found.union(REQUIRED))


@pytest.mark.parametrize("page", pages())
def test_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ROOT / page
    assert path.is_file(), f"{page} does not exist; it must, with Python examples that run"
    found = blocks(path.read_text(encoding="utf-8"))
    if page in EXEMPT and not found:
        return
    assert any(b.skipped is None for b in found), f"{page} has no ```python block that is run"
    monkeypatch.chdir(tmp_path)
    run(found, str(path))


def test_blocks_share_a_namespace_and_keep_their_lines() -> None:
    text = "# T\n\n```python\na = 1\n```\n\n```console\n$ no\n```\n\n```python\nb = a + 1\n```\n"
    found = blocks(text)
    assert [b.line for b in found] == [4, 12]
    assert run(found, "page.md")["b"] == 2


def test_a_block_is_skipped_only_with_a_reason() -> None:
    skipped = "<!-- not run: needs a cluster -->\n```python\n1 / 0\n```\n"
    assert [b.skipped for b in blocks(skipped)] == ["needs a cluster"]
    assert "b" not in run(blocks(skipped), "page.md")
    assert [b.skipped for b in blocks(skipped.replace("needs a cluster", ""))] == [None]


def test_a_failing_block_fails_at_its_line() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run(blocks("text\n\n```python\nx = 1\nx / 0\n```\n"), "page.md")
    assert caught.traceback[-1].lineno + 1 == 5


def test_output_that_is_shown_is_what_is_printed() -> None:
    text = "```python\nprint(1, end=' \\n')\n```\n\n```text\n1\n```\n"
    run(blocks(text), "page.md")
    with pytest.raises(AssertionError, match="below line 2"):
        run(blocks(text.replace("text\n1", "text\n2")), "page.md")


@pytest.mark.parametrize(
    ("found", "shown", "expected"),
    [
        ("0.34", "0.33", True),
        ("0.36", "0.33", False),
        ("-1234.9", "-1234.6", True),
        ("-1234.6", "1234.6", False),
        ("561", "562", True),
        ("2", "1", False),
        ("fits", "fits", True),
        ("higher", "fits", False),
        ("fits", "0.5", False),
    ],
)
def test_numbers_are_compared_as_numbers(found: str, shown: str, expected: bool) -> None:
    assert alike(found, shown) is expected
