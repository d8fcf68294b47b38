from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

import pytest
import torch
from rdkit import Chem

from molinterp import pretrained
from molinterp.chem.familiar import FILE as FAMILIAR_FILE
from molinterp.io.classifier_files import shipped_classifiers
from molinterp.model.bundle import Bundle
from molinterp.realism.settings import Descent
from molinterp.training.data.corpus import Corpus, prepare
from molinterp.training.data.settings import BatchOrder
from molinterp.training.vae.export import bundle_of
from molinterp.training.vae.settings import LossSettings, NetworkSizes, VAETraining
from molinterp.training.vae.trainer import Trainer

SMALL = [
    "CCO",
    "CCN",
    "CCCO",
    "CCCN",
    "CC(C)O",
    "CC(=O)O",
    "CC(N)=O",
    "c1ccccc1",
    "Cc1ccccc1",
    "Oc1ccccc1",
    "Nc1ccccc1",
    "OC(=O)c1ccccc1",
    "NC(=O)c1ccccc1",
    "COc1ccccc1",
    "CNc1ccccc1",
    "Clc1ccccc1",
    "Fc1ccccc1",
    "c1ccncc1",
    "Cc1ccncc1",
    "C1CCNCC1",
    "CN1CCNCC1",
    "C1CCOCC1",
    "O=C1CCCN1",
    "CCOC(C)=O",
    "CCCCO",
    "CCCCN",
    "CC(C)CO",
    "C[C@H](N)C(=O)O",
    "C[C@@H](N)C(=O)O",
    "C/C=C/C",
    "C/C=C\\C",
    "CC#N",
]
SMALL = [Chem.CanonSmiles(s) for s in SMALL]
SMALL_SIZES = NetworkSizes(
    latent_dim=8,
    embedding_dim=24,
    encoder_dim=32,
    decoder_dim=64,
    head_dim=32,
    encoder_blocks=0,
    condition_dim=0,
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One process for files that are asked for by name: further ones would only start up."""
    return None if config.args_source is pytest.Config.ArgsSource.TESTPATHS else 0


class _Withheld:
    """What a test that is not marked `weights` finds in place of pretrained/: tables, but no network."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __truediv__(self, name: str) -> Path | _Withheld:
        if name in ("downloads.json", FAMILIAR_FILE):
            return self._path / name
        return Path("no classifiers") if name == "features" else _Withheld(self._path / name)

    def __getattr__(self, name: str) -> NoReturn:
        pytest.fail(f"{self._path} is needed: mark the test with `pytest.mark.weights`")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Keep the weights that ship from tests that do not say that they need them, fixtures included."""
    if item.get_closest_marker("weights"):
        return (yield)
    shipped_classifiers.cache_clear()
    with patch.object(pretrained, "_HERE", _Withheld(Path(pretrained.__file__).parent)):
        result = yield
    shipped_classifiers.cache_clear()
    return result


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """32 molecules, all for training."""
    folder = tmp_path_factory.mktemp("corpus")
    table = folder / "molecules.csv"
    table.write_text("smiles,split\n" + "".join(f"{s},train\n" for s in SMALL * 5))
    return prepare(table, folder / "cache", "selfies", 60)


@pytest.fixture(scope="session")
def small_trainer(small_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """A small network trained on them until it knows them by heart."""
    settings = VAETraining(
        n_steps=600,
        order=BatchOrder(batch_size=32),
        loss=LossSettings(kl_weight=0.01, kl_start=0.0),
        descent=Descent(learning_rate=5e-3, n_warm_up=200),
        sizes=SMALL_SIZES,
    )
    trainer = Trainer(small_corpus, settings, tmp_path_factory.mktemp("checkpoint"))
    trainer.run()
    return trainer


@pytest.fixture(scope="session")
def small_bundle(small_trainer: Trainer) -> Bundle:
    return bundle_of(small_trainer, "small")


@pytest.fixture
def saved_bundle(small_bundle: Bundle, tmp_path: Path) -> Path:
    small_bundle.save(tmp_path / "small")
    return tmp_path / "small"
