"""Tables and storages to score from: a small table, and a real S3 server on this machine."""

import csv
import gc
import secrets
import urllib.request
from pathlib import Path

import pytest

from emofuse.scale import text_source


@pytest.fixture
def small_partitions(monkeypatch):
    for kind in (text_source.CsvSource, text_source.JsonLinesSource, text_source.LinesSource):
        monkeypatch.setattr(kind, "rows_each", 2)


@pytest.fixture
def texts():
    return [
        "so happy",
        "this is awful",
        "the bus is late",
        "so happy",
        "",
        "what a lovely surprise",
        "why me",
    ]


@pytest.fixture
def table(tmp_path, texts):
    path = tmp_path / "in.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["n", "text"], *enumerate(texts)])
    return path


class Lake:
    """A bucket: what it holds, and the server that can be stopped and started again, or refuse everybody."""

    def __init__(self, server, client, bucket):
        self._server, self._client, self.name = server, client, bucket

    def address(self, key):
        return f"s3://{self.name}/{key}"

    def put(self, path, key, **rights):
        files = [path] if path.is_file() else [own for own in Path(path).rglob("*") if own.is_file()]
        for own in files:
            name = key if own == path else f"{key}/{own.relative_to(path).as_posix()}"
            self._client.upload_file(str(own), self.name, name, ExtraArgs=rights)
        return self.address(key)

    def read(self, key):
        return self._client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def list(self):
        return sorted(
            own["Key"] for own in self._client.list_objects_v2(Bucket=self.name).get("Contents", ())
        )

    def delete(self, key):
        self._client.delete_object(Bucket=self.name, Key=key)

    def stop(self):
        self._server.stop()
        self._server._server.server_close()

    def start(self):
        self._server.start()

    def web(self, key):
        return "http://{}:{}/{}/{}".format(*self._server.get_host_and_port(), self.name, key)

    def refuse(self, after):
        """Let requests without rights be refused after some more; infinity lets all do everything."""
        host, port = self._server.get_host_and_port()
        asked = urllib.request.Request(f"http://{host}:{port}/moto-api/reset-auth", str(after).encode())
        asked.add_header("Content-Type", "text/plain")
        urllib.request.urlopen(asked).close()


@pytest.fixture(scope="module")
def s3_server():
    pytest.importorskip("upath")
    pytest.importorskip("s3fs")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    server._port = port  # for a start anew
    patched = pytest.MonkeyPatch()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        patched.setenv(name, value)
    import boto3
    from s3fs import S3FileSystem

    S3FileSystem.clear_instance_cache()
    client = boto3.client("s3")
    # What moto has loaded would be gone through after each partition.
    gc.collect()
    gc.freeze()
    yield server, client
    gc.unfreeze()
    client.close()
    S3FileSystem.clear_instance_cache()
    server.stop()
    patched.undo()


@pytest.fixture
def lake(s3_server):
    server, client = s3_server
    bucket = f"lake-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=bucket)
    return Lake(server, client, bucket)
