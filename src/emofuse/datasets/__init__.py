"""Corpora in their own layouts, and a user's own data."""

from emofuse.datasets.adapter import DatasetAdapter
from emofuse.datasets.emotion import EmotionAdapter
from emofuse.datasets.fer import Fer2013Adapter, FerPlusAdapter
from emofuse.datasets.goemotions import GoEmotionsAdapter
from emofuse.datasets.meld import MeldAdapter
from emofuse.datasets.own import CsvAdapter, FolderAdapter, JsonlAdapter
from emofuse.datasets.semeval2017 import SemEval2017Adapter
from emofuse.datasets.sentiment140 import Sentiment140Adapter
from emofuse.errors import UnknownCorpusError

__all__ = ["CsvAdapter", "DatasetAdapter", "FolderAdapter", "JsonlAdapter", "list_adapters", "load_adapter"]

_ADAPTERS: dict[str, DatasetAdapter] = {
    adapter.name: adapter
    for adapter in (
        CsvAdapter(),
        EmotionAdapter(),
        Fer2013Adapter(),
        FerPlusAdapter(),
        FolderAdapter(),
        GoEmotionsAdapter("goemotions", "goemotions28", "original"),
        GoEmotionsAdapter("goemotions_ekman", "ekman7", "ekman"),
        JsonlAdapter(),
        MeldAdapter(),
        SemEval2017Adapter(),
        Sentiment140Adapter(),
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
