"""Count the atom environments and ring systems of training compounds, which filters then know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rdkit import Chem, rdBase

from molinterp.chem.familiar import Familiar
from molinterp.chem.standardise import standardise
from molinterp.data import drugs
from molinterp.model.bundle import Bundle
from molinterp.realism.fitting import Progress, silent


def fit_familiar(bundle: Bundle, smiles: Sequence[str], progress: Progress = silent) -> Bundle:
    """The bundle with the familiar chemistry of its training compounds.

    Args:
        bundle: the model.
        smiles: compounds that it was trained on; what is no molecule is left out.
        progress: told of what takes long.
    """
    counted = progress(smiles, len(smiles), "count")
    approved = [standardise(text).mol for text in drugs().values()]
    tables = Familiar.fit(_molecules(counted), approved)
    facts = {"familiar": {"n_compounds": len(smiles), **tables.sizes()}}
    realism = replace(bundle.realism, facts={**bundle.realism.facts, **facts})
    return replace(bundle, tables=tables, realism=realism)


def _molecules(smiles: Iterable[str]) -> Iterator[Chem.Mol]:
    with rdBase.BlockLogs():
        for text in smiles:
            mol = Chem.MolFromSmiles(text)
            if mol is not None:
                yield mol
