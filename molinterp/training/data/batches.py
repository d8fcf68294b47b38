"""Batches of similar length in a random order that depends on the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from molinterp.model.tokens import pad
from molinterp.training.data.corpus import Corpus
from molinterp.training.vae.loss import Batch

POOL = 64
"""Batches that are sorted by length together: enough to save padding, few enough to mix."""


def batch_rows(
    rows: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    size: int,
    seed: int,
    epoch: int,
    length_power: float = 0.0,
) -> list[npt.NDArray[np.int64]]:
    """Rows of each batch of an epoch; every row once, but for some drawn anew that would make a short batch.

    Lengths within a batch are alike, which saves padding. With a `length_power` a row comes as often, on
    average, as its length to that power says, next to the mean of all.
    """
    rng = np.random.default_rng([seed, epoch])
    if length_power:
        share = lengths[rows].astype(float) ** length_power
        rows = np.repeat(rows, np.floor(share / share.mean() + rng.random(len(rows))).astype(int))
    order = rng.permutation(rows)
    # Left out before they are sorted: the rest afterwards are the longest, each time the same ones.
    order = order[: len(order) - len(order) % size] if len(order) > size else order
    batches: list[npt.NDArray[np.int64]] = []
    for start in range(0, len(order), POOL * size):
        chosen = order[start : start + POOL * size]
        chosen = chosen[np.argsort(lengths[chosen], kind="stable")]
        batches += [chosen[i : i + size] for i in range(0, len(chosen), size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def gather(corpus: Corpus, rows: Sequence[int] | npt.NDArray[np.int64]) -> Batch:
    """The molecules `rows` of a corpus as tensors."""
    index = np.asarray(rows)
    return Batch(
        tokens=torch.from_numpy(pad([corpus.sequence(int(i)) for i in index])),
        bits=torch.from_numpy(np.unpackbits(corpus.bits[index], axis=1).astype(np.float32)),
        properties=torch.from_numpy(np.asarray(corpus.properties[index])),
        odds=None if corpus.odds is None else torch.from_numpy(corpus.odds[index]),
    )


def stream(
    corpus: Corpus,
    rows: npt.NDArray[np.int64],
    size: int,
    seed: int,
    start: int,
    length_power: float = 0.0,
) -> Iterator[Batch]:
    """Endless batches of `rows`, beginning with batch number `start` (0-based, over epochs)."""
    lengths = corpus.lengths
    epoch, position = 0, start
    while True:
        order = batch_rows(rows, lengths, size, seed, epoch, length_power)
        if position >= len(order):
            epoch, position = epoch + 1, position - len(order)
            continue
        for chosen in order[position:]:
            yield gather(corpus, chosen)
        epoch, position = epoch + 1, 0
