"""Settings of the training of a VAE, free of torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

from molinterp.errors import InputError
from molinterp.realism.settings import Descent
from molinterp.settings import check, group, setting
from molinterp.training.data.settings import BatchOrder


@final
@dataclass(frozen=True)
class LossSettings:
    """Weights of the loss, and the points at which it is taken."""

    kl_weight: float = setting(0.1, "Weight of the KL term once it is fully on.", low=0)
    kl_start: float = setting(
        0.05, "Weight of the KL term at the first step, or `kl_weight` if that is less.", low=0
    )
    kl_ramp: float = setting(
        0.6, "Fraction of the budget over which the weight of the KL term rises.", low=0, high=1
    )
    bit_weight: float = setting(
        0.01, "Weight of the fingerprint head's cross-entropy, summed over bits.", low=0
    )
    property_weight: float = setting(
        0.1, "Weight of the property head's squared error, summed over properties.", low=0
    )
    feature_weight: float = setting(
        0.3, "Weight of the squared error of the features' log-odds, summed over features.", low=0
    )
    between_weight: float = setting(0.25, "Weight of the cross-entropy at points between compounds.", low=0)
    between_share: float = setting(
        0.25, "Share of a batch that is also decoded at a point between compounds.", above=0, high=1
    )
    low_noise_share: float = setting(
        0.0,
        "Share of a batch that is decoded near its posterior mean once the KL term is fully on; try 0.75.",
        low=0,
        high=1,
    )
    low_noise: float = setting(
        0.25, "Noise of these molecules, in standard deviations of the posterior.", low=0, expert=True
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)

    def at(self, progress: float) -> LossSettings:
        """Settings in force at a share of the budget: the KL term rises first, then noise falls."""
        ramp = min(1.0, progress / self.kl_ramp) if self.kl_ramp else 1.0
        start = min(self.kl_start, self.kl_weight)
        return replace(
            self,
            kl_weight=start + (self.kl_weight - start) * ramp,
            low_noise_share=self.low_noise_share if ramp == 1.0 else 0.0,
        )


@final
@dataclass(frozen=True)
class NetworkSizes:
    """Sizes of a network; see `molinterp.model.network.VAEConfig`."""

    latent_dim: int = setting(64, "Dimensions of the latent space.", low=2)
    embedding_dim: int = setting(256, "Width of the token embedding.", low=4)
    encoder_dim: int = setting(512, "Hidden size of each direction of the encoder.", low=8)
    decoder_dim: int = setting(768, "Hidden size of the decoder.", low=8)
    head_dim: int = setting(512, "Hidden size of the heads.", low=8)
    encoder_blocks: int = setting(2, "Residual blocks behind the encoder.", low=0)
    upper_dim: int = setting(
        0,
        "Hidden size of an upper layer of the encoder, which sees both sides of each token; try 256.",
        low=0,
    )
    condition_dim: int = setting(192, "Features of z that the decoder sees beside it.", low=0)

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)


@final
@dataclass(frozen=True)
class VAETraining:
    """Settings of a training: all that it depends on besides the corpus and the machine."""

    minutes: float | None = setting(None, "Budget of wall-clock minutes over all resumes.", above=0)
    n_steps: int | None = setting(
        None, "Budget of optimiser steps; the first budget to run out ends the training.", low=1
    )
    n_recombined: int = setting(
        0, "Compounds made of pieces of the training compounds that are learnt beside them.", low=0
    )
    features: str = setting(
        "all",
        "Features that the latent space is trained to hold, separated by commas; all that ship, or none.",
    )
    order: BatchOrder = group(BatchOrder, "Batches.", flat=True)
    loss: LossSettings = group(LossSettings, "Loss.", flat=True)
    descent: Descent = group(lambda: Descent(learning_rate=1.4e-3, n_warm_up=200), "Optimiser.", flat=True)
    sizes: NetworkSizes = group(NetworkSizes, "Network.", flat=True)
    n_remembered: int = setting(
        32,
        "Batches whose latent points serve as the far ends of points between compounds.",
        low=1,
        expert=True,
    )
    smallest_part: int = setting(
        64,
        "Molecules of a batch that a thread takes at least: with fewer, reading the parameters dominates.",
        low=1,
        expert=True,
    )
    bf16: bool = setting(True, "Matrix products in bfloat16.", expert=True)
    save_every: float = setting(120.0, "Seconds between checkpoints.", low=0, expert=True)
    validate_every: float = setting(600.0, "Seconds between validations.", low=0, expert=True)
    n_validation: int = setting(1_024, "Held-out molecules of a validation.", low=1, expert=True)
    seed: int = setting(0, "Of the order of molecules, noise and first parameters.", low=0, high=2**32 - 1)

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            InputError: a value is out of range, or there is no budget.
        """
        check(self)
        if self.minutes is None and self.n_steps is None:
            raise InputError("a training needs a budget: give `minutes` or `n_steps`.")

    def progress(self, step: int, seconds: float) -> float:
        """Fraction of the budget that is spent, in [0, 1]."""
        by_steps = step / self.n_steps if self.n_steps else 0.0
        by_time = seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(1.0, max(by_steps, by_time))


@final
@dataclass(frozen=True)
class SelfTraining:
    """Settings of a self-training."""

    n_rounds: int = setting(2, "Rounds of decoding, judging and training.", low=1)
    n_points: int = setting(12_000, "Points decoded and judged a round.", low=1)
    n_steps: int = setting(600, "Optimiser steps a round.", low=1)
    n_compounds: int = setting(60_000, "Training compounds between which points are drawn.", low=2)
    n_recombined: int = setting(
        0, "Compounds made of pieces of the training compounds that are used beside them.", low=0
    )
    prior_share: float = setting(0.2, "Share of the points that are drawn from the prior.", low=0, high=1)
    concentration: float = setting(
        2.0,
        "Positions between the ends are drawn from Beta(c, c): the larger c, the nearer the middle.",
        above=0,
        expert=True,
    )
    beam_width: int = setting(8, "Most probable strings considered at a point.", low=1)
    n_samples: int = setting(8, "Random strings considered beside them.", low=1)
    temperature: float = setting(0.8, "Temperature of the random strings.", above=0, expert=True)
    n_decoded: int = setting(512, "Points decoded together.", low=1, expert=True)
    n_between: int = setting(128, "Judged points a step.", low=1)
    noise: float = setting(
        0.5, "Noise on judged points, in standard deviations of the posterior.", low=0, expert=True
    )
    compound_noise: float = setting(
        0.25,
        "Noise on the points of compounds, in the same unit; less, as users decode them at their mean.",
        low=0,
        expert=True,
    )
    order: BatchOrder = group(lambda: BatchOrder(length_power=1.0), "Batches of compounds.", flat=True)
    descent: Descent = group(lambda: Descent(learning_rate=4e-4), "Optimiser of a round.", flat=True)
    bf16: bool = setting(True, "Matrix products in bfloat16.", expert=True)
    seed: int = setting(0, "Of compounds, points and batches.", low=0, high=2**32 - 1)

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)


@final
@dataclass(frozen=True)
class EncoderTuning:
    """Settings of the tuning of an encoder."""

    n_steps: int = setting(800, "Optimiser steps.", low=1)
    n_recombined: int = setting(
        0, "Compounds made of pieces of the training compounds that are learnt beside them.", low=0
    )
    noise: float = setting(0.25, "Noise on the means, in standard deviations of the posterior.", low=0)
    keep: float = setting(
        0.015,
        "Nats for each squared posterior deviation that a mean moves, and for each squared nat of a "
        "log-variance.",
        low=0,
    )
    order: BatchOrder = group(lambda: BatchOrder(batch_size=512, length_power=1.0), "Batches.", flat=True)
    descent: Descent = group(lambda: Descent(learning_rate=5e-4, n_warm_up=30), "Optimiser.", flat=True)
    bf16: bool = setting(True, "Matrix products in bfloat16.", expert=True)
    seed: int = setting(0, "Of batches and noise.", low=0, high=2**32 - 1)

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)


@final
@dataclass(frozen=True)
class Averaging:
    """Settings of an average, of which there are none."""
