"""What docs/RESPONSIBLE_USE.md promises: predicting opens no connection and writes no file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import PHOTOS

# Python's own calls are seen by an audit hook; what native code does is seen by the file descriptors that are
# sockets and by the folders in which it could write, all of them empty at first.
WATCH = """
import json, os, sys
seen = []
WRITES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.link", "os.symlink", "shutil.", "tempfile.")
def hook(event, arguments):
    if event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "subprocess.", "os.system", *WRITES)):
        seen.append(event)
    elif event == "open":
        _, mode, flags = arguments
        writing = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
        if writing or set(mode or "") & set("wax+"):
            seen.append(f"open {arguments[0]}")
sys.addaudithook(hook)
exec(sys.argv[1])
links = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")]
print(json.dumps([*seen, *(link for link in links if link.startswith("socket:"))]))
"""
LIBRARY = f"""
from emofuse import Predictor, Sample
[found] = Predictor.load().predict([Sample(text="I am so proud", image={str(PHOTOS / "eileen_collins.jpg")!r})])
assert len(found.modalities) == 3, found
"""
COMMAND = f"""
from emofuse.cli import main
try:
    main(["predict", "--json", "--text", "I am so proud", "--image", {str(PHOTOS / "eileen_collins.jpg")!r}])
except SystemExit as done:
    assert not done.code
"""


def watch(code, home):
    places = {name: str(home / name) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    for place in places.values():
        Path(place).mkdir()
    # Nothing turns telemetry off but emofuse itself.
    settings = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCH, code],
        cwd=home / "HOME",
        env=settings | places,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = sorted(path.name for place in places.values() for path in Path(place).rglob("*"))
    return json.loads(done.stdout.splitlines()[-1]), written


pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at /proc")


@pytest.mark.parametrize("code", [LIBRARY, COMMAND], ids=["library", "command"])
def test_predicting_opens_no_connection_and_writes_no_file(code, tmp_path):
    assert watch(code, tmp_path) == ([], [])


@pytest.mark.parametrize(
    ("code", "seen", "written"),
    [
        (
            "import socket; socket.socket().connect_ex(('127.0.0.1', 9))",
            ["socket.__new__", "socket.connect"],
            [],
        ),
        ("import socket; keep = socket.socket(); seen.clear()", ["socket:"], []),
        ("open('a.txt', 'w').close()", ["open a.txt"], ["a.txt"]),
        ("import os; os.close(os.open('b', os.O_CREAT | os.O_WRONLY)); seen.clear()", [], ["b"]),
        ("import tempfile; tempfile.mkdtemp(); seen.clear()", [], ["tmp"]),
    ],
)
def test_the_watch_sees_what_it_looks_for(code, seen, written, tmp_path):
    events, files = watch(code, tmp_path)
    assert [event.startswith(start) for event, start in zip(events, seen, strict=True)] == [True] * len(seen)
    assert [name.startswith(start) for name, start in zip(files, written, strict=True)] == [True] * len(
        written
    )
