"""The molecular variational autoencoder: token string -> latent point -> token string and heads."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, final

import torch
from torch import Tensor, nn

from molinterp.errors import ShapeError
from molinterp.model.tokens import PAD

CONDITION_BLOCKS = 2
"""Residual blocks of the network that computes the decoder's extra features of a point."""

MAY_GROW = ("head_blocks", "encoder_blocks", "upper_dim", "condition_dim")
"""Sizes that can be increased in a trained network."""
FROM_ZERO = ("upper_dim", "condition_dim")
"""Those of them that can be increased only from 0."""


@final
@dataclass(frozen=True)
class VAEConfig:
    """Sizes of a `MoleculeVAE`."""

    n_tokens: int
    """Size of the vocabulary, including special tokens."""
    n_bits: int
    """Number of bits of the fingerprint head."""
    n_properties: int
    """Number of outputs of the property head."""
    latent_dim: int
    """Dimensions of z."""
    embedding_dim: int
    """Width of the token embedding, which encoder and decoder share."""
    encoder_dim: int
    """Hidden size of each of the encoder's two directions."""
    decoder_dim: int
    """Hidden size of the decoder."""
    head_dim: int
    """Hidden size of the heads."""
    head_blocks: int = 0
    """Residual blocks of each head; `molinterp fit heads` adds blocks to a trained network."""
    encoder_blocks: int = 0
    """Residual blocks between the pooled states of the encoder and the posterior."""
    upper_dim: int = 0
    """Hidden size of each direction of the encoder's upper layer, which reads the states of the lower layer;
    0 means that there is no upper layer."""
    condition_dim: int = 0
    """Number of extra features of z and its blur, computed once per point and given to the decoder at every
    step."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dictionary that JSON can represent."""
        return asdict(self)


@final
class ResidualBlock(nn.Module):
    """Residual block x + W' silu(W x), which is initialised to the identity (W' = 0).

    He et al., Deep Residual Learning for Image Recognition, 2015, arXiv 1512.03385.
    """

    def __init__(self, width: int) -> None:
        """Create a block with `width` inputs, hidden units and outputs."""
        super().__init__()
        self.into = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to x (..., width)."""
        return x + self.out(nn.functional.silu(self.into(x)))


def _perceptron(n_inputs: int, width: int, n_blocks: int, n_outputs: int) -> nn.Sequential:
    blocks = (ResidualBlock(width) for _ in range(n_blocks))
    return nn.Sequential(nn.Linear(n_inputs, width), nn.SiLU(), *blocks, nn.Linear(width, n_outputs))


@final
class MoleculeVAE(nn.Module):
    """A recurrent variational autoencoder of token strings with two heads on its latent space.

    The encoder reads the string in both directions, optionally in a second layer, and pools the states. The
    decoder receives the latent point and its *blur* at every step. The blur, in [0, 1], measures how far the
    point may lie from any compound: 0 at a compound, 1 half-way between two unrelated ones. It lets the
    decoder be exact at compounds and plausible between them, two aims that conflict otherwise.
    The heads predict the ECFP4 bits (logits) and the standardised properties from z, so that structure and
    properties shape the latent space as well as the notation.

    Kingma and Welling, Auto-Encoding Variational Bayes, 2014, arXiv 1312.6114; on molecules
    Gomez-Bombarelli et al. 2018, arXiv 1610.02415. Gated recurrent units: Cho et al. 2014,
    arXiv 1406.1078.
    """

    property_mean: Tensor
    property_scale: Tensor

    def __init__(self, config: VAEConfig) -> None:
        """Build the network with random parameters."""
        super().__init__()
        self.config = config
        c = config
        # The same values as torch draws by itself, which on a meta device imports a compiler first (1 s).
        embedding = torch.randn(c.n_tokens, c.embedding_dim)
        embedding[PAD] = 0.0
        self.embedding = nn.Embedding(c.n_tokens, c.embedding_dim, padding_idx=PAD, _weight=embedding)
        self.encoder_forward = nn.GRU(c.embedding_dim, c.encoder_dim, batch_first=True)
        self.encoder_backward = nn.GRU(c.embedding_dim, c.encoder_dim, batch_first=True)
        if c.upper_dim:
            self.encoder_upper_forward = nn.GRU(2 * c.encoder_dim, c.upper_dim, batch_first=True)
            self.encoder_upper_backward = nn.GRU(2 * c.encoder_dim, c.upper_dim, batch_first=True)
        n_pooled = 4 * (c.encoder_dim + c.upper_dim)
        self.posterior = _perceptron(n_pooled, c.head_dim, c.encoder_blocks, 2 * c.latent_dim)
        n_condition = c.latent_dim + 1 + c.condition_dim
        if c.condition_dim:
            self.conditioner = _perceptron(c.latent_dim + 1, c.head_dim, CONDITION_BLOCKS, c.condition_dim)
        self.state_of_z = nn.Linear(n_condition, c.decoder_dim)
        self.decoder = nn.GRU(c.embedding_dim + n_condition, c.decoder_dim, batch_first=True)
        self.output = nn.Linear(c.decoder_dim, c.n_tokens)
        self.fingerprint_head = _perceptron(c.latent_dim, c.head_dim, c.head_blocks, c.n_bits)
        self.property_head = _perceptron(c.latent_dim, c.head_dim, c.head_blocks, c.n_properties)
        self.register_buffer("property_mean", torch.zeros(c.n_properties))
        self.register_buffer("property_scale", torch.ones(c.n_properties))

    def encode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Compute mean and log-variance of the posterior q(z|x).

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
        pooled = _pooled(forward, backward, real)
        if self.config.upper_dim:
            # Each direction of the lower layer sees one side of a token; the upper layer sees both.
            sides = torch.cat([forward, _reordered(backward, mirrored)], -1)
            upper_forward, _ = self.encoder_upper_forward(sides)
            upper_backward, _ = self.encoder_upper_backward(_reordered(sides, mirrored))
            pooled += _pooled(upper_forward, upper_backward, real)
        mean, log_variance = self.posterior(torch.cat(pooled, -1)).float().chunk(2, -1)
        return mean, log_variance

    def condition(self, z: Tensor, blur: Tensor | float = 0.0) -> Tensor:
        """Compute the decoder's input for each point, (n, n_condition): z, its blur and features of both.

        Args:
            z: (n, latent_dim).
            blur: (n,), or one number for all; dimensionless, in [0, 1].

        Raises:
            ShapeError: z does not have the model's number of dimensions.
        """
        if z.shape[-1] != self.config.latent_dim:
            raise ShapeError(
                f"`z` must have shape (..., {self.config.latent_dim}) to match the model; "
                f"got {tuple(z.shape)}. Encode with the same model."
            )
        column = torch.as_tensor(blur, dtype=z.dtype, device=z.device).expand(len(z))
        inputs = torch.cat([z, column[:, None]], 1)
        if self.config.condition_dim:
            inputs = torch.cat([inputs, self.conditioner(inputs)], 1)
        return inputs

    def initial_state(self, condition: Tensor) -> Tensor:
        """Compute the state of the decoder before the first token, (n, decoder_dim); see `condition`."""
        return torch.tanh(self.state_of_z(condition))

    def logits(self, condition: Tensor, prefix: Tensor) -> Tensor:
        """Compute the logits (n, length, n_tokens) of the token after each position of `prefix`.

        Args:
            condition: (n, n_condition), see `condition`.
            prefix: (n, length) int64, beginning with START.
        """
        wide = condition[:, None].expand(-1, prefix.shape[1], -1)
        inputs = torch.cat([self.embedding(prefix), wide], -1)
        states, _ = self.decoder(inputs, self.initial_state(condition)[None])
        return self.output(states)

    def bit_logits(self, z: Tensor) -> Tensor:
        """Predict logits (..., n_bits) of the ECFP4 bits; a positive logit means that the bit is set."""
        return self.fingerprint_head(z)

    def properties(self, z: Tensor) -> Tensor:
        """Predict properties (..., n_properties), in their own units."""
        return self.property_head(z) * self.property_scale + self.property_mean

    def with_head_blocks(self, n: int, seed: int = 0) -> MoleculeVAE:
        """Copy the network with at least `n` residual blocks per head and unchanged predictions.

        Args:
            n: blocks of each head; a network that already has more keeps them.
            seed: seed of the new blocks' inner parameters; the global random state does not change.
        """
        return self.grown(replace(self.config, head_blocks=max(n, self.config.head_blocks)), seed)

    def grown(self, config: VAEConfig, seed: int = 0) -> MoleculeVAE:
        """Copy the network with larger sizes and unchanged outputs.

        Args:
            config: sizes of the copy; those in `MAY_GROW` may be larger, `upper_dim` and `condition_dim`
                only if they were 0.
            seed: seed of the new parameters; the global random state does not change.

        Raises:
            ShapeError: a size has changed that cannot grow, or not in this way.
        """
        own, old, new = self.config, self.config.to_dict(), config.to_dict()

        def fits(size: str) -> bool:
            may_be_larger = size in MAY_GROW and (size not in FROM_ZERO or old[size] == 0)
            return bool(new[size] == old[size] or (may_be_larger and new[size] > old[size]))

        wrong = [f"{size} {new[size]} from {old[size]}" for size in old if not fits(size)]
        if wrong:
            raise ShapeError(
                f"a network can grow in {', '.join(MAY_GROW)}, in {' and '.join(FROM_ZERO)} from 0 only; "
                f"got {', '.join(wrong)}. Keep these sizes."
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            copy = MoleculeVAE(config).to(self.property_mean.device)
        copy.train(self.training)
        wanted = copy.state_dict()
        for key, value in self.state_dict().items():
            name = _name_in_copy(key, own, config)
            if value.shape != wanted[name].shape:
                # New columns start at zero, so that they have no effect yet.
                wider = torch.zeros_like(wanted[name])
                wider[:, : value.shape[1]] = value
                value = wider
            wanted[name] = value
        copy.load_state_dict(wanted)
        return copy

    def names_in(self, config: VAEConfig) -> frozenset[str]:
        """Return the names of this network's parameters and buffers in the copy that `grown` makes."""
        return frozenset(_name_in_copy(key, self.config, config) for key in self.state_dict())


def _pooled(forward: Tensor, backward: Tensor, real: Tensor) -> list[Tensor]:
    """Pool states (n, length, width) of both directions over the tokens: means, then maxima, (n, width)."""
    lengths = real.sum(1, keepdim=True)
    directions = (forward, backward)
    means = [(states.float() * real[..., None]).sum(1) / lengths for states in directions]
    return means + [states.masked_fill(~real[..., None], -1.0).max(1).values for states in directions]


def _reordered(states: Tensor, position: Tensor) -> Tensor:
    """Reorder states (n, length, width) by the positions (n, length) of their tokens."""
    return states.gather(1, position[..., None].expand_as(states))


def _name_in_copy(key: str, old: VAEConfig, new: VAEConfig) -> str:
    """Name of a parameter after blocks were inserted before the last layer of its perceptron."""
    grown = {
        "posterior": (old.encoder_blocks, new.encoder_blocks),
        "fingerprint_head": (old.head_blocks, new.head_blocks),
        "property_head": (old.head_blocks, new.head_blocks),
    }
    part, _, rest = key.partition(".")
    if part not in grown:
        return key
    n_old, n_new = grown[part]
    layer, _, name = rest.partition(".")
    return f"{part}.{2 + n_new}.{name}" if layer == str(2 + n_old) else key
