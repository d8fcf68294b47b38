"""Record the paths of `cases.json`: `python -m tests.golden.record`.

A change of the code that should change no path changes no byte of them. A case holds the arguments of
`molinterp path`, called in this folder; its CSV and JSON are stored beside it.
"""

from __future__ import annotations

import json
import sys
from contextlib import chdir
from pathlib import Path

import numpy
import rdkit
import torch

HERE = Path(__file__).parent
CASES: dict[str, list[str]] = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))


def versions() -> dict[str, str]:
    """What the bytes of a path depend on beside the code."""
    return {
        "torch": torch.__version__.partition("+")[0],
        "rdkit": rdkit.__version__,
        "numpy": numpy.__version__,
        "processor": torch.backends.cpu.get_cpu_capability(),
    }


def answers(case: str, folder: Path) -> dict[str, str]:
    """Suffix to text of the files that `molinterp path` writes for a case, numbered ones joined."""
    from molinterp.cli.main import cli

    outputs = [a for suffix in (".csv", ".json") for a in ("-o", str(folder / f"path{suffix}"))]
    # No clock: on a busy machine a limit would end the search elsewhere.
    with chdir(HERE):
        cli(["path", *CASES[case], *outputs, "--quiet", "--timeout", "36000"], standalone_mode=False)
    texts = {
        suffix: [p.read_text(encoding="utf-8").strip("\n") for p in sorted(folder.glob(f"*{suffix}"))]
        for suffix in (".csv", ".json")
    }
    return {".csv": "\n".join(texts[".csv"]) + "\n", ".json": "[" + ",\n".join(texts[".json"]) + "]\n"}


def main() -> None:
    import tempfile

    torch.set_num_threads(1)
    for case in sys.argv[1:] or CASES:
        with tempfile.TemporaryDirectory() as folder:
            for suffix, text in answers(case, Path(folder)).items():
                (HERE / f"{case}{suffix}").write_text(text, encoding="utf-8")
    (HERE / "versions.json").write_text(json.dumps(versions(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
