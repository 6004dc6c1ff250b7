"""The service does what its OpenAPI description says, whatever it is sent: schemathesis, all checks on."""

from collections.abc import Iterator

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig
from schemathesis.python.asgi import shutdown_lifespans

from emofuse.serve import Settings, create_app
from emofuse.serve.store import Store

SCOPES = ("predict", "explain", "feedback", "subjects", "metrics")
CONFIG = {
    "base-url": "http://localhost",
    "generation": {"max-examples": 15, "deterministic": True, "database": "none"},
    "checks": {
        # What no schema can say of a body: the text is white space, the bytes are no picture, the id is taken.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "409", "413", "422"]},
    },
}


class Later:
    """Stands for an application that opens its models when the tests run, not when they are collected."""

    app: FastAPI

    async def __call__(self, scope, receive, send) -> None:
        await self.app(scope, receive, send)


LATER = Later()
schema = schemathesis.openapi.from_dict(
    create_app(Settings()).openapi(), config=SchemathesisConfig.from_dict(CONFIG)
)
schema.app = LATER


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A key that may do everything in a service that runs."""
    url = f"sqlite:///{tmp_path_factory.mktemp('contract')}/a.sqlite"
    LATER.app = create_app(Settings(models=("text_bilstm",), database_url=url))
    served = schemathesis.openapi.from_asgi("/openapi.json", LATER)
    assert served.raw_schema == schema.raw_schema
    store = Store.open(url)
    yield store.add_key("all", SCOPES)
    store.close()
    shutdown_lifespans()


@schema.parametrize()
def test_service_keeps_to_its_description(case: schemathesis.Case, key: str) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {key}"})
