"""Likelihood of token strings at latent points."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from molinterp.model.network import MoleculeVAE
from molinterp.model.tokens import END, PAD, START


def shifted(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Return decoder input (START first) and target (END last) of token strings, both (n, length + 1)."""
    n = len(tokens)
    prefix = torch.cat([tokens.new_full((n, 1), START), tokens], 1)
    target = torch.cat([tokens, tokens.new_full((n, 1), PAD)], 1)
    target[torch.arange(n, device=tokens.device), (tokens != PAD).sum(1)] = END
    return prefix, target


def token_cross_entropy(model: MoleculeVAE, z: Tensor, tokens: Tensor, blur: Tensor | float = 0.0) -> Tensor:
    """Compute -log p(x|z) (n,) in nats for token strings (n, length) at latent points (n, latent_dim)."""
    return _logits_and_entropy(model, z, tokens, blur)[1]


def cross_entropy_and_match(
    model: MoleculeVAE, z: Tensor, tokens: Tensor, blur: Tensor | float = 0.0
) -> tuple[Tensor, Tensor]:
    """Compute -log p(x|z) (n,) in nats, and whether x is the greedy decode at z, (n,) bool.

    A string is the greedy decode if each of its tokens is the most probable one given the tokens before it.

    Args:
        model: the decoder.
        z: (n, latent_dim).
        tokens: (n, length) int64, without start and end, padded with PAD.
        blur: (n,) or one for all, in [0, 1]; see `MoleculeVAE`.
    """
    logits, entropy, target = _logits_and_entropy(model, z, tokens, blur)
    allowed = logits.detach().index_fill(2, torch.tensor([PAD, START], device=logits.device), -torch.inf)
    match = ((allowed.argmax(2) == target) | (target == PAD)).all(1)
    return entropy, match


def _logits_and_entropy(
    model: MoleculeVAE, z: Tensor, tokens: Tensor, blur: Tensor | float
) -> tuple[Tensor, Tensor, Tensor]:
    prefix, target = shifted(tokens)
    logits = model.logits(model.condition(z, blur), prefix).float()
    # The tokens are on the last axis, which takes half the time of any other.
    entropy = F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD, reduction="none")
    return logits, entropy.view(target.shape).sum(1), target
