"""Draw the paths of random pairs from a table of pathbench.py, the change of each step in words.

    python benchmarks/path_pictures.py pairs.csv paths.csv docs/paths [-n 10] [--seed 0]

Each pair gives a PNG with its name and, on stdout, a Markdown line with its metrics.
"""

from __future__ import annotations

import argparse
import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from rdkit import Chem
from rdkit.Chem import Draw

from molinterp.chem.similarity import tanimoto

PER_ROW = 4


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", type=Path)
    parser.add_argument("paths", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-n", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pairs, paths = pd.read_csv(args.pairs), pd.read_csv(args.paths)
    args.folder.mkdir(parents=True, exist_ok=True)
    chosen = np.random.default_rng(args.seed).choice(len(pairs), args.n, replace=False)
    for name in pairs["pair"].iloc[sorted(chosen)]:
        rows = paths[paths["pair"] == name].sort_values("step")
        mols = [Chem.MolFromSmiles(s) for s in rows["smiles"]]
        steps = [tanimoto(a, b) for a, b in pairwise(mols)]
        words = rows["change"].fillna("").tolist()
        legends = ["start", *(w or f"{s:.2f}" for w, s in zip(words[1:], steps, strict=True))]
        image = Draw.MolsToGridImage(
            mols, molsPerRow=PER_ROW, subImgSize=(300, 200), legends=legends, returnPNG=True
        )
        data = image if isinstance(image, bytes) else image.data
        picture = Image.open(io.BytesIO(data)).convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
        picture.save(args.folder / f"{name}.png", optimize=True)
        seconds = rows["seconds"].iloc[0]
        print(f"**{name}**: {len(mols)} molecules, worst step {min(steps):.2f}, {seconds:.1f} s\n")
        print(f"![{name}]({args.folder.name}/{name}.png)\n")


if __name__ == "__main__":
    main()
