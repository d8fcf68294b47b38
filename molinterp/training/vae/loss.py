"""The training loss of a `MoleculeVAE`: a weighted evidence bound plus the heads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molinterp.model.likelihood import token_cross_entropy
from molinterp.model.network import MoleculeVAE

QUIET = 0.25
"""Noise of quiet molecules, in standard deviations of the posterior."""


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
    odds: Tensor | None = None
    """(n, n_features) float32, standardised log-odds of features; NaN where unknown."""

    def to(self, device: torch.device) -> Batch:
        """The same molecules on `device`."""
        odds = None if self.odds is None else self.odds.to(device)
        return Batch(self.tokens.to(device), self.bits.to(device), self.properties.to(device), odds)

    def split(self, n: int) -> list[Batch]:
        """Parts of `n` molecules each, in their order; the last may have fewer."""
        tokens = self.tokens.split(n)
        odds = [None] * len(tokens) if self.odds is None else self.odds.split(n)
        parts = zip(tokens, self.bits.split(n), self.properties.split(n), odds, strict=True)
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

    def total(
        self,
        kl_weight: float,
        bit_weight: float,
        property_weight: float,
        between_weight: float,
        feature_weight: float = 0.0,
    ) -> Tensor:
        """The weighted sum that is minimised."""
        return (
            self.reconstruction
            + between_weight * self.between
            + kl_weight * self.kl
            + bit_weight * self.bits
            + property_weight * self.properties
            + feature_weight * self.features
        )


def blurred(z: Tensor, others: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Points between compounds and unrelated ones, and their blur.

    A point is (1 - b/2) z + b/2 z', with the blur b in [0, 1] of density 2b: half-way is seen most. A
    decoder taught the compound at z there learns what is plausible between two compounds: whole
    compounds, like both as far as the point tells.

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
    generator: torch.Generator | None = None,
    others: Tensor | None = None,
    share_between: float = 0.25,
    feature_head: nn.Module | None = None,
    quiet_share: float = 0.0,
) -> Losses:
    """All terms at one sample of the posterior a molecule.

    Args:
        model: the network.
        batch: n molecules.
        generator: source of randomness.
        others: (m, latent_dim), points of other compounds; None for those of the batch.
        share_between: of the molecules, those that are also decoded between compounds.
        feature_head: z (n, latent_dim) to the log-odds of the batch (n, n_features); None where it has none.
        quiet_share: share of the molecules decoded nearer to their mean, at `QUIET` of the noise. The
            posterior's deviation learns nothing of them: it would grow until the noise were what it was.
    """
    mean, log_variance = model.encode(batch.tokens)
    noise = torch.randn(mean.shape, generator=generator, device=mean.device)
    if quiet_share:
        quiet = torch.rand((len(mean), 1), generator=generator, device=mean.device) < quiet_share
        log_variance = torch.where(quiet, log_variance.detach(), log_variance)
        noise = torch.where(quiet, QUIET * noise, noise)
    z = mean + noise * (0.5 * log_variance).exp()
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
    bits = F.binary_cross_entropy_with_logits(model.bit_logits(z).float(), batch.bits, reduction="none").sum(
        1
    )
    wanted = (batch.properties - model.property_mean) / model.property_scale
    properties = _squared_error(model.property_head(z), wanted)
    features = torch.zeros_like(kl)
    if feature_head is not None and batch.odds is not None:
        features = _squared_error(feature_head(z), batch.odds)
    fixed, n = z.detach(), len(z)
    rows = torch.arange(0, n, max(1, round(1 / share_between)), device=z.device)
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


def _squared_error(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Summed over columns, (n,); nothing where the value wanted is not known."""
    # The square of a NaN has a NaN for a gradient, masked or not.
    error = (predicted.float() - wanted.nan_to_num()) * ~wanted.isnan()
    return error.square().sum(1)
