from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from molinterp.data import drugs
from rdkit import Chem

from molinterp import interpolate
from molinterp.chem.filters import Judge, Limits, own_fault
from molinterp.chem.identity import without_stereo
from molinterp.chem.similarity import tanimoto
from molinterp.errors import InputError, InvalidMoleculeError, VocabularyError
from molinterp.paths.interpolate import interpolate_many, interpolate_several
from molinterp.paths.library import Library
from molinterp.paths.request import PathRequest
from molinterp.paths.similarity_search import FEES
from molinterp.realism.settings import Descent
from molinterp.training.data.corpus import prepare
from molinterp.training.data.settings import BatchOrder
from molinterp.training.vae.export import bundle_of
from molinterp.training.vae.settings import VAETraining
from molinterp.training.vae.trainer import Trainer
from tests.conftest import SMALL, SMALL_SIZES
from tests.tolerances import EXACT

pytestmark = pytest.mark.weights
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
IBUPROFEN = "CC(C)Cc1ccc(C(C)C(=O)O)cc1"
COXIBS = drugs()["celecoxib"], drugs()["rofecoxib"]
L_ALANINE, D_ALANINE = "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"


@pytest.fixture(scope="module", params=[("geodesic", False), ("slerp", False), ("linear", True)])
def path(request):
    method, pointwise = request.param
    return interpolate(ASPIRIN, IBUPROFEN, method=method, pointwise=pointwise)


@pytest.fixture(scope="module")
def assembled():
    return interpolate(ASPIRIN, IBUPROFEN, hybrids=False)


def test_the_ends_are_the_users_compounds(path):
    assert path.smiles[0] == Chem.CanonSmiles(ASPIRIN)
    assert path.smiles[-1] == Chem.CanonSmiles(IBUPROFEN)


def test_stereo_of_the_ends_is_kept(small_bundle):
    found = interpolate(L_ALANINE, D_ALANINE, model=small_bundle)
    assert found.smiles[0] == Chem.CanonSmiles(L_ALANINE)
    assert found.smiles[-1] == Chem.CanonSmiles(D_ALANINE)
    assert "start and end are the same but for stereo" in found.notes and len(found) == 2


def test_every_molecule_between_passes_the_judge(path):
    judge = Judge.between(Chem.MolFromSmiles(ASPIRIN), Chem.MolFromSmiles(IBUPROFEN))
    assert len(path) > 2
    for smiles in path.smiles[1:-1]:
        assert judge.fault(Chem.MolFromSmiles(smiles)) is None


def test_every_step_bears_every_term_of_lambda_at_its_latent_point(path):
    assert all({"density", "validity"} <= set(step.terms) for step in path)
    assert min(value for step in path for value in step.terms.values()) >= 0


def test_the_verdicts_are_those_of_the_judges(path):
    mols = [Chem.MolFromSmiles(s) for s in path.smiles]
    judge = Limits().judge(mols[0], mols[-1])
    assert [s.verdict for s in path] == [judge.fault(m) or "clean" for m in mols] == ["clean"] * len(path)
    assert [s.verdict_alone for s in path] == [own_fault(m) or "clean" for m in mols]
    frame = path.to_frame()
    assert frame["verdict"].tolist() == ["clean"] * len(path)


def test_an_end_that_breaks_what_was_asked_has_it_for_a_verdict():
    found = interpolate(ASPIRIN, IBUPROFEN, method="linear", keep=["tpsa=50.."])
    assert (found.molecules[0].verdict, found.molecules[-1].verdict) == ("clean", "keep tpsa=50..")
    assert all(s.verdict == "clean" for s in found.molecules[1:-1])


def test_no_molecule_stands_twice_even_without_stereo(path):
    flat = [Chem.MolToSmiles(Chem.MolFromSmiles(s), isomericSmiles=False) for s in path.smiles]
    assert len(set(flat)) == len(flat)


def test_t_grows_along_the_path(path):
    t = [s.t for s in path]
    assert t == sorted(t) and t[0] == 0.0 and t[-1] == 1.0


def test_similarities_are_those_of_the_molecules(path):
    mols = [Chem.MolFromSmiles(s) for s in path.smiles]
    assert path.molecules[0].similarity is None
    for before, mol, step in zip(mols, mols[1:], path.molecules[1:], strict=False):
        assert step.similarity == tanimoto(before, mol)
        assert step.similarity_to_start == tanimoto(mols[0], mol)
        assert step.similarity_to_end == tanimoto(mols[-1], mol)


def test_same_seed_same_path(assembled):
    assert interpolate(ASPIRIN, IBUPROFEN, hybrids=False) == assembled
    assert interpolate(ASPIRIN, IBUPROFEN) == interpolate(ASPIRIN, IBUPROFEN)


def test_every_step_is_as_similar_as_asked(assembled):
    assert assembled.is_bridged
    assert assembled.worst_step >= 0.5
    assert len(assembled) >= 7


def test_the_path_is_shorter_than_twice_its_energy(path):
    assert path.length**2 <= 2 * path.energy * (1 + EXACT)


def test_a_path_without_edits_is_the_models_own():
    found = interpolate(ASPIRIN, IBUPROFEN, hybrids=False, edits=False)
    assert {s.origin for s in found} <= {"end", "curve", "neighbourhood"}


def test_an_unbridged_path_says_so(small_bundle):
    found = interpolate(
        "Oc1ccccc1", "CCO", model=small_bundle, hybrids=False, edits=False, min_step_similarity=0.95
    )
    assert not found.is_bridged
    assert any("no path with every step at 0.95 or above" in note for note in found.notes)


@pytest.mark.parametrize("options", [{"n_molecules": 2, "hybrids": False}, {"pointwise": True}])
def test_no_path_claims_to_be_bridged_with_a_long_step(options):
    found = interpolate(ASPIRIN, IBUPROFEN, **options)
    assert found.worst_step < 0.5
    assert not found.is_bridged
    assert any("no path with every step at 0.5 or above" in note for note in found.notes)


def test_a_path_by_hybrids_changes_one_place_a_step_and_fewer_molecules_are_merged_steps():
    path, short = interpolate(*COXIBS), interpolate(*COXIBS, objective="short")
    assert path.is_bridged and all(m.change.is_readable and m.change.n_sites == 1 for m in path.molecules[1:])
    assert {m.origin for m in path.molecules[1:-1]} == {"hybrid"} and len(short) <= len(path)
    fewer = interpolate(*COXIBS, n_molecules=3)
    assert len(fewer) == 3 and set(fewer.smiles) <= set(path.smiles)
    assert sum(m.change.n_atoms for m in fewer.molecules[1:]) >= fewer.molecules[-1].change.n_atoms


def test_several_paths_by_hybrids_share_no_molecule_between():
    paths = interpolate_several(*COXIBS, n_paths=2)
    between = [s for p in paths for s in p.smiles[1:-1]]
    assert len(paths) == 2 and len(set(between)) == len(between)


def test_the_atoms_that_correspond_are_of_one_kind_but_where_the_step_changes_them():
    path = interpolate(*COXIBS)
    for before, after, molecule in zip(path.mols, path.mols[1:], path.molecules[1:], strict=False):
        pairs = molecule.change.pairs
        assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
        changed = [
            before.GetAtomWithIdx(i).GetAtomicNum() != after.GetAtomWithIdx(j).GetAtomicNum()
            for i, j in pairs
        ]
        alone = before.GetNumAtoms() + after.GetNumAtoms() - 2 * len(pairs)
        assert alone + 2 * sum(changed) == molecule.change.n_atoms


def test_λ_decides_what_a_path_goes_through():
    plain = interpolate(
        *COXIBS, term_weights={"range": 0, "qed": 0, "foreign": 0, "density": 0, "validity": 0}
    )
    kept = interpolate(*COXIBS, keep=["smarts:c1ccccc1"])
    assert all(m.features["smarts:c1ccccc1"] == 1.0 for m in kept)
    assert plain.molecules[1].terms["range"] == 0.0


def test_a_shorter_objective_gives_fewer_molecules():
    smooth, short = (interpolate(*COXIBS, hybrids=False, objective=o) for o in ("smooth", "short"))
    assert len(short) < len(smooth)
    assert short.worst_step >= 0.5

    def cost(path):
        """What `short` makes small: Σ λ̄² d², which is 2 E / n, and its fee for each of n steps."""
        n = len(path) - 1
        return 2 * path.energy / n + FEES["short"] * n

    # Both choose from the same candidates.
    assert short.n_candidates == smooth.n_candidates
    assert cost(short) <= cost(smooth)


def test_several_paths_share_no_molecule_between():
    paths = interpolate_several(ASPIRIN, IBUPROFEN, n_paths=3)
    between = [s for p in paths for s in p.smiles[1:-1]]
    assert len(paths) == 3
    assert len(set(between)) == len(between)


def test_a_substructure_is_kept_all_along():
    found = interpolate(ASPIRIN, IBUPROFEN, keep=["smarts:c1ccccc1C"])
    query = Chem.MolFromSmarts("c1ccccc1C")
    assert len(found) > 2
    assert all(Chem.MolFromSmiles(s).HasSubstructMatch(query) for s in found.smiles)


def test_many_pairs_give_what_each_gives_alone(assembled):
    found = interpolate_many([(ASPIRIN, "c1ccc"), (ASPIRIN, IBUPROFEN)], PathRequest(hybrids=False))
    assert isinstance(found[0], InvalidMoleculeError)
    assert found[1] == assembled
    assert found[1].request == assembled.request


def test_the_spelling_of_the_ends_does_not_matter():
    first = interpolate(ASPIRIN, IBUPROFEN)
    other = interpolate("OC(=O)c1ccccc1OC(C)=O", "C(c1ccc(cc1)C(C(O)=O)C)C(C)C")
    assert first.smiles == other.smiles


@pytest.mark.parametrize("pointwise", [False, True])
@pytest.mark.parametrize("n", [2, 4, 9])
def test_molecules_are_counted_with_the_ends(n, pointwise):
    found = interpolate(*COXIBS, n_molecules=n, hybrids=False, pointwise=pointwise)
    assert len(found) == n


@pytest.mark.parametrize("pointwise", [False, True])
def test_too_few_molecules_for_the_steps_are_said(pointwise):
    found = interpolate(ASPIRIN, IBUPROFEN, n_molecules=500, pointwise=pointwise)
    assert any("500 molecules were asked for" in note for note in found.notes)


def test_a_salt_is_stripped_with_a_note():
    found = interpolate("[Na+].CC(=O)Oc1ccccc1C(=O)[O-]", IBUPROFEN)
    assert found.smiles[0] == Chem.CanonSmiles(ASPIRIN)
    assert any(note.startswith("start:") for note in found.notes)


def test_round_trips_of_memorised_ends_are_exact(small_bundle):
    found = interpolate("Oc1ccccc1", "CCO", model=small_bundle, hybrids=False)
    assert [r.is_exact for r in found.round_trips] == [True, True]
    assert [r.similarity for r in found.round_trips] == [1.0, 1.0]
    assert [r.is_exact_refined for r in found.round_trips] == [True, True]


def test_ends_that_are_not_reconstructed_are_refined(small_bundle):
    model = deepcopy(small_bundle.model)
    with torch.no_grad():
        # An encoder that is off by a step, so that the decoder spells something else.
        model.posterior[-1].bias[: small_bundle.latent_dim] += 1.0
    astray = replace(small_bundle, model=model)
    found = interpolate("Oc1ccccc1", "CCN", model=astray, hybrids=False, edits=False)
    assert [r.is_exact for r in found.round_trips] == [False, False]
    assert [r.is_exact_refined for r in found.round_trips] == [True, True]
    assert found.metrics()["start_refined"] and found.metrics()["end_refined"]


@pytest.mark.parametrize(
    ("a", "b", "options", "error", "message"),
    [
        ("c1ccc", IBUPROFEN, {}, InvalidMoleculeError, "unclosed ring 1"),
        (ASPIRIN, "", {}, InvalidMoleculeError, "it is empty"),
        (ASPIRIN, "OC(=O)c1ccccc1OC(C)=O", {}, InputError, "the same compound"),
        (ASPIRIN, IBUPROFEN, {"names": ["aspirin"]}, InputError, "`names` must be one for each of 2"),
        (ASPIRIN, IBUPROFEN, {"method": "spline"}, InputError, "must be one of geodesic, linear, slerp"),
        (ASPIRIN, IBUPROFEN, {"reference": "a.smi"}, InputError, "a.smi"),
        (ASPIRIN, IBUPROFEN, {"library": "a.smi"}, InputError, "library 'a.smi' cannot be read"),
        (ASPIRIN, IBUPROFEN, {"library": 3}, InputError, "`library` must be a Library or the name of a file"),
        (ASPIRIN, IBUPROFEN, {"n_paths": 3}, InputError, "Call interpolate_several"),
        (ASPIRIN, IBUPROFEN, {"n_molecule": 3}, InputError, "Did you mean n_molecules"),
        (
            ASPIRIN,
            IBUPROFEN,
            {"n_molecules": 1},
            InputError,
            "`n_molecules` must be a whole number, at least 2",
        ),
        (ASPIRIN, IBUPROFEN, {"device": "abacus"}, InputError, "`device` must be one that torch can use"),
        (ASPIRIN, IBUPROFEN, {"keep": ["smarts:n1"]}, InputError, "SMARTS"),
        (ASPIRIN, IBUPROFEN, {"keep": ["logp=4..1"]}, InputError, "logp"),
        (ASPIRIN, IBUPROFEN, {"output_space": "hyper"}, InputError, "must be one of latent, fingerprint"),
        (ASPIRIN, IBUPROFEN, {"elements": ["C", "Xx"]}, InputError, "must be symbols"),
        (ASPIRIN, "C[As](C)C", {"hybrids": False}, VocabularyError, r"unknown token \[As\]"),
        (ASPIRIN, "CCCCCCCC.CCCCCCCO", {}, InvalidMoleculeError, "mixture without a clear parent"),
    ],
)
def test_bad_input_is_named(a, b, options, error, message):
    with pytest.raises(error, match=message):
        interpolate(a, b, **options)


def test_a_library_alone_gives_a_path_of_its_compounds():
    shelf = Library.of(
        ["CC(=O)Oc1ccccc1C", "CCc1ccccc1OC(C)=O", "CCCc1ccccc1OC(C)=O", Chem.CanonSmiles(ASPIRIN)],
        ["methyl", "ethyl", "propyl", "its start"],
    )
    found = interpolate(
        ASPIRIN,
        "CCCCc1ccccc1OC(C)=O",
        library=shelf,
        only_library=True,
        min_step_similarity=0.4,
        alerts=(),
    )
    assert {s.origin for s in found.molecules[1:-1]} == {"library"}
    assert set(found.smiles[1:-1]) <= set(shelf.smiles)
    assert [s.name for s in found] == ["", *map(shelf.name_of, found.smiles[1:-1]), ""]
    assert list(found.to_frame()["name"]) == [s.name for s in found]
    assert all(s.name for s in found.molecules[1:-1])


def test_a_library_is_no_wall(assembled):
    found = interpolate(ASPIRIN, IBUPROFEN, hybrids=False, library=Library.of(["CCO"]))
    assert found.smiles == assembled.smiles


def test_known_steps_are_told_from_new_ones(assembled):
    known = without_stereo(assembled.smiles[2])
    found = interpolate(ASPIRIN, IBUPROFEN, hybrids=False, reference=frozenset({known}))
    assert [s.is_known for s in found] == [k == 2 for k in range(len(found))]
    assert found.to_frame()["is_known"].sum() == 1


@pytest.fixture(scope="module")
def smiles_bundle(tmp_path_factory):
    """A model that spells SMILES, barely trained, so that much of what it spells is no molecule."""
    folder = tmp_path_factory.mktemp("smiles")
    (folder / "m.csv").write_text("smiles,split\n" + "".join(f"{s},train\n" for s in SMALL * 5))
    corpus = prepare(folder / "m.csv", folder / "cache", "smiles", 60)
    settings = VAETraining(
        n_steps=60,
        order=BatchOrder(batch_size=32),
        descent=Descent(learning_rate=5e-3, n_warm_up=200),
        sizes=SMALL_SIZES,
    )
    trainer = Trainer(corpus, settings, folder / "checkpoint")
    trainer.run()
    return bundle_of(trainer, "spelling")


def test_a_model_that_spells_smiles_gives_a_path(smiles_bundle):
    found = interpolate("Oc1ccccc1", "CCO", model=smiles_bundle, hybrids=False)
    assert (found.smiles[0], found.smiles[-1]) == ("Oc1ccccc1", "CCO")
    assert 0 < found.raw_validity < 1
    assert all(Chem.MolFromSmiles(s) is not None for s in found.smiles)
