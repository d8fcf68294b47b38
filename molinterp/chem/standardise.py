"""Standard form of a compound: the parent, uncharged, canonical with stereo, and what was changed.

One compound has one form, however it was drawn: see `molinterp.chem.forms`. Of several components the parent
is kept (`Parent`); bonds of sodium and its like are taken for ionic, every other metal is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import final

from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize
from rdkit.Chem.SaltRemover import SaltRemover

from molinterp.chem.cxsmiles import Extension, read_extension, split_cxsmiles
from molinterp.chem.forms import one_form
from molinterp.chem.metals import as_salt, metal_in
from molinterp.chem.parsing import check_size, parse
from molinterp.errors import InputError, InvalidMoleculeError

FORM = 2
"""Number of the rules; what was cached under another one is made anew."""
COUNTER_ION_SHARE = 0.5
"""A second component this large, in heavy atoms of the largest, is no counter-ion."""


@final
class Parent(StrEnum):
    """Which of several components a compound is named after."""

    ORGANIC = "organic"
    """The one with carbon that is no common counter-ion, or the largest of those that are."""
    LARGEST = "largest"
    """The one of most heavy atoms, whatever it is."""


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
    as_given: str
    """Canonical SMILES of the parent with the charges, protonation, isotopes and stereo that it was given."""


def standardise(smiles: str, index: int | None = None, *, parent: Parent | str = Parent.ORGANIC) -> Compound:
    """Parse a SMILES and bring it to standard form.

    Args:
        smiles: one compound, maybe with counter-ions or solvent, maybe with a CXSMILES part; an InChI or the
            name of a drug will do as well.
        index: row in the user's input, named in the error.
        parent: which of several components is kept.

    Raises:
        InvalidMoleculeError: no molecule, or a mixture without a clear parent.

    >>> standardise("[Na+].CC(=O)[O-]").smiles
    'CC(=O)O'
    """
    text, extension = _bare(smiles)
    if extension.fault:
        raise InvalidMoleculeError(smiles, extension.fault, index)
    mol = parse(text, index)
    compound = standardise_mol(mol, text, index, parent=parent)
    notes = [f"{what} left out" for what in extension.left_out]
    if _is_atropisomer(mol, text, extension):
        notes.insert(0, "hindered rotation (an atropisomer) left out: axial chirality is not kept")
    if extension.stereo:
        labels = f"stereo labels |{extension.stereo}| left out"
        notes.insert(0, f"{labels}: taken for the one stereoisomer that is drawn")
    return replace(compound, changes=(*notes, *compound.changes)) if notes else compound


def _bare(text: str) -> tuple[str, Extension]:
    """SMILES and extension of a CXSMILES; any other text as it is, for the gate to judge."""
    if not isinstance(text, str) or "|" not in text:
        return text, Extension()
    smiles, part, rest = split_cxsmiles(text)
    return (text, Extension()) if rest else (smiles, read_extension(part))


def _is_atropisomer(mol: Chem.Mol, text: str, extension: Extension) -> bool:
    """Whether a wedge begins at an atom that is no stereocentre, as at the axis of a biaryl."""
    if not extension.wedged:
        return False
    with rdBase.BlockLogs():
        drawn = Chem.MolFromSmiles(text, sanitize=False)
    plain = {a.GetIdx() for a in drawn.GetAtoms() if a.GetChiralTag() == Chem.ChiralType.CHI_UNSPECIFIED}
    return any(i in plain and drawn.GetAtomWithIdx(i).GetDegree() == 3 for i in extension.wedged)


def standardise_mol(
    mol: Chem.Mol, text: str, index: int | None = None, *, parent: Parent | str = Parent.ORGANIC
) -> Compound:
    """The same for a molecule that is parsed already; `text` names it in errors."""
    text = text.strip()
    changes: list[str] = []
    with rdBase.BlockLogs():
        whole = _drawn_once(mol, changes)
        as_given, part = _parent(whole, text, index, changes, _parent_named(parent))
        _refuse_metal(part, text, index)
        clean = Chem.MolFromSmiles(_model_form(as_given, part, changes))
    if clean is None:
        _refuse_metal(whole, text, index)  # ferrocene, drawn as ions
        raise InvalidMoleculeError(text, "it cannot be written as canonical SMILES", index)
    check_size(clean, text, index)  # what is left of [H+].[Cl-] is a bare proton
    if any(a.GetNumRadicalElectrons() for a in clean.GetAtoms()):
        raise InvalidMoleculeError(text, "it holds a radical (an atom with too few bonds)", index)
    return Compound(clean, Chem.MolToSmiles(clean), tuple(changes), as_given)


def _refuse_metal(mol: Chem.Mol, text: str, index: int | None) -> None:
    metal = metal_in(mol)
    if metal and not _has_carbon(mol) and mol.GetNumAtoms() == 1:
        raise InvalidMoleculeError(text, f"it is a salt of {metal} without an organic part", index)
    if metal:
        reason = f"it holds the metal {metal}: complexes and organometallics are not modelled"
        raise InvalidMoleculeError(text, reason, index)


def _parent_named(parent: Parent | str) -> Parent:
    try:
        return Parent(parent)
    except ValueError:
        raise InputError(f"`parent` must be one of {', '.join(Parent)}; got {parent!r}.") from None


def _drawn_once(mol: Chem.Mol, changes: list[str]) -> Chem.Mol:
    """The molecule without atom maps, its charges drawn in the one way; adds what was done to `changes`."""
    if any(a.GetAtomMapNum() for a in mol.GetAtoms()):
        mol = Chem.Mol(mol)
        for atom in mol.GetAtoms():
            atom.SetAtomMapNum(0)
        Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
        changes.append("atom maps left out")
    salt = as_salt(mol)
    new = one_form(salt)
    if new is not mol:
        before, after = Chem.MolToSmiles(mol), Chem.MolToSmiles(new)
        if before != after:
            changes.append(f"redrawn: {before} -> {after}")
    return new


def _model_form(smiles: str, mol: Chem.Mol, changes: list[str]) -> str:
    """SMILES of a component without what the training set does not have: isotopes, charges, C=N-H stereo."""
    if any(a.GetIsotope() for a in mol.GetAtoms()):
        mol = _without_isotopes(mol, changes)
        smiles = Chem.MolToSmiles(mol)
    if any(a.GetFormalCharge() for a in mol.GetAtoms()):
        mol = _uncharged(mol)
        before, smiles = smiles, Chem.MolToSmiles(mol)
        if before != smiles:
            changes.append(f"charges neutralised: {before} -> {smiles}")
    return _without_written_hydrogens(smiles, mol, changes) if "[H]" in smiles else smiles


def _without_isotopes(mol: Chem.Mol, changes: list[str]) -> Chem.Mol:
    n_before = _n_stereo(mol)
    mol = Chem.Mol(mol)
    for atom in mol.GetAtoms():
        atom.SetIsotope(0)
    mol = Chem.RemoveHs(mol)
    Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
    n_lost = n_before - _n_stereo(mol)
    also = f", and with them {n_lost} of its stereocentres" if n_lost > 0 else ""
    changes.append(f"isotope labels removed{also}")
    return mol


def _n_stereo(mol: Chem.Mol) -> int:
    return sum(a.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED for a in mol.GetAtoms())


def _without_written_hydrogens(smiles: str, mol: Chem.Mol, changes: list[str]) -> str:
    """SMILES without the hydrogen of an imine and the stereo that it is written for."""
    bare = Chem.Mol(mol)
    for bond in bare.GetBonds():
        ends = (bond.GetBeginAtom(), bond.GetEndAtom())
        if any(n.GetAtomicNum() == 1 for atom in ends for n in atom.GetNeighbors()):
            bond.SetStereo(Chem.BondStereo.STEREONONE)
            for near in (b for atom in ends for b in atom.GetBonds()):
                near.SetBondDir(Chem.BondDir.NONE)
    without = str(Chem.MolToSmiles(Chem.RemoveHs(bare)))
    if "[H]" in without:
        return smiles
    changes.append(f"stereo of C=N-H left out: {smiles} -> {without}")
    return without


def _uncharged(mol: Chem.Mol) -> Chem.Mol:
    return rdMolStandardize.Uncharger().uncharge(mol)


def _parent(
    mol: Chem.Mol, text: str, index: int | None, changes: list[str], parent: Parent
) -> tuple[str, Chem.Mol]:
    """The component that the compound is named after; adds what was left out to `changes`."""
    everything = {Chem.MolToSmiles(part): part for part in Chem.GetMolFrags(mol, asMols=True)}
    if len(everything) == 1 and len(Chem.GetMolFrags(mol)) == 1:
        return next(iter(everything.items()))
    if len(everything) > 1 and parent is Parent.ORGANIC:
        mol = SaltRemover().StripMol(mol, dontRemoveEverything=True)
    parts = {Chem.MolToSmiles(part): part for part in Chem.GetMolFrags(mol, asMols=True)}
    if not any(map(_has_carbon, parts.values())) and any(map(_has_carbon, everything.values())):
        # Zinc acetate: what is left has no carbon, the compound is one of the counter-ions.
        parts = {smiles: part for smiles, part in everything.items() if _has_carbon(part)}
    salts = sorted(set(everything) - set(parts))
    # An acid beside its own anion, as in divalproex, is one compound.
    if len(parts) == 1 or len({Chem.MolToSmiles(_uncharged(p)) for p in parts.values()}) == 1:
        smiles = min(parts)
        n_copies = len([p for p in Chem.GetMolFrags(mol, asMols=True) if Chem.MolToSmiles(p) in parts])
        if salts:
            changes.append(f"salt or solvent left out: {', '.join(salts)}")
        if n_copies > 1:
            changes.append(f"{n_copies} copies of {smiles} taken as one")
        return smiles, parts[smiles]

    def rank(smiles: str) -> tuple[bool, int, str]:
        has_carbon = parent is Parent.ORGANIC and _has_carbon(parts[smiles])
        return has_carbon, parts[smiles].GetNumHeavyAtoms(), smiles

    first, second = sorted(parts, key=rank, reverse=True)[:2]
    is_rival = rank(second)[0] or not rank(first)[0]
    n_first, n_second = rank(first)[1], rank(second)[1]
    is_too_large = n_second > COUNTER_ION_SHARE * n_first
    if n_second == n_first if parent is Parent.LARGEST else is_rival and is_too_large:
        reason = f"it is a mixture without a clear parent ({first} and {second}); keep one component"
        raise InvalidMoleculeError(text, reason, index)
    others = salts + [s for s in parts if s != first]
    changes.append(f"left out beside the parent: {', '.join(others)}")
    return first, parts[first]


def _has_carbon(mol: Chem.Mol) -> bool:
    return any(a.GetAtomicNum() == 6 for a in mol.GetAtoms())
