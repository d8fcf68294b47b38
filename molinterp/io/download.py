"""Files from public addresses into the user's cache: resumed, capped, held against their SHA-256."""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, final

from molinterp.errors import DownloadError, InputError
from molinterp.io.files import sha256 as file_hash

TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as cut."""
N_ATTEMPTS = 4
"""Connections tried for one file; each goes on where the last was cut."""
_CHUNK = 1 << 16
_SHA256 = re.compile(r"[0-9a-f]{64}")
Progress = Callable[[int, int | None], None]
"""Told bytes done and bytes in all, None where the server does not say."""


@final
@dataclass(frozen=True)
class Fetched:
    """A file in the cache."""

    path: Path
    """Where it is."""
    sha256: str
    """What it hashes to."""
    is_known: bool
    """Whether that was known beforehand; else it was recorded beside the file at the first fetch."""


def cache_folder(kind: str = "") -> Path:
    """Folder of the user's cache for one kind of file, "" for the whole; XDG_CACHE_HOME moves it on Linux."""
    import pooch

    return Path(pooch.os_cache("molinterp")) / kind


def fetch(
    address: str,
    folder: Path,
    name: str,
    sha256: str | None,
    max_bytes: int,
    progress: Progress = lambda done, total: None,
) -> Fetched:
    """Download a file, or find it in the cache.

    A connection that is cut is taken up where it stopped, within one call and by the next call. Where no
    checksum is known, that of the first fetch is written to NAME.sha256 and holds from then on.

    Args:
        address: http or https.
        folder: of the cache; made where it is missing.
        name: of the file there.
        sha256: 64 hexadecimal digits; None means not known.
        max_bytes: largest file that is taken.
        progress: called as bytes come in.

    Raises:
        InputError: the address or the checksum is malformed.
        DownloadError: the server cannot be reached, the file is too large, or its checksum is another one.
    """
    import pooch

    if not address.startswith(("https://", "http://")):
        raise InputError(f"an address must begin with https:// or http://; got {address!r}.")
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise InputError(f"a SHA-256 must be 64 hexadecimal digits, lower case; got {sha256!r}.")
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / f"{name}.sha256"
    expected = sha256 or (record.read_text(encoding="utf-8").strip() if record.is_file() else "") or None
    pooch.get_logger().setLevel("ERROR")
    downloader = _Downloader(folder / f"{name}.part", max_bytes, progress)
    try:
        path = Path(pooch.retrieve(address, expected, name, folder, downloader=downloader))
    except ValueError as error:
        origin = "given" if sha256 else f"recorded in '{record}' at the first fetch"
        raise DownloadError(
            f"'{address}' does not match its SHA-256, {expected} ({origin}). "
            "The file has changed or was tampered with; nothing was kept."
        ) from error
    except OSError as error:
        raise DownloadError(f"'{folder}' cannot be written: {error.strerror or error}.") from error
    found = expected or file_hash(path)
    if sha256 is None:
        record.write_text(f"{found}\n", encoding="utf-8")
    return Fetched(path, found, sha256 is not None)


@final
@dataclass(frozen=True)
class _Downloader:
    """What pooch calls for the bytes; keeps what it has in `partial` until the file is whole."""

    partial: Path
    max_bytes: int
    progress: Progress

    def __call__(self, url: str, output_file: str, *_: Any) -> None:
        """Bring the bytes of `url` into `output_file`."""
        for attempt in range(N_ATTEMPTS):
            try:
                if self._continue(url):
                    os.replace(self.partial, output_file)
                    self._tag.unlink(missing_ok=True)
                    return
            except urllib.error.HTTPError as error:
                if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    self.partial.unlink()
                    continue
                raise DownloadError(f"'{url}' was refused: {error.code} {error.reason}.") from error
            except (OSError, HTTPException) as error:
                if attempt == N_ATTEMPTS - 1 or self._size == 0:
                    reason = getattr(error, "reason", error)
                    raise DownloadError(_unreachable(url, str(reason))) from error
        raise DownloadError(_unreachable(url, f"cut {N_ATTEMPTS} times, {self._size} bytes so far"))

    @property
    def _tag(self) -> Path:
        """What the server called the version that `partial` is of."""
        return self.partial.with_suffix(".tag")

    @property
    def _size(self) -> int:
        return self.partial.stat().st_size if self.partial.is_file() else 0

    def _continue(self, url: str) -> bool:
        """Take up the download where it stopped; whether it is whole now."""
        request = urllib.request.Request(url, headers={"User-Agent": "molinterp"})
        tag = self._tag.read_text(encoding="utf-8") if self._tag.is_file() else ""
        if self._size and tag:
            request.add_header("Range", f"bytes={self._size}-")
            request.add_header("If-Range", tag)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            return self._take(url, response)

    def _take(self, url: str, response: HTTPResponse) -> bool:
        start = (
            self._size if response.headers.get("Content-Range", "").startswith(f"bytes {self._size}-") else 0
        )
        length = response.headers.get("Content-Length")
        total = None if length is None else start + int(length)
        if total is not None and total > self.max_bytes:
            raise self._too_large(url, total)
        tag = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        self._tag.write_text(tag, encoding="utf-8")
        done = start
        with self.partial.open("ab" if start else "wb") as stream:
            while chunk := response.read(_CHUNK):
                done += len(chunk)
                if done > self.max_bytes:
                    stream.truncate(0)
                    raise self._too_large(url, done)
                stream.write(chunk)
                self.progress(done, total)
        return total is None or done == total

    def _too_large(self, url: str, n: int) -> DownloadError:
        return DownloadError(f"'{url}' is larger than the {self.max_bytes} bytes allowed: {n} or more.")


def _unreachable(url: str, reason: str) -> str:
    return (
        f"'{url}' cannot be reached: {reason}. Check the network connection; "
        "the same command goes on where it stopped."
    )
