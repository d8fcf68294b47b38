"""The arrows of the design: every import points downwards, and each layer stays out of its bounds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"molinterp": "molinterp", "molinterp.cli": "cli"} | {
    f"molinterp.{leaf}": leaf for leaf in ("data", "pretrained")
}
"""Package to the folder that holds it."""

LAYERS = (
    ("cli",),
    ("__init__",),
    ("batch",),
    ("report",),
    ("paths", "training", "sklearn"),
    ("model",),
    ("realism",),
    ("geometry", "io"),
    ("chem",),
    ("metrics", "settings"),
    ("options",),
    ("data", "pretrained", "errors"),
)
"""Top to bottom. A module may import those of its own name and those below, none beside or above."""

FORBIDDEN = {
    "geometry": ("rdkit", "molinterp.chem"),
    "chem": ("torch",),
}
"""Layer to what it never imports, in functions neither."""

LAZY = {"cli": ("torch", "rdkit", "pandas")}
"""Layer to what it imports inside functions only: `--help` must be quick."""

RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def layer_of(module: str) -> str:
    """Name in LAYERS of a dotted module; what the package itself defines belongs to `__init__`."""
    _, _, rest = module.partition(".")
    name = rest.partition(".")[0]
    return name if name in RANK else "__init__"


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def imports(node: ast.AST, package: str, is_lazy: bool = False) -> Iterator[tuple[str, bool]]:
    """Imported names below a node, and whether each waits for a function call or a type checker.

    `package` is what a leading dot stands for. `molinterp.x` read off the package counts as an import.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, is_lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            parents = package.split(".")
            base = [".".join(parents[: len(parents) - child.level + 1])] if child.level else []
            source = ".".join([*base, *([child.module] if child.module else [])])
            yield from ((f"{source}.{alias.name}", is_lazy) for alias in child.names)
        elif isinstance(child, ast.Attribute) and ast.unparse(child.value) == "molinterp":
            yield f"molinterp.{child.attr}", is_lazy
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        is_typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        yield from imports(child, package, is_lazy or is_function or is_typing)


def faults(module: str, source: str, is_package: bool = False) -> list[str]:
    """What breaks the arrows in one module, each with the module and the import named."""
    own = module.split(".")[1] if "." in module else "__init__"
    if own not in RANK:
        return [f"{module} stands in no layer: add {own!r} to LAYERS in {Path(__file__).name}"]
    package = module if is_package else module.rpartition(".")[0]
    found = []
    for name, is_lazy in imports(ast.parse(source), package):
        arrow = f"{module} imports {name}"
        if any(is_within(name, bad) for bad in FORBIDDEN.get(own, ())):
            found.append(f"{arrow}: {own} never does")
        if not is_lazy and any(is_within(name, slow) for slow in LAZY.get(own, ())):
            found.append(f"{arrow} at module level: {own} does so inside functions only")
        if not is_within(name, "molinterp") or name in ("molinterp", "molinterp.__version__"):
            continue
        target = layer_of(name)
        if target == own:
            continue
        if RANK[target] <= RANK[own]:
            side = "beside" if RANK[target] == RANK[own] else "above"
            found.append(f"{arrow}: {target} stands {side} {own}, arrows go down only")
    return found


def modules() -> Iterator[tuple[str, Path]]:
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            yield ".".join([package, *(p for p in parts if p != "__init__")]), path


MODULES = dict(modules())


@pytest.mark.parametrize("module", MODULES)
def test_arrows_point_down(module):
    path = MODULES[module]
    source = path.read_text(encoding="utf-8")
    assert faults(module, source, path.name == "__init__.py") == []


def test_modules_are_found():
    assert {"molinterp", "molinterp.errors", "molinterp.chem.parsing", "molinterp.geometry.curves"} <= set(
        MODULES
    )
    assert any(m.startswith("molinterp.cli.") for m in MODULES)


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("molinterp.geometry.maps", "import rdkit", "geometry.maps imports rdkit: geometry never does"),
        ("molinterp.geometry.maps", "def f():\n    from rdkit.Chem import QED", "imports rdkit.Chem.QED"),
        ("molinterp.geometry.maps", "from molinterp.chem import parsing", "imports molinterp.chem.parsing"),
        ("molinterp.chem.parsing", "def f():\n    import torch.nn", "imports torch.nn: chem never does"),
        ("molinterp.geometry.maps", "from molinterp.io import tables", "io stands beside geometry"),
        ("molinterp.geometry.maps", "from molinterp.realism import terms", "realism stands above geometry"),
        ("molinterp.realism.density", "from molinterp import model", "model stands above realism"),
        ("molinterp.realism.density", "from ..model import network", "imports molinterp.model.network"),
        ("molinterp.io.tables", "import molinterp.model.network", "model stands above io"),
        ("molinterp.chem.parsing", "from molinterp.io.sdf import sdf_text", "io stands above chem"),
        ("molinterp.chem.parsing", "from .. import model", "model stands above chem"),
        ("molinterp.model.bundle", "from molinterp.training.vae.trainer import Trainer", "training stands"),
        ("molinterp.model.bundle", "from molinterp import paths", "paths stands above model"),
        ("molinterp.model.bundle", "from molinterp import Bundle", "__init__ stands above model"),
        ("molinterp.model.bundle", "import molinterp\nmolinterp.paths.f()", "paths stands above"),
        ("molinterp.batch", "def f():\n    from molinterp.cli import main", "cli stands above batch"),
        ("molinterp", "from molinterp.cli.main import main", "molinterp imports molinterp.cli.main.main"),
        ("molinterp.data", "from molinterp.errors import BundleError", "errors stands beside data"),
        ("molinterp.errors", "from molinterp.chem.parsing import parse", "chem stands above errors"),
        ("molinterp.cli.path", "import pandas as pd", "imports pandas at module level"),
        ("molinterp.cli.path", "class A:\n    from rdkit import Chem", "imports rdkit.Chem at module level"),
        ("molinterp.cli.path", "try:\n    import torch\nexcept ImportError:\n    pass", "imports torch at"),
        ("molinterp.novelty", "", "molinterp.novelty stands in no layer: add 'novelty' to LAYERS"),
    ],
)
def test_a_broken_arrow_is_named(module, source, fault):
    (found,) = faults(module, source)
    assert fault in found
    assert module in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("molinterp.cli.path", "def f():\n    import torch, pandas\n    from rdkit import Chem"),
        ("molinterp.cli.path", "if TYPE_CHECKING:\n    import pandas as pd"),
        ("molinterp.cli.path", "from molinterp.cli.main import cli\nfrom molinterp import __version__"),
        ("molinterp.model.decoding", "from molinterp.io.tables import read_table\nfrom .network import X"),
        ("molinterp.training.vae.export", "import molinterp\nprint(molinterp.__version__)"),
        ("molinterp.geometry.maps", "import torch\nfrom molinterp.errors import ShapeError"),
        ("molinterp.chem.filters", "import torchlike, numpy\nfrom molinterp.data import load"),
    ],
)
def test_an_arrow_that_points_down_passes(module, source):
    assert faults(module, source) == []
