"""Decode latent points to token sequences in batches: greedily, by sampling, or by beam search."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from molinterp.model.incremental_decoder import IncrementalDecoder
from molinterp.model.network import MoleculeVAE
from molinterp.model.tokens import END, PAD, START

MAX_TOKENS = 120


def blur_at(t: Tensor) -> Tensor:
    """Return the blur at places t in [0, 1] on a curve between two compounds: 0 at the ends, 1 half-way."""
    return 1 - (2 * t - 1).abs()


def _strings(tokens: Tensor) -> list[list[int]]:
    """Cut rows of tokens before their first end token."""
    out = []
    for row in tokens.tolist():
        out.append(row[: row.index(END)] if END in row else row)
    return out


def _forbid_special(logits: Tensor) -> Tensor:
    """Convert logits to float32 and exclude the padding and start tokens."""
    logits = logits.float()
    logits[:, PAD] = logits[:, START] = -torch.inf
    return logits


@torch.no_grad()
def greedy(
    model: MoleculeVAE, z: Tensor, blur: Tensor | float = 0.0, max_tokens: int = MAX_TOKENS
) -> list[list[int]]:
    """Decode greedily: take the most probable next token at each step.

    Args:
        model: the decoder.
        z: (n, latent_dim).
        blur: (n,) or one for all, in [0, 1]; see `MoleculeVAE`.
        max_tokens: largest number of tokens; longer strings are cut.

    Returns:
        n lists of tokens, without start and end.
    """
    return _generate(model, model.condition(z, blur), None, 1.0, max_tokens)


@torch.no_grad()
def sample(
    model: MoleculeVAE,
    z: Tensor,
    generator: torch.Generator,
    temperature: float = 1.0,
    blur: Tensor | float = 0.0,
    max_tokens: int = MAX_TOKENS,
) -> list[list[int]]:
    """Decode at random: draw each next token from the decoder's distribution.

    Args:
        model: the decoder.
        z: (n, latent_dim); repeat rows for several samples per point.
        generator: source of randomness, on the CPU, so that all devices draw the same numbers.
        temperature: divisor of the logits, > 0; below 1 it sharpens the distribution.
        blur: (n,) or one for all, in [0, 1]; see `MoleculeVAE`.
        max_tokens: largest number of tokens; longer strings are cut.
    """
    return _generate(model, model.condition(z, blur), generator, temperature, max_tokens)


def _generate(
    model: MoleculeVAE,
    condition: Tensor,
    generator: torch.Generator | None,
    temperature: float,
    max_tokens: int,
) -> list[list[int]]:
    decoder = IncrementalDecoder(model, condition)
    token = torch.full((len(condition),), START, device=condition.device)
    open_rows = torch.arange(len(condition), device=condition.device)
    out = torch.full((len(condition), max_tokens), END, device=condition.device)
    for i in range(max_tokens):
        logits = _forbid_special(decoder.step(token))
        if generator is None:
            token = logits.max(1).indices  # several times faster than argmax
        else:
            token = _draw(torch.softmax(logits / temperature, 1), generator)
        out[open_rows, i] = token
        alive = token != END
        if not alive.all():
            if not alive.any():
                break
            decoder.keep(alive)
            token, open_rows = token[alive], open_rows[alive]
    return _strings(out)


def _draw(p: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one column per row of the probabilities p (n, n_tokens), with one random number per row."""
    below = p.cumsum(1)
    # In (0, 1]: 0 would select the first columns, the special tokens, whose probability is 0.
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
    """Find the `width` most probable strings at each point by beam search, best first.

    Args:
        model: the decoder.
        z: (n, latent_dim).
        width: number of strings kept at each step and returned per point.
        blur: (n,) or one for all, in [0, 1]; see `MoleculeVAE`.
        max_tokens: largest number of tokens; longer strings are cut.
    """
    n, device = len(z), z.device
    decoder = IncrementalDecoder(model, model.condition(z, blur).repeat_interleave(width, 0))
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
        # The best `width` strings continue with one of the `width` best tokens of their prefix.
        own, choice = log_p.topk(min(width, log_p.shape[1]), 1)
        n_open, n_own = len(open_), own.shape[1]
        sums = score[:, :, None] + own.view(n_open, width, n_own)
        score, flat = sums.view(n_open, width * n_own).topk(width)
        parent = flat // n_own
        rows = (torch.arange(n_open, device=device)[:, None] * width + parent).view(-1)
        decoder.state = decoder.state[rows]  # within one point, so that the condition stays the same
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
    """Convert strings (n, width, length) and their log-probabilities (n, width) to beams."""
    n, width = score.shape
    strings, scores = _strings(tokens.flatten(0, 1)), score.flatten().tolist()
    beams = [Beam(s, p) for s, p in zip(strings, scores, strict=True)]
    return [beams[i * width : (i + 1) * width] for i in range(n)]
