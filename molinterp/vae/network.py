"""The molecular variational autoencoder: token string -> latent point -> token string and heads."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, final

import torch
from torch import Tensor, nn

from molinterp.errors import ShapeError
from molinterp.tokens import PAD


@final
@dataclass(frozen=True)
class VAEConfig:
    """Sizes of a `MoleculeVAE`."""

    n_tokens: int
    """Vocabulary, special tokens included."""
    n_bits: int
    """Bits of the fingerprint head."""
    n_properties: int
    """Outputs of the property head."""
    latent_dim: int = 64
    """Dimensions of z."""
    embedding_dim: int = 256
    """Width of the token embedding, shared by encoder and decoder."""
    encoder_dim: int = 512
    """Hidden size of each of the encoder's two directions."""
    decoder_dim: int = 768
    """Hidden size of the decoder."""
    head_dim: int = 512
    """Hidden size of the heads."""
    head_blocks: int = 0
    """Residual blocks of each head; `molinterp fit heads` adds some to a trained network."""

    def to_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)


@final
class ResidualBlock(nn.Module):
    """x + W' silu(W x): the identity as long as W' is 0, as it is at first.

    He et al., Deep Residual Learning for Image Recognition, 2015, arXiv 1512.03385.
    """

    def __init__(self, width: int) -> None:
        """A block of `width` inputs, hidden units and outputs that changes nothing yet."""
        super().__init__()
        self.into = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (..., width) at x (..., width)."""
        return x + self.out(nn.functional.silu(self.into(x)))


def _head(c: VAEConfig, n_outputs: int) -> nn.Sequential:
    blocks = (ResidualBlock(c.head_dim) for _ in range(c.head_blocks))
    return nn.Sequential(
        nn.Linear(c.latent_dim, c.head_dim), nn.SiLU(), *blocks, nn.Linear(c.head_dim, n_outputs)
    )


@final
class MoleculeVAE(nn.Module):
    """A recurrent variational autoencoder of token strings with two heads on its latent space.

    The encoder reads the string in both directions and pools; the decoder sees a latent point and its
    *blur* at every step. The blur, in [0, 1], says how far the point may lie from any compound: 0 at one,
    1 half-way between two that have nothing to do with each other. A decoder that is told so can answer
    exactly at a compound and with a plausible compound between two, which pull it apart otherwise.
    Heads predict the ECFP4 bits (logits) and the standardised properties from z, so that the latent
    space is shaped by structure and properties as well as by spelling.

    Kingma and Welling, Auto-Encoding Variational Bayes, 2014, arXiv 1312.6114; on molecules
    Gomez-Bombarelli et al. 2018, arXiv 1610.02415. Gated recurrent units: Cho et al. 2014,
    arXiv 1406.1078.
    """

    property_mean: Tensor
    property_scale: Tensor

    def __init__(self, config: VAEConfig) -> None:
        """Build the network with fresh weights."""
        super().__init__()
        self.config = config
        c = config
        # As torch would draw them; its own way imports a compiler, a second, where no values are wanted.
        embedding = torch.randn(c.n_tokens, c.embedding_dim)
        embedding[PAD] = 0.0
        self.embedding = nn.Embedding(c.n_tokens, c.embedding_dim, padding_idx=PAD, _weight=embedding)
        self.encoder_forward = nn.GRU(c.embedding_dim, c.encoder_dim, batch_first=True)
        self.encoder_backward = nn.GRU(c.embedding_dim, c.encoder_dim, batch_first=True)
        self.posterior = nn.Sequential(
            nn.Linear(4 * c.encoder_dim, c.head_dim), nn.SiLU(), nn.Linear(c.head_dim, 2 * c.latent_dim)
        )
        self.state_of_z = nn.Linear(c.latent_dim + 1, c.decoder_dim)
        self.decoder = nn.GRU(c.embedding_dim + c.latent_dim + 1, c.decoder_dim, batch_first=True)
        self.output = nn.Linear(c.decoder_dim, c.n_tokens)
        self.fingerprint_head = _head(c, c.n_bits)
        self.property_head = _head(c, c.n_properties)
        self.register_buffer("property_mean", torch.zeros(c.n_properties))
        self.register_buffer("property_scale", torch.ones(c.n_properties))

    def encode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the posterior q(z|x).

        Args:
            tokens: (n, length) int64, without start and end, padded with PAD.

        Returns:
            Two tensors (n, latent_dim).
        """
        real = tokens != PAD
        lengths = real.sum(1, keepdim=True)
        position = torch.arange(tokens.shape[1], device=tokens.device)
        mirrored = torch.where(real, lengths - 1 - position, position)
        forward, _ = self.encoder_forward(self.embedding(tokens))
        backward, _ = self.encoder_backward(self.embedding(tokens.gather(1, mirrored)))
        states = torch.cat([forward, backward], -1).float()
        mean = (states * real[..., None]).sum(1) / lengths
        peak = states.masked_fill(~real[..., None], -1.0).amax(1)
        mean, log_variance = self.posterior(torch.cat([mean, peak], -1)).float().chunk(2, -1)
        return mean, log_variance

    def condition(self, z: Tensor, blur: Tensor | float = 0.0) -> Tensor:
        """What the decoder is told of each point, (n, latent_dim + 1): z (n, latent_dim) and its blur.

        Args:
            z: (n, latent_dim).
            blur: (n,), or one number for all; dimensionless, in [0, 1].

        Raises:
            ShapeError: z has another number of dimensions.
        """
        if z.shape[-1] != self.config.latent_dim:
            raise ShapeError(
                f"`z` must have shape (..., {self.config.latent_dim}) to match the bundle; "
                f"got {tuple(z.shape)}. Encode with the same bundle."
            )
        column = torch.as_tensor(blur, dtype=z.dtype, device=z.device).expand(len(z))
        return torch.cat([z, column[:, None]], 1)

    def initial_state(self, condition: Tensor) -> Tensor:
        """State of the decoder before the first token, (n, decoder_dim); see `condition`."""
        return torch.tanh(self.state_of_z(condition))

    def step(self, condition: Tensor, state: Tensor, token: Tensor) -> tuple[Tensor, Tensor]:
        """One decoding step: logits (n, n_tokens) of the next token, and the next state.

        Args:
            condition: (n, latent_dim + 1), see `condition`.
            state: (n, decoder_dim), all that the decoder remembers of the prefix.
            token: (n,) int64, the last token.
        """
        inputs = torch.cat([self.embedding(token), condition], -1)[:, None]
        states, _ = self.decoder(inputs, state[None])
        return self.output(states[:, 0]), states[:, 0]

    def logits(self, condition: Tensor, prefix: Tensor) -> Tensor:
        """Logits (n, length, n_tokens) of the token after each position of `prefix`.

        Args:
            condition: (n, latent_dim + 1), see `condition`.
            prefix: (n, length) int64, beginning with START.
        """
        wide = condition[:, None].expand(-1, prefix.shape[1], -1)
        inputs = torch.cat([self.embedding(prefix), wide], -1)
        states, _ = self.decoder(inputs, self.initial_state(condition)[None])
        return self.output(states)

    def bit_logits(self, z: Tensor) -> Tensor:
        """Logits (..., n_bits) of the ECFP4 bits; above 0 a bit is predicted to be on."""
        return self.fingerprint_head(z)

    def properties(self, z: Tensor) -> Tensor:
        """Predicted properties (..., n_properties), in their own units."""
        return self.property_head(z) * self.property_scale + self.property_mean

    def with_head_blocks(self, n: int, seed: int = 0) -> MoleculeVAE:
        """A copy whose heads have `n` residual blocks or more and predict what they did before.

        Args:
            n: blocks of each head; a network that has more keeps them.
            seed: of the new blocks' inner weights; the global random state is left as it was.
        """
        n_own = self.config.head_blocks
        config = replace(self.config, head_blocks=max(n, n_own))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            grown = MoleculeVAE(config).to(self.property_mean.device)
        grown.train(self.training)
        # What follows the blocks moves down by the number of new ones.
        last, new_last = 2 + n_own, 2 + config.head_blocks
        weights = {k.replace(f"_head.{last}.", f"_head.{new_last}."): v for k, v in self.state_dict().items()}
        grown.load_state_dict(grown.state_dict() | weights)
        return grown
