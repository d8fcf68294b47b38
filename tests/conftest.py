import sys
from pathlib import Path

import pytest
import torch
from rdkit import Chem

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


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The command line in this process: exit code, stdout and stderr."""
    from molinterp.cli.main import main

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["molinterp", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run
