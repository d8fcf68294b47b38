"""Install bundles from downloaded archives: unpack them safely, verify them, move them into the cache."""

from __future__ import annotations

import json
import re
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from molinterp.errors import BundleError, DownloadError, InputError
from molinterp.io.download import Fetched, Progress, fetch
from molinterp.io.files import replace_folder
from molinterp.model.bundle import Bundle
from molinterp.model.storage import FILES, HEADER, downloaded_folder
from molinterp.pretrained import BUNDLES, downloads_file

_UNREADABLE = (RuntimeError, ValueError, LookupError, MemoryError, OSError)
"""Errors that the readers of archives raise besides their own."""
MAX_BYTES = 200_000_000
"""Largest size that is accepted, of an archive and of its unpacked content."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def downloads() -> dict[str, dict[str, str | int]]:
    """Return the bundles that can be downloaded by name, each with `address`, `sha256` and `bytes`."""
    return dict(json.loads(downloads_file().read_text(encoding="utf-8")))


def download_bundle(
    name_or_address: str,
    sha256: str | None = None,
    name: str | None = None,
    progress: Progress = lambda done, total: None,
) -> str:
    """Download a bundle, verify it, install it in the user's cache and return its name.

    Args:
        name_or_address: a name in `downloads`, or the address of a .zip, .tar or .tar.gz file.
        sha256: checksum of the archive; required with an address, and used only then.
        name: name to install the bundle under; None means its own name, or that of the archive.
        progress: called with the number of bytes received so far.

    Raises:
        InputError: there is no such download, the name is taken or invalid, or the checksum is missing.
        DownloadError: the archive cannot be downloaded; see `molinterp.io.download.fetch`.
        BundleError: the archive does not contain a valid bundle.
    """
    if "://" in name_or_address:
        if sha256 is None:
            raise InputError("an address must come with the SHA-256 of its archive: give `sha256`.")
        address, size = name_or_address, MAX_BYTES
        name = name or PurePosixPath(address.split("?")[0]).name.split(".")[0]
    else:
        entry = _entry(name_or_address)
        address, sha256, size = str(entry["address"]), str(entry["sha256"]), int(entry["bytes"])
        name = name or name_or_address
    if name in BUNDLES or not _NAME.fullmatch(name):
        raise InputError(f"a downloaded bundle cannot be called {name!r}; give another `name`.")
    target = downloaded_folder(name)
    fetched = fetch(address, target.parent, f"{name}.archive", sha256, size, progress)
    try:
        _install(fetched, target)
    finally:
        fetched.path.unlink(missing_ok=True)
    return name


def _entry(name: str) -> dict[str, str | int]:
    if name in BUNDLES:
        raise InputError(f"bundle '{name}' ships with molinterp; there is nothing to download.")
    if name not in downloads():
        raise InputError(
            f"there is no bundle {name!r} to download; there are: {', '.join(downloads()) or 'none yet'}. "
            "Give an address and `sha256` instead."
        )
    return downloads()[name]


def _install(fetched: Fetched, target: Path) -> None:
    """Unpack the archive beside the target, check that it loads, then move it into place."""
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        folder = Path(temporary) / target.name
        folder.mkdir()
        unpack(fetched.path, folder)
        Bundle.load(folder)
        replace_folder(folder, target)


def unpack(archive: Path, folder: Path, max_bytes: int = MAX_BYTES) -> None:
    """Unpack the files of a bundle from a zip or tar archive into `folder`, and write nothing else.

    The archive may contain the files of one bundle, at the top level or in one folder. Links, devices, paths
    that lead elsewhere and files with other names are rejected before any of them is written.

    Args:
        archive: .zip or .tar, possibly compressed.
        folder: existing folder that receives the files.
        max_bytes: largest accepted total of the unpacked sizes.

    Raises:
        BundleError: the archive cannot be read or does not contain just one bundle.
        DownloadError: the content is larger than `max_bytes`.
    """
    total = 0
    try:
        for name, stream in _members(archive):
            with stream, (folder / _file_name(name)).open("xb") as out:
                while chunk := stream.read(1 << 16):
                    total += len(chunk)
                    if total > max_bytes:
                        raise DownloadError(f"the archive unpacks to more than {max_bytes} bytes.")
                    out.write(chunk)
    except FileExistsError as error:
        raise BundleError("the archive is not a bundle: it holds a file twice.") from error
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, *_UNREADABLE) as error:
        raise BundleError(f"the archive cannot be read: {error}.") from error


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Iterate over name and content of the regular files; reject anything else except folders."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                kind = info.external_attr >> 28  # file type of a Unix mode: 8 regular, 4 folder, 0 unset
                if not info.is_dir():
                    if kind not in (0, 8):
                        raise _not_a_bundle(info.filename, "not a regular file")
                    yield info.filename, packed.open(info)
        return
    with tarfile.open(archive) as packed_tar:
        for member in packed_tar:
            if member.isdir():
                continue
            stream = packed_tar.extractfile(member) if member.isreg() else None
            if stream is None:
                raise _not_a_bundle(member.name, "not a regular file")
            yield member.name, stream


def _file_name(name: str) -> str:
    parts = PurePosixPath(name).parts
    if not parts:
        raise _not_a_bundle(name, "a file without a name")
    if name.startswith(("/", "\\")) or ".." in parts or len(parts) > 2:
        raise _not_a_bundle(name, "a path that leads elsewhere")
    if parts[-1] not in (HEADER, *FILES):
        raise _not_a_bundle(name, "not a file of a bundle")
    return parts[-1]


def _not_a_bundle(name: str, reason: str) -> BundleError:
    return BundleError(f"the archive is not a bundle: {name[:80]!r} is {reason}. Nothing was installed.")
