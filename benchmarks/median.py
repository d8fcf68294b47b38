"""Measure how central the compounds are that `molinterp median` finds between three drugs.

    python benchmarks/median.py [-n 10] [--seed 1] [--model default]

The triples are random shipped drugs. The output has means over the triples: dispersion (the mean squared
Tanimoto distance to the three) of the best compound and of the ten best, number of compounds, and processor
seconds.
"""

from __future__ import annotations

import argparse
import random
import time

import numpy as np
from molinterp.data import drugs

from molinterp.model.bundle import Bundle
from molinterp.paths.median import median

SIZES = range(12, 101)
"""Accepted lengths of the SMILES of a drug."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", type=int, default=10, help="triples")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="default")
    args = parser.parse_args()
    bundle = Bundle.load(args.model)
    names = [name for name, smiles in drugs().items() if len(smiles) in SIZES]
    rng = random.Random(args.seed)
    rows = []
    for _ in range(args.n):
        triple = [drugs()[name] for name in rng.sample(names, 3)]
        began = time.process_time()
        found = median(triple, model=bundle, n=1_000)
        taken = time.process_time() - began
        dispersions = [m.dispersion for m in found] or [1.0]
        rows.append((dispersions[0], np.mean(dispersions[:10]), len(found), taken))
    best, ten, number, seconds = np.mean(rows, axis=0)
    print(f"best {best:.3f}, ten best {ten:.3f}, {number:.0f} compounds, {seconds:.1f} processor seconds")


if __name__ == "__main__":
    main()
