"""A progress bar for sampling that takes longer than a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from partialpool.inference.options import Progress


@contextmanager
def progress_bar(label: str, show: bool) -> Iterator[Progress | None]:
    """Show how far sampling is, with the time left, on standard error; gone when it is done.

    Parameters
    ----------
    label
        What is being sampled.
    show
        False gives None, which `sample` takes as silence.

    Yields
    ------
    What `sample` calls with (done, total, divergences).
    """
    if not show:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=None, note="")

        def report(done: int, total: int, divergences: int) -> None:
            note = f"{divergences} divergent" if divergences else ""
            bar.update(task, completed=done, total=total, note=note)

        yield report
