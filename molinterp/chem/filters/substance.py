"""Filters on whether a chemist would make and keep a molecule: familiar, stable, makeable, free of alerts."""

from __future__ import annotations

from functools import partial
from typing import final

from molinterp.chem.alerts import is_soft
from molinterp.chem.filters.base import Context, Cost, Explanation, Failure, Filter
from molinterp.chem.filters.traits import Traits
from molinterp.chem.unstable_groups import REASONS


@final
class Unfamiliar(Filter):
    """Fails molecules with atom environments that neither known compounds nor an end have."""

    name = "unfamiliar"

    def fails(self, traits: Traits, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        table = context.familiar.environments
        if table.is_familiar(traits.mol, context.mols, traits.environments.keys()):
            return None
        reason = "atom environments that no known compound has"
        return Failure(self.name, lambda: (reason, table.unfamiliar_atoms(traits.mol, context.mols)))


@final
class Unstable(Filter):
    """Fails molecules with a functional group too unstable to isolate that no end has."""

    name = "unstable"

    def fails(self, traits: Traits, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        for name, places in traits.unstable.items():
            there = [end.groups.get(name, ()) for end in context.ends]
            for atoms in places:
                if not context.excuses(traits, atoms, there):
                    return self.failure(f"{name}: {REASONS[name]}", atoms)
        return None


@final
class HardToMake(Filter):
    """Fails molecules of a high synthetic accessibility score."""

    name = "hard-to-make"

    def fails(self, traits: Traits, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        limit = context.max_sa_score
        if traits.accessibility.is_within(limit):
            return None
        return Failure(
            self.name, lambda: (f"SA score {traits.accessibility.score:.2f} above {limit:.2f}", ())
        )


@final
class Conditions(Filter):
    """Fails molecules that break a condition of the user's; the failure has the condition's name."""

    name = "condition"

    def fails(self, traits: Traits, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        for condition in context.conditions:
            reason = condition(traits.mol)
            if reason is not None:
                return Failure(reason, partial(_named, reason))
        return None


@final
class Alerts(Filter):
    """Fails molecules with a structural alert that no end raises; soft ones may pass."""

    name = "alert"
    cost = Cost.COSTLY

    def fails(self, traits: Traits, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        for name, places in traits.alerts_of(context.catalogues).items():
            there = [end.alerts.get(name, ()) for end in context.ends]
            for atoms in places:
                is_spared = context.soft_alerts_pass and is_soft(traits.mol, name, atoms)
                if not is_spared and not context.excuses(traits, atoms, there):
                    return self.failure(name, atoms)
        return None


def _named(reason: str) -> Explanation:
    return reason, ()
