"""Write options.md, the reference of a path's options, from their declarations: `python docs/options.py`."""

from __future__ import annotations

from pathlib import Path

from molinterp.options import Flag, default_of, options_of
from molinterp.paths.request import PathRequest

TARGET = Path(__file__).with_suffix(".md")
HEAD = """# Options of a path

An option has one name: `n_molecules=9` in Python is `--n-molecules 9` on the command line and
`n_molecules = 9` in the TOML file that `--config` reads (`--print-config` writes one). `start`, `end`,
`via` and `names` are arguments of a command, not flags. Made by `python docs/options.py`.
"""


def text() -> str:
    """The page."""
    lines, heading = [HEAD], ""
    for name, (of, option) in options_of(PathRequest).items():
        if option.group != heading:
            heading = option.group
            lines.append(f"\n## {heading}\n\n| option | value | default | meaning |\n|---|---|---|---|\n")
        value = "true or false" if isinstance(option.check, Flag) else option.check.metavar or "NAME"
        default = default_of(of)
        plain = ", ".join(default) if isinstance(default, tuple) else "" if default is None else str(default)
        shown = f"`{plain}`" if plain and plain != "{}" else ""
        lines.append(f"| `{name}` | {value} | {shown} | {option.help} |\n")
    return "".join(lines)


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
