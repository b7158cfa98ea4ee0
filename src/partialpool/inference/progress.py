"""A progress bar for sampling that takes longer than a moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from partialpool.inference.options import Progress


def time_left(done: int, total: int, elapsed: float) -> str:
    """Say how long the rest takes at the pace so far.

    Parameters
    ----------
    done, total
        Draws of all chains, warm-up included.
    elapsed
        Seconds since the start.

    Examples
    --------
    >>> time_left(0, 4000, 0.1), time_left(1000, 4000, 20.0), time_left(500, 4000, 1000.0)
    ('', '60 s left', '2 h left')
    """
    if not done:
        return ""
    seconds = elapsed * max(total - done, 0) / done
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.0f} {unit} left"
    return f"{seconds:.0f} s left"


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
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[note]}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=None, left="", note="")
        started = time.monotonic()

        def report(done: int, total: int, divergences: int) -> None:
            note = f"{divergences} divergent" if divergences else ""
            left = time_left(done, total, time.monotonic() - started)
            bar.update(task, completed=done, total=total, left=left, note=note)

        yield report
