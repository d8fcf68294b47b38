from dataclasses import replace

import numpy as np
import pytest
import torch

from molinterp.errors import InputError
from molinterp.realism.settings import Descent
from molinterp.training.data.settings import BatchOrder
from molinterp.training.vae import checkpoint as checkpoint_module
from molinterp.training.vae import trainer as loop
from molinterp.training.vae.data_parallel import parts_pool
from molinterp.training.vae.loss import Losses
from molinterp.training.vae.settings import NetworkSizes, VAETraining
from molinterp.training.vae.trainer import Trainer

TINY = NetworkSizes(4, 8, 8, 16, 8, encoder_blocks=0, condition_dim=0)


def settings_of(n_steps=2, batch_size=16, **others):
    return VAETraining(n_steps=n_steps, order=BatchOrder(batch_size), sizes=TINY, **others)


def _weights(trainer):
    return {k: v.clone() for k, v in trainer.model.state_dict().items()}


def test_it_memorises_32_molecules(small_trainer):
    figures = small_trainer.validate()
    assert figures["reconstruction"] == 1.0
    assert figures["property_r2"] > 0.8


class Killed(Exception):
    pass


class Killer:
    """Progress that kills a run when it is first told a figure."""

    def __call__(self, items, total, label):
        return items

    def show(self, figures):
        raise Killed

    def note(self, text):
        pass


def test_an_interrupted_run_ends_where_a_whole_one_does(small_corpus, tmp_path):
    settings = settings_of(12, bf16=False, save_every=0.0)
    whole = Trainer(small_corpus, settings, tmp_path / "whole")
    whole.run()
    first = Trainer(small_corpus, settings, tmp_path / "parts")
    with pytest.raises(Killed):
        first.run(Killer())
    assert first.state.step == 10
    resumed = Trainer(small_corpus, settings, tmp_path / "parts")
    assert 0 < resumed.state.step < 12
    resumed.run()
    assert resumed.state.n_molecules == whole.state.n_molecules
    for name, value in _weights(whole).items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name


def test_each_thousandth_of_the_budget_is_told_once(small_corpus, tmp_path):
    told = []

    class Counter(Killer):
        def __call__(self, items, total, label):
            told.append((total, label, len(list(items))))
            return []

    Trainer(small_corpus, settings_of(7), tmp_path).run(Counter())
    assert told == [(1_000, "train", 1_000)]


def test_a_resumed_run_says_what_it_began_with(small_corpus, tmp_path):
    settings = settings_of()
    Trainer(small_corpus, settings, tmp_path).run()
    assert Trainer(small_corpus, settings, tmp_path).changes == []
    other = settings_of(4, descent=Descent(1e-4, n_warm_up=200))
    changes = Trainer(small_corpus, other, tmp_path).changes
    assert changes == ["learning_rate 0.0014, now 0.0001"]  # a longer budget is no change
    assert Trainer(small_corpus, settings, tmp_path / "new").changes == []


def test_a_resumed_run_says_that_its_batches_had_other_parts(small_corpus, tmp_path):
    settings = settings_of(smallest_part=4)
    Trainer(small_corpus, settings, tmp_path, threads=2).run()
    assert Trainer(small_corpus, settings, tmp_path, threads=2).changes == []
    assert Trainer(small_corpus, settings, tmp_path, threads=9).changes == ["n_parts 2, now 4"]


def test_the_learning_rate_and_the_weights_follow_the_seed(small_corpus, tmp_path):
    runs = []
    for i, seed in enumerate((0, 0, 1)):
        trainer = Trainer(small_corpus, settings_of(3, seed=seed), tmp_path / str(i))
        trainer.run()
        runs.append(_weights(trainer))
    assert all(torch.equal(runs[0][k], runs[1][k]) for k in runs[0])
    assert any(not torch.equal(runs[0][k], runs[2][k]) for k in runs[0])


@pytest.mark.parametrize("threads", [2, 3, 16])
def test_the_parts_of_a_batch_give_the_gradient_of_the_whole(small_corpus, tmp_path, monkeypatch, threads):
    def without_noise(model, batch, *_):
        mean, log_variance = model.encode(batch.tokens)
        nothing = mean.new_zeros(())
        wide = mean.exp().sum(1).mean()
        bits = model.bit_logits(mean).square().mean()
        return Losses(wide, log_variance.square().mean(), bits, nothing, nothing, nothing, mean.detach())

    monkeypatch.setattr(loop, "losses", without_noise)
    settings = settings_of(1, bf16=False, smallest_part=5)
    one, several = (Trainer(small_corpus, settings, tmp_path / str(n), threads=n) for n in (1, threads))
    points = []
    for trainer in (one, several):
        trainer.run()
        points.append(torch.cat(list(trainer._seen)))
    torch.testing.assert_close(*points)
    for (name, a), b in zip(one.model.named_parameters(), several.model.parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None), name
        if a.grad is not None:
            torch.testing.assert_close(a.grad, b.grad, msg=name)


def test_a_run_on_two_threads_is_the_same_each_time(small_corpus, tmp_path):
    settings = settings_of(6, smallest_part=8)
    runs = []
    for i in range(3):
        trainer = Trainer(small_corpus, settings, tmp_path / str(i), threads=2)
        trainer.run()
        runs.append(_weights(trainer))
    assert all(torch.equal(runs[0][k], other[k]) for other in runs[1:] for k in runs[0])


def test_torch_has_its_own_threads_again_after_the_parts():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with parts_pool(3, 3) as pool:
            assert list(pool.map(lambda _: torch.get_num_threads(), range(3))) == [1, 1, 1]
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_the_first_budget_to_run_out_ends_the_training():
    settings = VAETraining(minutes=2.0, n_steps=100)
    assert settings.progress(50, 0.0) == 0.5
    assert settings.progress(10, 60.0) == 0.5
    assert settings.progress(10, 500.0) == 1.0


def test_a_training_without_a_budget_is_refused():
    with pytest.raises(InputError, match="needs a budget: give `minutes` or `n_steps`"):
        VAETraining()


SCORED = {"feature_targets": np.zeros((160, 2), np.float32), "features": ("bbb", "soluble")}


@pytest.fixture
def checkpoint(small_corpus, tmp_path):
    Trainer(small_corpus, settings_of(), tmp_path).run()
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "dims", "message"),
    [
        ({}, {"latent_dim": 5}, "another training: latent_dim 4, now 5. Remove that folder"),
        (SCORED, {}, "another training: features none, now bbb, soluble. Remove that folder"),
        ({"n_recombined": 3}, {}, "another training: n_recombined 0, now 3. Remove that folder"),
        ({"sha256": "0f"}, {"head_dim": 9}, "data_sha256 [0-9a-f]{64}, now 0f; head_dim 8, now 9. Remove"),
    ],
)
def test_a_checkpoint_of_another_training_is_turned_down(checkpoint, small_corpus, changes, dims, message):
    corpus = replace(small_corpus, **changes)
    with pytest.raises(InputError, match=message):
        Trainer(corpus, replace(settings_of(4), sizes=replace(TINY, **dims)), checkpoint)


def test_a_checkpoint_survives_a_crash_while_the_same_step_is_saved_again(
    checkpoint, small_corpus, monkeypatch
):
    def crash(tensors, path):
        path.write_bytes(b"half of it")
        raise OSError("no space left")

    options = (small_corpus, settings_of(), checkpoint)
    finished = Trainer(*options)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_module, "save_file", crash)
        with pytest.raises(OSError, match="no space left"):
            finished.run()
    assert torch.equal(Trainer(*options).model.output.weight, finished.model.output.weight)
    finished.save()
    assert {p.name for p in checkpoint.iterdir()} == {"state.json", "step-2.safetensors"}
