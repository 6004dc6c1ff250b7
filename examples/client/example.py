"""Read texts and a picture with a running service, through the generated client.

    emofuse serve &
    python examples/client/example.py "I am so proud of you" "Leave me alone" --image photo.jpg

The key, where the service asks for one, is taken from the environment variable EMOFUSE_KEY.
"""

from __future__ import annotations

import argparse
import base64
import os
import sys
from pathlib import Path
from typing import TypeVar

from emofuse_client import AuthenticatedClient, Client
from emofuse_client.api.predict import predict, predict_batch
from emofuse_client.models import BatchBody, PredictBody, Prediction, Problem, SampleBody

Answer = TypeVar("Answer")


def connect(url: str, key: str | None) -> Client | AuthenticatedClient:
    """A client with or without a key."""
    return AuthenticatedClient(url, key) if key else Client(url)


def check(answer: Answer | Problem | None) -> Answer:
    """The answer, or an end with the reason why there is none."""
    if answer is None:
        sys.exit("The service answers with something unknown.")
    if isinstance(answer, Problem):
        sys.exit(f"error[{answer.code}]: {answer.detail}")
    return answer


def show(name: str, prediction: Prediction) -> None:
    """Print what was read."""
    if prediction.emotion is None or prediction.sentiment is None:
        print(f"{name}: {prediction.error.message if prediction.error else 'nothing'}")
        return
    emotion, sentiment = prediction.emotion, prediction.sentiment
    print(f"{name}: {emotion.label} ({emotion.confidence:.2f}), {sentiment.label}")


def main() -> None:
    """Ask and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--image", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    given = parser.parse_args()
    with connect(given.url, os.environ.get("EMOFUSE_KEY")) as client:
        body = BatchBody([SampleBody(text=text) for text in given.texts])
        found = check(predict_batch.sync(client=client, body=body))
        for text, prediction in zip(given.texts, found.predictions, strict=True):
            show(text, prediction)
        if given.image:
            picture = base64.b64encode(given.image.read_bytes()).decode()
            show(given.image.name, check(predict.sync(client=client, body=PredictBody(image=picture))))


if __name__ == "__main__":
    main()
