#!/usr/bin/env python3
"""Write docs/openapi.json from the service, and emofuse_client from that.

    python examples/client/generate.py

Needs the extras `serve` and `dev`: openapi-python-client writes the client, ruff tidies it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from emofuse.serve import Settings, create_app

HERE = Path(__file__).parent
DOCUMENT = HERE.parent.parent / "docs" / "openapi.json"


def describe() -> dict[str, Any]:
    """The OpenAPI document of the service."""
    return create_app(Settings()).openapi()


def write_client(document: dict[str, Any], folder: Path) -> None:
    """Generate the client.

    Args:
        document: As `describe` gives it.
        folder: Replaced.
    """
    plain = json.loads(json.dumps(document))
    # The generator's modules cannot be imported where a body may be JSON or a form; JSON says the same.
    for operations in plain["paths"].values():
        for operation in operations.values():
            operation.get("requestBody", {}).get("content", {}).pop("multipart/form-data", None)
    with TemporaryDirectory() as scratch:
        source = Path(scratch) / "openapi.json"
        source.write_text(json.dumps(plain), encoding="utf-8")
        options = ["--path", source, "--config", HERE / "generator.yaml", "--output-path", folder]
        subprocess.run(
            [
                sys.executable,
                "-m",
                "openapi_python_client",
                "generate",
                *options,
                "--meta=none",
                "--overwrite",
            ],
            check=True,
            env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.DEVNULL,
        )


def main() -> None:
    """Write both."""
    document = describe()
    DOCUMENT.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_client(document, HERE / "emofuse_client")


if __name__ == "__main__":
    main()
