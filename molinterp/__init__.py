"""Interpolate between molecules: feature-preserving paths in the latent space of a molecular VAE."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import lazy_loader

from molinterp.paths import display

if TYPE_CHECKING:
    from molinterp.paths.display import Display

__version__ = "0.1.0"

_ROOT = Path(__file__).resolve().parent.parent
if (_ROOT / "pyproject.toml").is_file():
    # In a checkout cli, data and pretrained stand beside this folder, where `python` started at the
    # root of the checkout would not find them.
    __path__.append(str(_ROOT))

# The public names stand in __init__.pyi; each is imported when it is first used: torch takes a second.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def _display() -> Display:
    from molinterp.report.display import ReportDisplay

    return ReportDisplay()


display.provide(_display)
