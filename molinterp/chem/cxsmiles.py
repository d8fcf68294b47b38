"""What stands between bars behind a SMILES (CXSMILES): only its labels of enhanced stereo are looked at."""

from __future__ import annotations

import re

_ATOM_TEXT = re.compile(r"\$[^$]*\$")
_LABEL = re.compile(r"(?:^|,)(r|[&o]\d+:\d+(?:,\d+)*)(?=,|$)")


def split_cxsmiles(text: str) -> tuple[str, str, str]:
    """SMILES, its labels of enhanced stereo (and, or, relative), and what stands behind; each may be empty.

    >>> split_cxsmiles("C[C@H](N)O |&1:1| a name")
    ('C[C@H](N)O', '&1:1', 'a name')
    """
    smiles, _, rest = text.strip().replace("\t", " ").partition(" ")
    rest = rest.strip()
    if not rest.startswith("|"):
        return smiles, "", rest
    part, _, rest = rest[1:].partition("|")
    return smiles, ",".join(_LABEL.findall(_ATOM_TEXT.sub("", part))), rest.strip()
