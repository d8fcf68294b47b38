"""Files as wholes: write under a temporary name then rename, hash, and check a place before the work."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from molinterp.errors import InputError


def sha256(file: Path) -> str:
    """SHA-256 of the bytes of a file, 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of(parts: Iterable[bytes]) -> str:
    """SHA-256 of bytes in memory, run together, 64 hexadecimal digits."""
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(part)
    return hashed.hexdigest()


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Name of a temporary file beside `target`, which replaces it when the block ends without an error.

    The temporary file ends in the suffix of `target`; after an error nothing is left of it. A link is
    followed.

    Raises:
        OSError: the folder is missing or closed to writing, or the disk is full.
    """
    target = target.resolve()
    temporary = target.with_name(f".{target.stem}.{secrets.token_hex(4)}{target.suffix}")
    try:
        temporary.touch(exist_ok=False)
        mode = temporary.stat().st_mode  # what the user's umask leaves; some writers narrow it
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(mode)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(target: Path, content: str | bytes) -> None:
    """Write a file under a temporary name beside it, then rename it; text is written as UTF-8.

    Raises:
        InputError: it cannot be written; nothing is left behind.
    """
    try:
        with whole_file(target) as temporary:
            temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise InputError(f"output '{target}' cannot be written: {error.strerror}.") from error


def replace_folder(temporary: Path, target: Path) -> None:
    """Put a finished folder in the place of another, if there is one.

    A kill at any moment leaves the old one, the new one, or both beside `target`.

    Raises:
        OSError: one of them cannot be moved.
    """
    old = target.with_name(f".{target.name}.old")
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    temporary.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def check_place(target: Path) -> None:
    """Find out before the work whether a file of any kind can be written where it is asked for.

    Raises:
        InputError: its folder is missing or closed to writing, or it is a folder itself.
    """
    folder = target.parent
    if not folder.is_dir():
        raise InputError(f"folder '{folder}' of the output does not exist. Make it first.")
    if target.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"output '{target}' cannot be written: check the folder's permissions.")
