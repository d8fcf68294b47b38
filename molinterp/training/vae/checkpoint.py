"""Checkpoint of a training: a folder with one file of tensors and `state.json`, which names it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from molinterp.errors import InputError
from molinterp.io.files import whole_file

HEADER = "state.json"


def write_checkpoint(folder: Path, step: int, tensors: Mapping[str, Tensor], header: dict[str, Any]) -> None:
    """Replace the checkpoint in a folder; a crash at any moment leaves the old or the new one.

    Args:
        folder: created if missing.
        step: optimiser steps done, which names the file of tensors.
        tensors: by name.
        header: of JSON types.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"step-{step}.safetensors"
    # A run that ends where it was saved last writes the same name again.
    with whole_file(folder / name) as temporary:
        save_file(dict(tensors), temporary)
    with whole_file(folder / HEADER) as temporary:
        temporary.write_text(json.dumps({"weights": name} | header, indent=1), encoding="utf-8")
    for old in folder.glob("step-*.safetensors"):
        if old.name != name:
            old.unlink()


def read_checkpoint(folder: Path, origin: Mapping[str, Any], device: str) -> tuple[dict[str, Tensor], Any]:
    """Read the tensors and the header that `write_checkpoint` left.

    Args:
        folder: the checkpoint.
        origin: name to what must be as it was then; of `sizes` each by its name.
        device: of the tensors, as torch names it.

    Raises:
        InputError: it is of another training.
    """
    header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
    then, now = ({**of, **of["sizes"], "sizes": None} for of in (header, origin))
    differ = [f"{k} {_shown(then[k])}, now {_shown(now[k])}" for k in now if then[k] != now[k]]
    if differ:
        raise InputError(
            f"checkpoint '{folder}' is of another training: {'; '.join(differ)}. "
            "Remove that folder to start again, or repeat the old options and molecules."
        )
    return load_file(folder / header["weights"], device=device), header


def _shown(value: Any) -> str:
    return (", ".join(value) or "none") if isinstance(value, list) else str(value)
