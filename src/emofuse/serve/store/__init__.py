"""What the service keeps: API keys, corrections, histories where wanted, promoted models.

from emofuse.serve.store import Correction, Store

store = Store.open("sqlite:////var/lib/emofuse/emofuse.sqlite")
key = store.add_key("app", ["predict", "feedback"])
store.add_correction(Correction(text="Well, great.", emotion="anger"))
"""

from emofuse.serve.store.database import default_database_url
from emofuse.serve.store.part import StoreOptions
from emofuse.serve.store.records import (
    SCOPES,
    Correction,
    HistoryEntry,
    Key,
    StoredCorrection,
    Version,
)
from emofuse.serve.store.store import Store

__all__ = [
    "SCOPES",
    "Correction",
    "HistoryEntry",
    "Key",
    "Store",
    "StoreOptions",
    "StoredCorrection",
    "Version",
    "default_database_url",
]
