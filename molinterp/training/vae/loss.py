"""The training loss of a `MoleculeVAE`: a weighted evidence bound plus the heads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molinterp.model.likelihood import token_cross_entropy
from molinterp.model.network import MoleculeVAE
from molinterp.training.vae.settings import LossSettings


@final
@dataclass(frozen=True)
class Batch:
    """Molecules of one training step."""

    tokens: Tensor
    """(n, length) int64, without start and end, padded with PAD."""
    bits: Tensor
    """(n, n_bits) float32, ECFP4."""
    properties: Tensor
    """(n, n_properties) float32, their own units; NaN where unknown."""
    feature_targets: Tensor | None = None
    """(n, n_features) float32, standardised log-odds of features; NaN where unknown."""

    def to(self, device: torch.device) -> Batch:
        """The same molecules on `device`."""
        targets = None if self.feature_targets is None else self.feature_targets.to(device)
        return Batch(self.tokens.to(device), self.bits.to(device), self.properties.to(device), targets)

    def split(self, n: int) -> list[Batch]:
        """Parts of `n` molecules each, in their order; the last may have fewer."""
        tokens = self.tokens.split(n)
        targets = [None] * len(tokens) if self.feature_targets is None else self.feature_targets.split(n)
        parts = zip(tokens, self.bits.split(n), self.properties.split(n), targets, strict=True)
        return [Batch(*part) for part in parts]


@final
@dataclass(frozen=True)
class Losses:
    """Terms of the loss, means over the molecules of a batch; nats unless said otherwise."""

    reconstruction: Tensor
    """Cross-entropy of the tokens, end token included, summed over the string."""
    kl: Tensor
    """KL(q(z|x) || N(0, 1)), summed over dimensions."""
    bits: Tensor
    """Cross-entropy of the fingerprint bits, summed over bits."""
    properties: Tensor
    """Squared error of the standardised properties, summed over properties."""
    features: Tensor
    """Squared error of the standardised log-odds of features, summed over features."""
    between: Tensor
    """Cross-entropy of the tokens at points between two compounds, for the nearer one; see `blurred`."""
    z: Tensor
    """(n, latent_dim), the samples of the posterior; no gradient."""

    def total(self, weights: LossSettings) -> Tensor:
        """Sum the terms by their weights; this is what is minimised."""
        return (
            self.reconstruction
            + weights.between_weight * self.between
            + weights.kl_weight * self.kl
            + weights.bit_weight * self.bits
            + weights.property_weight * self.properties
            + weights.feature_weight * self.features
        )


def blurred(z: Tensor, others: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Points between compounds and unrelated ones, and their blur.

    A point is (1 - b/2) z + b/2 z', with the blur b in [0, 1] of density 2b: half-way is seen most. A
    decoder trained to answer there with the compound at z learns what is plausible between two compounds:
    whole compounds, like both as far as the point tells.

    Args:
        z: (n, latent_dim), latent points of compounds.
        others: (m, latent_dim), latent points of other compounds, drawn from with replacement.
        generator: source of randomness.

    Returns:
        Points (n, latent_dim) and blurs (n,).
    """
    device = z.device
    chosen = torch.randint(len(others), (len(z),), generator=generator, device=device)
    blur = torch.rand(len(z), generator=generator, device=device).sqrt()
    return torch.lerp(z, others[chosen], 0.5 * blur[:, None]), blur


def losses(
    model: MoleculeVAE,
    batch: Batch,
    settings: LossSettings,
    generator: torch.Generator | None = None,
    others: Tensor | None = None,
    feature_head: nn.Module | None = None,
) -> Losses:
    """Compute all terms at one sample of the posterior a molecule.

    The posterior's deviation learns nothing from molecules that are decoded near their mean: it would grow
    until their noise was what it is for the others.

    Args:
        model: the network.
        batch: n molecules.
        settings: the shares and the noise are used here, the weights in `Losses.total`.
        generator: source of randomness.
        others: (m, latent_dim), points of other compounds; None for those of the batch.
        feature_head: z (n, latent_dim) to the log-odds of the batch (n, n_features); None where it has none.
    """
    mean, log_variance = model.encode(batch.tokens)
    z, log_variance = _sample(mean, log_variance, settings, generator)
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
    logits = model.bit_logits(z).float()
    bits = F.binary_cross_entropy_with_logits(logits, batch.bits, reduction="none").sum(1)
    wanted = (batch.properties - model.property_mean) / model.property_scale
    properties = _squared_error(model.property_head(z), wanted)
    features = torch.zeros_like(kl)
    if feature_head is not None and batch.feature_targets is not None:
        features = _squared_error(feature_head(z), batch.feature_targets)
    fixed, n = z.detach(), len(z)
    rows = torch.arange(0, n, max(1, round(1 / settings.between_share)), device=z.device)
    points, blur = blurred(fixed[rows], fixed if others is None else others, generator)
    entropy = token_cross_entropy(
        model,
        torch.cat([z, points]),
        torch.cat([batch.tokens, batch.tokens[rows]]),
        torch.cat([torch.zeros_like(kl), blur]),
    )
    return Losses(
        reconstruction=entropy[:n].mean(),
        kl=kl.mean(),
        bits=bits.mean(),
        properties=properties.mean(),
        features=features.mean(),
        between=entropy[n:].mean(),
        z=fixed,
    )


def _sample(
    mean: Tensor, log_variance: Tensor, settings: LossSettings, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Points of the posterior (n, latent_dim); its log-variance, without gradients near the mean."""
    noise = torch.randn(mean.shape, generator=generator, device=mean.device)
    if settings.low_noise_share:
        drawn = torch.rand((len(mean), 1), generator=generator, device=mean.device)
        is_near = drawn < settings.low_noise_share
        log_variance = torch.where(is_near, log_variance.detach(), log_variance)
        noise = torch.where(is_near, settings.low_noise * noise, noise)
    return mean + noise * (0.5 * log_variance).exp(), log_variance


def _squared_error(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Summed over columns, (n,); nothing where the value wanted is not known."""
    # The square of a NaN has a NaN for a gradient, masked or not.
    error = (predicted.float() - wanted.nan_to_num()) * ~wanted.isnan()
    return error.square().sum(1)
