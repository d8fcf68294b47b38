"""Filters on whether a chemist would make and keep a molecule: familiar, stable, makeable, free of alerts."""

from __future__ import annotations

from typing import final

from rdkit import Chem

from molinterp.chem.alerts import alerts
from molinterp.chem.filters.base import Context, Cost, Failure, Filter
from molinterp.chem.properties import sa_score
from molinterp.chem.unstable_groups import unstable_groups


@final
class Unfamiliar(Filter):
    """Fails molecules with atom environments that neither known compounds nor an end have."""

    name = "unfamiliar"

    def fails(self, mol: Chem.Mol, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        is_familiar = context.environments.is_familiar(mol, context.ends)
        return None if is_familiar else self.failure("atom environments that no known compound has")


@final
class Unstable(Filter):
    """Fails molecules with a functional group too unstable to isolate."""

    name = "unstable"

    def fails(self, mol: Chem.Mol, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        groups = unstable_groups(mol) - context.groups
        return self.failure(", ".join(sorted(groups))) if groups else None


@final
class HardToMake(Filter):
    """Fails molecules of a high synthetic accessibility score."""

    name = "hard-to-make"

    def fails(self, mol: Chem.Mol, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        score = sa_score(mol)
        if score <= context.max_sa_score:
            return None
        return self.failure(f"SA score {score:.1f}, limit {context.max_sa_score:.1f}")


@final
class Conditions(Filter):
    """Fails molecules that break a condition of the user's; the failure has the condition's name."""

    name = "condition"

    def fails(self, mol: Chem.Mol, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        for condition in context.conditions:
            reason = condition(mol)
            if reason is not None:
                return Failure(reason, reason)
        return None


@final
class Alerts(Filter):
    """Fails molecules with a structural alert."""

    name = "alert"
    cost = Cost.COSTLY

    def fails(self, mol: Chem.Mol, context: Context) -> Failure | None:
        """See `Filter.fails`."""
        raised = alerts(mol, context.catalogues) - context.alerts
        return self.failure(", ".join(sorted(raised))) if raised else None
