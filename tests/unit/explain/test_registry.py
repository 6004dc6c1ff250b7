import json
from pathlib import Path

from emofuse.explain import NO_BETTER_THAN_CHANCE

MEASURED = Path(__file__).parents[3] / "benchmarks" / "explanations.json"


def test_what_is_no_better_than_chance_is_what_was_measured():
    rows = json.loads(MEASURED.read_text())["rows"]

    assert {(row["model"], row["method"]) for row in rows if not row["beats_random"]} == NO_BETTER_THAN_CHANCE
