"""The training loss of a `MoleculeVAE`: a weighted evidence bound plus the two heads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from molinterp.tokens import END, PAD, START
from molinterp.vae.network import MoleculeVAE


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

    def to(self, device: torch.device) -> Batch:
        """The same molecules on `device`."""
        return Batch(self.tokens.to(device), self.bits.to(device), self.properties.to(device))


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

    def total(self, kl_weight: float, bit_weight: float, property_weight: float) -> Tensor:
        """The weighted sum that is minimised."""
        return (
            self.reconstruction
            + kl_weight * self.kl
            + bit_weight * self.bits
            + property_weight * self.properties
        )


def shifted(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Decoder input (START first) and target (END last) of token strings, both (n, length + 1)."""
    n = len(tokens)
    prefix = torch.cat([tokens.new_full((n, 1), START), tokens], 1)
    target = torch.cat([tokens, tokens.new_full((n, 1), PAD)], 1)
    target[torch.arange(n, device=tokens.device), (tokens != PAD).sum(1)] = END
    return prefix, target


def token_cross_entropy(model: MoleculeVAE, z: Tensor, tokens: Tensor) -> Tensor:
    """-log p(x|z) (n,) in nats, of token strings (n, length) at latent points (n, latent_dim)."""
    prefix, target = shifted(tokens)
    logits = model.logits(z, prefix).float()
    loss = F.cross_entropy(logits.transpose(1, 2), target, ignore_index=PAD, reduction="none")
    return loss.sum(1)


def losses(model: MoleculeVAE, batch: Batch, generator: torch.Generator | None = None) -> Losses:
    """All terms at one sample of the posterior a molecule."""
    mean, log_variance = model.encode(batch.tokens)
    noise = torch.randn(mean.shape, generator=generator, device=mean.device)
    z = mean + noise * (0.5 * log_variance).exp()
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
    bits = F.binary_cross_entropy_with_logits(model.bit_logits(z).float(), batch.bits, reduction="none").sum(
        1
    )
    wanted = (batch.properties - model.property_mean) / model.property_scale
    error = model.property_head(z).float() - wanted
    squared = torch.where(error.isnan(), torch.zeros_like(error), error.square()).sum(1)
    return Losses(token_cross_entropy(model, z, batch.tokens).mean(), kl.mean(), bits.mean(), squared.mean())
