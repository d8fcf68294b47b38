"""Settings of evaluations and classifiers, and of the machine, free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from molinterp.settings import check, setting
from molinterp.training.data.settings import SPLITS


@final
@dataclass(frozen=True)
class Evaluation:
    """What a bundle is measured on."""

    split: str = setting("test", "Rows used, by the column `split`.", choices=SPLITS)
    n_molecules: int = setting(2_000, "Molecules, the first of the split.", low=2)
    n_pairs: int = setting(2_000, "Random pairs whose midpoints are decoded, and prior samples drawn.", low=1)
    beam_width: int = setting(
        8, "Strings of a beam, of which the most probable molecule counts.", low=1, expert=True
    )
    n_lines: int = setting(200, "Straight lines that are decoded whole.", low=1, expert=True)
    n_line_points: int = setting(64, "Points of each line.", low=2, expert=True)
    n_refined: int = setting(
        1_024,
        "Molecules whose latent points are refined: enough to tell 99.5 % from 99 %, a few seconds.",
        low=1,
        expert=True,
    )
    n_sampled: int = setting(4_096, "Strings that are sampled to take the time.", low=1, expert=True)
    batch_size: int = setting(256, "Molecules or points handled together.", low=1, expert=True)
    seed: int = setting(0, "Of the pairs and samples.", low=0, high=2**32 - 1)

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)


@final
@dataclass(frozen=True)
class Machine:
    """What a training runs on."""

    device: str = setting("cpu", "Device of torch: cpu, cuda.")
    threads: int | None = setting(None, "Cores that share each batch; none means all.", low=1)
    n_processes: int = setting(1, "Processes that tokenise, recombine, score and judge molecules.", low=1)

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)


@final
@dataclass(frozen=True)
class ClassifierFit:
    """How a molecule-level classifier is fitted: a logistic regression and boosted trees."""

    n_each: int = setting(20, "Molecules of each class that there must be.", low=2, expert=True)
    n_folds: int = setting(5, "Folds in which it is measured.", low=2, expert=True)
    regularisation: float = setting(0.1, "C of the logistic regression.", above=0, expert=True)
    n_trees: int = setting(250, "Boosted trees.", low=1, expert=True)
    max_depth: int = setting(5, "Depth of each tree.", low=1, expert=True)
    learning_rate: float = setting(0.06, "Shrinkage of each tree.", above=0, expert=True)
    subsample: float = setting(0.7, "Share of molecules that each tree sees.", above=0, high=1, expert=True)
    max_features: float = setting(0.1, "Share of inputs tried at each split.", above=0, high=1, expert=True)
    seed: int = setting(0, "Of the folds and the trees.", low=0, high=2**32 - 1)

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)
