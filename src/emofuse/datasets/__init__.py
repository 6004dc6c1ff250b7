"""Corpora in their own layouts, and a user's own data."""

from emofuse.datasets.adapter import VALENCE, DatasetAdapter, hash_share
from emofuse.datasets.brighter import BrighterAdapter
from emofuse.datasets.emobank import EmoBankAdapter
from emofuse.datasets.emotion import EmotionAdapter
from emofuse.datasets.fer import Fer2013Adapter, FerPlusAdapter
from emofuse.datasets.goemotions import GoEmotionsAdapter
from emofuse.datasets.imdb import ImdbAdapter
from emofuse.datasets.isarcasmeval import ISarcasmEvalAdapter
from emofuse.datasets.label_matched import LabelMatchedAdapter
from emofuse.datasets.meld import MeldAdapter
from emofuse.datasets.msed import MsedAdapter
from emofuse.datasets.own import CsvAdapter, FolderAdapter, JsonlAdapter
from emofuse.datasets.rafdb import RafDbAdapter
from emofuse.datasets.semeval2007 import SemEval2007Adapter
from emofuse.datasets.semeval2017 import SemEval2017Adapter
from emofuse.datasets.sentiment140 import Sentiment140Adapter, Sentiment140PolarityAdapter
from emofuse.datasets.xed import XedAdapter
from emofuse.errors import UnknownCorpusError

__all__ = [
    "VALENCE",
    "BrighterAdapter",
    "CsvAdapter",
    "DatasetAdapter",
    "FolderAdapter",
    "JsonlAdapter",
    "hash_share",
    "list_adapters",
    "load_adapter",
    "shows_crops",
]

_ADAPTERS: dict[str, DatasetAdapter] = {
    adapter.name: adapter
    for adapter in (
        BrighterAdapter(),
        CsvAdapter(),
        EmoBankAdapter(),
        EmotionAdapter(),
        Fer2013Adapter(),
        FerPlusAdapter(),
        FolderAdapter(),
        GoEmotionsAdapter("goemotions", "goemotions28", "original"),
        GoEmotionsAdapter("goemotions_ekman", "ekman7", "ekman"),
        ImdbAdapter(),
        ISarcasmEvalAdapter(),
        LabelMatchedAdapter(
            "label_matched",
            "unified5",
            faces=(
                FerPlusAdapter(),
                "faces",
                {
                    "anger": "angry",
                    "sadness": "sad",
                    "happiness": "happy",
                    "neutral": "neutral",
                    "fear": "fear",
                },
            ),
            texts=(
                GoEmotionsAdapter("goemotions", "goemotions28", "original"),
                "text/goemotions",
                {"anger": "angry", "sadness": "sad", "joy": "happy", "neutral": "neutral", "fear": "fear"},
            ),
        ),
        LabelMatchedAdapter(
            "label_matched_four",
            "basic4",
            faces=(
                Fer2013Adapter(),
                "faces",
                {"angry": "angry", "sad": "sad", "happy": "happy", "fear": "fear"},
            ),
            texts=(
                EmotionAdapter(),
                "text/emotion",
                {"anger": "angry", "sadness": "sad", "joy": "happy", "fear": "fear"},
            ),
        ),
        JsonlAdapter(),
        MeldAdapter(),
        MsedAdapter(),
        RafDbAdapter(),
        SemEval2007Adapter(),
        SemEval2017Adapter(),
        Sentiment140Adapter(),
        Sentiment140PolarityAdapter(),
        XedAdapter(),
    )
}


def list_adapters() -> list[str]:
    """Names of all corpora, sorted."""
    return sorted(_ADAPTERS)


def load_adapter(name: str) -> DatasetAdapter:
    """Find a corpus by name.

    Args:
        name: One of `list_adapters()`.

    Returns:
        Its adapter.

    Raises:
        UnknownCorpusError: No such corpus; the message lists the valid names.
    """
    try:
        return _ADAPTERS[name]
    except KeyError:
        raise UnknownCorpusError(name, _ADAPTERS) from None


def shows_crops(name: str) -> bool | None:
    """Whether the pictures of a corpus are crops of single faces.

    Args:
        name: Corpus name.

    Returns:
        True for corpora of faces, False for one of whole photographs, None for a user's own pictures: a face
        model is trained and measured on them as crops, everything else looks at them whole.
    """
    if name in {"csv", "jsonl", "folder"}:
        return None
    return name in {"fer2013", "ferplus", "rafdb", "label_matched", "label_matched_four"}
