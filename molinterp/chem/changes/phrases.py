"""Phrases for groups that are added, removed, exchanged or moved."""

from __future__ import annotations


def exchange_phrase(before: str, after: str, *, is_on_nitrogen: bool = False) -> str:
    """One group for another, or one that is added or removed."""
    joint = "N-" if is_on_nitrogen and _is_alkyl(before) and _is_alkyl(after) else ""
    if not before or not after:
        return f"add {joint}{after}" if after else f"remove {joint}{before}"
    if before == after:
        return f"{before} changed"
    # Beside a formula a formula: CF3 -> CH3.
    before, after = (
        "CH3" if one == "methyl" and other[0].isupper() else one
        for one, other in ((before, after), (after, before))
    )
    return f"{joint}{before} -> {joint}{after}"


def moved_phrase(before: str, after: str, place: int | None, target: int | None) -> str:
    """One group for another at another place of a ring; places are None where they are not known."""
    clear = place is not None and target is not None and place != target
    before, after = (f"({name})" if name[:1].isdigit() else name for name in (before, after))
    if before == after:
        return f"{place}-{before} moved to {target}" if clear else f"{before} moved on the ring"
    return f"{place}-{before} -> {target}-{after}" if clear else f"{before} -> {after} elsewhere on the ring"


def _is_alkyl(name: str) -> bool:
    """Whether a name is that of a group of carbon, or empty."""
    return not name or name.endswith("yl") and name[0].islower()
