from pathlib import Path

import pytest

from emofuse import list_bundles, load_bundle
from emofuse.export.model_card import render_model_card
from emofuse.runtime.bundle_constants import KINDS

MANIFEST = {
    "name": "tiny",
    "version": "1",
    "description": "for tests",
    "outputs": {},
    "metrics": [],
    "data": [],
    "recipe": "r.yaml",
    "code_revision": "abc",
    "created": "2026-01-01",
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_says_how_it_may_be_used(kind):
    card = render_model_card(MANIFEST | {"kind": kind})
    _, _, section = card.partition("## Responsible use")
    assert "docs/RESPONSIBLE_USE.md" in section
    assert ("Article 5(1)(f)" in section) == (kind in {"face", "scene", "fusion"})
    assert ("no biometric data" in section) == (kind == "text")


def test_limits_stand_before_the_use_and_only_where_there_are_some():
    assert "## Limits" not in render_model_card(MANIFEST | {"kind": "face", "limits": []})
    card = render_model_card(MANIFEST | {"kind": "face", "limits": ["It squints.", "It sleeps."]})
    assert "## Limits\n\n- It squints.\n- It sleeps.\n\n## Responsible use\n" in card


@pytest.mark.parametrize("name", list_bundles())
def test_the_page_is_where_the_cards_of_the_embedded_models_say(name):
    folder = load_bundle(name).path
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    target = card.rpartition("](")[2].partition(")")[0]
    assert (folder / target).resolve() == (
        Path(__file__).parents[3] / "docs" / "RESPONSIBLE_USE.md"
    ).resolve()
    assert (folder / target).exists()
