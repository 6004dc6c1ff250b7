from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from emofuse.serve import Settings, create_app


@pytest.fixture(scope="session")
def client() -> Iterator[TestClient]:
    settings = Settings(models=("text_bilstm",), max_samples=20, max_characters=2000, max_body_bytes=400_000)
    with TestClient(create_app(settings)) as client:
        yield client
