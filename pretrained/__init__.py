"""Trained bundles that ship with molinterp, by name."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
BUNDLES = tuple(sorted(p.parent.name for p in _HERE.glob("*/bundle.json")))


def bundle_folder(name: str) -> Path:
    """Folder of the shipped bundle `name`, one of BUNDLES."""
    return _HERE / name


def classifier_files() -> dict[str, tuple[Path, Path]]:
    """Shipped molecule classifiers: name to its JSON file and its safetensors file."""
    return {p.stem: (p, p.with_suffix(".safetensors")) for p in sorted((_HERE / "features").glob("*.json"))}


def downloads_file() -> Path:
    """JSON of the bundles that can be downloaded: name to `address`, `sha256` and `bytes`."""
    return _HERE / "downloads.json"
