"""Filters on what a molecule is made of: parts, electrons, charge, elements, ring sizes."""

from __future__ import annotations

from typing import final

from rdkit import Chem

from molinterp.chem.filters.base import Context, Failure, Filter


@final
class Fragments(Filter):
    """Fails molecules of several components."""

    name = "fragments"

    def fails(self, mol: Chem.Mol, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        n = len(Chem.GetMolFrags(mol))
        return self.failure(f"{n} components") if n != 1 else None


@final
class Radicals(Filter):
    """Fails molecules with unpaired electrons."""

    name = "radical"

    def fails(self, mol: Chem.Mol, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        atoms = [a.GetIdx() for a in mol.GetAtoms() if a.GetNumRadicalElectrons()]
        return self.failure("unpaired electron", atoms) if atoms else None


@final
class Charges(Filter):
    """Fails molecules of a net charge that is not allowed."""

    name = "charge"

    def fails(self, mol: Chem.Mol, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        charge = Chem.GetFormalCharge(mol)
        if charge in context.charges:
            return None
        return self.failure(
            f"net charge {charge:+d}", [a.GetIdx() for a in mol.GetAtoms() if a.GetFormalCharge()]
        )


@final
class Elements(Filter):
    """Fails molecules with an element that the user does not allow."""

    name = "element"

    def fails(self, mol: Chem.Mol, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        if context.elements is None:
            return None
        others = [a for a in mol.GetAtoms() if a.GetAtomicNum() not in context.elements]
        symbols = ", ".join(sorted({a.GetSymbol() for a in others}))
        return self.failure(f"{symbols} not allowed", [a.GetIdx() for a in others]) if others else None


@final
class RingSizes(Filter):
    """Fails molecules with a ring of an unusual size."""

    name = "ring"

    def fails(self, mol: Chem.Mol, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        if context.ring_sizes is None:
            return None
        for ring in mol.GetRingInfo().AtomRings():
            if len(ring) not in context.ring_sizes:
                return self.failure(f"ring of {len(ring)} atoms", ring)
        return None


def ring_sizes(mol: Chem.Mol) -> frozenset[int]:
    """Sizes of the rings of a molecule, in atoms."""
    return frozenset(len(ring) for ring in mol.GetRingInfo().AtomRings())
