import json
import re
import shutil

import pytest
from click.testing import CliRunner

from emofuse.cli import cli
from emofuse.errors import ConfigError, CorpusFormatError, CorpusNotFoundError, UnknownModelError
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.predictor import Predictor
from emofuse.types import Sample

CALM = ("The parcel arrived on Tuesday", "I am so proud of you", "How dare you!", "My cat died this morning")
ODD = ("Ich bin stolz auf dich", "qzx wvv jkk plm", "Grmblfx schnorz", "Der Zug kommt um drei Uhr")


def invoke(*arguments):
    return CliRunner().invoke(cli, ["monitor", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def lines():
    predictor = Predictor.load(["text_bilstm"])

    def answer(texts, *, keep):
        found = predictor.predict([Sample(text=text) for text in texts])
        forms = [own.to_dict() for own in found]
        if keep:
            forms = [{**form, "text": text} for form, text in zip(forms, texts, strict=True)]
        return "".join(json.dumps(form) + "\n" for form in forms * 110)

    return {"calm": answer(CALM, keep=True), "odd": answer(ODD, keep=True), "bare": answer(CALM, keep=False)}


@pytest.fixture
def files(lines, tmp_path):
    for name, content in lines.items():
        (tmp_path / f"{name}.jsonl").write_text(content)
    return tmp_path


def test_a_report_says_how_far_each_feature_has_moved(files):
    done = invoke(
        "report",
        "--predictions",
        files / "odd.jsonl",
        "--json",
        files / "new" / "r.json",
        "-o",
        files / "r.html",
    )
    assert done.exit_code == 0
    record = json.loads((files / "new" / "r.json").read_text())
    assert (record["lines"], record["errors"], record["verdict"]) == (440, 0, "shifted")
    found = {own["feature"]: own for own in record["features"]}
    assert set(found) == set(load_bundle("text_bilstm").reference.features)
    continued = found["continued"]
    assert sum(continued["current"]) == pytest.approx(1)
    assert continued["psi"] > 1
    shown = re.search(r"continued +440 +([\d.]+)  \(([\d.]+)\) +([\d.]+) .* shifted", done.stdout)
    assert [float(value) for value in shown.groups()] == pytest.approx(
        [continued["psi"], continued["psi_by_chance"], continued["ks"]], abs=6e-4
    )
    assert done.stdout.splitlines()[-1].startswith("shifted: ")
    page = (files / "r.html").read_text()
    assert "text_bilstm: continued, shifted" in page
    assert not re.search(r"<script|https?://", page)


def test_predictions_of_a_good_time_take_the_place_of_the_reference(files):
    same = invoke("report", "--predictions", files / "calm.jsonl", "--baseline", files / "calm.jsonl")
    assert "beside predictions of calm.jsonl" in same.stdout
    assert same.stdout.splitlines()[-1].startswith("stable: ")
    other = invoke("report", "--predictions", files / "odd.jsonl", "--baseline", files / "calm.jsonl")
    assert other.stdout.splitlines()[-1].startswith("shifted: ")


def test_a_copy_of_a_bundle_can_expect_what_its_user_sees(files):
    embedded = load_bundle("text_bilstm")
    own = shutil.copytree(embedded.path, files / "own")
    done = invoke("reference", own, "--predictions", files / "odd.jsonl")
    assert "of 440 samples" in done.stdout
    bundle = load_bundle(own)
    assert (bundle.reference.split, bundle.sha256) == ("odd.jsonl", embedded.sha256)
    same = invoke("report", "--predictions", files / "odd.jsonl", "--models", own)
    assert same.stdout.splitlines()[-1].startswith("stable: ")


def test_a_reference_comes_from_a_run_or_from_enough_answers_of_the_bundle(files, lines, text_bundle):
    before = (text_bundle / "bundle.json").read_bytes()
    with pytest.raises(ConfigError, match="tiny_text gave 0 of the answers"):
        invoke("reference", text_bundle, "--predictions", files / "calm.jsonl")
    for options in ([], ["--run", files, "--predictions", files / "calm.jsonl"]):
        assert "Give either --run or --predictions." in invoke("reference", text_bundle, *options).stderr
    assert (text_bundle / "bundle.json").read_bytes() == before


def test_what_cannot_be_compared_is_said(files, lines):
    done = invoke("report", "--predictions", files / "bare.jsonl")
    assert "The lines hold no `text`" in done.stderr
    assert "tokens" not in done.stdout
    renamed = lines["calm"].replace('"text_bilstm": "0.1.0"', '"text_bilstm": "0.0.9", "mine": "1"')
    (files / "renamed.jsonl").write_text(renamed)
    done = invoke("report", "--predictions", files / "renamed.jsonl")
    assert "text_bilstm answered in version 0.0.9; its reference is of 0.1.0." in done.stderr
    assert "mine is not embedded" in done.stderr


def test_few_lines_and_errors_alone_prove_nothing(files, lines):
    (files / "few.jsonl").write_text("\n".join(lines["odd"].splitlines()[:8]))
    done = invoke("report", "--predictions", files / "few.jsonl")
    assert done.stdout.splitlines()[-1] == "too few samples to tell"
    [error] = Predictor.load(["text_bilstm"]).predict([Sample(text=" ")])
    (files / "error.jsonl").write_text(json.dumps(error.to_dict()) + "\n" + lines["calm"])
    done = invoke("report", "--predictions", files / "error.jsonl")
    assert "441 predictions (1 errors)" in done.stdout


@pytest.mark.parametrize(
    "line", ["nonsense", "3", "[]", "{}", '{"emotion": {"label": "joy"}, "id": "1"}', "null"]
)
def test_lines_that_are_no_predictions(files, line):
    (files / "bad.jsonl").write_text((files / "calm.jsonl").read_text() + line + "\n")
    with pytest.raises(CorpusFormatError, match=r"Line 441 of .*bad\.jsonl"):
        invoke("report", "--predictions", files / "bad.jsonl")


def test_files_and_models_that_are_not_there(files, text_bundle):
    with pytest.raises(CorpusNotFoundError, match=r"none\.jsonl"):
        invoke("report", "--predictions", files / "none.jsonl")
    with pytest.raises(CorpusNotFoundError):
        invoke("report", "--predictions", files)
    (files / "empty.jsonl").write_text("")
    with pytest.raises(ConfigError, match="No model that answered"):
        invoke("report", "--predictions", files / "empty.jsonl")
    with pytest.raises(UnknownModelError):
        invoke("report", "--predictions", files / "calm.jsonl", "--models", "text_none")
    predictions = Predictor.load([text_bundle]).predict([Sample(text="the day")])
    (files / "tiny.jsonl").write_text(json.dumps(predictions[0].to_dict()))
    with pytest.raises(ConfigError, match="--baseline"):
        invoke("report", "--predictions", files / "tiny.jsonl", "--models", text_bundle)
