"""Hybrids of two aligned compounds: what differs, in blocks that change whole, and molecules of any set of them."""

from molinterp.chem.hybrids.lattice import Change, Lattice, Move, MoveLimits

__all__ = ["Change", "Lattice", "Move", "MoveLimits"]
