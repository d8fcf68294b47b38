import pytest

from molinterp.chem.cxsmiles import read_extension, split_cxsmiles


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("CCO", ("CCO", "", "")),
        ("CCO ethanol", ("CCO", "", "ethanol")),
        ("C[C@H](N)O |&1:1|", ("C[C@H](N)O", "&1:1", "")),
        ("C[C@H](N)O\t|o1:1|\ta name", ("C[C@H](N)O", "o1:1", "a name")),
        ("C[C@H](N)[C@H](F)O |a:1,&1:3,5,o2:7,r|", ("C[C@H](N)[C@H](F)O", "&1:3,5,o2:7,r", "")),
        ("C[C@H](N)O |a:1|", ("C[C@H](N)O", "", "")),
        ("CCO |$,o1:1;;$,(0,1,;2,3,;4,5,)| x", ("CCO", "", "x")),
    ],
)
def test_labels_of_enhanced_stereo_are_found_and_nothing_else(text, parts):
    smiles, extension, rest = split_cxsmiles(text)
    assert (smiles, read_extension(extension).stereo, rest) == parts


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ("Sg:n:1,2:3:ht:::", "polymer"),
        ("Sg:mon:1,2::ht", "polymer"),
        ("Sg:f:0,1::", "mixture"),
        ("LN:1:1.3.2.6", "link node"),
        ("m:4:0.1.2.3.5", "position variation"),
        ("^1:2", "radical"),
        ("$;;CF3$", "one of its atoms stands for 'CF3'"),
        ("$_AP1;;$", "one of its atoms stands for '_AP1'"),
        ("C:1.1", "coordinate bond"),
        ("rb:1:*", "query"),
        ("RG:_R1={*C}", "R groups"),
    ],
)
def test_what_is_no_one_compound_has_its_reason(part, fault):
    assert fault in read_extension(part).fault


@pytest.mark.parametrize(
    "part", ["", "a:1", "f:0.2", "w:1.0", "(0,0,;1.2,3,)", "$OH;;C12$", "$_AV:1;2$", "&1:1,2"]
)
def test_what_says_no_more_than_the_smiles_is_no_fault(part):
    found = read_extension(part)
    assert (found.fault, found.left_out, found.wedged) == ("", (), ())


def test_what_is_left_out_is_said():
    assert read_extension("SgD:1,2:purity:96::,$first atom;;$").left_out == (
        "data attached to atoms",
        "labels of atoms",
    )
    assert read_extension("(0,0,;1,1,),wU:2.8,wD:3.1").wedged == (2, 3)
