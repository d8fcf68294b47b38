"""Locate the trained models that ship with molinterp."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
BUNDLES = tuple(sorted(p.parent.name for p in _HERE.glob("*/bundle.json")))


def bundle_folder(name: str) -> Path:
    """Return the folder of the shipped bundle `name`, one of BUNDLES."""
    return _HERE / name


def classifier_files() -> dict[str, tuple[Path, Path]]:
    """Return the shipped classifiers of molecules: JSON file and safetensors file by name."""
    return {p.stem: (p, p.with_suffix(".safetensors")) for p in sorted((_HERE / "features").glob("*.json"))}


def downloads_file() -> Path:
    """Return the JSON file of downloadable bundles: `address`, `sha256` and `bytes` by name."""
    return _HERE / "downloads.json"
