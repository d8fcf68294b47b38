"""Interpolate between molecules: feature-preserving paths in the latent space of a molecular VAE."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from molinterp.assemble import Search
    from molinterp.batch import interpolate_table
    from molinterp.bundle import Bundle
    from molinterp.chem.judge import Limits
    from molinterp.chem.library import Library, known_smiles
    from molinterp.interpolation import (
        interpolate,
        interpolate_many,
        interpolate_several,
    )
    from molinterp.latent_features import LatentEncoder
    from molinterp.legs import interpolate_through
    from molinterp.middle import median
    from molinterp.path import MoleculePath

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
    "Bundle": "bundle",
    "LatentEncoder": "latent_features",
    "Library": "chem.library",
    "Limits": "chem.judge",
    "MoleculePath": "path",
    "Search": "assemble",
    "interpolate": "interpolation",
    "interpolate_many": "interpolation",
    "interpolate_several": "interpolation",
    "interpolate_table": "batch",
    "interpolate_through": "legs",
    "known_smiles": "chem.library",
    "median": "middle",
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
