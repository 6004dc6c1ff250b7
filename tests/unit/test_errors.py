from emofuse import errors
from emofuse.errors import EmofuseError, MissingExtraError, UnknownModelError, UsageError


def classes():
    return [getattr(errors, name) for name in errors.__all__]


def test_codes_are_unique_and_stable_words():
    codes = [cls.code for cls in classes()]
    assert len(set(codes)) == len(codes)
    assert all(code.replace("_", "").isalpha() for code in codes)


def test_exit_codes():
    for cls in classes():
        assert issubclass(cls, EmofuseError)
        assert cls.exit_code == (2 if issubclass(cls, UsageError) else 1)


def test_unknown_names_are_listed_in_order():
    error = UnknownModelError("x", ["b", "a"])
    assert error.message == "Unknown model 'x'. Valid: a, b."
    assert error.item == "x"


def test_missing_extra_gives_the_command():
    assert "pip install 'emofuse[train]'" in MissingExtraError("train", "torch").message
