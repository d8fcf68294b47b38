import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from rdkit import Chem

from molinterp.chem.constraints import Mode, parse_constraints
from molinterp.chem.properties import PROPERTIES
from molinterp.errors import BundleError, InputError
from molinterp.io.classifier_files import shipped_classifiers
from molinterp.model.bundle import Bundle
from molinterp.model.feature_forms import feature_table, latent_term
from molinterp.model.storage import HEADER
from molinterp.paths.objective import objective_of
from molinterp.paths.request import PathRequest
from molinterp.realism.fitted import FILES
from molinterp.realism.settings import NetworkFit
from molinterp.realism.terms import EPSILON, FLOOR
from molinterp.training.latent.examples import gather
from molinterp.training.latent.features import evaluate_feature, fit_feature
from molinterp.training.latent.fit import fit_parts
from molinterp.training.latent.heads import head_examples
from molinterp.training.latent.sampling import KINDS, decode_points, encode_compounds
from molinterp.training.latent.settings import DensityFit, ExampleSettings, HeadFit, LatentFit, ValidityFit
from tests.conftest import SMALL

pytestmark = pytest.mark.weights

SIZES = ExampleSettings(n_compounds=600, n_decodes=600)
FEW_STEPS = LatentFit(
    examples=SIZES,
    heads=HeadFit(n_bit_steps=150, n_property_steps=150, n_passes=0),
    validity=ValidityFit(NetworkFit(noise=0.0, n_steps=150)),
    features=NetworkFit(n_steps=150),
)
ETHANOL, ETHYLAMINE = Chem.MolFromSmiles("CCO"), Chem.MolFromSmiles("CCN")


@pytest.fixture(scope="module")
def material(small_bundle):
    return gather(small_bundle, SMALL * 20, SMALL * 4, SIZES)


@pytest.fixture(scope="module")
def fitted(small_bundle, small_corpus, material):
    classifiers = {"bbb": shipped_classifiers()["bbb"]}
    return fit_parts(
        small_bundle, material, FEW_STEPS, classifiers, lambda: head_examples(small_bundle, small_corpus)
    )


def only(*parts, **others):
    return replace(FEW_STEPS, parts=parts, **others)


def test_points_are_drawn_where_they_say(small_bundle):
    compounds = encode_compounds(small_bundle, SMALL, 32)
    assert set(compounds.smiles) == set(SMALL)
    torch.testing.assert_close(compounds.z, small_bundle.encode(compounds.smiles))
    decodes = decode_points(small_bundle, compounds, 200, SIZES.shares)
    assert set(decodes.kind) == set(range(len(KINDS)))
    at_compounds = decodes.kind == KINDS.index("compound")
    exact = "donot_use_mm_for_euclid_dist"
    distances = torch.cdist(decodes.z[at_compounds], compounds.z, compute_mode=exact).min(1)
    assert distances.values.max() < 1e-4
    # The small network knows its compounds by heart.
    found = [s for s, here in zip(decodes.smiles, at_compounds, strict=True) if here]
    assert found == [compounds.smiles[i] for i in distances.indices]
    assert "" not in decodes.molecules().smiles


def test_points_repeat(small_bundle, material):
    again = gather(small_bundle, SMALL * 20, SMALL * 4, SIZES)
    assert again.decodes.smiles == material.decodes.smiles
    assert torch.equal(again.decodes.z, material.decodes.z)
    other = gather(small_bundle, SMALL * 20, SMALL * 4, SIZES, seed=1)
    assert other.compounds.smiles != material.compounds.smiles


def test_molecules_outside_the_vocabulary_are_left_out(small_bundle):
    assert encode_compounds(small_bundle, ["CCBr", "CCO", "CCN"], 3).smiles.count("CCBr") == 0
    others = Bundle.load("smiles-small"), ["OCC", "C1CC", "nonsense", "C(C)N", "[Na+].[O-]CCC"]
    assert set(encode_compounds(*others, 5).smiles) == {"CCO", "CCN", "CCCO"}
    with pytest.raises(InputError, match="fewer than two of the molecules"):
        encode_compounds(small_bundle, ["CCBr", "CCO"], 2)


def test_a_decoder_that_spells_no_molecule_is_fitted_on_compounds_alone(material):
    spelt = replace(material.decodes, smiles=("",) * len(material.decodes.smiles))
    alone = replace(material, decodes=spelt).points(20, 10)
    assert alone.smiles == material.compounds.smiles[:20]
    assert torch.equal(alone.z, material.compounds.z[:20])
    both = material.points(20, 10)
    assert both.smiles[:20] == alone.smiles and both.smiles[20:] == material.decodes.molecules().smiles[:10]
    assert torch.equal(both.z[20:], material.decodes.molecules().z[:10])


def test_too_few_held_out_compounds_are_found_before_the_work(small_bundle, material):
    few = replace(material, held_out=material.held_out.rows(range(3)))

    def never(*_):
        raise AssertionError

    for part in ("windows", "heads"):
        with pytest.raises(InputError, match="windows need 4 held-out compounds or more; got 3"):
            fit_parts(small_bundle, few, only("validity", part), {}, progress=never)


def test_every_part_is_fitted_and_measured(fitted):
    models = fitted.realism
    assert models.index is not None and models.validity is not None and models.precision
    assert set(models.features) == {"bbb", "lipinski", "veber", "no-alerts"}
    assert set(models.facts) == {"heads", "density", "validity", "features", "properties"}
    assert models.facts["density"]["mean_index_three_deviations"] < 0.01
    # Chance gives 0 with a standard error of about 0.1; the toy network of these tests gave 0.44.
    assert models.facts["features"]["bbb"]["rank_agreement"] > 0.35
    assert set(models.facts["properties"]) == set(PROPERTIES)
    assert models.facts["properties"]["heavy_atoms"]["r2"] > 0.5


def test_few_compounds_leave_figures_open_and_the_header_json(small_bundle, tmp_path):
    few = gather(small_bundle, SMALL[:6], SMALL[:6], ExampleSettings(n_compounds=6, n_decodes=6))
    with pytest.raises(InputError, match="mixture of 8 components needs as many points or more; got 6"):
        fit_parts(small_bundle, few, only("density"), {})
    found = fit_parts(small_bundle, few, only("validity", "windows"), {}).realism.facts
    json.dumps(found, allow_nan=False)
    assert None in found["validity"]["clean_share"].values()
    assert found["properties"]["aromatic_rings"]["r2"] is None


def test_one_part_leaves_the_others(fitted, material):
    again = fit_parts(fitted, material, only("density", density=DensityFit("prior")), {})
    assert again.realism.validity is fitted.realism.validity
    assert again.realism.features == fitted.realism.features
    assert again.realism.facts["density"]["kind"] == "prior"


def test_a_bundle_keeps_its_realism_on_disk(fitted, tmp_path):
    fitted.save(tmp_path / "b")
    assert {p.name for p in (tmp_path / "b").iterdir()} >= set(FILES)
    again = Bundle.load(tmp_path / "b")
    z = fitted.encode(SMALL[:6])
    for a, b in zip(_terms(fitted), _terms(again), strict=True):
        torch.testing.assert_close(a(z), b(z), rtol=1e-3, atol=1e-3)
    assert again.realism.facts == json.loads(json.dumps(fitted.realism.facts))
    assert again.realism.reference.smiles == fitted.realism.reference.smiles
    again.with_figures({"x": 1}).save(tmp_path / "c")
    for file in FILES:
        assert (tmp_path / "b" / file).read_bytes() == (tmp_path / "c" / file).read_bytes()


def _terms(bundle):
    objective = _objective(bundle, keep=["bbb", "logp=-2..1", "lipinski"], avoid=["mw>80"])
    assert objective.realism.names[:2] == ("density", "validity")
    return objective.realism.terms


def _objective(bundle, **options):
    return objective_of(bundle, ETHANOL, ETHYLAMINE, PathRequest(**options))


def test_a_damaged_or_missing_part_is_found(fitted, tmp_path):
    fitted.save(tmp_path / "b")
    file = tmp_path / "b" / "validity.safetensors"
    raw = bytearray(file.read_bytes())
    raw[-5] ^= 1
    file.write_bytes(raw)
    with pytest.raises(BundleError, match="validity.safetensors does not match its SHA-256"):
        Bundle.load(tmp_path / "b")
    file.unlink()
    with pytest.raises(BundleError, match="validity.safetensors is missing"):
        Bundle.load(tmp_path / "b")


def test_a_bundle_without_realism_loads_as_before(small_bundle, saved_bundle):
    assert "realism" not in json.loads((saved_bundle / HEADER).read_text())
    assert Bundle.load(saved_bundle).realism.index is None
    objective = _objective(Bundle.load(saved_bundle), keep=["lipinski"])
    assert objective.realism.names == ()
    assert "no density and no validity" in objective.notes[0]
    assert objective.notes[1].startswith("keep lipinski: judged on molecules alone")
    assert torch.equal(objective.realism(torch.zeros(3, 8)), torch.full((3,), FLOOR))


def test_lambda_is_the_sum_that_its_terms_say(fitted):
    z = fitted.encode(SMALL[:5])
    weights = {"density": 0.5, "validity": 0.25, "feature": 2.0, "bbb": 3.0}
    objective = _objective(fitted, keep=["bbb", "logp<3"], term_weights=weights, epsilon=0.1)
    terms = objective.realism.by_term(z)
    assert list(terms) == ["density", "validity", "keep bbb", "keep logp<3"]
    expected = FLOOR + sum(w * t for w, t in zip((0.5, 0.25, 3.0, 2.0), terms.values(), strict=True))
    torch.testing.assert_close(objective.realism(z), expected)
    rows = objective.terms_at(z)
    assert len(rows) == 5 and rows[2]["keep bbb"] == pytest.approx(terms["keep bbb"][2].item())
    nothing = _objective(fitted, term_weights={"density": 0.0, "validity": 0.0})
    torch.testing.assert_close(nothing.realism(z), torch.full((5,), FLOOR))


def test_the_judge_says_what_breaks_and_where(fitted):
    objective = _objective(fitted, keep=["mw<60"], gain=["smarts:N"])
    mols = [Chem.MolFromSmiles(s) for s in ("CCO", "CCCCCO", "CCN", "CCO", "CCN")]
    assert objective.broken_at(mols) == {"keep mw<60": [1], "gain smarts:N": [3]}
    assert [objective.fault(m) for m in mols] == [None, "keep mw<60", None, None, None]
    scores = objective.scores(mols)
    assert scores[1] == {"mw<60": 0.0, "smarts:N": 0.0} and scores[2]["smarts:N"] == 1.0
    fault = _objective(fitted, keep=["smarts:N"]).notes[-1]
    assert fault.startswith("keep smarts:N: the start lacks it. Use `gain` for smarts:N")


def test_a_substructure_is_fitted_on_the_reference_points(fitted):
    (constraint,) = parse_constraints({Mode.KEEP: ["smarts:c1ccccc1"]}, {})
    term = latent_term(fitted, constraint, EPSILON)
    z = fitted.encode(SMALL)
    has = torch.tensor([s.count("c") > 0 for s in SMALL]) & torch.tensor(["n" not in s for s in SMALL])
    # Linear on eight dimensions that know nothing of rings: right on the whole, not everywhere.
    assert term(z[has]).mean() < 0.6 * term(z[~has]).mean()
    (rare,) = parse_constraints({Mode.KEEP: ["smarts:[Pt]"]}, {})
    assert latent_term(fitted, rare, EPSILON) is None


def test_a_window_of_whole_numbers_reaches_half_a_step_further(fitted):
    for text, ends in (("hbd=2", (1.5, 2.5)), ("hbd<2", (-np.inf, 1.5)), ("hbd<=2", (-np.inf, 2.5))):
        (constraint,) = parse_constraints({Mode.KEEP: [text]}, {})
        term = latent_term(fitted, constraint, EPSILON)
        assert (term.low, term.high) == ends
    (constraint,) = parse_constraints({Mode.KEEP: ["logp<2"]}, {})
    assert latent_term(fitted, constraint, EPSILON).high == 2.0


def test_a_user_feature_becomes_one_of_the_bundle(fitted, tmp_path):
    own = replace(shipped_classifiers()["bbb"], name="mine")
    more = fit_feature(fitted, own, NetworkFit(n_steps=100))
    more.save(tmp_path / "b")
    again = Bundle.load(tmp_path / "b")
    assert feature_table(again)["mine"]["kind"] == "classifier"
    assert _objective(again, keep=["mine"]).realism.names[-1] == "keep mine"
    figures = evaluate_feature(again, "mine", SMALL, np.arange(len(SMALL)) % 2)
    assert figures["n_latent"] == len(SMALL) and -1 <= figures["rank_agreement"] <= 1
    with pytest.raises(InputError, match="got 'mien'. Did you mean 'mine'?"):
        evaluate_feature(again, "mien", SMALL, np.arange(len(SMALL)) % 2)


def test_figures_that_the_labels_leave_open_are_none(fitted):
    # Bromides are outside the vocabulary: all that can be encoded are of one class.
    labels = np.array([0] * len(SMALL) + [1, 1])
    figures = evaluate_feature(fitted, "bbb", [*SMALL, "CCBr", "CCCBr"], labels)
    assert (figures["n"], figures["n_latent"], figures["auc_latent"]) == (len(SMALL) + 2, len(SMALL), None)
    assert 0 <= figures["auc_molecules"] <= 1
    assert evaluate_feature(fitted, "bbb", ["CCBr", "CCCBr"], labels[-2:])["n_latent"] == 0


def test_a_feature_needs_reference_points(small_bundle):
    with pytest.raises(InputError, match="has no reference points; run `molinterp fit all` first"):
        fit_feature(small_bundle, shipped_classifiers()["bbb"])
