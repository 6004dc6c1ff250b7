"""A wheel, installed into an empty environment, predicts."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    [path] = folder.glob("*.whl")
    return path


def test_wheel_holds_models_and_tables_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "emofuse/models/text_bert_bilstm/model.onnx" in names
    assert "emofuse/taxonomy/sets/ekman7.json" in names
    assert "emofuse/py.typed" in names
    assert not [name for name in names if name.startswith("tests") or name.endswith(".pyc")]
    assert wheel.stat().st_size < 45e6


def test_wheel_predicts_in_an_empty_environment(wheel, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True, timeout=120)
    python = tmp_path / "env" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, timeout=120)
    # The libraries come from this environment, emofuse itself from the wheel alone.
    environment = {**os.environ, "PYTHONPATH": sysconfig.get_paths()["purelib"]}
    where = subprocess.run(
        [str(python), "-c", "import emofuse; print(emofuse.__file__)"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert where.stdout.startswith(str(tmp_path))
    done = subprocess.run(
        [str(tmp_path / "env" / "bin" / "emofuse"), "predict", "--json", "I am so proud of you"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["emotion"]["label"] == "joy"
