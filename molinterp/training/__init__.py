"""Train, fit and measure bundles: a recipe of stages, and what each stage does."""

from __future__ import annotations

import lazy_loader

# The public names are in __init__.pyi; each is imported when it is first used: a recipe needs no torch.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
