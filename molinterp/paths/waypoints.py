"""A path by way of several compounds: one leg between every two in a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Unpack

from rdkit import Chem

from molinterp.chem.similarity import tanimoto
from molinterp.errors import InputError
from molinterp.paths.interpolate import interpolate
from molinterp.paths.path import MoleculePath
from molinterp.paths.request import Options


def interpolate_through(
    compounds: Sequence[str], names: Sequence[str] | None = None, **options: Unpack[Options]
) -> MoleculePath:
    """One path by way of several compounds, in their order.

    Args:
        compounds: SMILES of two or more compounds.
        names: what to call them; None means nothing.
        **options: those of `interpolate`, the same for every leg; `steps` counts the molecules of a leg.

    Raises:
        InputError: fewer than two compounds, neighbours that are the same, or not a name for each.
    """
    if len(compounds) < 2:
        raise InputError(f"`compounds` must be at least two; got {len(compounds)}.")
    called = names or [""] * len(compounds)
    if len(called) != len(compounds):
        raise InputError(f"`names` must be one for each of {len(compounds)} compounds; got {len(called)}.")
    legs = [
        interpolate(a, b, names=called[k : k + 2], **options) for k, (a, b) in enumerate(pairwise(compounds))
    ]
    return legs[0] if len(legs) == 1 else _joined(legs)


def _joined(legs: Sequence[MoleculePath]) -> MoleculePath:
    """Legs end to start as one path; figures of the ends are taken anew."""
    rows = [legs[0].steps[0]]
    for leg in legs:
        rows += [*leg.steps[1:-1], replace(leg.steps[-1], name=leg.end_name)]
    mols = [Chem.MolFromSmiles(s.smiles) for s in rows]
    walked = list(accumulate(0.0 if s.similarity is None else 1.0 - s.similarity for s in rows))
    n_steps = [len(leg) - 1 for leg in legs]
    return replace(
        legs[0],
        steps=tuple(
            replace(
                s,
                # Stereoisomers have a similarity of 1.
                t=walked[k] / walked[-1] if walked[-1] else k / (len(rows) - 1),
                similarity_to_start=tanimoto(mols[0], mols[k]),
                similarity_to_end=tanimoto(mols[-1], mols[k]),
            )
            for k, s in enumerate(rows)
        ),
        end_name=legs[-1].end_name,
        is_bridged=all(leg.is_bridged for leg in legs),
        energy=sum(n_steps) * sum(leg.energy / n for leg, n in zip(legs, n_steps, strict=True)),
        length=sum(leg.length for leg in legs),
        raw_validity=sum(leg.raw_validity for leg in legs) / len(legs),
        n_decoded=sum(leg.n_decoded for leg in legs),
        n_candidates=sum(leg.n_candidates for leg in legs),
        rejected=dict(sum((Counter(leg.rejected) for leg in legs), Counter())),
        round_trips=(legs[0].round_trips[0], legs[-1].round_trips[1]),
        notes=tuple(_notes(legs)),
    )


def _notes(legs: Sequence[MoleculePath]) -> Iterator[str]:
    """Notes of the legs, each with the legs that it is of: it numbers their molecules, not the path's."""
    for note in dict.fromkeys(note for leg in legs for note in leg.notes):
        of = [str(k) for k, leg in enumerate(legs, 1) if note in leg.notes]
        where = "every leg" if len(of) == len(legs) else f"leg{'s' if len(of) > 1 else ''} {', '.join(of)}"
        yield f"{where}: {note}"
