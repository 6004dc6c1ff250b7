import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", ["tables.py", "cards.py"])
def test_pages_and_cards_are_those_of_the_benchmarks(script):
    command = [sys.executable, str(ROOT / "benchmarks" / script), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_commands_shown_exist():
    from emofuse.cli import cli

    shown = set(re.findall(r"emofuse (predict|models|data|train|export|evaluate|\w+) ", README))
    commands = set(cli.list_commands(None))
    assert {"predict", "train", "export", "evaluate"} <= shown
    for name in re.findall(r"^emofuse (\w+)", README, flags=re.MULTILINE):
        assert name in commands


def test_python_example_runs():
    from emofuse import Predictor, Sample

    photo = ROOT / "src" / "emofuse" / "demo" / "examples" / "eileen_collins.jpg"
    [prediction] = Predictor.load().predict([Sample(text="I am so proud of you", image=photo)])
    assert prediction.emotion.label == "joy"
    assert prediction.sentiment.label == "positive"
    assert prediction.abstained is False
