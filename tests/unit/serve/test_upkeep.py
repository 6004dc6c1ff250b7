import asyncio
import logging
import shutil
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from emofuse.errors import BundleError
from emofuse.runtime.bundle import load_bundle
from emofuse.serve import Settings, create_app
from emofuse.serve.service import Service
from emofuse.serve.store import Correction, Store
from emofuse.serve.upkeep import follow_promotions, keep_up, open_service


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = f"sqlite:///{tmp_path}/service.sqlite"
    return Settings(models=("text_bilstm",), database_url=url, refresh_s=0.05)


def promote(settings: Settings, folder: Path) -> Store:
    shutil.copytree(load_bundle("text_bilstm_open").path, folder)
    store = Store.open(settings.database_url or "")
    store.promote("text", str(folder), load_bundle(folder).sha256)
    return store


def text_model(client: TestClient) -> str:
    models = client.post("/v1/predict", json={"text": "so proud"}).json()["models"]
    return next(name for name in models if name.startswith("text"))


def wait_for(client: TestClient, name: str) -> list[str]:
    seen = []
    until = time.monotonic() + 10
    while not seen or seen[-1] != name:
        assert time.monotonic() < until
        seen.append(text_model(client))
    return seen


def test_promotes_and_rolls_back_without_a_failed_request(settings: Settings, tmp_path: Path) -> None:
    with TestClient(create_app(settings)) as client:
        assert text_model(client) == "text_bilstm"
        store = promote(settings, tmp_path / "better")
        assert set(wait_for(client, "text_bilstm_open")) <= {"text_bilstm", "text_bilstm_open"}
        store.roll_back("text")
        wait_for(client, "text_bilstm")
        store.close()


def test_starts_with_what_was_promoted(settings: Settings, tmp_path: Path) -> None:
    promote(settings, tmp_path / "better").close()
    with TestClient(create_app(settings)) as client:
        assert text_model(client) == "text_bilstm_open"


def test_keeps_its_models_when_the_promoted_one_is_another(settings: Settings, tmp_path: Path) -> None:
    service = Service(settings)
    promote(settings, tmp_path / "better").close()
    shutil.rmtree(tmp_path / "better")
    shutil.copytree(load_bundle("text_bilstm").path, tmp_path / "better")
    with pytest.raises(BundleError, match="not the text model that was promoted"):
        follow_promotions(service)
    assert service.engine.bundles[0].name == "text_bilstm"
    service.close()


def test_a_promotion_that_cannot_be_opened_stops_neither_the_start_nor_the_purge(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    promote(settings, tmp_path / "gone").close()
    shutil.rmtree(tmp_path / "gone")
    settings = settings.model_copy(update={"correction_days": 0.0})
    with TestClient(create_app(settings)) as client:
        assert client.get("/readyz").status_code == 200
        assert text_model(client) == "text_bilstm"
        client.post("/v1/feedback", json={"text": "a", "emotion": "joy", "subject": "ann"})
        time.sleep(0.5)  # ten rounds
    service = open_service(settings)
    service.store.add_correction(Correction(text="a", emotion="joy", subject="ann"))
    look_after(service, 0.3)
    assert service.store.subject_export("ann")["corrections"] == []
    service.close()
    # Each of the two services says it once, not each round.
    assert [record.code for record in caplog.records if record.message == "upkeep"] == ["unknown_model"] * 2


def look_after(service: Service, seconds: float) -> None:
    async def main() -> None:
        task = asyncio.create_task(keep_up(service))
        await asyncio.sleep(seconds)
        assert not task.done()
        task.cancel()

    asyncio.run(main())


class BrokenService(Service):
    """One whose models cannot be exchanged, for a reason that nobody foresaw."""

    def exchange(self, models: object) -> None:
        raise RuntimeError("secret")


def test_nothing_ends_the_upkeep(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = BrokenService(settings)
    promote(settings, tmp_path / "better").close()
    look_after(service, 0.5)
    service.close()
    [said] = [record for record in caplog.records if record.message == "upkeep"]
    assert (said.levelno, said.code, said.reason) == (logging.WARNING, "internal", "RuntimeError")
