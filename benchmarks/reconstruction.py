"""Measure exact greedy reconstruction of training, held-out and recombined compounds, and by size.

    python benchmarks/reconstruction.py molecules.csv.gz cache [--model default] [-n 3000] [--seed 7]

`cache` is the folder in which `molinterp train` stored the tokenised corpus. If it is missing, the corpus is
prepared again, which takes minutes. The recombined compounds have a different seed from those of trainings.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rdkit import Chem

from molinterp.chem.filters import decoded_smiles
from molinterp.model.bundle import Bundle
from molinterp.training.data.corpus import prepare
from molinterp.training.data.recombination import with_recombined
from molinterp.training.data.settings import Recombination

BATCH = 256
SIZES = (6, 20, 25, 30, 35, 51)
"""Bounds of the bins of test compounds, in heavy atoms."""


def exact(bundle: Bundle, smiles: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Whether the greedy decode of each molecule is the molecule itself, including stereo."""
    found = np.zeros(len(smiles), bool)
    order = np.argsort([len(s) for s in smiles], kind="stable")
    for start in range(0, len(order), BATCH):
        part = order[start : start + BATCH]
        wanted = [smiles[i] for i in part]
        decoded = bundle.decode(bundle.encode(wanted))
        found[part] = [decoded_smiles(d) == Chem.CanonSmiles(s) for d, s in zip(decoded, wanted, strict=True)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("molecules", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("-n", type=int, default=3_000, help="number of compounds of each kind")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(1)
    bundle = Bundle.load(args.model)
    notation, n_tokens = bundle.tokenizer.notation.name, bundle.tokenizer.n_tokens
    corpus = prepare(args.molecules, args.cache, notation, n_tokens)
    corpus = with_recombined(corpus, args.n, args.cache, Recombination(seed=args.seed))
    n_own = len(corpus) - corpus.n_recombined
    rows = {name: corpus.rows(name) for name in ("train", "test")}
    rows = {"train": rows["train"][rows["train"] < n_own], "test": rows["test"]}
    rows["recombined"] = np.arange(n_own, len(corpus))
    for name, of_kind in rows.items():
        chosen = np.random.default_rng(args.seed).permutation(of_kind)[: args.n]
        smiles = corpus.smiles(chosen)
        found = exact(bundle, smiles)
        print(f"{name}: {found.mean():.1%} of {len(found)}", flush=True)
        if name == "test":
            atoms = np.array([Chem.MolFromSmiles(s).GetNumHeavyAtoms() for s in smiles])
            for low, high in pairwise(SIZES):
                of_size = (atoms >= low) & (atoms < high)
                if of_size.any():
                    print(
                        f"  {low} to {high - 1} heavy atoms: {found[of_size].mean():.1%} of {of_size.sum()}"
                    )


if __name__ == "__main__":
    main()
