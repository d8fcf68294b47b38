"""Settings of the fits on latent space, free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from molinterp.realism.settings import Descent, IndexFit, NetworkFit
from molinterp.settings import check, group, setting

PARTS = ("familiar", "heads", "density", "validity", "features", "windows")
"""In the order in which they are fitted; familiar chemistry is counted, not fitted."""


DENSITIES = ("mixture", "flow", "prior", "radial")
"""Kinds of density that `fit_density` knows."""


@final
@dataclass(frozen=True)
class ExampleSettings:
    """How many examples the fits of realism have."""

    n_compounds: int = setting(30_000, "Training compounds that are encoded.", low=2)
    n_decodes: int = setting(16_000, "Points that are decoded; a sixth as many to measure on.", low=6)
    n_held_out: int = setting(4_000, "Held-out compounds that are encoded.", low=2, expert=True)
    n_examined: int = setting(
        2_000, "Held-out compounds that heads and features are measured on.", low=2, expert=True
    )
    n_rule_compounds: int = setting(
        10_000, "Compounds that rules are fitted on, which take long.", low=1, expert=True
    )
    n_rule_decodes: int = setting(6_000, "Decodes that rules are fitted on.", low=1, expert=True)
    n_reference_compounds: int = setting(
        7_000, "Compounds among the reference points of the bundle.", low=1, expert=True
    )
    n_reference_decodes: int = setting(
        3_500, "Decodes among the reference points of the bundle.", low=1, expert=True
    )
    shares: tuple[float, ...] = setting(
        (0.2, 0.5, 0.1, 0.2),
        "Shares of the decoded points at compounds, between two, at prior samples and off the manifold.",
        low=0,
        expert=True,
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)


@final
@dataclass(frozen=True)
class HeadFit:
    """How the heads are fitted."""

    n_compounds: int | None = setting(None, "Compounds that the heads are fitted on; none means all.", low=2)
    n_blocks: int = setting(3, "Residual blocks of each head.", low=0, expert=True)
    n_bit_steps: int = setting(1_800, "Optimiser steps of the fingerprint head at least.", low=1)
    n_property_steps: int = setting(2_000, "Optimiser steps of the property head at least.", low=1)
    n_passes: int = setting(
        12,
        "Times that the heads see each compound at least: what limits a fingerprint head is the number of "
        "compounds it has seen, not its size.",
        low=0,
    )
    batch_size: int = setting(1_024, "Compounds a step.", low=1, expert=True)
    noise: float = setting(
        0.5,
        "Noise around the means, in posterior deviations: dimensions that say nothing of a compound hold a "
        "little of it in their means, which a head fitted on means alone learns by heart.",
        low=0,
        expert=True,
    )
    bit_weight: float = setting(
        3.0,
        "Weight of the bits that are on: with 3, p > 0.5 is where the Tanimoto similarity of predicted and "
        "true bits is largest; with 1, p > 0.25 is.",
        above=0,
        expert=True,
    )
    warm_up_share: float = setting(
        0.05, "Share of the steps in which the learning rate rises.", low=0, high=1, expert=True
    )
    descent: Descent = group(lambda: Descent(learning_rate=3e-3), "Optimiser.", flat=True, expert=True)

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)

    def n_steps(self, n_examples: int) -> tuple[int, int]:
        """Optimiser steps of the fingerprint head and of the property head."""
        passes = self.n_passes * n_examples // self.batch_size
        return max(self.n_bit_steps, passes), max(self.n_property_steps, passes)


@final
@dataclass(frozen=True)
class DensityFit:
    """How a density is fitted."""

    kind: str = setting(
        "mixture",
        "A mixture of normal distributions, a masked autoregressive flow, or, unfitted, the prior N(0, I) or "
        "a radial density whose scale is taken from the mean squared norm.",
        choices=DENSITIES,
    )
    n_components: int = setting(8, "Components of a mixture.", low=1)
    regularisation: float = setting(
        1e-3, "Added to the variances of a mixture on whitened points.", low=0, expert=True
    )
    n_iterations: int = setting(40, "Iterations of a mixture at most.", low=1, expert=True)
    n_transforms: int = setting(3, "Autoregressive maps of a flow.", low=1, expert=True)
    width: int = setting(128, "Hidden units of each map.", low=1, expert=True)
    n_epochs: int = setting(8, "Passes over the points when a flow is fitted.", low=1, expert=True)
    batch_size: int = setting(256, "Points a step of a flow.", low=1, expert=True)
    descent: Descent = group(Descent, "Optimiser of a flow.", flat=True, expert=True)
    index: IndexFit = group(IndexFit, "Table of the realism index.", expert=True)

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)


@final
@dataclass(frozen=True)
class ValidityFit:
    """How the probability of validity is fitted."""

    network: NetworkFit = group(
        # With more steps the network overfits.
        lambda: NetworkFit(dropout=0.3, noise=0.0, n_steps=1_200, descent=Descent(weight_decay=0.02)),
        "Network.",
        flat=True,
    )


@final
@dataclass(frozen=True)
class LatentFit:
    """Settings of the fits on a bundle's latent space."""

    parts: tuple[str, ...] = setting(PARTS, "Parts that are fitted.", choices=PARTS, expert=True)
    examples: ExampleSettings = group(ExampleSettings, "Examples.", flat=True)
    n_recombined: int = setting(
        0, "Compounds made of pieces of the training compounds that the heads are fitted on too.", low=0
    )
    heads: HeadFit = group(HeadFit, "Heads.")
    density: DensityFit = group(DensityFit, "Density.")
    validity: ValidityFit = group(ValidityFit, "Validity.")
    features: NetworkFit = group(NetworkFit, "Latent forms of features.")
    seed: int = setting(0, "Of all fits.", low=0, high=2**32 - 1)

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)

    @property
    def needs_heads(self) -> bool:
        """Whether the heads are among the parts."""
        return "heads" in self.parts
