"""Blocks of a page as HTML: every text is escaped here, and nowhere else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from partialpool.report import page_blocks as blocks
from partialpool.report.html_tables import minus
from partialpool.report.page_blocks import Block, Cell, TableColumn


def block_html(block: Block) -> str:
    """Write one block.

    Examples
    --------
    >>> block_html(blocks.Prose("a < b"))
    '<p>a &lt; b</p>'
    """
    return _WRITERS[type(block)](block)


def json_html(name: str, value: Mapping[str, Any]) -> str:
    """Write data for scripts: nothing in it can end the element or start another."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return f'<script type="application/json" id="{escape(name)}">{text}</script>'


def _prose(block: blocks.Prose) -> str:
    return f"<p>{escape(block.text)}</p>"


def _heading(block: blocks.Heading) -> str:
    return f"<h3>{escape(block.text)}</h3>"


def _bullets(block: blocks.Bullets) -> str:
    kind = "ol" if block.numbered else "ul"
    return f"<{kind}>{_each('<li>{}</li>', block.items)}</{kind}>"


def _facts(block: blocks.Facts) -> str:
    pairs = (f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in block.pairs)
    return f"<dl>{''.join(pairs)}</dl>"


def _code(block: blocks.Code) -> str:
    label = escape(block.title)
    return f'<pre tabindex="0" role="region" aria-label="{label}"><code>{escape(block.text)}</code></pre>'


def _notice(block: blocks.Notice) -> str:
    words = {"good": "Passed", "note": "Note", "problem": "Problem"}
    text = f" <span>{escape(block.text)}</span>" if block.text else ""
    head = f"<strong><em>{words[block.kind]}:</em> {escape(block.title)}.</strong>"
    return f'<p class="notice {block.kind}">{head}{text}</p>'


def _table(block: blocks.Table) -> str:
    first, *others = block.grid.header
    kind = ' class="figures"' if block.numeric else ""
    head = f'<th scope="col">{escape(first)}</th>' + _each('<th scope="col">{}</th>', others)
    body = "".join(_grid_row(row, block.numeric) for row in block.grid.rows)
    more = f"<p>{block.grid.left_out:,} more rows are not shown.</p>" if block.grid.left_out else ""
    table = f"<table{kind}>{_caption(block.caption)}<thead><tr>{head}</tr></thead>"
    return _scrolling(block.caption, f"{table}<tbody>{body}</tbody></table>") + more


def _grid_row(cells: tuple[str, ...], numeric: bool) -> str:
    first, *others = cells
    shown = _each("<td>{}</td>", map(minus, others) if numeric else others)
    return f'<tr><th scope="row">{escape(first)}</th>{shown}</tr>'


def _group_table(block: blocks.GroupTable) -> str:
    name = escape(block.name)
    things = escape(block.things)
    tools = (
        '<div class="tools" hidden><label>Find '
        f'<input type="search" autocomplete="off" aria-controls="{name}"></label>'
        f'<span role="status" data-things="{things}"></span>'
        '<span class="pager"><button type="button" data-turn="-1">Previous</button>'
        '<button type="button" data-turn="1">Next</button></span></div>'
    )
    head = "".join(f'<th scope="col"{_column(c)}>{_header(c)}</th>' for c in block.columns)
    rows = "".join(_row(block.columns, row) for row in block.rows)
    table = (
        f'<table class="groups figures" id="{name}">{_caption(block.caption)}'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )
    return tools + _scrolling(block.caption, table)


def _column(column: TableColumn) -> str:
    view = f' data-view="{escape(column.view)}"' if column.view else ""
    return f"{view}{' data-numeric' if column.numeric else ''}"


def _header(column: TableColumn) -> str:
    scale = f"<small>{escape(column.view)}</small> " if column.view else ""
    return f"{scale}{escape(column.title)}"


def _row(columns: tuple[TableColumn, ...], cells: tuple[Cell, ...]) -> str:
    first, *others = cells
    shown = "".join(_cell(column, cell) for column, cell in zip(columns[1:], others, strict=True))
    return f'<tr><th scope="row"><bdi>{escape(first.text)}</bdi></th>{shown}</tr>\n'


def _cell(column: TableColumn, cell: Cell) -> str:
    view = f' data-view="{escape(column.view)}"' if column.view else ""
    value = f' data-value="{cell.value:.7g}"' if cell.value is not None else ""
    detail = f" <i>{escape(minus(cell.detail))}</i>" if cell.detail else ""
    return f"<td{view}{value}>{escape(minus(cell.text))}{detail}</td>"


def _image(block: blocks.Image) -> str:
    data = base64.b64encode(block.png).decode()
    picture = f'<img src="data:image/png;base64,{data}" alt="{escape(block.alt)}">'
    return f"<figure>{picture}<figcaption>{escape(block.caption)}.</figcaption></figure>"


def _chart(block: blocks.Chart) -> str:
    name = escape(block.name)
    key = "".join(f'<li class="{escape(kind)}">{escape(words)}</li>' for kind, words in block.key)
    views = [view.title for view in block.views]
    specs = json_html(f"{block.name}-views", {"views": [view.spec for view in block.views]})
    still = _image(block.still) if block.still else ""
    return (
        f'<figure class="chart" id="{name}" data-table="{escape(block.table)}" hidden>'
        f'{_views(name, views) if len(views) > 1 else ""}<ul class="key">{key}</ul>'
        f'<div class="plot" role="group" aria-label="{escape(block.alt)}"></div>'
        f"<figcaption>{escape(block.caption)}</figcaption>{specs}</figure><noscript>{still}</noscript>"
    )


def _views(name: str, titles: list[str]) -> str:
    choices = (
        f'<label><input type="radio" name="{name}-view" value="{i}"{" checked" if i == 0 else ""} '
        f'data-view="{escape(title)}"> {escape(title)}</label>'
        for i, title in enumerate(titles)
    )
    return f'<fieldset class="views"><legend>Scale</legend>{"".join(choices)}</fieldset>'


def _caption(text: str) -> str:
    return f"<caption><span>{escape(text)}</span></caption>"


def _scrolling(label: str, table: str) -> str:
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(label)}">{table}</div>'


def _each(pattern: str, texts: Iterable[str]) -> str:
    return "".join(pattern.format(escape(text)) for text in texts)


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    blocks.Prose: _prose,
    blocks.Heading: _heading,
    blocks.Bullets: _bullets,
    blocks.Facts: _facts,
    blocks.Code: _code,
    blocks.Notice: _notice,
    blocks.Table: _table,
    blocks.GroupTable: _group_table,
    blocks.Image: _image,
    blocks.Chart: _chart,
}
