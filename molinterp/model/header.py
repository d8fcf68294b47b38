"""Validate the header of a bundle: its checksum, and bounds of all numbers before anything is allocated."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from molinterp.io.files import sha256_of

if TYPE_CHECKING:
    from torch import Tensor

MAX_BYTES = 1 << 24
"""Largest header that is accepted, in bytes."""
CHECKSUM = "checksum"
SIZES = MappingProxyType(
    {
        "n_tokens": (4, 100_000),
        "n_bits": (1, 65_536),
        "n_properties": (1, 1_000),
        "latent_dim": (1, 4_096),
        "embedding_dim": (1, 16_384),
        "encoder_dim": (1, 16_384),
        "decoder_dim": (1, 16_384),
        "head_dim": (1, 16_384),
        "head_blocks": (0, 64),
        "encoder_blocks": (0, 64),
        "upper_dim": (0, 16_384),
        "condition_dim": (0, 16_384),
    }
)
"""Smallest and largest value of each size of a network."""
DENSITY_SIZES = MappingProxyType(
    {"dim": (1, 4_096), "scale": (0, 1_000_000), "transforms": (1, 32), "width": (1, 4_096)}
)
"""Smallest and largest value of each size of a density."""
MAX_SYMBOLS = 10_000
MAX_SYMBOL_LENGTH = 100
MAX_SPELLING = 4_096
"""Largest number of symbols in one token."""
BROKEN = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
"""Errors that malicious files with matching hashes may raise."""
_HASH = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


def checksum(header: Mapping[str, Any]) -> str:
    """Compute the SHA-256 of a header without its checksum, independent of the layout of its JSON."""
    rest = {key: value for key, value in header.items() if key != CHECKSUM}
    return sha256_of([json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()])


def seal(header: Mapping[str, Any]) -> dict[str, Any]:
    """Add the checksum to a header that is to be written."""
    return {**{key: value for key, value in header.items() if key != CHECKSUM}, CHECKSUM: checksum(header)}


def parsed(content: bytes) -> dict[str, Any]:
    """Parse a header from the bytes of a file, without validating it.

    Raises:
        ValueError: it is too large or not a JSON object.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"it has {len(content)} bytes, the limit is {MAX_BYTES}")
    try:
        header = json.loads(content)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None
    if not isinstance(header, dict):
        raise ValueError("it is not a JSON object")
    return header


def check(header: Mapping[str, Any]) -> None:
    """Verify the checksum of a header, and the types and bounds of its content.

    Raises:
        ValueError: a check fails; the message says which.
    """
    if header.get(CHECKSUM) != checksum(header):
        raise ValueError("it does not match its checksum")
    for key, kind in {"name": str, "figures": dict, "training": dict, "sizes": dict, "files": dict}.items():
        if not isinstance(header.get(key), kind):
            raise ValueError(f"{key} must be {kind.__name__}")
    if not _NAME.fullmatch(header["name"]):
        raise ValueError("its name must be text of 1 to 200 characters on one line")
    properties = header.get("properties")
    if not isinstance(properties, list) or not all(
        isinstance(p, str) and _NAME.fullmatch(p) for p in properties
    ):
        raise ValueError("properties must be names")
    if not all(isinstance(v, str) and _HASH.fullmatch(v) for v in header["files"].values()):
        raise ValueError("files must have a SHA-256 each")
    _check_sizes(header["sizes"], SIZES)
    n_tokens = _check_vocabulary(header.get("vocabulary"))
    for name, n in (("n_tokens", n_tokens), ("n_properties", len(properties))):
        if header["sizes"].get(name) != n:
            raise ValueError(f"size {name} is {header['sizes'].get(name)}, and there are {n}")
    _check_realism(header.get("realism", {}))


def _check_sizes(sizes: Mapping[str, Any], bounds: Mapping[str, tuple[int, int]]) -> None:
    if unknown := set(sizes) - set(bounds):
        raise ValueError(f"there is no size {min(map(str, unknown))[:40]!r}")
    for name, value in sizes.items():
        low, high = bounds[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or not low <= value <= high:
            raise ValueError(f"size {name} must be from {low} to {high}; got {str(value)[:40]}")
        if name != "scale" and not isinstance(value, int):
            raise ValueError(f"size {name} must be a whole number; got {str(value)[:40]}")


def _check_vocabulary(vocabulary: Any) -> int:
    """Validate a vocabulary and return its number of tokens, including special ones."""
    if not isinstance(vocabulary, dict):
        raise ValueError("vocabulary must be dict")
    symbols, merges = vocabulary.get("symbols"), vocabulary.get("merges")
    if not isinstance(symbols, list) or not 1 <= len(symbols) <= MAX_SYMBOLS:
        raise ValueError(f"it must have from 1 to {MAX_SYMBOLS} symbols")
    if not all(isinstance(s, str) and 0 < len(s) <= MAX_SYMBOL_LENGTH for s in symbols):
        raise ValueError(f"symbols must be texts of 1 to {MAX_SYMBOL_LENGTH} characters")
    if len(set(symbols)) < len(symbols):
        raise ValueError("a symbol occurs twice in the vocabulary")
    if not isinstance(merges, list) or len(merges) > SIZES["n_tokens"][1]:
        raise ValueError("merges must be pairs of tokens")
    lengths = [0, 0, 0, *(1 for _ in symbols)]
    for pair in merges:
        is_pair = isinstance(pair, list) and len(pair) == 2 and all(type(t) is int for t in pair)
        if not is_pair or not all(3 <= t < len(lengths) for t in pair):
            raise ValueError("merges must be pairs of earlier tokens")
        lengths.append(lengths[pair[0]] + lengths[pair[1]])
        if lengths[-1] > MAX_SPELLING:
            raise ValueError(f"a token has more than {MAX_SPELLING} symbols")
    return len(lengths)


def _check_realism(realism: Any) -> None:
    if not isinstance(realism, dict):
        raise ValueError("realism must be dict")
    density = realism.get("density", {})
    sizes = density.get("sizes", {}) if isinstance(density, dict) else None
    if not isinstance(sizes, dict):
        raise ValueError("the sizes of the density must be dict")
    _check_sizes(sizes, DENSITY_SIZES)


def check_tensors(files: Mapping[str, Mapping[str, Tensor]], header: Mapping[str, Any]) -> None:
    """Check that tensors are finite and large enough for the networks that they would allocate.

    Args:
        files: tensors by file name.
        header: header that has passed `check`.

    Raises:
        ValueError: a check fails; the message says which.
    """
    for file, tensors in files.items():
        for name, value in tensors.items():
            if value.is_floating_point() and not value.isfinite().all():
                raise ValueError(f"'{name[:80]}' of {file} has values that are not finite")
    density = files.get("density.safetensors", {})
    sizes = header.get("realism", {}).get("density", {}).get("sizes", {})
    if "mean" in density and "width" in sizes:
        n_least = sizes.get("transforms", 1) * sizes["width"] * density["mean"].numel()
        _check_count("the flow", n_least, [v for k, v in density.items() if k.startswith("flow.")])
    networks: dict[str, dict[str, Tensor]] = {"validity": dict(files.get("validity.safetensors", {}))}
    for name, value in files.get("features.safetensors", {}).items():
        kind, _, rest = name.partition(".")
        if kind == "latent":
            feature, _, layer = rest.partition(".")
            networks.setdefault(f"feature {feature[:40]}", {})[layer] = value
    for name, tensors in networks.items():
        if "layers.6.bias" in tensors and "layers.0.weight" in tensors:
            n_hidden = len(tensors["layers.0.weight"])
            _check_count(f"the network of {name}", n_hidden * n_hidden, tensors.values())


def _check_count(what: str, n_least: int, tensors: Iterable[Tensor]) -> None:
    n = sum(value.numel() for value in tensors)
    if n < n_least:
        raise ValueError(f"{what} must have at least {n_least} parameters; got {n}")
