"""Tables of docs/score.md and docs/throughput.md."""

from __future__ import annotations

from figures import render

from emofuse.scale.fields import DEFAULT_FIELDS, FIELDS


def fields_table() -> str:
    """What `emofuse score` can write."""
    rows = [
        [f"`{name}`", field.meaning, "yes" if name in DEFAULT_FIELDS else ""]
        for name, field in FIELDS.items()
    ]
    return render(["field", "what it holds", "without `--fields`"], rows)


TABLES = {"score_fields": fields_table}
