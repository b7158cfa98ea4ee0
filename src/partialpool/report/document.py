"""A complete page as one HTML file without network requests."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from importlib import resources
from importlib.metadata import version

from partialpool.kernels.native.compiling import cache_folder
from partialpool.report.html import block_html
from partialpool.report.page_blocks import Chart, Page, Section
from partialpool.storage.files import write_text


def page_html(page: Page) -> str:
    """Write a page.

    The file holds its style, its scripts and its figures. Its security policy forbids every request and every
    script but its own two, so it opens offline and nothing that a label holds can run.

    Parameters
    ----------
    page
        The page.

    Returns
    -------
    HTML; in UTF-8 it is valid and complete.
    """
    scripts = _scripts(page)
    title, style = escape(page.title), _static("report.css")
    lead = "".join(map(block_html, page.lead))
    links = "".join(f'<li><a href="#{s.name}">{escape(s.title)}</a></li>' for s in page.sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(_policy(scripts))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<p class="kind">{escape(page.kind)}</p>
<button type="button" id="theme" hidden>Dark</button>
<h1>{title}</h1>
</header>
<nav aria-label="Sections"><ol>{links}</ol></nav>
<main id="content" tabindex="-1">
<div class="lead">{lead}</div>
{"".join(map(_section, page.sections))}
</main>
<footer><p>{escape(page.footer)}</p></footer>
{"".join(f"<script>{script}</script>" for script in scripts)}
</body>
</html>
"""


def _section(section: Section) -> str:
    name, blocks = escape(section.name), "".join(map(block_html, section.blocks))
    return (
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">'
        f"{escape(section.title)}</h2>{blocks}</section>\n"
    )


def _scripts(page: Page) -> list[str]:
    """List the scripts that a page needs, Vega only where there is a chart."""
    kinds = {type(block) for section in page.sections for block in section.blocks}
    own = [_static("report.js")]
    return [_vega(), *own] if Chart in kinds else own


def _policy(scripts: list[str]) -> str:
    """Forbid every request, and every script but these."""
    allowed = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _vega() -> str:
    """Take Vega, Vega-Lite and Vega-Embed from vl-convert, without adding their names to the page's globals.

    vl-convert puts the three together with a JavaScript engine, in seconds, so this is done once per machine.
    """
    kept = cache_folder() / f"vega-{version('vl-convert-python')}.js"
    if not kept.exists():
        import vl_convert

        bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub lacks the defaults
        write_text(kept, f"(()=>{{{bundle}}})();".replace("</script", "<\\/script"))
    return kept.read_text("utf-8")


@cache
def _static(name: str) -> str:
    return (resources.files("partialpool.report") / "static" / name).read_text("utf-8")
