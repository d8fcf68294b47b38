from dataclasses import replace

import pytest
import torch

from molinterp.chem.properties import PROPERTIES
from molinterp.errors import InputError
from molinterp.model.bundle import Bundle
from molinterp.model.quantisation import packed, unpacked
from molinterp.training.vae.export import bundle_of, starting_weights
from molinterp.training.vae.settings import NetworkSizes, VAETraining
from molinterp.training.vae.trainer import Trainer, sizes_for
from tests.conftest import SMALL_SIZES


def test_a_bundle_records_what_it_was_trained_on(small_trainer, small_corpus):
    training = bundle_of(small_trainer, "x").training
    assert training["data_sha256"] == small_corpus.sha256
    assert training["n_train"] == len(small_corpus)
    assert training["steps"] == small_trainer.state.step == 600
    assert training["n_seen"] == 600 * 32
    assert bundle_of(small_trainer, "x").property_names == tuple(PROPERTIES)


def test_a_bundle_remembers_the_training_that_it_began_from(small_trainer):
    first = bundle_of(small_trainer, "first").training
    assert "before" not in first
    second = bundle_of(small_trainer, "second", first).training
    assert second["before"] == {key: first[key] for key in ("n_seen", "steps", "minutes")}
    assert bundle_of(small_trainer, "third", second).training["before"]["before"] == second["before"]


def test_a_warm_start_begins_with_the_bundles_weights(saved_bundle, small_corpus, small_trainer, tmp_path):
    own, sizes = SMALL_SIZES, small_trainer.model.config
    weights = starting_weights(Bundle.load(saved_bundle), small_corpus.tokenizer, sizes)
    trainer = Trainer(small_corpus, VAETraining(n_steps=1, sizes=own), tmp_path / "checkpoint")
    trainer.warm_start(weights)
    for name, value in unpacked(packed(small_trainer.model.state_dict())).items():
        assert torch.equal(trainer.model.state_dict()[name], value), name
    assert trainer.validate()["reconstruction"] == 1.0


def test_a_warm_start_of_other_sizes_is_turned_down(saved_bundle, small_corpus):
    sizes = sizes_for(small_corpus, NetworkSizes(latent_dim=9))
    with pytest.raises(
        InputError, match="bundle 'small' must have the vocabulary and the sizes of the training"
    ):
        starting_weights(Bundle.load(saved_bundle), small_corpus.tokenizer, sizes)


def test_a_warm_start_leaves_heads_of_another_shape_out(small_bundle, small_corpus, small_trainer, tmp_path):
    own, sizes = SMALL_SIZES, small_trainer.model.config
    replace(small_bundle, model=small_bundle.model.with_head_blocks(2)).save(tmp_path / "b")
    weights = starting_weights(Bundle.load(tmp_path / "b"), small_corpus.tokenizer, sizes)
    trainer = Trainer(small_corpus, VAETraining(n_steps=1, sizes=own), tmp_path / "checkpoint")
    fresh = {k: v.clone() for k, v in trainer.model.state_dict().items()}
    trainer.warm_start(weights)
    assert trainer.validate()["reconstruction"] == 1.0
    left_out = fresh.keys() - weights.keys()
    assert {k.partition(".")[0] for k in left_out} == {"fingerprint_head", "property_head"}
    assert all(torch.equal(trainer.model.state_dict()[k], fresh[k]) for k in left_out)


def test_a_warm_start_adds_what_grows_and_does_nothing_yet(
    saved_bundle, small_corpus, small_trainer, tmp_path
):
    own = replace(SMALL_SIZES, encoder_blocks=1, upper_dim=4, condition_dim=4)
    sizes = sizes_for(small_corpus, own)
    weights = starting_weights(Bundle.load(saved_bundle), small_corpus.tokenizer, sizes)
    trainer = Trainer(small_corpus, VAETraining(n_steps=1, sizes=own), tmp_path / "checkpoint")
    trainer.warm_start(weights)
    assert trainer.validate()["reconstruction"] == 1.0
