import gzip
import json

import pytest
from click.testing import CliRunner

from emofuse.cli import cli
from emofuse.errors import ConfigError


def invoke(*arguments):
    return CliRunner().invoke(cli, ["audit", "checklist", *map(str, arguments)], catch_exceptions=False)


def test_checklist_prints_and_writes_failure_rates(text_bundle, tmp_path):
    rows = [
        {"test": "words", "capability": "Vocabulary", "type": "MFT", "label": label, "texts": ["happy"]}
        for label in (0, 1, 2)
    ]
    with gzip.open(tmp_path / "sentiment_suite.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    done = invoke(
        "--root",
        tmp_path,
        "--models",
        text_bundle,
        "--json",
        tmp_path / "c.json",
        "--report",
        tmp_path / "c.html",
    )
    # One word, each label once: exactly one of three cases passes.
    assert "Vocabulary                         0.667 (0.208-0.939) of 3" in done.output
    record = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    [result] = record["models"].values()
    assert (result["tests"]["words"]["passed"], result["tests"]["words"]["n"]) == (1, 3)
    assert str(tmp_path) not in json.dumps(record)
    assert "0.667\u00a0(0.208\u00a0to\u00a00.939)\u00a0of\u00a03" in (tmp_path / "c.html").read_text(
        encoding="utf-8"
    )


def test_only_text_models_are_asked(face_bundle, tmp_path):
    with pytest.raises(ConfigError, match="is a face model"):
        invoke("--root", tmp_path, "--models", face_bundle)
    with pytest.raises(ConfigError, match="No model is named"):
        invoke("--root", tmp_path, "--models", ",")


def test_two_models_of_one_name_are_refused(text_bundle, tmp_path):
    with pytest.raises(ConfigError, match="have one name"):
        invoke("--root", tmp_path, "--models", f"{text_bundle},{text_bundle}")
