"""Draw a path as a strip of structures, for the README: python benchmarks/picture.py A B out.png."""

from __future__ import annotations

import argparse
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import Draw

from molinterp.chem.compounds import resolve
from molinterp.interpolation import interpolate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("start")
    parser.add_argument("end")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--steps", type=int, default=8)
    args = parser.parse_args()
    a, b = resolve(args.start), resolve(args.end)
    path = interpolate(a.smiles, b.smiles, steps=args.steps, names=(a.name, b.name))
    mols = [Chem.MolFromSmiles(s.smiles) for s in path]
    names = [a.name, *[""] * (len(path) - 2), b.name]
    legends = [
        name or f"{step.similarity:.2f}, logP {step.properties['logp']:.1f}"
        for name, step in zip(names, path, strict=True)
    ]
    image = Draw.MolsToGridImage(mols, molsPerRow=4, subImgSize=(260, 200), legends=legends, returnPNG=True)
    args.picture.write_bytes(image if isinstance(image, bytes) else image.data)


if __name__ == "__main__":
    main()
