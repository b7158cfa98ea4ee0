"""Findings of a check of a fit, and all of them together as text."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Literal

Severity = Literal["problem", "note"]


@dataclass(frozen=True)
class Finding:
    """A problem or a note about a fit.

    Attributes
    ----------
    severity
        ``"problem"``: do not use the results as they are; ``"note"``: use them, knowing this.
    title
        In a few words.
    what
        What was seen, with figures.
    advice
        What to do.
    """

    severity: Severity
    title: str
    what: str
    advice: str

    def __str__(self) -> str:
        title = f"{self.severity.upper()}: {self.title}"
        return "\n".join([title, _indented(self.what), _indented(self.advice)])


@dataclass(frozen=True)
class Diagnosis:
    """All findings, and the figures of the checks that found nothing.

    Attributes
    ----------
    findings
        Problems first.
    passed
        A sentence for each check that was passed.
    """

    findings: tuple[Finding, ...]
    passed: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True when no finding is a problem."""
        return not any(f.severity == "problem" for f in self.findings)

    def __str__(self) -> str:
        verdict = "No problems found." if self.ok else "Do not rely on this fit as it is."
        passed = "\n".join(["Checked and fine:", *map(_indented, self.passed)]) if self.passed else ""
        return "\n\n".join(filter(None, [verdict, *map(str, self.findings), passed]))


def _indented(text: str) -> str:
    return textwrap.fill(
        text,
        width=100,
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,  # a path that is cut cannot be copied
        break_on_hyphens=False,
    )
