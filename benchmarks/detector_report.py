"""Write the page of the face detector from benchmarks/detector.json.

python benchmarks/detector_report.py --report docs/reports
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from emofuse import load_bundle
from emofuse.evaluate.page import Section, render_page
from emofuse.evaluate.plots import plot_history

NAME = "face_detector"
FIGURES = Path(__file__).with_name("detector.json")
LEAD = (
    "Recall: share of the reference detector's sure boxes that are found. False: share of our boxes where "
    "even an unsure box of the reference is missing. A box is found from an overlap (IoU) of 0.5 on."
)


def _section(name: str, part: dict[str, Any]) -> Section:
    rows = [
        (size, row["reference_boxes"], row["recall"], row["our_boxes"], row["false_share"])
        for size, row in part["sizes"].items()
    ]
    lead = f"{part['photos']} photographs; landmarks are off by {part['landmark_error_of_width']:.3f} "
    lead += "of a face's width on average."
    header = ("width of the face", "reference boxes", "recall", "our boxes", "false")
    return Section(name.replace("_", " "), lead, header=header, rows=rows)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, required=True)
    folder = parser.parse_args().report
    bundle, record = load_bundle(NAME), json.loads(FIGURES.read_text(encoding="utf-8"))
    facts = {
        "model": f"{bundle.name} {bundle.version}: {bundle.description}",
        "model sha256": bundle.sha256,
        "command": record["command"],
        "machine": f"{record['machine']['processor']}, made on {record['machine']['date']}",
    }
    parts = {name: part for name, part in record.items() if isinstance(part, dict) and "sizes" in part}
    sections = [Section("What is counted", LEAD), *(_section(name, part) for name, part in parts.items())]
    sections.append(Section("Training", "Losses by epoch.", plot_history(bundle.history)))
    folder.mkdir(parents=True, exist_ok=True)
    page = render_page(f"{NAME} beside its reference", facts, sections)
    (folder / f"{NAME}.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
