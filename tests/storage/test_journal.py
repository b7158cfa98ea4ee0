"""A journal is whole up to its last record, whatever stops a write and wherever."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from partialpool.storage import journal
from partialpool.storage.journal import Journal, create_journal, open_journal

LINE = b"a journal\n"
FIRST, SECOND, THIRD = (b"AAAA", b"a" * 50), (b"BBBB", b"b" * 70), (b"CCCC", b"")
FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def made(path: Path) -> Journal:
    return create_journal(path, LINE, [FIRST])


def read(path: Path) -> list[journal.Record]:
    return open_journal(path, len(LINE))[1]


def stopping(patch: pytest.MonkeyPatch, after: int, problem: BaseException) -> None:
    """Let so many bytes be written, then stop."""
    write, left = journal._write_all, after

    def stop(file, content):
        nonlocal left
        write(file, content[:left])
        if left < len(content):
            raise problem
        left -= len(content)

    patch.setattr(journal, "_write_all", stop)


def test_records_come_back_in_their_order(path: Path) -> None:
    created = made(path)
    for record in (SECOND, THIRD, SECOND):
        created.append(*record)
    assert path.read_bytes().startswith(LINE)
    assert read(path) == [FIRST, SECOND, THIRD, SECOND]
    again, _ = open_journal(path, len(LINE))
    again.append(*THIRD)
    assert read(path) == [FIRST, SECOND, THIRD, SECOND, THIRD]


@pytest.mark.parametrize(
    "problem", [KeyboardInterrupt(), FULL, MemoryError()], ids=["ctrl-c", "full", "memory"]
)
@pytest.mark.parametrize("after", [0, 3, 16, 17, 85])
def test_a_record_that_is_stopped_is_cut_off(
    path: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException, after: int
) -> None:
    created = made(path)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        stopping(patch, after, problem)
        with pytest.raises(type(problem)):
            created.append(*SECOND)
    assert path.read_bytes() == before
    created.append(*THIRD)
    assert read(path) == [FIRST, THIRD]


@pytest.mark.parametrize("after", [0, 3, 16, 17, 85])
@pytest.mark.parametrize("reopened", [False, True])
@pytest.mark.parametrize("following", [SECOND, THIRD])
def test_no_record_follows_a_torn_one(
    path: Path, after: int, reopened: bool, following: journal.Record
) -> None:
    """As when a second Ctrl-C stops the cutting, or the process is killed."""
    created = made(path)
    end = created.end
    created.append(*SECOND)
    torn = path.read_bytes()[: end + after]
    path.write_bytes(torn)
    going_on = open_journal(path, len(LINE))[0] if reopened else Journal(path, end)
    assert going_on.end == end
    going_on.append(*following)
    going_on.append(*FIRST)
    assert read(path) == [FIRST, following, FIRST]


@pytest.mark.parametrize("after", [0, 5, 30])
def test_a_journal_that_cannot_be_begun_is_not_there(
    path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    stopping(monkeypatch, after, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        made(path)
    assert not path.exists()


def test_a_file_that_is_there_stays(path: Path) -> None:
    path.write_bytes(b"something")
    with pytest.raises(FileExistsError):
        made(path)
    assert path.read_bytes() == b"something"


def test_a_file_that_went_away_is_not_begun_anew(path: Path) -> None:
    created = made(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        created.append(*SECOND)
    assert not path.exists()
