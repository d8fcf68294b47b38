"""Filters on what a molecule is made of: components, electrons, charge, elements."""

from __future__ import annotations

from typing import final

from rdkit import Chem
from rdkit.Chem import rdqueries

from molinterp.chem.filters.base import Context, Failure, Filter
from molinterp.chem.filters.traits import Traits


@final
class Fragments(Filter):
    """Fails molecules of several components."""

    name = "fragments"

    def fails(self, traits: Traits, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        mol = traits.mol
        # Rings, of which RDKit may list one too many, tell of one component at once.
        if len(traits.kinds.rings) + mol.GetNumAtoms() - mol.GetNumBonds() == 1:
            return None
        n = len(Chem.GetMolFrags(mol))
        return self.failure(f"{n} components") if n != 1 else None


_UNPAIRED = rdqueries.NumRadicalElectronsGreaterQueryAtom(0)


@final
class Radicals(Filter):
    """Fails molecules with unpaired electrons."""

    name = "radical"

    def fails(self, traits: Traits, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        atoms = [a.GetIdx() for a in traits.mol.GetAtomsMatchingQuery(_UNPAIRED)]
        return self.failure("unpaired electron", atoms) if atoms else None


@final
class Charges(Filter):
    """Fails molecules of a net charge that is not allowed."""

    name = "charge"

    def fails(self, traits: Traits, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        charge = Chem.GetFormalCharge(traits.mol)
        if charge in context.charges:
            return None
        return self.failure(
            f"net charge {charge:+d}", [a.GetIdx() for a in traits.mol.GetAtoms() if a.GetFormalCharge()]
        )


@final
class Elements(Filter):
    """Fails molecules with an element that the user does not allow."""

    name = "element"

    def fails(self, traits: Traits, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        if context.elements is None:
            return None
        others = [a for a in traits.mol.GetAtoms() if a.GetAtomicNum() not in context.elements]
        symbols = ", ".join(sorted({a.GetSymbol() for a in others}))
        return self.failure(f"{symbols} not allowed", [a.GetIdx() for a in others]) if others else None
