"""Batches of similar length in a random order that depends on the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from molinterp.model.tokens import pad
from molinterp.training.data.corpus import Corpus
from molinterp.training.data.settings import BatchOrder
from molinterp.training.vae.loss import Batch


def batch_rows(
    rows: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], order: BatchOrder, seed: int, epoch: int
) -> list[npt.NDArray[np.int64]]:
    """Rows of each batch of an epoch: every row once, save for a random few that would make a short batch.

    Lengths within a batch are alike, which saves padding. With a `length_power` a row occurs as often, on
    average, as its length to that power says, relative to the mean of all.
    """
    rng, size = np.random.default_rng([seed, epoch]), order.batch_size
    if order.length_power:
        share = lengths[rows].astype(float) ** order.length_power
        rows = np.repeat(rows, np.floor(share / share.mean() + rng.random(len(rows))).astype(int))
    drawn = rng.permutation(rows)
    # Left out before they are sorted: the rest afterwards are the longest, each time the same ones.
    drawn = drawn[: len(drawn) - len(drawn) % size] if len(drawn) > size else drawn
    batches: list[npt.NDArray[np.int64]] = []
    for start in range(0, len(drawn), order.n_sorted * size):
        chosen = drawn[start : start + order.n_sorted * size]
        chosen = chosen[np.argsort(lengths[chosen], kind="stable")]
        batches += [chosen[i : i + size] for i in range(0, len(chosen), size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def gather(corpus: Corpus, rows: Sequence[int] | npt.NDArray[np.int64]) -> Batch:
    """Collect the molecules `rows` of a corpus as tensors."""
    index, targets = np.asarray(rows), corpus.feature_targets
    return Batch(
        tokens=torch.from_numpy(pad([corpus.sequence(int(i)) for i in index])),
        bits=torch.from_numpy(np.unpackbits(corpus.bits[index], axis=1).astype(np.float32)),
        properties=torch.from_numpy(np.asarray(corpus.properties[index])),
        feature_targets=None if targets is None else torch.from_numpy(targets[index]),
    )


def stream(
    corpus: Corpus, rows: npt.NDArray[np.int64], order: BatchOrder, seed: int, start: int = 0
) -> Iterator[Batch]:
    """Yield batches of `rows` without end, beginning with batch number `start` (0-based, over epochs)."""
    lengths = corpus.lengths
    epoch, position = 0, start
    while True:
        batches = batch_rows(rows, lengths, order, seed, epoch)
        if position >= len(batches):
            epoch, position = epoch + 1, position - len(batches)
            continue
        for chosen in batches[position:]:
            yield gather(corpus, chosen)
        epoch, position = epoch + 1, 0
