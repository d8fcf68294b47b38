import numpy as np
import pytest
import torch
from rdkit import Chem

from molinterp.io.classifier_files import shipped_classifiers
from molinterp.training.data import feature_targets as odds
from molinterp.training.data.batches import gather
from molinterp.training.data.feature_targets import with_odds
from molinterp.training.data.recombination import with_recombined
from molinterp.training.vae.trainer import Trainer, TrainingConfig, sizes_for
from tests.conftest import SMALL

NAMES = ("bbb", "soluble")
CLASSIFIERS = {name: shipped_classifiers()[name] for name in NAMES}
SIZES = {"latent_dim": 8, "embedding_dim": 24, "encoder_dim": 32, "decoder_dim": 64, "head_dim": 32}


@pytest.fixture(scope="module")
def taught(small_corpus, tmp_path_factory):
    return with_odds(small_corpus, CLASSIFIERS, tmp_path_factory.mktemp("odds"))


def test_the_odds_are_the_classifiers_own_standardised(taught):
    truth = np.stack([c.log_odds([Chem.MolFromSmiles(s) for s in SMALL]) for c in CLASSIFIERS.values()], 1)
    n = len(SMALL)
    np.testing.assert_allclose(taught.odds[:n], (truth - truth.mean(0)) / truth.std(0), rtol=1e-4, atol=1e-5)
    assert taught.features == NAMES


def test_batches_carry_the_odds_of_their_molecules(taught):
    rows = [7, 2, 30]
    np.testing.assert_array_equal(gather(taught, rows).odds.numpy(), taught.odds[rows])


def test_recombined_compounds_are_scored_with_the_rest(small_corpus, tmp_path):
    more = with_odds(with_recombined(small_corpus, 8, tmp_path), CLASSIFIERS, tmp_path)
    assert len(more) > len(small_corpus) == len(more) - more.n_recombined
    assert more.odds.shape == (len(more), len(NAMES)) and np.isfinite(more.odds).all()


def test_no_classifier_leaves_the_corpus_as_it_is(small_corpus, tmp_path):
    assert with_odds(small_corpus, {}, tmp_path) is small_corpus
    assert gather(small_corpus, [0]).odds is None


def test_finished_chunks_are_not_scored_again(small_corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(odds, "CHUNK", 20)
    whole = with_odds(small_corpus, CLASSIFIERS, tmp_path / "a")
    (folder,) = (tmp_path / "a").iterdir()
    assert [p.name for p in folder.iterdir()] == ["odds.npy"]
    # As a run that was stopped after its first chunk leaves it.
    stopped = tmp_path / "b" / folder.name
    stopped.mkdir(parents=True)
    np.save(stopped / "00000000.npy", np.full((20, 2), 5.0, np.float32))
    resumed = with_odds(small_corpus, CLASSIFIERS, tmp_path / "b")
    raw = np.load(stopped / "odds.npy")
    assert (raw[:20] == 5.0).all()
    np.testing.assert_array_equal(raw[20:], np.load(folder / "odds.npy")[20:])
    assert not np.array_equal(resumed.odds, whole.odds)


def test_a_row_without_odds_teaches_nothing(taught, tmp_path):
    unknown = taught.odds.copy()
    unknown[:] = np.nan
    weights = []
    for i, values in enumerate((unknown, None)):
        corpus = type(taught)(**{**vars(taught), "odds": values})
        config = TrainingConfig(n_steps=3, batch_size=16, bf16=False)
        trainer = Trainer(corpus, config, sizes_for(corpus, **SIZES), tmp_path / str(i))
        trainer.run()
        weights.append(trainer.model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_the_latent_space_learns_the_odds_and_the_training_resumes(taught, tmp_path):
    config = TrainingConfig(
        n_steps=400, batch_size=32, learning_rate=5e-3, kl_weight=0.01, kl_start=0.0, feature_weight=1.0
    )
    sizes = sizes_for(taught, **SIZES)
    trainer = Trainer(taught, config, sizes, tmp_path / "checkpoint")
    before = trainer.validate()["feature_r2"]
    trainer.run()
    after = trainer.validate()["feature_r2"]
    assert before < 0.2 and after > 0.9
    assert Trainer(taught, config, sizes, tmp_path / "checkpoint").validate()["feature_r2"] == after
