"""Build hybrids of two aligned compounds: what differs falls into blocks that change whole."""

from molinterp.chem.hybrids.changes import Change
from molinterp.chem.hybrids.lattice import Lattice, Move, MoveLimits

__all__ = ["Change", "Lattice", "Move", "MoveLimits"]
