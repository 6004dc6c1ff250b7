import pytest
from tests.unit.datasets.test_corpora import make_emotion

from emofuse.cli import main


@pytest.mark.parametrize(
    ("corpus", "split", "code", "words"),
    [
        ("emotions", "test", 2, "emotions"),
        ("emotion", "tests", 2, "Valid: train, validation, test"),
        ("imdb", "test", 1, "Found none of"),
        (None, "test", 2, "Give --corpus and --root together"),
    ],
)
def test_corpus_that_cannot_be_shown_stops_the_command(tmp_path, capsys, corpus, split, code, words):
    make_emotion(tmp_path)
    named = ["--corpus", corpus] if corpus else []
    with pytest.raises(SystemExit) as exit_:
        main(["demo", "--port", "0", *named, "--root", str(tmp_path), "--split", split])

    assert exit_.value.code == code
    shown = capsys.readouterr()
    assert words in shown.err
    assert "Open http" not in shown.err
