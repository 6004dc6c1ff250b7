import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from emofuse.cli import cli, main
from emofuse.errors import ConfigError

PAGE = Path(__file__).parents[4] / "docs" / "fairness.md"
HEADER = "ID,Sentence,Template,Person,Gender,Race,Emotion,Emotion word\n"
PEOPLE = (
    ("Alonzo", "male", "African-American"),
    ("Ebony", "female", "African-American"),
    ("Adam", "male", "European"),
    ("Nancy", "female", "European"),
    ("my son", "male", ""),
    ("my daughter", "female", ""),
)


def invoke(*arguments):
    return CliRunner().invoke(cli, ["audit", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def corpus(tmp_path):
    rows = [
        f"{who}{word},{who} feels {word}.,<person subject> feels <emotion word>.,{who},{gender},{race},x,{word}\n"
        for word in ("angry", "glad", "sad")
        for who, gender, race in PEOPLE
    ]
    (tmp_path / "Equity-Evaluation-Corpus.csv").write_text(HEADER + "".join(rows))
    return tmp_path


@pytest.fixture
def answered(tmp_path):
    path = tmp_path / "answered.csv"
    # Women are answered rightly nine times in ten, men six times.
    rows = [
        f"{'yes' if i % 2 else 'no'},{'yes' if (i % 2) == (i % 20 // 2 < right) else 'no'},{group},0.8\n"
        for group, right in (("w", 9), ("m", 6))
        for i in range(100)
    ]
    path.write_text("y,p,sex,c\n" + "".join(rows))
    return path


def test_text_audit_prints_and_writes_the_same_figures(corpus):
    done = invoke("text", "--models", "text_bilstm", "--root", corpus, "--json", corpus / "out" / "a.json")
    record = json.loads((corpus / "out" / "a.json").read_text())
    found = record["models"]["text_bilstm"]
    assert found["sentences"] == 18
    assert {gap["group"]: gap["pairs"] for gap in found["gaps"]} == {
        "gender": 6,
        "race": 3,
        "race, female": 3,
        "race, male": 3,
    }
    assert f"Largest: {found['largest']['group']}, {found['largest']['label']}" in done.output
    assert list(record["model_sha256"]) == ["text_bilstm"]


def test_two_models_of_one_name_are_refused(corpus):
    with pytest.raises(ConfigError, match="have one name"):
        invoke("text", "--models", "text_bilstm,text_bilstm", "--root", corpus)


def test_no_model_is_refused(corpus):
    with pytest.raises(ConfigError, match="No model is named"):
        invoke("text", "--models", "", "--root", corpus)


def test_names_without_a_counterpart_print_a_dash(corpus):
    path = corpus / "Equity-Evaluation-Corpus.csv"
    rows = [row for row in path.read_text().splitlines() if row.startswith(("ID", "Ebony", "Adam"))]
    path.write_text("\n".join(rows) + "\n")
    done = invoke("text", "--models", "text_bilstm", "--root", corpus, "--json", corpus / "a.json")
    assert "NaN" not in (corpus / "a.json").read_text()
    assert re.search(r"ekman7 anger .*  -$", done.output, flags=re.MULTILINE)


def test_table_audit_finds_the_gap(answered):
    out = answered.with_suffix(".json")
    done = invoke(
        "table",
        answered,
        "--label",
        "y",
        "--group",
        "sex",
        "--prediction",
        "p",
        "--confidence",
        "c",
        "--json",
        out,
    )
    found = json.loads(out.read_text())
    [gap] = [gap for gap in found["gaps"] if gap["measure"] == "accuracy"]
    assert (gap["highest"], gap["lowest"]) == ("w", "m")
    assert gap["difference"]["value"] == pytest.approx(0.3)
    assert {group["group"]: round(group["ece"], 6) for group in found["groups"]} == {"m": 0.2, "w": 0.1}
    assert "sex: w above m" in done.output


def test_models_read_a_table_and_thresholds_are_tried(tmp_path):
    path = tmp_path / "texts.csv"
    texts = {"positive": "I love this", "negative": "this is awful"}
    rows = [f"{texts[label]},{label},{group}\n" for label in texts for group in "ab" for _ in range(4)]
    path.write_text("text,sentiment,site\n" + "".join(rows))
    done = invoke(
        *("table", path, "--label", "sentiment", "--group", "site", "--models", "text_bilstm"),
        *("--mitigate", "negative"),
    )
    assert "16 rows, accuracy 1.000" in done.output
    assert "small group" in done.output
    assert "chosen on 8 rows and judged on 8 others" in done.output


def test_options_that_contradict_each_other_are_refused(answered):
    with pytest.raises(ConfigError, match="--confidence is the probability"):
        invoke("table", answered, "--label", "y", "--group", "sex", "--confidence", "c")
    with pytest.raises(ConfigError, match="leave --models and --taxonomy out"):
        invoke(
            *("table", answered, "--label", "y", "--group", "sex", "--prediction", "p"),
            *("--taxonomy", "ekman7"),
        )
    with pytest.raises(ConfigError, match="leave --text-column and --image-column out"):
        invoke(
            *("table", answered, "--label", "y", "--group", "sex", "--prediction", "p"),
            *("--text-column", "text"),
        )
    with pytest.raises(ConfigError, match="Give --mitigate too"):
        invoke(
            *("table", answered, "--label", "y", "--group", "sex", "--prediction", "p"),
            *("--equalize", "recall"),
        )


def test_a_missing_column_is_one_line_on_standard_error(answered, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["audit", "table", str(answered), "--label", "y", "--group", "age", "--prediction", "p"])
    assert exit_.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("error[corpus_format]: ")
    assert "has no column age" in error
    assert error.count("\n") == 1


def test_the_example_of_the_page_prints_what_the_page_says(tmp_path, monkeypatch):
    page = PAGE.read_text(encoding="utf-8")
    example = page.partition("<!-- example:start -->")[2].partition("<!-- example:end -->")[0]
    code, command, output = re.findall(r"```(?:python)?\n(.*?)```", example, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(PAGE), "exec"), {})
    assert invoke(*command.split()[2:]).output == output
