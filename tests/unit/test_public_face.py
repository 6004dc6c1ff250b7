import emofuse


def test_all_is_sorted_and_complete():
    assert sorted(emofuse.__all__) == emofuse.__all__
    for name in emofuse.__all__:
        assert getattr(emofuse, name) is not None
    assert dir(emofuse) == emofuse.__all__


def test_unknown_attribute():
    assert not hasattr(emofuse, "Classifier")
