"""Generated corpora in their official layouts, small enough to train every recipe in seconds."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np
from PIL import Image

from emofuse.taxonomy import load_taxonomy

WORDS = {
    "joy": "sunny smile laugh lovely",
    "sadness": "tears grey alone gone",
    "anger": "shout rage slam furious",
    "fear": "dark scream shiver afraid",
    "love": "darling heart kiss tender",
    "surprise": "sudden gasp wow unexpected",
}
PHOTOS = Path(__file__).parent.parent / "src" / "emofuse" / "demo" / "examples"
FILLER = ["the", "day", "we", "had", "a", "very", "long", "week", "at", "home"]


def write_corpora(root: Path) -> Path:
    """Write every corpus that a recipe reads.

    Args:
        root: Empty folder.

    Returns:
        `root`, a data root for `emofuse train`.
    """
    random = np.random.default_rng(0)
    text = root / "text"
    _write_emotion(text / "emotion", random)
    _write_goemotions(text / "goemotions" / "original", random)
    _write_meld(text / "meld", random)
    _write_semeval2017(text / "semeval2017_4a", random)
    _write_sentiment140(text / "sentiment140", random)
    _write_imdb(text / "imdb", random)
    _write_isarcasmeval(text / "isarcasmeval", random)
    _write_semeval2007(text / "semeval2007", random)
    _write_brighter(text / "brighter", random)
    _write_xed(text / "xed", random)
    _write_fer(root / "faces", random)
    _write_rafdb(root / "rafdb", random)
    _write_msed(root / "msed", random)
    _write_shop(root / "shop", random)
    return root


def sentence(label: str, random: np.random.Generator) -> str:
    """A few words, most of them telling of the label."""
    words = [*random.choice(WORDS[label].split(), 3), *random.choice(FILLER, random.integers(1, 4))]
    return " ".join(random.permutation(words))


def _write_emotion(folder: Path, random: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    for name, count in (("train", 120), ("val", 36), ("test", 36)):
        labels = [list(WORDS)[i % 6] for i in range(count)]
        lines = [f"{sentence(label, random)};{label}\n" for label in labels]
        (folder / f"{name}.txt").write_text("".join(lines))


def _write_goemotions(folder: Path, random: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    labels = load_taxonomy("goemotions28").labels
    (folder / "labels.txt").write_text("\n".join(labels) + "\n")
    for name, count in (("train", 84), ("dev", 56), ("test", 56)):
        rows = [(i % 28, sentence(list(WORDS)[i % 6], random)) for i in range(count)]
        lines = [f"{text}\t{label}\tid{i}\n" for i, (label, text) in enumerate(rows)]
        (folder / f"{name}.tsv").write_text("".join(lines))


def _write_meld(folder: Path, random: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    for name in ("train", "dev", "test"):
        with (folder / f"{name}_sent_emo.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["Utterance", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID"])
            for i in range(24):
                label, polarity = ("joy", "positive") if i % 2 else ("sadness", "negative")
                rows.writerow([sentence(label, random), label, polarity, i, 0])


def _write_semeval2017(folder: Path, random: np.random.Generator) -> None:
    folder = folder / "train"
    folder.mkdir(parents=True)
    polarities = {"positive": "joy", "negative": "anger", "neutral": "surprise"}
    lines = [
        f"{1000 + i}\t{polarity}\t{sentence(polarities[polarity], random)}\n"
        for i, polarity in enumerate(list(polarities) * 60)
    ]
    (folder / "twitter-2016train-A.tsv").write_text("".join(lines))


def _write_sentiment140(folder: Path, random: np.random.Generator) -> None:
    (folder / "tweets_100k").mkdir(parents=True)
    for name, label in (("negative", "anger"), ("positive", "joy")):
        lines = [f"{sentence(label, random)} {i}\n" for i in range(120)]
        (folder / "tweets_100k" / f"{name}.txt").write_text("".join(lines))
    with (folder / "testdata.manual.2009.06.14.csv").open("w", newline="") as file:
        for i, (polarity, label) in enumerate([("0", "anger"), ("4", "joy"), ("2", "surprise")] * 8):
            csv.writer(file).writerow([polarity, i, "date", "query", "user", sentence(label, random)])


def _write_imdb(folder: Path, random: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    for name in ("train", "test"):
        rows = [
            {"id": f"{i}", "label": polarity, "text": f"{sentence(label, random)} {name} {i}"}
            for i, (polarity, label) in enumerate([("neg", "anger"), ("pos", "joy")] * 40)
        ]
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as file:
            file.write("".join(json.dumps(row) + "\n" for row in rows))


def _write_isarcasmeval(folder: Path, random: np.random.Generator) -> None:
    for path, column, count in (
        ("train/train.En.csv", "tweet", 240),
        ("test/task_A_En_test.csv", "text", 40),
    ):
        (folder / path).parent.mkdir(parents=True)
        with (folder / path).open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow([column, "sarcastic", "rephrase"])
            for i in range(count):
                label = "surprise" if i % 4 == 0 else "joy"
                rows.writerow([f"{sentence(label, random)} {column} {i}", int(i % 4 == 0), ""])


def _write_semeval2007(folder: Path, random: np.random.Generator) -> None:
    labels = ("anger", "disgust", "fear", "joy", "sadness", "surprise")
    for part in ("trial", "test"):
        base = folder / f"AffectiveText.{part}"
        base.mkdir(parents=True)
        headlines, emotions, valences = [], [], []
        for i, label in enumerate(["joy", "sadness", "anger", "fear"] * 6):
            headlines.append(f'<instance id="{i}">{sentence(label, random)}</instance>\n')
            emotions.append(f"{i} {' '.join('80' if own == label else '0' for own in labels)}\n")
            valences.append(f"{i} {70 if label == 'joy' else -70}\n")
        name = f"affectivetext_{part}"
        xml = f'<corpus task="affective text">\n{"".join(headlines)}</corpus>\n'
        (base / f"{name}.xml").write_text(xml)
        (base / f"{name}.emotions.gold").write_text("".join(emotions))
        (base / f"{name}.valence.gold").write_text("".join(valences))


def _write_brighter(folder: Path, random: np.random.Generator) -> None:
    labels = ("anger", "fear", "joy", "sadness", "surprise")
    for path in ("track_a/train/eng.csv", "track_a/dev/eng.csv", "track_a/test/eng.csv"):
        (folder / path).parent.mkdir(parents=True)
        with (folder / path).open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["id", "text", *labels])
            for i in range(30):
                own = labels[i % 5]
                rows.writerow(
                    [f"{path}-{i}", sentence(own, random), *(int(label == own) for label in labels)]
                )


def _write_xed(folder: Path, random: np.random.Generator) -> None:
    (folder / "AnnotatedData").mkdir(parents=True)
    ids = {"anger": 1, "fear": 4, "joy": 5, "sadness": 6, "surprise": 7}
    lines = [f"{sentence(label, random)} {i}\t{ids[label]}\n" for i, label in enumerate(list(ids) * 12)]
    (folder / "AnnotatedData" / "en-annotated.tsv").write_text("".join(lines))
    (folder / "AnnotatedData" / "neu_en.txt").write_text(
        "".join(f"0\tthe day at home {i}\n" for i in range(20))
    )


def _write_fer(folder: Path, random: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    usages = ["Training"] * 84 + ["PublicTest"] * 42 + ["PrivateTest"] * 42
    with (
        (folder / "fer2013.csv").open("w", newline="") as faces,
        (folder / "fer2013new.csv").open("w", newline="") as votes,
    ):
        face_rows, vote_rows = csv.writer(faces), csv.writer(votes)
        face_rows.writerow(["emotion", "pixels", "Usage"])
        vote_rows.writerow(["Usage", "Image name", "neutral"])
        for i, usage in enumerate(usages):
            label = i % 7
            pixels = _face(label, random)
            face_rows.writerow([label, " ".join(map(str, pixels.reshape(-1))), usage])
            shares = [0] * 10
            shares[label], shares[7] = 9, 1
            vote_rows.writerow([usage, f"fer{i:07d}.png", *shares])


def _write_rafdb(folder: Path, random: np.random.Generator) -> None:
    (folder / "EmoLabel").mkdir(parents=True)
    (folder / "Image" / "aligned").mkdir(parents=True)
    lines = []
    for part, count in (("train", 140), ("test", 42)):
        for i in range(count):
            lines.append(f"{part}_{i:05d}.jpg {i % 7 + 1}\n")
            face = Image.fromarray(_face(i % 7, random)).convert("RGB").resize((100, 100))
            face.save(folder / "Image" / "aligned" / f"{part}_{i:05d}_aligned.jpg")
    (folder / "EmoLabel" / "list_patition_label.txt").write_text("".join(lines))


def _write_msed(folder: Path, random: np.random.Generator) -> None:
    """Photographs with a drawn face, whose ground has the colour of the emotion."""
    kinds = {
        "happiness": ("joy", "positive", "happy", (230, 210, 120)),
        "sad": ("sadness", "negative", "sad", (90, 110, 190)),
        "anger": ("anger", "negative", "angry", (200, 70, 60)),
        "neutral": ("surprise", "neutral", "neutral", (150, 150, 150)),
    }
    for split, count in (("train", 72), ("dev", 24), ("test", 24)):
        (folder / split / "images").mkdir(parents=True)
        with (folder / split / f"{split}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["Title", "Caption", "Sentiment", "Emotion", "Desire", "Source"])
            for i in range(count):
                emotion = list(kinds)[i % 4]
                word, sentiment, drawn, colour = kinds[emotion]
                title = f"{sentence(word, random)} {split} {i}"
                rows.writerow([title, sentence(word, random), sentiment, emotion, "none", "S"])
                photo = Image.new("RGB", (200, 160), colour)
                if i % 3:  # the others show nobody
                    with Image.open(PHOTOS / f"drawn_{drawn}.png") as face:
                        photo.paste(face.convert("RGB").resize((120, 120)), (20 + i % 40, 20))
                photo.save(folder / split / "images" / f"{i + 1}.jpg", quality=90)


def _write_shop(folder: Path, random: np.random.Generator) -> None:
    """A user's own pairs: what is sold, in words and as a picture; of some only one."""
    wares = {
        "bags, small": ("leather purse strap", (120, 80, 40)),
        "shirts": ("cotton sleeve collar", (80, 140, 220)),
        "shoes & boots": ("rubber sole laces", (40, 40, 50)),
    }
    (folder / "images").mkdir(parents=True)
    for split, count in (("train", 60), ("validation", 24), ("test", 24)):
        with (folder / f"{split}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["text", "image", "label"])
            for i in range(count):
                label = list(wares)[i % 3]
                words, colour = wares[label]
                pixels = random.normal(colour, 25, (40, 60, 3)).clip(0, 255).astype(np.uint8)
                name = f"images/{split}{i}.png"
                Image.fromarray(pixels).save(folder / name)
                text = " ".join(random.permutation([*words.split(), *random.choice(FILLER, 2)]))
                rows.writerow(["" if i % 8 == 7 else text, "" if i % 8 == 3 else name, label])


def _face(label: int, random: np.random.Generator) -> np.ndarray:
    pixels = random.normal(110, 15, (48, 48))
    pixels[6 * label : 6 * label + 8] += 90
    return pixels.clip(0, 255).astype(np.uint8)
