import shutil
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from emofuse.errors import BundleError
from emofuse.runtime.bundle import load_bundle
from emofuse.serve import Settings, create_app
from emofuse.serve.service import Service
from emofuse.serve.store import Store
from emofuse.serve.upkeep import follow_promotions


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
