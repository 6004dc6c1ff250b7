import gradio as gr
import pytest

from emofuse.demo.models import build_choices
from emofuse.demo.track_conversation import build_conversation, follow

SMALL, OPEN = "Small text model", "Small text model from open corpora"


@pytest.fixture(scope="module")
def choices():
    return build_choices()


def test_a_longer_text_goes_on_and_another_begins_anew(choices):
    first = follow(choices, SMALL, "ann: I am so happy", None)
    before = first.conversation.record.entries[0]

    longer = follow(choices, SMALL, "ann: I am so happy\nbob: I hate you", first)
    assert longer.conversation.record.entries[0] is before
    assert [entry.state.turn for entry in longer.conversation.record.entries] == [1, 2]

    edited = follow(choices, SMALL, "ann: I am so sad\nbob: I hate you", longer)
    assert [entry.state.turn for entry in edited.conversation.record.entries] == [1, 2]
    assert edited.conversation.record.entries[0].state.raw == "sadness"
    assert len(follow(choices, SMALL, " ", edited).conversation.record.entries) == 0


def test_what_was_tracked_stays_as_it_was(choices):
    first = follow(choices, SMALL, "ann: I am so happy\n{", None)
    longer = follow(choices, SMALL, "ann: I am so happy\n{\nann: I am so sad\n{", first)
    again = follow(choices, SMALL, "ann: I am so happy\n{\nann: I am so sad\n{", first)

    counts = [(len(own.conversation.record.entries), own.conversation.refused) for own in (first, longer)]
    assert counts == [(1, 1), (2, 2)]
    one, two = (own.conversation.record.entries[-1].state.to_dict() for own in (longer, again))
    assert one == two


def test_other_models_begin_anew(choices):
    small = follow(choices, SMALL, "ann: I am so happy", None)
    other = follow(choices, OPEN, "ann: I am so happy", small)

    assert other.conversation is not small.conversation
    one, two = (own.conversation.record.entries[0].state.emotion for own in (small, other))
    assert one != two


def test_one_event_answers_so_that_none_overtakes_another(choices):
    with gr.Blocks() as page:
        build_conversation(choices, gr.Dropdown(list(choices)))

    named = {own["id"]: own["props"].get("elem_id") for own in page.config["components"]}
    answering = [
        own
        for own in page.config["dependencies"]
        if {"track-timeline", "track-csv"} <= {named[i] for i in own["outputs"]}
    ]
    assert [own["trigger_mode"] for own in answering] == ["always_last"]
    kinds = [kind for _, kind in answering[0]["targets"]]
    assert kinds == ["click", "input", "change"]
