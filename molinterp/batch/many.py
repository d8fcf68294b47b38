"""Stand-in for `molinterp.interpolation.interpolate_many`: to be replaced by it, one import in `setup.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from molinterp.errors import MolinterpError
from molinterp.interpolation import interpolate
from molinterp.path import MoleculePath


def interpolate_many(
    pairs: Sequence[tuple[str, str]],
    *,
    bundle: Any = None,
    seed: int = 0,
    device: str = "cpu",
    **options: Any,
) -> list[MoleculePath | MolinterpError]:
    """A path or the error of each pair, in order; options as `interpolate` takes them."""
    found: list[MoleculePath | MolinterpError] = []
    for a, b in pairs:
        try:
            found.append(interpolate(a, b, bundle=bundle, seed=seed, device=device, **options))
        except MolinterpError as error:
            found.append(error)
    return found
