import pytest

from molinterp.chem.cxsmiles import split_cxsmiles


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
    assert split_cxsmiles(text) == parts
