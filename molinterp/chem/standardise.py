"""Standard form of a compound: the parent, uncharged, canonical with stereo, and what was changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize
from rdkit.Chem.SaltRemover import SaltRemover

from molinterp.chem.cxsmiles import split_cxsmiles
from molinterp.chem.parsing import check_size, parse
from molinterp.errors import InvalidMoleculeError

COUNTER_ION_SHARE = 0.5
"""A second component this large, in heavy atoms of the largest, is no counter-ion."""


@final
@dataclass(frozen=True)
class Compound:
    """A molecule in standard form."""

    mol: Chem.Mol
    """The sanitised molecule."""
    smiles: str
    """Canonical SMILES, stereo included."""
    changes: tuple[str, ...]
    """What standardisation did to the input, in words; empty where it did nothing."""


def standardise(smiles: str, index: int | None = None) -> Compound:
    """Parse a SMILES and bring it to standard form.

    Args:
        smiles: one compound, maybe with counter-ions or solvent, maybe with a CXSMILES part.
        index: row in the user's input, named in the error.

    Raises:
        InvalidMoleculeError: no molecule, or a mixture without a clear parent.

    >>> standardise("[Na+].CC(=O)[O-]").smiles
    'CC(=O)O'
    """
    text, labels = _bare(smiles)
    compound = standardise_mol(parse(text, index), text, index)
    if not labels:
        return compound
    note = f"stereo labels |{labels}| left out: taken for the one stereoisomer that is drawn"
    return replace(compound, changes=(note, *compound.changes))


def _bare(text: str) -> tuple[str, str]:
    """SMILES and stereo labels of a CXSMILES; any other text as it is, for the gate to judge."""
    if not isinstance(text, str) or "|" not in text:
        return text, ""
    smiles, labels, rest = split_cxsmiles(text)
    return (text, "") if rest else (smiles, labels)


def standardise_mol(mol: Chem.Mol, text: str, index: int | None = None) -> Compound:
    """The same for a molecule that is parsed already; `text` names it in errors."""
    text = text.strip()
    changes: list[str] = []
    with rdBase.BlockLogs():
        mol = _parent(mol, text, index, changes)
        if any(a.GetIsotope() for a in mol.GetAtoms()):
            mol = Chem.Mol(mol)
            for atom in mol.GetAtoms():
                atom.SetIsotope(0)
            mol = Chem.RemoveHs(mol)
            changes.append("isotope labels removed")
        if any(a.GetFormalCharge() for a in mol.GetAtoms()):
            before = Chem.MolToSmiles(mol)
            mol = _uncharged(mol)
            after = Chem.MolToSmiles(mol)
            if before != after:
                changes.append(f"charges neutralised: {before} -> {after}")
        canonical = Chem.MolToSmiles(mol)
        clean = Chem.MolFromSmiles(canonical)
    if clean is None:
        raise InvalidMoleculeError(text, "it cannot be written as canonical SMILES", index)
    check_size(clean, text, index)  # what is left of [H+].[Cl-] is a bare proton
    if any(a.GetNumRadicalElectrons() for a in clean.GetAtoms()):
        raise InvalidMoleculeError(text, "it holds a radical (an atom with too few bonds)", index)
    return Compound(clean, Chem.MolToSmiles(clean), tuple(changes))


def _uncharged(mol: Chem.Mol) -> Chem.Mol:
    return rdMolStandardize.Uncharger().uncharge(mol)


def _parent(mol: Chem.Mol, text: str, index: int | None, changes: list[str]) -> Chem.Mol:
    """The component that the compound is named after; adds what was left out to `changes`."""
    everything = {Chem.MolToSmiles(part) for part in Chem.GetMolFrags(mol, asMols=True)}
    if len(everything) > 1:
        mol = SaltRemover().StripMol(mol, dontRemoveEverything=True)
    parts = {Chem.MolToSmiles(part): part for part in Chem.GetMolFrags(mol, asMols=True)}
    salts = sorted(everything - set(parts))
    # An acid beside its own anion, as in divalproex, is one compound.
    if len(parts) == 1 or len({Chem.MolToSmiles(_uncharged(p)) for p in parts.values()}) == 1:
        smiles, n_copies = min(parts), len(Chem.GetMolFrags(mol))
        if salts:
            changes.append(f"salt or solvent left out: {', '.join(salts)}")
        if n_copies > 1:
            changes.append(f"{n_copies} copies of {smiles} taken as one")
        return parts[smiles]

    def rank(smiles: str) -> tuple[bool, int]:
        has_carbon = any(a.GetAtomicNum() == 6 for a in parts[smiles].GetAtoms())
        return has_carbon, parts[smiles].GetNumHeavyAtoms()

    first, second = sorted(parts, key=rank, reverse=True)[:2]
    is_rival = rank(second)[0] or not rank(first)[0]
    if is_rival and rank(second)[1] > COUNTER_ION_SHARE * rank(first)[1]:
        reason = f"it is a mixture without a clear parent ({first} and {second}); keep one component"
        raise InvalidMoleculeError(text, reason, index)
    others = salts + [s for s in parts if s != first]
    changes.append(f"left out beside the parent: {', '.join(others)}")
    return parts[first]
