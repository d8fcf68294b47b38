"""Settings of the training corpus, free of torch."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from typing import final

from molinterp.settings import check, setting

SPLITS = ("train", "valid", "test")


@final
@dataclass(frozen=True)
class CorpusSettings:
    """Which molecules a model is trained on, and how they are written."""

    molecules: str = setting(MISSING, "File of molecules: .csv with a column smiles, or .smi; also .gz.")
    representation: str = setting("smiles", "Notation of the molecules.", choices=("smiles", "selfies"))
    n_tokens: int = setting(1_000, "Largest size of the vocabulary.", low=1)

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)


@final
@dataclass(frozen=True)
class Recombination:
    """How compounds are recombined."""

    min_atoms: int = setting(10, "Fewest heavy atoms of a new compound.", low=1, expert=True)
    max_atoms: int = setting(48, "Most heavy atoms of a new compound.", low=1, expert=True)
    n_cuts: int = setting(2, "Times that a pair of compounds is cut and crossed.", low=1, expert=True)
    patience: int = setting(200, "Pairs tried for each new compound at most, on average.", low=1, expert=True)
    unknown: tuple[str, ...] = setting(
        ("qed", "sa_score"),
        "Properties that are not computed: they would take as long as all else together.",
        expert=True,
    )
    chunk_size: int = setting(4_096, "Compounds of a chunk.", low=1, expert=True)
    seed: int = setting(0, "Of the choice of compounds and bonds.", low=0, expert=True)

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)


@final
@dataclass(frozen=True)
class BatchOrder:
    """How molecules are drawn into batches."""

    batch_size: int = setting(256, "Molecules a step.", low=1)
    length_power: float = setting(
        0.0,
        "Draw a molecule in proportion to its tokens to this power; 1 shows long ones more often.",
        low=0,
    )
    n_sorted: int = setting(
        64,
        "Batches sorted by length together: enough to save padding, few enough to mix.",
        low=1,
        expert=True,
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)
