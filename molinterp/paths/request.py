"""What can be asked of a path: its options, and what is wrong with them whatever the two compounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack

from rdkit import Chem

from molinterp.chem.constraints import Mode
from molinterp.chem.filters import Limits
from molinterp.errors import InputError
from molinterp.model.bundle import Bundle, loaded
from molinterp.model.output_spaces import output_space as space_of
from molinterp.paths.library import Library
from molinterp.paths.objective import WEIGHTS, constraints_of
from molinterp.paths.search import Search
from molinterp.realism.terms import EPSILON

METHODS = ("geodesic", "linear", "slerp")
"""Curves between two latent points."""


class Options(TypedDict, total=False):
    """Options of `interpolate`, for the functions that hand them on."""

    bundle: Bundle | str | Path | None
    method: str
    output_space: str
    keep: Sequence[str]
    gain: Sequence[str]
    lose: Sequence[str]
    avoid: Sequence[str]
    weights: Mapping[str, float]
    epsilon: float
    steps: int | None
    pointwise: bool
    search: Search | None
    limits: Limits | None
    library: Library | None
    only_library: bool
    reference: frozenset[str] | None
    seed: int
    device: str


def check_options(**options: Unpack[Options]) -> None:
    """Find what is wrong with options whatever the pair; what depends on the pair is not looked at.

    Args:
        **options: those of `interpolate`.

    Raises:
        InputError: there is no such option, or one is out of range or names nothing.
        BundleError: the bundle is missing or damaged.
    """
    unknown = [name for name in options if name not in Options.__annotations__]
    if unknown:
        known = ", ".join(Options.__annotations__)
        raise InputError(f"`{unknown[0]}` is no option of a path. Choose from {known}.")
    method, library = options.get("method", METHODS[0]), options.get("library")
    check_kind(method, library, options.get("only_library", False), options.get("pointwise", False))
    check_compounds(library, options.get("reference"))
    replace(options.get("search") or Search(), n_molecules=options.get("steps"))
    model = loaded(options.get("bundle"), options.get("device", "cpu"))
    if method == "geodesic":
        space_of(model, options.get("output_space", "fingerprint"))
    ring = Chem.MolFromSmiles("c1ccccc1")  # as both ends, so that a `scaffold` is there
    requests = {
        Mode.KEEP: options.get("keep", ()),
        Mode.GAIN: options.get("gain", ()),
        Mode.LOSE: options.get("lose", ()),
        Mode.AVOID: options.get("avoid", ()),
    }
    weights, epsilon = options.get("weights", WEIGHTS), options.get("epsilon", EPSILON)
    constraints_of(model, (ring, ring), requests, weights, epsilon)
    (options.get("limits") or Limits()).judge(ring, ring)


def check_kind(method: str, library: Library | None, only_library: bool, pointwise: bool) -> None:
    """Make sure that there is such a method, and that what is asked for goes together.

    Raises:
        InputError: there is none, or it does not.
    """
    if method not in METHODS:
        raise InputError(f"`method` must be one of {', '.join(METHODS)}; got {method!r}.")
    if only_library and (library is None or pointwise):
        raise InputError("`only_library` must come with a `library` and without `pointwise`.")


def check_compounds(library: object, reference: object) -> None:
    """Make sure that compounds are given: a name of a file would pass for some that hold nothing.

    Raises:
        InputError: one is a name of a file.
    """
    if isinstance(library, str | Path):
        raise InputError(f"`library` must be a Library; got '{library}'. Write Library.load(Path(...)).")
    if isinstance(reference, str | Path):
        raise InputError(f"`reference` must be a set of SMILES; got '{reference}'. Write known_smiles(...).")
