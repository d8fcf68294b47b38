"""Interpolate between molecules: feature-preserving paths in the latent space of a molecular VAE."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from molinterp.batch import interpolate_table
    from molinterp.chem.filters import Limits
    from molinterp.model.bundle import Bundle
    from molinterp.paths.interpolate import (
        interpolate,
        interpolate_many,
        interpolate_several,
    )
    from molinterp.paths.library import Library, known_smiles
    from molinterp.paths.median import median
    from molinterp.paths.path import MoleculePath
    from molinterp.paths.search import Search
    from molinterp.paths.waypoints import interpolate_through
    from molinterp.sklearn import LatentEncoder

__version__ = "0.1.0"
__all__ = [
    "Bundle",
    "LatentEncoder",
    "Library",
    "Limits",
    "MoleculePath",
    "Search",
    "__version__",
    "interpolate",
    "interpolate_many",
    "interpolate_several",
    "interpolate_table",
    "interpolate_through",
    "known_smiles",
    "median",
]

_ROOT = Path(__file__).resolve().parent.parent
if (_ROOT / "pyproject.toml").is_file():
    # In a checkout cli, data and pretrained stand beside this folder, where `python` started at the
    # root of the checkout would not find them.
    __path__.append(str(_ROOT))

_HOMES = {
    "Bundle": "model.bundle",
    "LatentEncoder": "sklearn",
    "Library": "paths.library",
    "Limits": "chem.filters",
    "MoleculePath": "paths.path",
    "Search": "paths.search",
    "interpolate": "paths.interpolate",
    "interpolate_many": "paths.interpolate",
    "interpolate_several": "paths.interpolate",
    "interpolate_table": "batch",
    "interpolate_through": "paths.waypoints",
    "known_smiles": "paths.library",
    "median": "paths.median",
}


def __getattr__(name: str) -> Any:
    """Import a public name, or the shipped data, where it is first used: torch alone takes a second."""
    from importlib import import_module

    if name == "data":
        return import_module("molinterp.data")
    if name not in _HOMES:
        raise AttributeError(f"module 'molinterp' has no attribute {name!r}")
    value = getattr(import_module(f"molinterp.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
