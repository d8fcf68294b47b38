"""Filters on rings: their size, and whether known compounds have such ring systems."""

from __future__ import annotations

from typing import final

from molinterp.chem.filters.base import Context, Failure, Filter
from molinterp.chem.filters.traits import Traits


@final
class RingSizes(Filter):
    """Fails molecules with a ring of an unusual size that no end has."""

    name = "ring"

    def fails(self, traits: Traits, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        if context.ring_sizes is None:
            return None
        for ring in traits.kinds.rings:
            if len(ring) in context.ring_sizes:
                continue
            places = [end.rings.get(len(ring), ()) for end in context.ends]
            if not context.excuses(traits, frozenset(ring), places):
                return self.failure(f"ring of {len(ring)} atoms", ring)
        return None


@final
class RingSystems(Filter):
    """Fails molecules with a ring system that too few known compounds have, and no end."""

    name = "ring-system"

    def fails(self, traits: Traits, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        for system in traits.ring_systems:
            if context.familiar.ring_systems.is_known(system.smiles):
                continue
            if not any(system.smiles in end.ring_systems for end in context.ends):
                return self.failure(f"ring system {system.smiles} that no known compound has", system.atoms)
        return None
