import gzip

import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.identity import flat_smiles, without_stereo
from molinterp.chem.similarity import ecfp4, tanimoto
from molinterp.errors import InputError
from molinterp.paths.library import Library, known_smiles

DRUGS = [Chem.CanonSmiles(s) for s in list(drugs().values())[:60]]


def mol(smiles: str) -> Chem.Mol:
    return Chem.MolFromSmiles(smiles)


@pytest.fixture(scope="module")
def library():
    return Library.of(DRUGS)


@pytest.mark.parametrize("floor", [0.0, 0.1, 0.3, 1.0])
def test_similarities_are_those_of_the_molecules(library, floor):
    query = mol(DRUGS[7])
    part, found = library.similarities(ecfp4(query), floor)
    inside = set(range(*part.indices(len(library))))
    for k, smiles in enumerate(library.smiles):
        expected = tanimoto(query, mol(smiles))
        if k in inside:
            assert found[k - part.start] == pytest.approx(expected, abs=1e-6)
        else:
            assert expected < floor


def test_between_is_what_a_loop_finds(library):
    near, towards = mol(DRUGS[3]), mol(DRUGS[11])
    passing = [s for s in library.smiles if tanimoto(mol(s), near) >= 0.08]
    best = sorted(passing, key=lambda s: -tanimoto(mol(s), towards))
    found = library.between(near, towards, 0.08, 5)
    assert len(found) == min(5, len(passing)) > 1
    assert [tanimoto(mol(s), towards) for s in found] == [tanimoto(mol(s), towards) for s in best[:5]]


def test_a_compound_stands_once(library):
    assert len(Library.of([*DRUGS, *DRUGS])) == len(library) == len(set(DRUGS))


def test_a_file_is_indexed_once_and_again_when_it_changes(tmp_path):
    file, cache = tmp_path / "catalogue.smi.gz", tmp_path / "cache"
    with gzip.open(file, "wt") as stream:
        stream.write("smiles name\nCCO ethanol\nnot-a-molecule x\n[Na+].CC(=O)[O-] acetate\nCCO again\n")
    first = Library.load(file, cache)
    assert sorted(first.smiles) == ["CC(=O)O", "CCO"]
    (index,) = cache.iterdir()
    again = Library.load(file, cache, progress=lambda items: pytest.fail("indexed twice"))
    assert again.smiles == first.smiles
    assert (again.words == first.words).all() and (again.counts == first.counts).all()
    for library in (first, again):
        assert [library.name_of(s) for s in ("CCO", "CC(=O)O", "CCN")] == ["ethanol", "acetate", ""]
        assert library.n_left_out == 1
    with gzip.open(file, "at") as stream:
        stream.write("CCN ethylamine\n")
    assert len(Library.load(file, cache)) == 3
    assert index.exists()


def test_a_library_may_name_some_compounds_or_none(tmp_path):
    file, cache = tmp_path / "some.csv", tmp_path / "cache"
    file.write_text(
        'smiles,name\nCCO,"an\nalcohol  in two lines"\nCCN,\nCCN,second\nCCC,naïve\n', encoding="utf-8"
    )
    for library in (Library.load(file, cache), Library.load(file, cache)):
        assert dict(zip(library.smiles, library.names, strict=True)) == {
            "CCO": "an alcohol in two lines",
            "CCN": "second",
            "CCC": "naïve",
        }
    unnamed = Library.of(["CCO", "CCN"])
    assert (unnamed.names, unnamed.name_of("CCO"), unnamed.n_left_out) == ((), "", 0)


def test_a_cache_that_cannot_be_written_is_gone_without(tmp_path):
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "catalogue.smi").write_text("CCO\n")
    assert Library.load(tmp_path / "catalogue.smi", tmp_path / "file" / "cache").smiles == ("CCO",)


def test_a_disk_that_is_full_leaves_no_rest(tmp_path, monkeypatch):
    def full(path, **_):
        path.write_text("a part of it")
        raise OSError("no space left on device")

    monkeypatch.setattr("numpy.savez", full)
    (tmp_path / "catalogue.smi").write_text("CCO\n")
    assert Library.load(tmp_path / "catalogue.smi", tmp_path / "cache").smiles == ("CCO",)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_file_without_molecules_is_an_error(tmp_path):
    file = tmp_path / "empty.smi"
    file.write_text("# nothing\n")
    with pytest.raises(InputError, match="holds no molecule"):
        Library.load(file, tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        Library.load(tmp_path / "missing.smi", tmp_path)


def test_known_compounds_are_told_without_stereo(tmp_path):
    file = tmp_path / "known.smi"
    file.write_text("C[C@H](N)C(=O)O\n")
    assert known_smiles(str(file)) == {"CC(N)C(=O)O"}
    assert without_stereo("C[C@@H](N)C(=O)O") == "CC(N)C(=O)O"
    assert without_stereo("[H]/N=C/C") == without_stereo("[H]/N=C\\C") == without_stereo("CC=N") == "CC=N"


@pytest.mark.parametrize(
    "damage", [lambda b: b"", lambda b: b[:100], lambda b: b[:-200], lambda b: b"x" * 99]
)
def test_a_damaged_index_is_made_anew(tmp_path, damage):
    file, cache = tmp_path / "catalogue.smi", tmp_path / "cache"
    file.write_text("CCO\nCCN\n", encoding="utf-8")
    smiles = Library.load(file, cache).smiles
    (index,) = cache.iterdir()
    whole = index.read_bytes()
    index.write_bytes(damage(whole))
    assert Library.load(file, cache).smiles == smiles
    assert Library.load(file, cache, progress=lambda items: pytest.fail("indexed again")).smiles == smiles


def test_a_reference_without_a_molecule_tells_nothing_new(tmp_path):
    file = tmp_path / "known.smi"
    file.write_text("compound-7 CC(=O)Oc1ccccc1C(=O)O\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"reference '.*known\.smi' holds no molecule\. Give a file"):
        known_smiles(str(file))


@pytest.mark.parametrize(
    "text",
    ["CC", "C[C@H](N)C(=O)O", "C/C=C/C", "C\\C=C/C", "[13CH3]C", "[2H]C(F)Cl", "c1cc[nH]c1", "C[N+](C)(C)C"],
)
def test_a_stereo_form_or_an_isotope_is_no_molecule_of_its_own(text):
    found = mol(text)
    flat = Chem.CanonSmiles(Chem.MolToSmiles(found, isomericSmiles=False))
    assert flat_smiles(Chem.MolToSmiles(found), found) == without_stereo(Chem.MolToSmiles(found)) == flat


@pytest.mark.parametrize("k", range(40))
def test_without_stereo_nothing_changes(k):
    flat = mol(without_stereo(DRUGS[k]))
    assert flat_smiles(Chem.MolToSmiles(flat), flat) == Chem.MolToSmiles(flat, isomericSmiles=False)
