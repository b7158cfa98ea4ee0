"""A file of records that grows, and is whole up to its last record whatever interrupts a write.

A record is a kind, a length, a checksum and its content. Whoever appends remembers where the last whole
record ends and begins there: what an interruption left behind is cut off, so no record can follow a torn one.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_HEAD = struct.Struct("<4sQI")

Record = tuple[bytes, bytes]


@dataclass
class Journal:
    """Where records are appended.

    Attributes
    ----------
    path
        The file.
    end
        Its bytes up to the end of the last whole record.
    """

    path: Path
    end: int

    def append(self, kind: bytes, content: bytes) -> None:
        """Write one record, or nothing: what was written is cut off again when anything stops it, Ctrl-C too.

        Where even that is stopped, the next record takes its place.

        Raises
        ------
        OSError
            When the system does not let us write.
        """
        with self.path.open("r+b", buffering=0) as file:
            file.truncate(self.end)
            file.seek(self.end)
            try:
                _write(file, kind, content)
                end = file.tell()
            except BaseException:
                file.truncate(self.end)
                raise
        self.end = end


def create_journal(path: Path, line: bytes, records: Iterable[Record]) -> Journal:
    """Begin a journal in a new file, with a line that says what it is; there is no file when that fails.

    Raises
    ------
    FileExistsError
        When the file is there already.
    OSError
        When the system does not let us write.
    """
    new = path.open("xb", buffering=0)
    try:
        with new as file:
            _write_all(file, line)
            for kind, content in records:
                _write(file, kind, content)
            return Journal(path, file.tell())
    except BaseException:
        path.unlink()
        raise


def open_journal(path: Path, start: int) -> tuple[Journal, list[Record]]:
    """Open a journal to go on with it, and read its whole records.

    Parameters
    ----------
    start
        Where they begin: after the line.

    Raises
    ------
    OSError
        When the system does not let us read and write.
    """
    with path.open("r+b") as file:  # so that a file that may not be written says so before there is work
        file.seek(start)
        found = list(_records(file))
    end = found[-1][2] if found else start
    return Journal(path, end), [(kind, content) for kind, content, _ in found]


def _records(file: BinaryIO) -> Iterator[tuple[bytes, bytes, int]]:
    """Kinds, contents and ends of the records that are whole, up to the first that is not."""
    size = os.fstat(file.fileno()).st_size
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        kind, length, checksum = _HEAD.unpack(head)
        if length > size - file.tell():
            return
        content = file.read(length)
        if zlib.crc32(content) != checksum:
            return
        yield kind, content, file.tell()


def _write(file: io.RawIOBase, kind: bytes, content: bytes) -> None:
    _write_all(file, _HEAD.pack(kind, len(content), zlib.crc32(content)))
    _write_all(file, content)


def _write_all(file: io.RawIOBase, content: bytes) -> None:
    """Write without a buffer, which would be written when the file is closed, whatever happened before."""
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
