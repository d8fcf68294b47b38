"""Classifiers of molecules in files: one of tensors and a header with its SHA-256; nothing is unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from molinterp.chem.classifier import MoleculeClassifier
from molinterp.errors import BundleError
from molinterp.io.files import sha256, whole_file
from molinterp.pretrained import classifier_files


def save_classifier(classifier: MoleculeClassifier, folder: Path) -> None:
    """Write NAME.safetensors and NAME.json, with the SHA-256 of the former, into a folder.

    Raises:
        BundleError: they cannot be written.
    """
    weights = folder / f"{classifier.name}.safetensors"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(weights) as temporary:
            save_file(classifier.to_arrays(), temporary)
        text = json.dumps({"sha256": sha256(weights), **classifier.facts}, indent=1)
        with whole_file(folder / f"{classifier.name}.json") as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise BundleError(f"classifier '{weights}' cannot be written: {error}.") from error


def load_classifier(header: Path, weights: Path) -> MoleculeClassifier:
    """The classifier that `save_classifier` wrote; its name is that of the file.

    Raises:
        BundleError: a file is missing or damaged.
    """
    try:
        facts = json.loads(header.read_text(encoding="utf-8"))
        if facts.pop("sha256") != sha256(weights):
            raise ValueError(f"{weights.name} does not match its SHA-256")
        return MoleculeClassifier.from_arrays(header.stem, load_file(weights), facts)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise BundleError(
            f"classifier '{header.stem}' is damaged: {error}. Restore it, or install molinterp again."
        ) from error


@cache
def shipped_classifiers() -> Mapping[str, MoleculeClassifier]:
    """The classifiers that ship with molinterp, by name.

    Raises:
        BundleError: a file is missing or damaged.
    """
    files = classifier_files().items()
    return MappingProxyType({name: load_classifier(*paths) for name, paths in files})
