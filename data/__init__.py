"""Load the data files that ship with molinterp."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent

OTHER_NAMES = {
    "acetaminophen": "paracetamol",
    "acyclovir": "aciclovir",
    "adrenaline": "epinephrine",
    "albuterol": "salbutamol",
    "cephalexin": "cefalexin",
    "frusemide": "furosemide",
    "glyburide": "glibenclamide",
    "indomethacin": "indometacin",
    "lignocaine": "lidocaine",
    "meperidine": "pethidine",
    "penicillin g": "benzylpenicillin",
}
"""International non-proprietary names of drugs by their national names."""


@cache
def drugs() -> dict[str, str]:
    """Return well-known drugs: canonical SMILES by international non-proprietary name in lower case."""
    with (_HERE / "drugs.csv").open(encoding="utf-8") as stream:
        return {row["name"]: row["smiles"] for row in csv.DictReader(stream)}


def drug_name(text: str) -> str:
    """Return the international name of a drug in lower case; any other text is only lower-cased."""
    name = text.strip().lower()
    return OTHER_NAMES.get(name, name)


def held_out_file() -> Path:
    """Return the SMILES file of ChEMBL compounds that no shipped model was trained on."""
    return _HERE / "chembl.smi"


def sources() -> list[dict[str, Any]]:
    """Return the public sources of the training data: name, address, reference, licence and counts."""
    entries = json.loads((_HERE / "sources.json").read_text(encoding="utf-8"))
    return list(entries)
