"""What the fused answer does when a face agrees with a sentence, says nothing, or contradicts it.

    python benchmarks/faces_and_words.py --json benchmarks/faces_and_words.json

The sentences are those of benchmarks/behaviour.jsonl that have one sentiment; the faces are the drawn ones of
src/emofuse/demo/examples. Beside a positive sentence the smiling face agrees and the sad and the angry face
contradict; beside a negative one the other way round; beside a neutral sentence the neutral face agrees and
there is no contradiction. `kept` is the share of the answers whose sentiment is that of the sentence,
`face's` the share whose sentiment is that of the face.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from behaviour import Sentence, read_suite
from machine import describe_machine

from emofuse import Prediction, Predictor, Sample, load_bundle

PHOTOS = Path(__file__).parent.parent / "src" / "emofuse" / "demo" / "examples"
SENTIMENT_OF = {"happy": "positive", "sad": "negative", "angry": "negative", "neutral": "neutral"}
FACES = {
    "positive": {
        "no face": (None,),
        "agreeing": ("happy",),
        "neutral": ("neutral",),
        "contradicting": ("sad", "angry"),
    },
    "negative": {
        "no face": (None,),
        "agreeing": ("sad", "angry"),
        "neutral": ("neutral",),
        "contradicting": ("happy",),
    },
    "neutral": {
        "no face": (None,),
        "agreeing": ("neutral",),
        "smiling": ("happy",),
        "sad or angry": ("sad", "angry"),
    },
}


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    predictor, rows = Predictor.load(), []
    for sentiment, kinds in FACES.items():
        sentences = [own for own in read_suite() if tuple(own.accepted.get("sentiment", ())) == (sentiment,)]
        for kind, faces in kinds.items():
            for_each = [ask(predictor, sentences, face) for face in faces]
            shown = {SENTIMENT_OF[face] for face in faces if face}
            answers = [answer for own in for_each for answer in own]
            rows.append({"sentence": sentiment, "face": kind} | summarise(answers, sentiment, shown))
    models = predictor.predict([Sample(text="Good.", image=PHOTOS / "drawn_happy.png")])[0].models
    record = {
        "command": "python benchmarks/faces_and_words.py --json benchmarks/faces_and_words.json",
        "machine": describe_machine(),
        "model_sha256": {name: load_bundle(name).sha256 for name in models},
        "rows": rows,
    }
    print(json.dumps(record, indent=1))
    arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def ask(predictor: Predictor, sentences: Sequence[Sentence], face: str | None) -> list[Prediction]:
    """Every sentence with one face, or none."""
    image = PHOTOS / f"drawn_{face}.png" if face else None
    return predictor.predict(Sample(text=sentence.text, image=image) for sentence in sentences)


def summarise(answers: Sequence[Prediction], sentiment: str, shown: set[str]) -> dict[str, Any]:
    """Shares of the answers, and means over them."""
    labels = [answer.sentiment.label for answer in answers if answer.sentiment]
    texts = [answer.modalities[0].weight for answer in answers]
    conflicts = [answer.conflict for answer in answers if answer.conflict is not None]
    return {
        "n": len(answers),
        "kept": round(float(np.mean([label == sentiment for label in labels])), 4),
        "face's": round(float(np.mean([label in shown for label in labels])), 4) if shown else None,
        "text's share": round(float(np.mean(texts)), 4),
        "conflict": round(float(np.mean(conflicts)), 4) if conflicts else None,
        "mixed": round(float(np.mean([bool(a.sentiment and a.sentiment.mixed) for a in answers])), 4),
        "abstained": round(float(np.mean([answer.abstained for answer in answers])), 4),
        "confidence": round(float(np.mean([a.emotion.confidence for a in answers if a.emotion])), 4),
    }


if __name__ == "__main__":
    main()
