from dataclasses import replace

import numpy as np
import pytest
import torch
from rdkit import Chem

from molinterp.chem.properties import describe
from molinterp.chem.similarity import ecfp4_array
from molinterp.model.bundle import Bundle
from molinterp.realism.reference_points import Reference
from molinterp.training.data.corpus import prepare
from molinterp.training.latent import heads
from molinterp.training.latent.heads import corpus_examples, fit_heads, head_examples
from tests.conftest import SMALL

TAUGHT = [s for i, s in enumerate(SMALL) if i % 4]
HELD_OUT = [s for i, s in enumerate(SMALL) if not i % 4]


@pytest.fixture(scope="module")
def untaught(small_bundle):
    """The small bundle with heads that know nothing."""
    torch.manual_seed(0)
    model = small_bundle.model.with_head_blocks(0)
    for head in (model.fingerprint_head, model.property_head):
        for layer in (head[0], head[-1]):
            layer.reset_parameters()
    return replace(small_bundle, model=model)


@pytest.fixture(scope="module")
def held_out(small_bundle):
    return Reference(small_bundle.encode(HELD_OUT), tuple(HELD_OUT))


@pytest.fixture(scope="module")
def taught(untaught, held_out):
    return fit_heads(untaught, head_examples(untaught, TAUGHT, 100), held_out, n_steps=(80, 120))


def test_examples_are_the_compounds_as_the_encoder_and_rdkit_see_them(small_bundle, monkeypatch):
    monkeypatch.setattr(heads, "SLOW", {"qed": 5})
    examples = head_examples(small_bundle, SMALL, 20, seed=1)
    assert len(examples) == 20
    mean, deviation = small_bundle.posterior(SMALL)
    for i in range(20):
        j = int((mean - examples.mean[i]).abs().sum(1).argmin())
        mol = Chem.MolFromSmiles(SMALL[j])
        torch.testing.assert_close(examples.deviation[i], deviation[j], rtol=1e-4, atol=1e-5)
        assert (np.unpackbits(examples.bits[i]) == ecfp4_array(mol)).all()
        wanted = torch.tensor([float(v) for v in describe(mol).values()])
        known = ~examples.properties[i].isnan()
        assert known.all() if i < 5 else int((~known).sum()) == 1
        torch.testing.assert_close(examples.properties[i][known], wanted[known])


@pytest.mark.parametrize("notation", ["smiles", "selfies"])
def test_a_prepared_corpus_says_of_the_compounds_what_rdkit_says(small_bundle, tmp_path, notation):
    table = tmp_path / "m.csv"
    rows = [f"{s},{'valid' if s in HELD_OUT else 'train'}\n" for s in SMALL]
    # Five of each: rarer symbols do not get into a vocabulary.
    table.write_text("smiles,split\n" + "".join(rows * 5))
    corpus = prepare(table, tmp_path / "cache", notation, 200)
    examples = corpus_examples(small_bundle, corpus)
    direct = head_examples(small_bundle, TAUGHT, len(TAUGHT))
    assert len(examples) == 5 * len(direct)
    for i in range(len(examples)):
        j = int((direct.mean - examples.mean[i]).abs().sum(1).argmin())
        torch.testing.assert_close(examples.deviation[i], direct.deviation[j], rtol=1e-4, atol=1e-5)
        assert (examples.bits[i] == direct.bits[j]).all()
        torch.testing.assert_close(examples.properties[i], direct.properties[j])


def test_taught_heads_beat_the_old_ones_on_held_out_compounds(taught):
    facts = taught.realism.facts["heads"]
    before, after = facts["before"], facts["after"]
    assert after["fingerprint_tanimoto"] > before["fingerprint_tanimoto"] + 0.1
    for name in ("heavy_atoms", "mw", "aromatic_rings"):
        assert after["property_r2"][name] > max(0.3, before["property_r2"][name])


def test_encoder_and_decoder_stay_and_heads_grow(untaught, taught):
    assert taught.model.config == replace(untaught.model.config, head_blocks=3)
    weights = taught.model.state_dict()
    for name, value in untaught.model.state_dict().items():
        if not name.startswith(("fingerprint_head.", "property_head.")):
            assert torch.equal(weights[name], value), name
    z = untaught.encode(SMALL[:4])
    assert taught.decode(z) == untaught.decode(z)
    assert not any(
        p.requires_grad and p.grad is not None and p.grad.isnan().any() for p in taught.model.parameters()
    )


def test_one_seed_one_fit(untaught, held_out, taught):
    examples = head_examples(untaught, TAUGHT, 100)
    before = torch.get_rng_state()
    again = fit_heads(untaught, examples, held_out, n_steps=(80, 120))
    assert torch.equal(torch.get_rng_state(), before)
    z = torch.randn(5, untaught.latent_dim)
    assert torch.equal(again.model.bit_logits(z), taught.model.bit_logits(z))
    assert torch.equal(again.model.properties(z), taught.model.properties(z))
    other = fit_heads(untaught, examples, held_out, n_steps=(80, 120), seed=1)
    assert not torch.equal(other.model.bit_logits(z), taught.model.bit_logits(z))


def test_taught_heads_are_the_same_from_disk(taught, tmp_path):
    taught.save(tmp_path / "b")
    again = Bundle.load(tmp_path / "b")
    z = torch.randn(5, taught.latent_dim)
    assert torch.equal(again.model.bit_logits(z), taught.model.bit_logits(z))
    assert torch.equal(again.model.property_head(z), taught.model.property_head(z))


def test_what_is_known_of_the_old_heads_errors_is_left_out(taught, held_out):
    realism = replace(taught.realism, precision={"centres": torch.zeros(1, 8)})
    again = fit_heads(
        replace(taught, realism=realism), head_examples(taught, TAUGHT, 8), held_out, n_steps=(1, 1)
    )
    assert not again.realism.precision


def test_each_compound_is_seen_often_enough_however_many_there_are(untaught, held_out, monkeypatch):
    for name, value in (("N_STEPS", (3, 5)), ("N_PASSES", 2), ("BATCH", 12)):
        monkeypatch.setattr(heads, name, value)
    fitted = fit_heads(untaught, head_examples(untaught, TAUGHT, 24), held_out)
    assert fitted.realism.facts["heads"]["n_steps"] == [4, 5]
