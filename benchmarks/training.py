"""Compare the training speed of one core, of torch's threads, and of cores that share each batch.

    python benchmarks/training.py molecules.csv.gz WORK/corpus [--model default] [--threads 2] [--rounds 5]

`WORK` is the working folder of `molinterp train`. Each round times all three on the same batches of 512; the
ratios are those of the medians.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import fields
from pathlib import Path

import torch

from molinterp.model.bundle import Bundle
from molinterp.training.data.corpus import Corpus, prepare
from molinterp.training.data.settings import BatchOrder
from molinterp.training.vae.settings import NetworkSizes, VAETraining
from molinterp.training.vae.trainer import Trainer

STEPS = 12
BATCH = 512


def seconds(corpus: Corpus, bundle: Bundle, threads: int, parts: int) -> float:
    """Time `STEPS` optimiser steps after one that is not counted."""
    sizes = NetworkSizes(**{f.name: getattr(bundle.model.config, f.name) for f in fields(NetworkSizes)})
    torch.set_num_threads(threads)
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = VAETraining(n_steps=1 + STEPS, order=BatchOrder(BATCH), sizes=sizes)
        trainer = Trainer(corpus, settings, Path(folder), threads=parts)
        step = trainer._step

        def timed(*arguments: object) -> object:
            figures = step(*arguments)
            ends.append(time.perf_counter())
            return figures

        trainer._step = timed
        trainer.run()
    return ends[-1] - ends[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("molecules", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--model", default="default", help="model whose sizes and vocabulary are used")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    bundle, n = Bundle.load(args.model), args.threads
    notation, n_tokens = bundle.tokenizer.notation.name, bundle.tokenizer.n_tokens
    corpus = prepare(args.molecules, args.cache, notation, n_tokens)
    ways = {"one core": (1, 1), f"{n} threads of torch": (n, 1), f"{n} parts of a batch": (n, n)}
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(args.rounds):
        for name, way in ways.items():
            found[name].append(STEPS * BATCH / seconds(corpus, bundle, *way))
    one = statistics.median(found["one core"])
    for name, rates in found.items():
        rate = statistics.median(rates)
        print(f"{name}: {rate:.0f} molecules per second, {rate / one:.2f} times one core")


if __name__ == "__main__":
    main()
