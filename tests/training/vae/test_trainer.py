import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from molinterp.errors import InputError
from molinterp.training.vae import checkpoint as checkpoint_module
from molinterp.training.vae import trainer as loop
from molinterp.training.vae.data_parallel import parts_pool
from molinterp.training.vae.loss import Losses
from molinterp.training.vae.trainer import Trainer, TrainingConfig, sizes_for

DIMS = {"latent_dim": 4, "embedding_dim": 8, "encoder_dim": 8, "decoder_dim": 16, "head_dim": 8}


def _weights(trainer):
    return {k: v.clone() for k, v in trainer.model.state_dict().items()}


def test_it_memorises_32_molecules(small_trainer):
    figures = small_trainer.validate()
    assert figures["reconstruction"] == 1.0
    assert figures["property_r2"] > 0.8


def test_an_interrupted_run_ends_where_a_whole_one_does(small_corpus, tmp_path):
    config = TrainingConfig(n_steps=12, batch_size=16, bf16=False)
    sizes = sizes_for(small_corpus, **DIMS)
    whole = Trainer(small_corpus, config, sizes, tmp_path / "whole")
    whole.run()

    class Killed(Exception):
        pass

    def kill(report):
        raise Killed

    first = Trainer(small_corpus, config, sizes, tmp_path / "parts")
    try:
        first.run(kill, save_every=0.0)
    except Killed:
        pass
    assert first.state.step == 10
    resumed = Trainer(small_corpus, config, sizes, tmp_path / "parts")
    assert 0 < resumed.state.step < 12
    resumed.run()
    assert resumed.state.n_molecules == whole.state.n_molecules
    for name, value in _weights(whole).items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name


def test_a_run_that_goes_on_says_what_it_began_with(small_corpus, tmp_path):
    config, sizes = TrainingConfig(n_steps=2, batch_size=16), sizes_for(small_corpus, **DIMS)
    Trainer(small_corpus, config, sizes, tmp_path).run()
    assert Trainer(small_corpus, config, sizes, tmp_path).changes == []
    other = replace(config, n_steps=4, learning_rate=1e-4)
    changes = Trainer(small_corpus, other, sizes, tmp_path).changes
    assert changes == ["learning_rate 0.0014, now 0.0001"]  # a longer budget is no change
    assert Trainer(small_corpus, config, sizes, tmp_path / "new").changes == []
    # A checkpoint from before there was such a field had its default.
    header = json.loads((tmp_path / "state.json").read_text())
    del header["config"]["length_power"]
    (tmp_path / "state.json").write_text(json.dumps(header))
    longer = Trainer(small_corpus, replace(config, length_power=1.0), sizes, tmp_path)
    assert longer.changes == ["length_power 0.0, now 1.0"]


def test_a_run_that_goes_on_says_that_its_batches_had_other_parts(small_corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SMALLEST_PART", 4)
    config, sizes = TrainingConfig(n_steps=2, batch_size=16), sizes_for(small_corpus, **DIMS)
    Trainer(small_corpus, config, sizes, tmp_path, threads=2).run()
    assert Trainer(small_corpus, config, sizes, tmp_path, threads=2).changes == []
    assert Trainer(small_corpus, config, sizes, tmp_path, threads=9).changes == ["n_parts 2, now 4"]


def test_the_learning_rate_and_the_weights_follow_the_seed(small_corpus, tmp_path):
    sizes = sizes_for(small_corpus, **DIMS)
    runs = []
    for i, seed in enumerate((0, 0, 1)):
        trainer = Trainer(
            small_corpus, TrainingConfig(n_steps=3, batch_size=16, seed=seed), sizes, tmp_path / str(i)
        )
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
    monkeypatch.setattr(loop, "SMALLEST_PART", 5)
    config, sizes = TrainingConfig(n_steps=1, batch_size=16, bf16=False), sizes_for(small_corpus, **DIMS)
    one, several = (Trainer(small_corpus, config, sizes, tmp_path / str(n), threads=n) for n in (1, threads))
    points = []
    for trainer in (one, several):
        trainer.run()
        points.append(torch.cat(list(trainer._seen)))
    torch.testing.assert_close(*points)
    for (name, a), b in zip(one.model.named_parameters(), several.model.parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None), name
        if a.grad is not None:
            torch.testing.assert_close(a.grad, b.grad, msg=name)


def test_molecules_are_quiet_once_the_kl_term_is_fully_on(small_corpus, tmp_path, monkeypatch):
    shares, real = [], loop.losses

    def recorded(*arguments):
        shares.append(arguments[-1])
        return real(*arguments)

    monkeypatch.setattr(loop, "losses", recorded)
    config = TrainingConfig(n_steps=10, batch_size=16, quiet_share=0.75, kl_ramp=0.6)
    Trainer(small_corpus, config, sizes_for(small_corpus, **DIMS), tmp_path).run()
    assert shares == [0.0] * 6 + [0.75] * 4


@pytest.mark.parametrize(("wanted", "first"), [(0.1, 0.05), (0.03, 0.03)])
def test_the_kl_term_begins_no_heavier_than_it_ends(small_corpus, tmp_path, monkeypatch, wanted, first):
    weights, real = [], Losses.total

    def recorded(losses, kl_weight, *others):
        weights.append(kl_weight)
        return real(losses, kl_weight, *others)

    monkeypatch.setattr(Losses, "total", recorded)
    config = TrainingConfig(n_steps=10, batch_size=16, kl_weight=wanted, kl_start=0.05, kl_ramp=0.5)
    Trainer(small_corpus, config, sizes_for(small_corpus, **DIMS), tmp_path).run()
    rising = [first + (wanted - first) * k / 5 for k in range(5)]
    assert weights == pytest.approx([*rising, *[wanted] * 5])


def test_a_run_on_two_threads_is_the_same_each_time(small_corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SMALLEST_PART", 8)
    config, sizes = TrainingConfig(n_steps=6, batch_size=16), sizes_for(small_corpus, **DIMS)
    runs = []
    for i in range(3):
        trainer = Trainer(small_corpus, config, sizes, tmp_path / str(i), threads=2)
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
    config = TrainingConfig(minutes=2.0, n_steps=100)
    assert config.progress(50, 0.0) == 0.5
    assert config.progress(10, 60.0) == 0.5
    assert config.progress(10, 500.0) == 1.0


TAUGHT = {"odds": np.zeros((160, 2), np.float32), "features": ("bbb", "soluble")}


@pytest.fixture
def checkpoint(small_corpus, tmp_path):
    Trainer(small_corpus, TrainingConfig(n_steps=2), sizes_for(small_corpus, **DIMS), tmp_path).run()
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "dims", "message"),
    [
        ({}, {"latent_dim": 5}, "another training: latent_dim 4, now 5. Remove that folder"),
        (TAUGHT, {}, "another training: features none, now bbb, soluble. Remove that folder"),
        ({"n_recombined": 3}, {}, "another training: n_recombined 0, now 3. Remove that folder"),
        ({"sha256": "0f"}, {"head_dim": 9}, "data_sha256 [0-9a-f]{64}, now 0f; head_dim 8, now 9. Remove"),
    ],
)
def test_a_checkpoint_of_another_training_is_turned_down(checkpoint, small_corpus, changes, dims, message):
    corpus = replace(small_corpus, **changes)
    with pytest.raises(InputError, match=message):
        Trainer(corpus, TrainingConfig(n_steps=4), sizes_for(corpus, **DIMS | dims), checkpoint)


def test_a_checkpoint_survives_a_crash_while_the_same_step_is_saved_again(
    checkpoint, small_corpus, monkeypatch
):
    def crash(tensors, path):
        path.write_bytes(b"half of it")
        raise OSError("no space left")

    options = (small_corpus, TrainingConfig(n_steps=2), sizes_for(small_corpus, **DIMS), checkpoint)
    finished = Trainer(*options)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_module, "save_file", crash)
        with pytest.raises(OSError, match="no space left"):
            finished.run()
    assert torch.equal(Trainer(*options).model.output.weight, finished.model.output.weight)
    finished.save()
    assert {p.name for p in checkpoint.iterdir()} == {"state.json", "step-2.safetensors"}


def test_a_checkpoint_that_says_less_is_gone_on_from(checkpoint, small_corpus):
    header = json.loads((checkpoint / "state.json").read_text())
    for key in ("features", "representation", "data_sha256", "n_recombined"):
        del header[key]
    del header["sizes"]["head_blocks"], header["sizes"]["upper_dim"]
    (checkpoint / "state.json").write_text(json.dumps(header))
    trainer = Trainer(small_corpus, TrainingConfig(n_steps=4), sizes_for(small_corpus, **DIMS), checkpoint)
    assert trainer.state.step == 2
    # What it does not say was not there then.
    with pytest.raises(InputError, match="upper_dim 0, now 3"):
        sizes = sizes_for(small_corpus, **DIMS | {"upper_dim": 3})
        Trainer(small_corpus, TrainingConfig(n_steps=4), sizes, checkpoint)
