import numpy as np
import pytest

from emofuse.errors import CorpusNotFoundError
from emofuse.train import synonyms
from emofuse.train.synonyms import add_synonyms, replace_words
from emofuse.types import Sample


def test_words_change_and_everything_else_stays():
    text = "  The car,\twas  VERY big:  17 cars\n"
    changed = replace_words(text, 1.0, np.random.default_rng(0))
    assert changed != text
    assert [part for part in changed if not part.isalpha()][:3] == [" ", " ", " "]
    assert changed.startswith("  ")
    assert ",\t" in changed
    assert changed.endswith("\n")
    assert "17" in changed


def test_synonym_of_several_words_has_spaces():
    changed = {replace_words("car", 1.0, np.random.default_rng(seed)) for seed in range(30)}
    assert changed <= {"auto", "automobile", "machine", "motorcar"}
    taxis = {replace_words("taxicab", 1.0, np.random.default_rng(seed)) for seed in range(30)}
    assert not any("_" in word for word in taxis)


def test_share_of_nothing_changes_nothing():
    assert replace_words("a big car", 0.0, np.random.default_rng(0)) == "a big car"


def test_only_rare_labels_get_copies():
    common = [Sample(id=f"j{i}", text="a happy car", labels={"emotion6": {"joy": 1.0}}) for i in range(9)]
    rare = Sample(id="f", text="a big scary car", labels={"emotion6": {"fear": 1.0}})
    samples = add_synonyms([*common, rare], 1.0, 7)
    assert samples[:10] == [*common, rare]
    [copy] = samples[10:]
    assert copy.id == "f+synonyms"
    assert copy.labels == rare.labels
    assert add_synonyms([*common, rare], 1.0, 7)[10].text == copy.text


def test_missing_wordnet_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setattr(synonyms, "WORDNET", tmp_path)
    synonyms._wordnet.cache_clear()
    synonyms._synonyms.cache_clear()
    with pytest.raises(CorpusNotFoundError, match="apt-get install wordnet-base"):
        replace_words("car", 1.0, np.random.default_rng(0))
