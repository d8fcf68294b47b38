"""Measure the effect of inversion on the reconstruction of the shipped drugs, at several budgets.

    python benchmarks/refinement.py [--model default]

Seconds are processor time of one thread; distances are in standard deviations of the posterior.
"""

from __future__ import annotations

import argparse
import time

import torch
from molinterp.data import drugs

from molinterp.chem.filters import decoded_smiles
from molinterp.errors import VocabularyError
from molinterp.model.bundle import Bundle
from molinterp.model.inversion import LEARNING_RATE, N_STEPS, invert
from molinterp.model.tokens import pad


def encodable(bundle: Bundle) -> list[str]:
    found = []
    for smiles in drugs().values():
        try:
            bundle.tokenizer.symbol_ids(smiles)
        except VocabularyError:
            continue
        found.append(smiles)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default")
    bundle = Bundle.load(parser.parse_args().model)
    torch.set_num_threads(1)
    smiles = encodable(bundle)
    print(f"{len(drugs())} drugs, {len(smiles)} in the vocabulary")
    mean, deviation = bundle.posterior(smiles)
    tokens = torch.from_numpy(pad(bundle.tokenizer.encode(smiles)))
    print("steps\trate\texact\tseconds per molecule\tmedian distance moved")
    for n_steps, rate in (
        (0, LEARNING_RATE),
        (10, LEARNING_RATE),
        (N_STEPS, 0.02),
        (N_STEPS, LEARNING_RATE),
        (60, LEARNING_RATE),
    ):
        began = time.process_time()
        found = invert(bundle.model, tokens, mean, deviation, n_steps=n_steps, learning_rate=rate)
        seconds = (time.process_time() - began) / len(smiles)
        decoded = [decoded_smiles(text) for text in bundle.decode(found.z)]
        exact = sum(d == s for d, s in zip(decoded, smiles, strict=True)) / len(smiles)
        way = ((found.z - mean) / deviation).square().mean(1).sqrt()
        moved = way[way > 0]
        print(f"{n_steps}\t{rate}\t{exact:.3f}\t{seconds:.4f}\t{moved.median() if len(moved) else 0.0:.2f}")


if __name__ == "__main__":
    main()
