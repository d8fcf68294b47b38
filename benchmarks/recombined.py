"""Exact greedy reconstruction of compounds learnt, held out, and made of pieces of those learnt.

    python benchmarks/recombined.py molecules.csv.gz cache [--model default] [-n 3000] [--seed 7]

`cache` is the folder in which `molinterp train` left what it knows of the molecules; without it that is made
anew, which takes minutes. The recombined compounds are of a seed of their own, so that no training saw them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rdkit import Chem

from molinterp.bundle import Bundle
from molinterp.chem.judge import decoded_smiles
from molinterp.training.corpus import prepare
from molinterp.training.recombined import with_recombined

BATCH = 256


def share_exact(bundle: Bundle, smiles: Sequence[str]) -> float:
    """Share of the molecules whose greedy decode is the molecule itself, stereo included."""
    by_length, n_exact = sorted(smiles, key=len), 0
    for i in range(0, len(by_length), BATCH):
        part = by_length[i : i + BATCH]
        decoded = bundle.decode(bundle.encode(part))
        n_exact += sum(decoded_smiles(d) == Chem.CanonSmiles(s) for d, s in zip(decoded, part, strict=True))
    return n_exact / len(smiles)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("molecules", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("-n", type=int, default=3_000, help="compounds of each kind")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(1)
    bundle = Bundle.load(args.model)
    notation, n_tokens = bundle.tokenizer.notation.name, bundle.tokenizer.n_tokens
    corpus = with_recombined(
        prepare(args.molecules, args.cache, notation, n_tokens), args.n, args.cache, seed=args.seed
    )
    n_own = len(corpus) - corpus.n_recombined
    rows = {name: corpus.rows(name) for name in ("train", "test")}
    rows = {"train": rows["train"][rows["train"] < n_own], "test": rows["test"]}
    rows["recombined"] = np.arange(n_own, len(corpus))
    for name, of_kind in rows.items():
        chosen = np.random.default_rng(args.seed).permutation(of_kind)[: args.n]
        print(f"{name}: {share_exact(bundle, corpus.smiles(chosen)):.1%} of {len(chosen)}", flush=True)


if __name__ == "__main__":
    main()
