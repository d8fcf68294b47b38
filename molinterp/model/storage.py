"""Locate bundles, read their headers, and check where a bundle may be written."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import Any

from safetensors import SafetensorError

from molinterp.chem.familiar import FILE as FAMILIAR_FILE
from molinterp.chem.familiar import Familiar, read_familiar, shipped_familiar
from molinterp.errors import BundleError
from molinterp.io.download import cache_folder
from molinterp.io.files import sha256
from molinterp.model.header import check, parsed
from molinterp.pretrained import BUNDLES, bundle_folder
from molinterp.realism.fitted import FILES as REALISM_FILES

SCHEMA = 4
"""Version of the layout; bundles of other versions cannot be read."""
HEADER = "bundle.json"
WEIGHTS = MappingProxyType(
    {
        "encoder.safetensors": ("encoder_", "posterior."),
        "decoder.safetensors": ("conditioner.", "state_of_z.", "decoder.", "output.", "embedding."),
        "heads.safetensors": ("fingerprint_head.", "property_"),
    }
)
"""File of parameters to the prefixes of the names that it stores."""
OPTIONAL = (*REALISM_FILES, FAMILIAR_FILE)
"""Files that a bundle may contain besides its header and parameters."""
FILES = (*WEIGHTS, *OPTIONAL)
"""Files that a bundle may contain besides its header."""


def check_folder(folder: Path) -> None:
    """Check that a folder is writable or can be created.

    Raises:
        BundleError: it is a file, or it or its nearest existing parent is not writable.
    """
    nearest = folder.resolve()
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir():
        raise BundleError(f"'{nearest}' is a file but must be a folder. Choose another name.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise BundleError(f"'{folder}' cannot be written: folder '{nearest}' is not writable.")


def check_target(folder: Path) -> None:
    """Check that `Bundle.save` may write to a folder, before starting the work whose result is saved.

    Raises:
        BundleError: it is a file, contains something other than a bundle, or is not writable.
    """
    if folder.exists() and not folder.is_dir():
        raise BundleError(f"'{folder}' is a file, and a bundle is a folder. Choose another name.")
    # A new folder is written beside the bundle and then replaces it as a whole.
    check_folder(folder.resolve().parent)
    if folder.exists() and not (folder / HEADER).exists() and any(folder.iterdir()):
        raise BundleError(f"folder '{folder}' is not empty and is not a bundle. Choose another one.")


def locate(name: str | Path) -> Path:
    """Find the folder of a bundle from the name of a shipped or downloaded one, or from a path.

    Raises:
        BundleError: there is no such bundle.
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
    """Return the folder of a downloaded bundle in the user's cache."""
    return cache_folder("bundles") / name


def downloaded_names() -> tuple[str, ...]:
    """Return the names of the bundles in the user's cache."""
    return tuple(sorted(p.parent.name for p in cache_folder("bundles").glob(f"*/{HEADER}")))


def read_header(folder: Path) -> dict[str, Any]:
    """Read `bundle.json` and verify every file against its SHA-256.

    Raises:
        BundleError: a file is missing or damaged, or the schema is not supported.
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
    for file in (*WEIGHTS, *(f for f in OPTIONAL if f in files)):
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


def familiar_of(name: str | Path) -> Familiar:
    """Read the familiar chemistry of a bundle without its network; the shipped tables if it has none.

    Raises:
        BundleError: the bundle does not exist or is damaged.
    """
    folder = locate(name)
    read_header(folder)
    try:
        return read_familiar(folder) or shipped_familiar()
    except (KeyError, ValueError, SafetensorError) as error:
        raise BundleError(damaged(folder, f"{FAMILIAR_FILE}: {error}")) from error


def damaged(folder: Path, reason: str) -> str:
    """Build the message about a damaged bundle."""
    return f"bundle '{folder}' is damaged: {reason}. Restore it, or install molinterp again."
