"""Where bundles lie, what their folders hold, and which may be written over."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import Any

from molinterp.errors import BundleError
from molinterp.io.download import cache_folder
from molinterp.io.files import sha256
from molinterp.model.header import check, parsed
from molinterp.pretrained import BUNDLES, bundle_folder
from molinterp.realism.fitted import FILES as REALISM_FILES

SCHEMA = 4
"""Number of the layout; a bundle of another one is not read."""
HEADER = "bundle.json"
WEIGHTS = MappingProxyType(
    {
        "encoder.safetensors": ("encoder_", "posterior."),
        "decoder.safetensors": ("conditioner.", "state_of_z.", "decoder.", "output.", "embedding."),
        "heads.safetensors": ("fingerprint_head.", "property_"),
    }
)
"""Weights file to the parameter names that go into it."""
FILES = (*WEIGHTS, *REALISM_FILES)
"""Files that a bundle may hold beside its header."""


def check_folder(folder: Path) -> None:
    """Make sure that a folder is there and open to writing, or can be made.

    Raises:
        BundleError: it is a file, or it or the nearest folder above it is closed to writing.
    """
    nearest = folder.resolve()
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir():
        raise BundleError(f"'{nearest}' is a file, and must be a folder. Choose another name.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise BundleError(f"'{folder}' cannot be written: folder '{nearest}' is closed to writing.")


def check_target(folder: Path) -> None:
    """Make sure that `Bundle.save` may write to a folder, before the work that is to be saved.

    Raises:
        BundleError: it is a file, holds something else than a bundle, or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise BundleError(f"'{folder}' is a file, and a bundle is a folder. Choose another name.")
    # A bundle is replaced as a whole, by a folder that is made beside it.
    check_folder(folder.resolve().parent)
    if folder.exists() and not (folder / HEADER).exists() and any(folder.iterdir()):
        raise BundleError(f"folder '{folder}' is not empty and no bundle. Choose another one.")


def locate(name: str | Path) -> Path:
    """Folder of a bundle: one that ships or was downloaded, by name, or any other, by path.

    Raises:
        BundleError: there is none.
    """
    if str(name) in BUNDLES:
        return bundle_folder(str(name))
    folder = Path(name)
    if not (folder / HEADER).is_file() and str(name) in downloaded_names():
        return downloaded_folder(str(name))
    if not (folder / HEADER).is_file():
        shipped = ", ".join(BUNDLES) or "none"
        raise BundleError(
            f"bundle '{name}' must be one that ships ({shipped}) or a folder with a {HEADER}; "
            "found neither. Check the spelling, or train one with `molinterp train`."
        )
    return folder


def downloaded_folder(name: str) -> Path:
    """Folder of a downloaded bundle in the user's cache."""
    return cache_folder("bundles") / name


def downloaded_names() -> tuple[str, ...]:
    """Bundles in the user's cache."""
    return tuple(sorted(p.parent.name for p in cache_folder("bundles").glob(f"*/{HEADER}")))


def read_header(folder: Path) -> dict[str, Any]:
    """What `bundle.json` says, once every file has been held against its SHA-256.

    Raises:
        BundleError: a file is missing or damaged, or the schema is another one.
    """
    try:
        header = parsed((folder / HEADER).read_bytes())
        if header.get("schema") != SCHEMA:
            raise _other_schema(folder, header.get("schema"))
        check(header)
    except (OSError, ValueError) as error:
        raise BundleError(damaged(folder, f"{HEADER}: {error}")) from error
    files = header["files"]
    if unknown := set(files) - set(FILES):
        raise BundleError(damaged(folder, f"{HEADER} names the file {min(unknown)[:80]!r}"))
    for file in (*WEIGHTS, *(f for f in REALISM_FILES if f in files)):
        path = folder / file
        if not path.is_file():
            raise BundleError(damaged(folder, f"{file} is missing"))
        if sha256(path) != files.get(file):
            raise BundleError(damaged(folder, f"{file} does not match its SHA-256"))
    return header


def _other_schema(folder: Path, schema: Any) -> BundleError:
    return BundleError(
        f"bundle '{folder}' has schema {str(schema)[:40]}; this version of molinterp reads {SCHEMA}. "
        "Train it again, or install the version that made it."
    )


def damaged(folder: Path, reason: str) -> str:
    """What to say of a damaged bundle."""
    return f"bundle '{folder}' is damaged: {reason}. Restore it, or install molinterp again."
