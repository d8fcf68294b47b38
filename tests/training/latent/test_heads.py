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
from molinterp.training.latent.heads import fit_heads, head_examples
from molinterp.training.latent.settings import HeadFit
from tests.conftest import SMALL

FITTED = [s for i, s in enumerate(SMALL) if i % 4]
HELD_OUT = [s for i, s in enumerate(SMALL) if not i % 4]
SETTINGS = HeadFit(n_bit_steps=80, n_property_steps=120, n_passes=0)


def corpus_of(folder, notation="smiles"):
    rows = [f"{s},{'valid' if s in HELD_OUT else 'train'}\n" for s in SMALL]
    # Five of each: rarer symbols do not get into a vocabulary.
    (folder / "m.csv").write_text("smiles,split\n" + "".join(rows * 5))
    return prepare(folder / "m.csv", folder / "cache", notation, 200)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return corpus_of(tmp_path_factory.mktemp("heads"))


@pytest.fixture(scope="module")
def unfitted(small_bundle):
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
def fitted(unfitted, corpus, held_out):
    return fit_heads(unfitted, head_examples(unfitted, corpus), held_out, SETTINGS)


@pytest.mark.parametrize("notation", ["smiles", "selfies"])
def test_examples_are_the_compounds_as_the_encoder_and_rdkit_see_them(small_bundle, tmp_path, notation):
    examples = head_examples(small_bundle, corpus_of(tmp_path, notation))
    assert len(examples) == 5 * len(FITTED)
    mean, deviation = small_bundle.posterior(FITTED)
    for i in range(len(examples)):
        j = int((mean - examples.mean[i]).abs().sum(1).argmin())
        mol = Chem.MolFromSmiles(FITTED[j])
        torch.testing.assert_close(examples.deviation[i], deviation[j], rtol=1e-4, atol=1e-5)
        assert (np.unpackbits(examples.bits[i]) == ecfp4_array(mol)).all()
        wanted = torch.tensor([float(v) for v in describe(mol).values()])
        torch.testing.assert_close(examples.properties[i], wanted)


def test_some_examples_are_drawn_at_random(small_bundle, corpus):
    some, others = (head_examples(small_bundle, corpus, 20, seed=k) for k in (0, 1))
    assert len(some) == len(others) == 20 and not torch.equal(some.mean, others.mean)


def test_fitted_heads_beat_the_old_ones_on_held_out_compounds(fitted):
    facts = fitted.realism.facts["heads"]
    before, after = facts["before"], facts["after"]
    assert after["fingerprint_tanimoto"] > before["fingerprint_tanimoto"] + 0.1
    for name in ("heavy_atoms", "mw", "aromatic_rings"):
        assert after["property_r2"][name] > max(0.3, before["property_r2"][name])


def test_encoder_and_decoder_stay_and_heads_grow(unfitted, fitted):
    assert fitted.model.config == replace(unfitted.model.config, head_blocks=3)
    weights = fitted.model.state_dict()
    for name, value in unfitted.model.state_dict().items():
        if not name.startswith(("fingerprint_head.", "property_head.")):
            assert torch.equal(weights[name], value), name
    z = unfitted.encode(SMALL[:4])
    assert fitted.decode(z) == unfitted.decode(z)
    assert not any(
        p.requires_grad and p.grad is not None and p.grad.isnan().any() for p in fitted.model.parameters()
    )


def test_one_seed_one_fit(unfitted, corpus, held_out, fitted):
    examples = head_examples(unfitted, corpus)
    before = torch.get_rng_state()
    again = fit_heads(unfitted, examples, held_out, SETTINGS)
    assert torch.equal(torch.get_rng_state(), before)
    z = torch.randn(5, unfitted.latent_dim)
    assert torch.equal(again.model.bit_logits(z), fitted.model.bit_logits(z))
    assert torch.equal(again.model.properties(z), fitted.model.properties(z))
    other = fit_heads(unfitted, examples, held_out, SETTINGS, seed=1)
    assert not torch.equal(other.model.bit_logits(z), fitted.model.bit_logits(z))


def test_fitted_heads_are_the_same_from_disk(fitted, tmp_path):
    fitted.save(tmp_path / "b")
    again = Bundle.load(tmp_path / "b")
    z = torch.randn(5, fitted.latent_dim)
    assert torch.equal(again.model.bit_logits(z), fitted.model.bit_logits(z))
    assert torch.equal(again.model.property_head(z), fitted.model.property_head(z))


def test_what_is_known_of_the_old_heads_errors_is_left_out(fitted, corpus, held_out):
    realism = replace(fitted.realism, precision={"centres": torch.zeros(1, 8)})
    once = HeadFit(n_bit_steps=1, n_property_steps=1, n_passes=0)
    examples = head_examples(fitted, corpus, 8)
    again = fit_heads(replace(fitted, realism=realism), examples, held_out, once)
    assert not again.realism.precision


def test_each_compound_is_seen_often_enough_however_many_there_are(unfitted, corpus, held_out):
    settings = HeadFit(n_bit_steps=3, n_property_steps=5, n_passes=2, batch_size=12)
    fitted = fit_heads(unfitted, head_examples(unfitted, corpus, 24), held_out, settings)
    assert fitted.realism.facts["heads"]["n_steps"] == [4, 5]
