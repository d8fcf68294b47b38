"""Constraints of a path: features to keep, gain, lose or avoid, and where a path violates them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import final

from rdkit import Chem

from molinterp.chem.classifier import MoleculeClassifier
from molinterp.chem.features import Feature, WindowFeature, parse_feature
from molinterp.errors import InputError


class Mode(StrEnum):
    """What a path must do with a feature."""

    KEEP = "keep"
    """All molecules have it."""
    GAIN = "gain"
    """The start may lack it; once gained it is kept, and the end has it."""
    LOSE = "lose"
    """The start may have it; once lost it does not return, and the end lacks it."""
    AVOID = "avoid"
    """No molecule has it."""


@final
@dataclass(frozen=True)
class Constraint:
    """A feature and what a path must do with it."""

    feature: Feature
    """The feature."""
    mode: Mode
    """Keep, gain, lose or avoid."""

    @property
    def name(self) -> str:
        """Mode and feature, such as "keep bbb"."""
        return f"{self.mode} {self.feature.name}"

    @property
    def is_wanted(self) -> bool:
        """Whether the constraint asks for the feature, rather than for its absence."""
        return self.mode in (Mode.KEEP, Mode.GAIN)

    @property
    def is_strict(self) -> bool:
        """Whether it applies to every molecule, wherever it is on the path."""
        return self.mode in (Mode.KEEP, Mode.AVOID)

    def broken_at(self, has: Sequence[bool]) -> list[int]:
        """Return the indices of the molecules that violate it, ends included.

        Args:
            has: whether each molecule of the path has the feature, in order.
        """
        good = [h == self.is_wanted for h in has]
        first = 0 if self.is_strict else next((i for i, g in enumerate(good) if g), len(good) - 1)
        return [i for i in range(first, len(good)) if not good[i]]

    def allows(self, mol: Chem.Mol) -> bool:
        """Whether a molecule may occur anywhere on the path."""
        return not self.is_strict or self.feature.holds([mol])[0] == self.is_wanted

    def fault_of_ends(self, start: Chem.Mol, end: Chem.Mol) -> str | None:
        """Explain why no path between two compounds can meet the constraint; None if one can."""
        has = self.feature.holds([start, end])
        broken = self.broken_at(has)
        if not broken:
            return None
        which = " and ".join(("the start", "the end")[i] for i in broken)
        verb = "lacks" if self.is_wanted else "has"
        if len(broken) == 2:
            verb = "lack" if self.is_wanted else "have"
        advice = ""
        if self.is_strict and has[0] != has[1]:
            advice = f" Use `{Mode.GAIN if has[1] else Mode.LOSE}` for {self.feature.name} instead."
        return f"{self.name}: {which} {verb} it.{advice}"


def parse_constraints(
    requests: Mapping[Mode, Sequence[str]],
    classifiers: Mapping[str, MoleculeClassifier],
    ends: Sequence[Chem.Mol] = (),
) -> tuple[Constraint, ...]:
    """Parse constraints from the feature language, in the order keep, gain, lose, avoid.

    Args:
        requests: texts of the feature language by mode.
        classifiers: trained classifiers by name.
        ends: the two ends of the path.

    Raises:
        InputError: a text is not a feature, a feature occurs twice, two windows cannot both be met, or a mode
            is given a single text instead of a list.
    """
    out: dict[str, Constraint] = {}
    for mode in Mode:
        texts = requests.get(mode, ())
        if isinstance(texts, str):
            raise InputError(f"`{mode}` must be a list of features; got {texts!r}. Write [{texts!r}].")
        for text in texts:
            constraint = Constraint(parse_feature(text, classifiers, ends), mode)
            earlier = out.setdefault(constraint.feature.name, constraint)
            if earlier is not constraint:
                raise InputError(f"feature {text!r} is asked for twice: {earlier.name}, {constraint.name}.")
    _check_windows([c for c in out.values() if c.is_wanted])
    return tuple(out.values())


def _check_windows(wanted: Sequence[Constraint]) -> None:
    """Check that wanted windows of the same property overlap."""
    for one, other in combinations(wanted, 2):
        a, b = one.feature, other.feature
        if not (isinstance(a, WindowFeature) and isinstance(b, WindowFeature)) or a.column != b.column:
            continue
        if not a.overlaps(b):
            raise InputError(
                f"windows must overlap to be met together; got {one.name} and {other.name}. "
                "No molecule lies in both. Widen one or leave it out."
            )
