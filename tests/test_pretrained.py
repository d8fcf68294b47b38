import pytest
from molinterp.pretrained import BUNDLES, bundle_folder, downloads_file

from molinterp.io.classifier_files import shipped_classifiers
from molinterp.model.bundle import Bundle


@pytest.mark.weights
def test_bundles_and_classifiers_ship():
    assert "default" in BUNDLES and shipped_classifiers()
    assert all((bundle_folder(name) / "bundle.json").is_file() for name in BUNDLES)
    assert downloads_file().is_file()


def test_a_test_that_is_not_marked_gets_no_weights():
    assert not shipped_classifiers()
    with pytest.raises(pytest.fail.Exception, match=r"mark the test with `pytest\.mark\.weights`"):
        Bundle.load()
