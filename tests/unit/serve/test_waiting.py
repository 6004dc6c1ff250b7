import asyncio
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fastapi.testclient import TestClient

from emofuse.errors import StoreUnavailableError
from emofuse.serve import Settings, create_app
from emofuse.serve.store import Store
from emofuse.serve.waiting import Waiting


def test_one_beyond_the_queue_is_refused_and_a_long_call_given_up() -> None:
    free = threading.Event()

    async def main() -> tuple[list[object], float]:
        own = Waiting(1, queue_size=2, wait_s=0.2)
        start = time.monotonic()
        found = await asyncio.gather(*(own.run(free.wait, 10) for _ in range(5)), return_exceptions=True)
        took_s = time.monotonic() - start
        free.set()
        return [*found, await own.run(len, "again")], took_s

    found, took_s = asyncio.run(main())
    assert took_s < 1
    assert all(isinstance(error, StoreUnavailableError) for error in found[:5])
    assert sorted(str(error).split(".")[0] for error in found[:5]) == [
        *["The database took too long"] * 3,
        *["Too many requests wait for the database"] * 2,
    ]
    assert found[5] == 5


def test_a_busy_database_refuses_what_it_should_store_and_holds_up_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "service.sqlite"
    # One after the other the sixty would wait for twelve seconds.
    url = f"sqlite:///{file}?timeout=0.2"
    store = Store.open(url)
    keys = [store.add_key(f"app{number}", ["predict", "feedback"]) for number in range(2)]
    store.close()
    other = sqlite3.connect(file, isolation_level=None)
    settings = Settings(models=("text_bilstm",), database_url=url)
    with TestClient(create_app(settings)) as client, ThreadPoolExecutor(60) as pool:

        def ask(path: str, key: str, **body: str) -> tuple[int, float]:
            start = time.monotonic()
            answer = client.post(path, json={"text": "a", **body}, headers={"x-api-key": key})
            return answer.status_code, time.monotonic() - start

        assert ask("/v1/predict", keys[0])[0] == 200
        other.execute("BEGIN IMMEDIATE")
        stored = [pool.submit(ask, "/v1/feedback", keys[0], emotion="joy") for _ in range(60)]
        time.sleep(0.2)
        for answered in (
            lambda: client.get("/readyz").status_code,
            lambda: ask("/v1/predict", keys[0])[0],
            lambda: ask("/v1/predict", keys[1])[0],
        ):
            start = time.monotonic()
            assert answered() == 200
            assert time.monotonic() - start < 1
        found = [job.result() for job in stored]
        assert {status for status, _ in found} == {503}
        assert max(took_s for _, took_s in found) < 6
    other.close()
