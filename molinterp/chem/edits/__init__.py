"""Small changes to a molecule that lead towards another, one kind a file.

Two compounds seldom share enough for one step to join them. Edits take pieces of the one and put them into
the other, or take the one apart; filters decide afterwards which products may stand in a path. Products come
each once, without those that RDKit cannot sanitise; nothing else is promised of them.
"""

from molinterp.chem.edits.exchange import Exchange, crossings
from molinterp.chem.edits.products import Edit, Goal, Product
from molinterp.chem.edits.reduce import Reduce
from molinterp.chem.edits.swap import Swap

EDITS: tuple[Edit, ...] = (Exchange(), Reduce(), Swap())
"""Every kind of edit, in the order in which they are tried."""

__all__ = ["EDITS", "Edit", "Exchange", "Goal", "Product", "Reduce", "Swap", "crossings"]
