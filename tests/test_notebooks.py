"""The notebooks of the documentation, from the first cell to the last, each in a kernel of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nbmake", reason="notebooks are run by nbmake: pip install nbmake ipykernel matplotlib")
pytest.importorskip("matplotlib", reason="notebooks draw with matplotlib")
ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def test_all_notebooks_run(tmp_path):
    assert len(NOTEBOOKS) == 4
    options = ("--nbmake", "--nbmake-timeout=120", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path))
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, *options, *map(str, NOTEBOOKS)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: n.stem)
def test_notebooks_are_kept_without_output(notebook):
    import json

    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert all(not c.get("outputs") and c.get("execution_count") is None for c in cells)
