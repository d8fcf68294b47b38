"""Latent points -> token sequences: greedy, sampled and beam search, batched.

The decoder's state is all that it keeps of a prefix, so no token is computed twice.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from molinterp.model.incremental_decoder import Stepper
from molinterp.model.network import MoleculeVAE
from molinterp.model.tokens import END, PAD, START

MAX_TOKENS = 120


def blur_at(t: Tensor) -> Tensor:
    """Blur at places t in [0, 1] of a curve between two compounds: 0 at both, 1 half-way."""
    return 1 - (2 * t - 1).abs()


def _strings(tokens: Tensor) -> list[list[int]]:
    """Rows of tokens cut before their first end token."""
    out = []
    for row in tokens.tolist():
        out.append(row[: row.index(END)] if END in row else row)
    return out


def _forbid_special(logits: Tensor) -> Tensor:
    """Logits in float32 with padding and start impossible."""
    logits = logits.float()
    logits[:, PAD] = logits[:, START] = -torch.inf
    return logits


@torch.no_grad()
def greedy(
    model: MoleculeVAE, z: Tensor, blur: Tensor | float = 0.0, max_tokens: int = MAX_TOKENS
) -> list[list[int]]:
    """The most probable next token, again and again.

    Args:
        model: the decoder.
        z: (n, latent_dim).
        blur: (n,) or one for all, in [0, 1]; see `MoleculeVAE`.
        max_tokens: strings are cut here.

    Returns:
        n lists of tokens, without start and end.
    """
    return _roll(model, model.condition(z, blur), None, 1.0, max_tokens)


@torch.no_grad()
def sample(
    model: MoleculeVAE,
    z: Tensor,
    generator: torch.Generator,
    temperature: float = 1.0,
    blur: Tensor | float = 0.0,
    max_tokens: int = MAX_TOKENS,
) -> list[list[int]]:
    """Each next token drawn from the decoder's distribution, sharpened by `temperature` < 1.

    Args:
        model: the decoder.
        z: (n, latent_dim); repeat rows for several samples a point.
        generator: source of randomness, on the CPU, so that every device draws alike.
        temperature: divides the logits; > 0.
        blur: (n,) or one for all, in [0, 1]; see `MoleculeVAE`.
        max_tokens: strings are cut here.
    """
    return _roll(model, model.condition(z, blur), generator, temperature, max_tokens)


def _roll(
    model: MoleculeVAE,
    condition: Tensor,
    generator: torch.Generator | None,
    temperature: float,
    max_tokens: int,
) -> list[list[int]]:
    decoder = Stepper(model, condition)
    token = torch.full((len(condition),), START, device=condition.device)
    open_rows = torch.arange(len(condition), device=condition.device)
    out = torch.full((len(condition), max_tokens), END, device=condition.device)
    for i in range(max_tokens):
        logits = _forbid_special(decoder.step(token))
        if generator is None:
            token = logits.max(1).indices  # several times as fast as argmax
        else:
            token = _drawn(torch.softmax(logits / temperature, 1), generator)
        out[open_rows, i] = token
        alive = token != END
        if not alive.all():
            if not alive.any():
                break
            decoder.keep(alive)
            token, open_rows = token[alive], open_rows[alive]
    return _strings(out)


def _drawn(p: Tensor, generator: torch.Generator) -> Tensor:
    """A column a row of p (n, n_tokens), as probable as it says; one random number a row."""
    below = p.cumsum(1)
    # Above 0, where the first columns, which are never to be drawn, reach.
    uniform = 1 - torch.rand((len(p), 1), generator=generator).to(p.device)
    return torch.searchsorted(below, uniform * below[:, -1:])[:, 0]


class Beam(NamedTuple):
    """One string of a beam."""

    tokens: list[int]
    """Tokens without start and end."""
    log_p: float
    """log p(tokens | z), nats, end token included."""


@torch.no_grad()
def beam(
    model: MoleculeVAE,
    z: Tensor,
    width: int,
    blur: Tensor | float = 0.0,
    max_tokens: int = MAX_TOKENS,
) -> list[list[Beam]]:
    """The `width` most probable strings a beam search finds at each point, best first.

    Args:
        model: the decoder.
        z: (n, latent_dim).
        width: strings kept at each step and returned a point.
        blur: (n,) or one for all, in [0, 1]; see `MoleculeVAE`.
        max_tokens: strings are cut here.
    """
    n, device = len(z), z.device
    decoder = Stepper(model, model.condition(z, blur).repeat_interleave(width, 0))
    token = torch.full((n * width,), START, device=device)
    score = torch.full((n, width), -torch.inf, device=device)
    score[:, 0] = 0.0
    tokens = torch.full((n, width, 0), END, device=device)
    open_, found = torch.arange(n, device=device), dict[int, list[Beam]]()
    for i in range(max_tokens):
        log_p = torch.log_softmax(_forbid_special(decoder.step(token)), 1)
        ended = token == END
        log_p[ended] = -torch.inf
        log_p[ended, END] = 0.0
        # No string of the best `width` goes on with a token outside the best `width` of its own.
        own, choice = log_p.topk(min(width, log_p.shape[1]), 1)
        n_open, n_own = len(open_), own.shape[1]
        sums = score[:, :, None] + own.view(n_open, width, n_own)
        score, flat = sums.view(n_open, width * n_own).topk(width)
        parent = flat // n_own
        rows = (torch.arange(n_open, device=device)[:, None] * width + parent).view(-1)
        decoder.state = decoder.state[rows]  # rows of one point, whose condition is the same
        token = choice.view(n_open, width * n_own).gather(1, flat).view(-1)
        tokens = torch.cat(
            [tokens.gather(1, parent[..., None].expand_as(tokens)), token.view(n_open, width, 1)], 2
        )
        done = (token == END).view(n_open, width).all(1)
        if i + 1 == max_tokens:
            done[:] = True
        if done.any():
            found |= dict(zip(open_[done].tolist(), _beams(tokens[done], score[done]), strict=True))
            kept = ~done
            open_, score, tokens = open_[kept], score[kept], tokens[kept]
            wide = kept.repeat_interleave(width)
            decoder.keep(wide)
            token = token[wide]
        if not len(open_):
            break
    return [found[i] for i in range(n)]


def _beams(tokens: Tensor, score: Tensor) -> list[list[Beam]]:
    """Strings (n, width, length) and their log-probabilities (n, width)."""
    n, width = score.shape
    strings, scores = _strings(tokens.flatten(0, 1)), score.flatten().tolist()
    beams = [Beam(s, p) for s, p in zip(strings, scores, strict=True)]
    return [beams[i * width : (i + 1) * width] for i in range(n)]
