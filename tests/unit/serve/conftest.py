from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from emofuse.serve import Settings, create_app


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = Settings(
        models=("text_bilstm",),
        database_url=f"sqlite:///{tmp_path_factory.mktemp('service')}/service.sqlite",
        history_days=1,
        max_samples=20,
        max_characters=2000,
        max_body_bytes=400_000,
    )
    with TestClient(create_app(settings)) as client:
        yield client
