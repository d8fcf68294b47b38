"""Time the similarity search of a large library: python benchmarks/library.py molecules.csv.gz.

The fingerprints of the first 20,000 molecules are repeated up to 722,621. There are five queries, the first
of them cold.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from rdkit import Chem

from molinterp.paths.library import Library

N_COMPOUNDS, N_DIFFERENT = 722_621, 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("molecules", type=Path)
    smiles = pd.read_csv(parser.parse_args().molecules)["smiles"].head(N_DIFFERENT).tolist()
    began = time.perf_counter()
    small = Library.of(smiles)
    print(f"index of {len(small)}: {time.perf_counter() - began:.1f} s")
    rows = np.sort(np.random.default_rng(0).integers(0, len(small), N_COMPOUNDS))
    large = Library(tuple(small.smiles[i] for i in rows), small.words[rows], small.counts[rows])
    for k in range(5):
        near, towards = Chem.MolFromSmiles(smiles[k]), Chem.MolFromSmiles(smiles[k + 100])
        began = time.perf_counter()
        large.between(near, towards, 0.4, 40)
        print(f"query of {len(large)}: {time.perf_counter() - began:.3f} s")


if __name__ == "__main__":
    main()
