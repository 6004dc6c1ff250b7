import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from tests.unit.datasets.test_corpora import make_emotion

from emofuse.cli import cli, main


def test_robustness_prints_and_writes_the_same_figures(text_bundle, tmp_path):
    make_emotion(tmp_path)
    written = tmp_path / "new" / "r.json"
    arguments = ["audit", "robustness", text_bundle, "--corpus", "emotion", "--root", tmp_path]
    arguments += ["--limit", 1, "--json", written]
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
    record = json.loads(written.read_text(encoding="utf-8"))
    lines = done.output.splitlines()
    for line, curve in zip(lines, record["curves"], strict=False):
        figures = [f"{level['scores']['accuracy'][0]:.3f}" for level in curve["levels"]]
        assert line.startswith(curve["corruption"])
        assert " ".join(figures) + "  n=1, " in line
    assert lines[-1].endswith("on emotion test: 1 samples, seed 0")
    assert "--corpus emotion --root ROOT --split test --limit 1 --seed 0" in record["command"]
    assert str(tmp_path) not in json.dumps(record)


def test_bad_usage_is_told(capsys):
    for arguments in (["audit", "dance"], ["audit", "robustness", "nobody", "--corpus", "a", "--root", "b"]):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert exit_.value.code == 2
    assert "error[unknown_model]" in capsys.readouterr().err


def test_a_seed_below_0_is_bad_usage(text_bundle, tmp_path):
    arguments = ["audit", "robustness", text_bundle, "--corpus", "emotion", "--root", tmp_path, "--seed", -1]
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert done.exit_code == 2
    assert "--seed" in done.output


def test_help_loads_no_extra():
    code = (
        "import sys; from emofuse.cli import main\ntry: main(['audit', '--help'])\nexcept SystemExit: pass\n"
    )
    code += "print([name for name in ('sklearn', 'scipy', 'matplotlib') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "robustness  Score a BUNDLE" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
