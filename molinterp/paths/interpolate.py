"""Paths of molecules between compounds: a request and a model in, paths out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from rdkit import Chem

from molinterp.errors import InputError, MolinterpError
from molinterp.model.bundle import loaded, model_of, name_of
from molinterp.model.protocol import LatentModel
from molinterp.options import default_of, options_of
from molinterp.paths import stages, waypoints
from molinterp.paths.library import Library, known_smiles
from molinterp.paths.objective import constraints_of
from molinterp.paths.path import MoleculePath
from molinterp.paths.request import Method, PathRequest

F = TypeVar("F", bound=Callable[..., Any])
_HANDLED = ("start", "end", "model", "library", "reference")
"""Options that the functions here take by themselves."""


def _with_options(*left_out: str) -> Callable[[F], F]:
    """Give a function with `**options` the signature and the docstring of those of `PathRequest`."""

    def decorate(function: F) -> F:
        declared = {k: v for k, v in options_of(PathRequest).items() if k not in (*_HANDLED, *left_out)}
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        further = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=default_of(of), annotation=of.type
            )
            for name, (of, _) in declared.items()
        ]
        function.__signature__ = signature.replace(parameters=[*own, *further])  # type: ignore[attr-defined]
        lines = "\n".join(f"        {name}: {option.help}" for name, (_, option) in declared.items())
        marker = "        **options: see `PathRequest`."
        function.__doc__ = (function.__doc__ or "").replace(marker, lines)
        return function

    return decorate


@_with_options("n_paths")
def interpolate(
    start: str,
    end: str,
    *,
    model: LatentModel | str | Path = "default",
    library: Library | str | Path | None = None,
    reference: frozenset[str] | str | Path | None = None,
    **options: Any,
) -> MoleculePath:
    """Find molecules between two compounds: real-looking, makeable, each a small step from the last.

    The curve between the two latent points is the geodesic that stays where the model knows real compounds
    with the features asked for. Its decodes, edits and neighbours that pass the filters are candidates; the
    path is the discrete geodesic through them. The ends are the compounds themselves, never their
    reconstructions.

    Args:
        start: SMILES of the start.
        end: SMILES of the end.
        model: a loaded model, or the name or folder of a bundle.
        library: existing compounds that may be used as intermediates, or their file.
        reference: known compounds, from `known_smiles`, or their file; molecules say whether they are known.
        **options: see `PathRequest`.

    Raises:
        InvalidMoleculeError: an end is no molecule, too large, or a mixture.
        VocabularyError: an end holds atoms that the model does not know.
        InputError: both ends are the same compound; an option does not exist, is out of range or
            contradicts another.
        BundleError: the bundle is missing or damaged.
    """
    if options.get("n_paths", 1) != 1:
        raise InputError(
            "`n_paths` must be 1: `interpolate` gives one path. Call interpolate_several for a list.",
            argument="n_paths",
        )
    return interpolate_several(start, end, model=model, library=library, reference=reference, **options)[0]


@_with_options()
def interpolate_several(
    start: str,
    end: str,
    *,
    model: LatentModel | str | Path = "default",
    library: Library | str | Path | None = None,
    reference: frozenset[str] | str | Path | None = None,
    **options: Any,
) -> list[MoleculePath]:
    """Find up to `n_paths` paths that share no molecule between, best first; see `interpolate`.

    Args:
        start: SMILES of the start.
        end: SMILES of the end.
        model: a loaded model, or the name or folder of a bundle.
        library: existing compounds that may be used as intermediates, or their file.
        reference: known compounds, from `known_smiles`, or their file; molecules say whether they are known.
        **options: see `PathRequest`.
    """
    request = PathRequest.of(
        start=start, end=end, model=name_of(model), library=library, reference=reference, **options
    )
    return _answer(
        request,
        model_of(model, request.device),
        library if isinstance(library, Library) else library_of(request),
        reference if isinstance(reference, frozenset) else reference_of(request),
    )


def solve(
    request: PathRequest,
    model: LatentModel | None = None,
    *,
    library: Library | None = None,
    reference: frozenset[str] | None = None,
) -> list[MoleculePath]:
    """Answer a request: the best path, and up to `n_paths` of them.

    Args:
        request: what is asked.
        model: a loaded model; None loads the one that the request names.
        library: the request's library, loaded; None loads it.
        reference: the request's reference, loaded; None loads it.

    Raises:
        InputError: the request has no start or end, or as `interpolate`.
    """
    if not (request.start and request.end):
        raise InputError("a request must have a `start` and an `end`; this one is a template. Use `between`.")
    model = model if model is not None else loaded(request.model, request.device)
    library = library if library is not None else library_of(request)
    reference = reference if reference is not None else reference_of(request)
    return _answer(request, model, library, reference)


def _answer(
    request: PathRequest, model: LatentModel, library: Library | None, reference: frozenset[str] | None
) -> list[MoleculePath]:
    """What `solve` gives; an empty compound is no template here but no molecule."""
    if request.via:
        legs = [_answer(leg, model, library, reference)[0] for leg in waypoints.legs(request)]
        return [waypoints.join(request, legs)]
    problem = stages.pose(request, model, library, reference)
    return stages.describe(problem, stages.search(problem))


def interpolate_many(
    pairs: Sequence[tuple[str, str]],
    request: PathRequest,
    model: LatentModel | None = None,
    *,
    library: Library | None = None,
    reference: frozenset[str] | None = None,
) -> list[MoleculePath | MolinterpError]:
    """One path, or the error that stands in its place, for each pair; the same whatever its company.

    Args:
        pairs: SMILES of the start and end of each.
        request: what is asked of every pair.
        model: as in `solve`.
        library: as in `solve`.
        reference: as in `solve`.

    Raises:
        BundleError: the bundle is missing or damaged.
        InputError: the library or the reference cannot be read.
    """
    model = model if model is not None else loaded(request.model, request.device)
    library = library if library is not None else library_of(request)
    reference = reference if reference is not None else reference_of(request)
    out: list[MoleculePath | MolinterpError] = []
    for start, end in pairs:
        try:
            one = replace(request.between(start, end), n_paths=1)
            out.append(_answer(one, model, library, reference)[0])
        except MolinterpError as error:
            out.append(error)
    return out


def check(request: PathRequest, model: LatentModel) -> None:
    """Find what is wrong with a request whatever the pair; what depends on the pair is not looked at.

    Raises:
        InputError: an option names nothing that the model or the filters know.
    """
    if request.method == Method.GEODESIC:
        model.output_space(request.output_space)
    ring = Chem.MolFromSmiles("c1ccccc1")  # as both ends, so that a `scaffold` is there
    constraints_of(model, (ring, ring), request)
    stages.filters_of(request, model, (ring, ring))


def library_of(request: PathRequest) -> Library | None:
    """Library of a request, read from its file or made of its compounds; None where it asks for none.

    Raises:
        InputError: the file cannot be read or holds no molecule.
    """
    if request.library is None:
        return None
    if isinstance(request.library, str):
        return Library.load(Path(request.library))
    return _library_of_compounds(request.library)


@lru_cache(maxsize=1)
def _library_of_compounds(compounds: tuple[tuple[str, str], ...]) -> Library:
    return Library.of((smiles for smiles, _ in compounds), (name for _, name in compounds))


def reference_of(request: PathRequest) -> frozenset[str] | None:
    """Known compounds of a request, without stereo; None where it asks for none.

    Raises:
        InputError: the file cannot be read or holds no molecule.
    """
    if request.reference is None or not isinstance(request.reference, str):
        return None if request.reference is None else frozenset(request.reference)
    return known_smiles(request.reference)
