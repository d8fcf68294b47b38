import numpy as np
import pytest
import torch
from rdkit import Chem

from molinterp.io.classifier_files import shipped_classifiers
from molinterp.realism.settings import Descent
from molinterp.training.data.batches import gather
from molinterp.training.data.feature_targets import with_feature_targets
from molinterp.training.data.recombination import with_recombined
from molinterp.training.data.settings import BatchOrder
from molinterp.training.vae.settings import LossSettings, VAETraining
from molinterp.training.vae.trainer import Trainer
from tests.conftest import SMALL, SMALL_SIZES

pytestmark = pytest.mark.weights

NAMES = ("bbb", "soluble")
CLASSIFIERS = {name: shipped_classifiers()[name] for name in NAMES}


@pytest.fixture(scope="module")
def scored(small_corpus, tmp_path_factory):
    return with_feature_targets(small_corpus, CLASSIFIERS, tmp_path_factory.mktemp("targets"))


def test_the_targets_are_the_log_odds_of_the_classifiers_standardised(scored):
    truth = np.stack([c.log_odds([Chem.MolFromSmiles(s) for s in SMALL]) for c in CLASSIFIERS.values()], 1)
    n = len(SMALL)
    np.testing.assert_allclose(
        scored.feature_targets[:n], (truth - truth.mean(0)) / truth.std(0), rtol=1e-4, atol=1e-5
    )
    assert scored.features == NAMES


def test_batches_carry_the_targets_of_their_molecules(scored):
    rows = [7, 2, 30]
    np.testing.assert_array_equal(gather(scored, rows).feature_targets.numpy(), scored.feature_targets[rows])


def test_recombined_compounds_are_scored_with_the_rest(small_corpus, tmp_path):
    more = with_feature_targets(with_recombined(small_corpus, 8, tmp_path), CLASSIFIERS, tmp_path)
    assert len(more) > len(small_corpus) == len(more) - more.n_recombined
    assert more.feature_targets.shape == (len(more), len(NAMES)) and np.isfinite(more.feature_targets).all()


def test_no_classifier_leaves_the_corpus_as_it_is(small_corpus, tmp_path):
    assert with_feature_targets(small_corpus, {}, tmp_path) is small_corpus
    assert gather(small_corpus, [0]).feature_targets is None


def test_finished_chunks_are_not_scored_again(small_corpus, tmp_path):
    whole = with_feature_targets(small_corpus, CLASSIFIERS, tmp_path / "a", chunk_size=20)
    (folder,) = (tmp_path / "a").iterdir()
    assert [p.name for p in folder.iterdir()] == ["log_odds.npy"]
    # As a run that was stopped after its first chunk leaves it.
    stopped = tmp_path / "b" / folder.name
    stopped.mkdir(parents=True)
    np.save(stopped / "00000000.npy", np.full((20, 2), 5.0, np.float32))
    resumed = with_feature_targets(small_corpus, CLASSIFIERS, tmp_path / "b", chunk_size=20)
    raw = np.load(stopped / "log_odds.npy")
    assert (raw[:20] == 5.0).all()
    np.testing.assert_array_equal(raw[20:], np.load(folder / "log_odds.npy")[20:])
    assert not np.array_equal(resumed.feature_targets, whole.feature_targets)


def test_a_row_without_targets_changes_nothing(scored, tmp_path):
    unknown = scored.feature_targets.copy()
    unknown[:] = np.nan
    weights = []
    for i, values in enumerate((unknown, None)):
        corpus = type(scored)(**{**vars(scored), "feature_targets": values})
        settings = VAETraining(n_steps=3, order=BatchOrder(16), sizes=SMALL_SIZES, bf16=False)
        trainer = Trainer(corpus, settings, tmp_path / str(i))
        trainer.run()
        weights.append(trainer.model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_the_latent_space_learns_the_targets_and_the_training_resumes(scored, tmp_path):
    settings = VAETraining(
        n_steps=400,
        order=BatchOrder(32),
        loss=LossSettings(kl_weight=0.01, kl_start=0.0, feature_weight=1.0),
        descent=Descent(learning_rate=5e-3, n_warm_up=200),
        sizes=SMALL_SIZES,
    )
    trainer = Trainer(scored, settings, tmp_path / "checkpoint")
    before = trainer.validate()["feature_r2"]
    trainer.run()
    after = trainer.validate()["feature_r2"]
    assert before < 0.2 and after > 0.9
    assert Trainer(scored, settings, tmp_path / "checkpoint").validate()["feature_r2"] == after
