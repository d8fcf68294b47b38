"""A path by way of several compounds: one leg between every two in a row, joined end to start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

import numpy as np
from rdkit import Chem

from molinterp.chem.similarity import tanimoto
from molinterp.paths.path import LatentCurve, MoleculePath, RoundTrip
from molinterp.paths.request import PathRequest


def legs(request: PathRequest) -> list[PathRequest]:
    """Requests for the legs of a path with way-points, in order."""
    compounds = (request.start, *request.via, request.end)
    names = [request.names[k : k + 2] for k in range(len(compounds) - 1)] if request.names else None
    return [
        request.between(start, end, names[k] if names else ())
        for k, (start, end) in enumerate(pairwise(compounds))
    ]


def join(request: PathRequest, parts: Sequence[MoleculePath]) -> MoleculePath:
    """Join legs as the answer to a request; similarities to the ends are taken anew."""
    rows = [parts[0].molecules[0]]
    for part in parts:
        rows += [*part.molecules[1:-1], replace(part.molecules[-1], name=part.end_name)]
    mols = [Chem.MolFromSmiles(m.smiles) for m in rows]
    walked = list(accumulate(0.0 if m.similarity is None else 1.0 - m.similarity for m in rows))
    n_steps = [len(part) - 1 for part in parts]
    return replace(
        parts[0],
        request=request,
        molecules=tuple(
            replace(
                m,
                # Stereoisomers have a similarity of 1.
                t=walked[k] / walked[-1] if walked[-1] else k / (len(rows) - 1),
                similarity_to_start=tanimoto(mols[0], mols[k]),
                similarity_to_end=tanimoto(mols[-1], mols[k]),
            )
            for k, m in enumerate(rows)
        ),
        curve=_joined([part.curve for part in parts]),
        is_bridged=all(part.is_bridged for part in parts),
        energy=sum(n_steps) * sum(part.energy / n for part, n in zip(parts, n_steps, strict=True)),
        length=sum(part.length for part in parts),
        raw_validity=_mean([part.raw_validity for part in parts]),
        n_decoded=sum(part.n_decoded for part in parts),
        n_candidates=sum(part.n_candidates for part in parts),
        rejected=dict(sum((Counter(part.rejected) for part in parts), Counter())),
        round_trips=_round_trips(parts),
        notes=tuple(_notes(parts)),
    )


def _notes(parts: Sequence[MoleculePath]) -> Iterator[str]:
    """Notes of the legs, each with the legs that it is of: it numbers their molecules, not the path's."""
    for note in dict.fromkeys(note for part in parts for note in part.notes):
        of = [str(k) for k, part in enumerate(parts, 1) if note in part.notes]
        where = "every leg" if len(of) == len(parts) else f"leg{'s' if len(of) > 1 else ''} {', '.join(of)}"
        yield f"{where}: {note}"


def _joined(curves: Sequence[LatentCurve | None]) -> LatentCurve | None:
    """Curves end to start as one; None if a leg has none."""
    known = [curve for curve in curves if curve is not None]
    if len(known) < len(curves):
        return None
    points = [known[0].points, *(curve.points[1:] for curve in known[1:])]
    return LatentCurve(np.concatenate(points), all(curve.is_converged for curve in known))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def _round_trips(parts: Sequence[MoleculePath]) -> tuple[RoundTrip, RoundTrip] | None:
    first, last = parts[0].round_trips, parts[-1].round_trips
    if any(part.round_trips is None for part in parts) or first is None or last is None:
        return None
    return first[0], last[1]
