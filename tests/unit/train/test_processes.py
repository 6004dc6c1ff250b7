"""One network, whatever the number of processes that train it."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from click.testing import CliRunner
from tests.miniature import write_corpora
from torch import distributed, nn
from torch.distributed.run import get_args_parser

from emofuse.cli import cli
from emofuse.errors import ConfigError
from emofuse.export import export_any
from emofuse.train import Processes, train_recipe
from emofuse.train.checkpoints import read_effort, read_history
from emofuse.train.encoders.text import _BatchNorm
from emofuse.train.processes import build_shared_trainer, count_devices
from emofuse.train.runs import read_weights
from emofuse.train.shared_norm import set_copied, share_norms

EXAMPLES = Path(__file__).parents[3] / "examples"
# Nothing in the steps is drawn at random; batch norm, averaging and the pairs of persons are in.
RECIPE = """
name: tiny
task: text
encoder: {name: bilstm, embedding: 8, hidden: 4, heads: 0, dropout: 0.0, batch_norm: true}
tokenizer: {source: train, vocabulary: 120, max_tokens: 16, emoji: keep}
heads: {emotion6: {loss: focal, gamma: 1.0}}
corpora: [{name: emotion, root: text/emotion, heads: {emotion6: emotion6}}]
persons: {groups: 3}
train: {epochs: 2, batch_size: 16, lr: 1.0e-2, schedule: plateau, ema: 0.9, patience: 5, precision: 32-true}
"""
MORE = "train.epochs=3"
# Sums in another order differ by 1e-7 of their size; Adam divides by small gradients, which enlarges that.
TOLERANCE = {"rtol": 1e-3, "atol": 5e-4}
FAILING = """
import os
from emofuse.cli import main
from emofuse.train.classifier import Classifier

def fail(self, batch, index):
    if self.global_rank == 1 and index == 2:
        os._exit(9)

Classifier.on_train_batch_start = fail
main()
"""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def start(command, folder, **more):
    env = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"} | more
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    return subprocess.Popen(
        list(map(str, command)),
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    write_corpora(folder / "data")
    (folder / "tiny.yaml").write_text(RECIPE)
    (folder / "failing.py").write_text(FAILING)
    train_recipe(folder / "tiny.yaml", folder / "data", folder / "one")
    return folder


def nodes(root, *arguments):
    endpoint = f"127.0.0.1:{free_port()}"
    command = [EXAMPLES / "torchrun" / "train.sh", "tiny.yaml", "--data-root", "data", *arguments]
    return [start(command, root, MASTER=endpoint, NODES="2", LOCAL_ADDR="127.0.0.1") for _ in range(2)]


@pytest.fixture(scope="module")
def ended(root):
    """Everything that begins processes, at once: most of the time goes into imports."""
    for name in ("moved", "more"):
        shutil.copytree(root / "one", root / name)
    arguments = ["train", "tiny.yaml", "--data-root", "data"]
    python = [sys.executable, "-m", "emofuse", *arguments]
    begun = {
        "two": start([*python, "--run-dir", "two", "--devices", 2], root),
        "failing": start(
            [sys.executable, "failing.py", *arguments, "--run-dir", "failing", "--devices", 2], root
        ),
    }
    begun["node 0"], begun["node 1"] = nodes(root, "--run-dir", "moved", "--set", MORE)
    train_recipe(root / "tiny.yaml", root / "data", root / "more", overrides=[MORE], resume=True)
    try:
        return {
            name: (*process.communicate(timeout=240), process.returncode) for name, process in begun.items()
        }
    finally:
        for process in begun.values():
            process.kill()


def assert_same_run(run, other, epochs):
    for name in ("best", "last"):
        expected = read_weights(other / "checkpoints" / f"{name}.ckpt")
        for key, value in read_weights(run / "checkpoints" / f"{name}.ckpt").items():
            torch.testing.assert_close(value, expected[key], **TOLERANCE)
    assert [row["epoch"] for row in read_history(run)] == list(range(epochs))
    for mine, theirs in zip(read_history(run), read_history(other), strict=False):
        assert mine == pytest.approx(theirs, abs=1e-4)


def test_two_processes_give_the_result_of_one(root, ended):
    out, err, code = ended["two"]
    assert code == 0, err
    assert out.count("Best checkpoint") == 1
    assert_same_run(root / "two", root / "one", 2)
    files = [
        sorted(str(path.relative_to(run)) for path in run.rglob("*") if "tfevents" not in path.name)
        for run in (root / "two", root / "one")
    ]
    assert files[0] == files[1]
    for name in ("recipe.yaml", "tokenizer.json"):
        assert (root / "two" / name).read_bytes() == (root / "one" / name).read_bytes()
    assert read_effort(root / "two")["finished"]
    export_any(root / "two", root / "bundle")
    before, after = (read_weights(root / run / "checkpoints" / "last.ckpt") for run in ("two", "more"))
    # An epoch changes the weights by far more than the tolerance.
    assert max((before[key] - after[key]).abs().max() for key in before) > 0.02


def test_two_nodes_of_torchrun_go_on_where_one_process_stopped(root, ended):
    for name in ("node 0", "node 1"):
        assert ended[name][2] == 0, ended[name][1]
    said = [ended[name][0].count("Best checkpoint") for name in ("node 0", "node 1")]
    assert sorted(said) == [0, 1]
    assert_same_run(root / "moved", root / "more", 3)


def test_a_process_that_fails_ends_the_command(ended):
    out, err, code = ended["failing"]
    assert code == 9
    assert "error[process_failed]: Process 1 of 2 ended with code 9" in err
    assert "Best checkpoint" not in out


@pytest.mark.slow
def test_processes_with_different_recipes_refuse_to_train(root):
    endpoint = f"127.0.0.1:{free_port()}"
    command = [EXAMPLES / "torchrun" / "train.sh", "tiny.yaml", "--data-root", "data", "--run-dir", "differ"]
    env = {"MASTER": endpoint, "NODES": "2", "LOCAL_ADDR": "127.0.0.1"}
    begun = [start([*command, "--set", f"seed={seed}"], root, **env) for seed in (7, 8)]
    for process in begun:
        _, err = process.communicate(timeout=240)
        assert process.returncode == 1  # torchrun's
        assert "has another recipe" in err


@pytest.mark.slow
def test_slurm_names_the_processes(root):
    begun = []
    port = free_port()
    for rank in range(2):
        env = {
            "SLURM_NTASKS": "2",
            "SLURM_NTASKS_PER_NODE": "1",
            "SLURM_NNODES": "2",
            "SLURM_JOB_ID": "4321",
            "SLURM_JOB_NAME": "emofuse",
            "SLURM_PROCID": str(rank),
            "SLURM_NODEID": str(rank),
            "SLURM_LOCALID": "0",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
        }
        command = [sys.executable, "-m", "emofuse", "train", "tiny.yaml", "--data-root", "data"]
        begun.append(start([*command, "--run-dir", "slurm", "--num-nodes", "2"], root, **env))
    for rank, process in enumerate(begun):
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        assert out.count("Best checkpoint") == 1 - rank
    assert_same_run(root / "slurm", root / "one", 2)


@pytest.fixture
def group(tmp_path):
    distributed.init_process_group(
        "gloo", store=distributed.FileStore(str(tmp_path / "store"), 1), rank=0, world_size=1
    )
    yield
    distributed.destroy_process_group()


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.BatchNorm2d, _BatchNorm])
def test_shared_batch_norm_is_batch_norm(kind, group):
    torch.manual_seed(0)
    shape = (6, 3, 4, 4) if kind is nn.BatchNorm2d else (6, 3)
    plain, shared = kind(3), kind(3)
    share_norms(shared)
    slopes = []
    for _ in range(3):
        inputs, weights = torch.randn(shape) * 3 + 5, torch.randn(shape)
        read = []
        for norm in (plain, shared):
            own = inputs.clone().requires_grad_()
            output = norm(own)
            (output * weights).sum().backward()
            read += [output, own.grad]
        slopes.append(read[1].abs().max())
        torch.testing.assert_close(read[2:], read[:2], rtol=1e-4, atol=1e-5)
    assert max(slopes) > 0.01
    torch.testing.assert_close(shared.state_dict(), plain.state_dict())
    torch.testing.assert_close(shared.weight.grad, plain.weight.grad)
    set_copied(shared, True)
    torch.testing.assert_close(shared(inputs), plain(inputs))
    torch.testing.assert_close(shared.eval()(inputs), plain.eval()(inputs))


@pytest.mark.parametrize(
    ("devices", "cards", "count"), [("auto", 0, 1), ("auto", 4, 4), (3, 4, 3), (3, 0, 3)]
)
def test_devices_are_counted(devices, cards, count):
    assert count_devices(devices, cards) == count


@pytest.mark.parametrize(
    ("devices", "cards", "message"), [(0, 0, "at least 1"), (-2, 2, "at least 1"), (3, 2, "is 2")]
)
def test_devices_that_are_not_there(devices, cards, message):
    with pytest.raises(ConfigError, match=message):
        count_devices(devices, cards)


@pytest.mark.parametrize(
    ("env", "processes", "message"),
    [
        ({}, {"num_nodes": 2}, "nothing names the other machines"),
        ({}, {"num_nodes": 0}, "at least 1"),
        ({}, {"devices": 3}, "cannot be shared evenly by 3"),
        ({"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "4"}, {"devices": 2}, "torchrun began 4 processes"),
        ({"SLURM_NTASKS": "4", "SLURM_JOB_NAME": "x"}, {}, "SLURM began 4 processes"),
        (
            {"SLURM_NTASKS": "4", "SLURM_JOB_NAME": "x"}
            | {"SLURM_PROCID": "0", "SLURM_NTASKS_PER_NODE": "2"}
            | {"SLURM_NODEID": "0", "SLURM_LOCALID": "0"},
            {"devices": 4},
            "cannot train together",
        ),
    ],
)
def test_processes_that_cannot_train_together(env, processes, message, monkeypatch, tmp_path):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=message):
        build_shared_trainer(Processes(**processes), 16, logger=False, default_root_dir=tmp_path)


def test_members_that_learn_along_stay_in_one_process(root, tmp_path):
    recipe = yaml.safe_load((EXAMPLES.parent / "recipes" / "fusion_mlp_finetuned.yaml").read_text())
    (tmp_path / "fusion.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(ConfigError, match="in one process only"):
        train_recipe(
            tmp_path / "fusion.yaml", root / "data", tmp_path / "run", processes=Processes(devices=2)
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("example", ["slurm/train.sbatch", "torchrun/train.sh"])
def test_examples_use_options_that_exist(example):
    path = EXAMPLES / example
    subprocess.run(["bash", "-n", path], check=True)
    text = path.read_text()
    offered = CliRunner().invoke(cli, ["train", "--help"]).output
    own = text[text.index('emofuse train "$@"') :]
    used = {word for word in own.split() if word.startswith("--")}
    assert {"--devices", "--num-nodes", "--resume"} == used
    assert all(f"{option} " in offered for option in used)
    if example.endswith("train.sh"):
        known = get_args_parser().format_help()
        ours = text[text.index("exec torchrun") : text.index("-m emofuse")]
        assert all(f"{word} " in known for word in ours.split() if word.startswith("--"))
