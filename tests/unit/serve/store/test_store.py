"""One contract, kept on SQLite and on PostgreSQL."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from emofuse.errors import (
    BadRecordError,
    ConfigError,
    CorrectionConflictError,
    KeyExistsError,
    KeyNotFoundError,
    UnknownLabelError,
    UnknownScopeError,
    VersionNotFoundError,
)
from emofuse.serve.store import SCOPES, Correction, HistoryEntry, Store, StoreOptions

LATER = datetime.now(UTC) + timedelta(days=40)


@pytest.fixture
def open_store(database_url):
    """Opens stores on one database, as several processes would."""
    stores = []

    def open_one(**options):
        stores.append(Store.open(database_url, StoreOptions(**options)))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(open_store):
    return open_store()


def entry(**fields):
    return HistoryEntry(**{"request_id": "r1", "prediction": {"emotion": {"label": "joy"}}} | fields)


def texts(store, **between):
    return [correction.text for correction in store.iter_corrections(**between)]


# Keys


def test_a_key_opens_what_its_scopes_say(store):
    key = store.add_key("app", ["feedback", "predict"])
    found = store.authenticate(key)
    assert (found.name, found.scopes, found.revoked) == ("app", ("predict", "feedback"), None)
    assert key.startswith(f"emofuse_{found.id}_")
    assert store.list_keys() == [found]


def test_keys_differ_and_their_secrets_have_256_bits(store):
    keys = [store.add_key(f"app{number}", SCOPES) for number in range(3)]
    assert len(set(keys)) == 3
    assert all(len(key.split("_", 2)[2]) == 43 for key in keys)


def test_a_wrong_key_is_nobodys(store):
    key = store.add_key("app", ["predict"])
    changed = key[:-1] + ("A" if key[-1] != "A" else "B")
    identity = key.split("_")[1]
    for wrong in (
        changed,
        key + "A",
        key[:-1],
        f"emofuse_{identity}_",
        identity,
        "",
        "ü",
        "a_b_c",
        "emofuse_\x00_x",
    ):
        assert store.authenticate(wrong) is None
    assert store.authenticate(key).name == "app"


def test_a_revoked_key_is_refused_at_once_everywhere(open_store):
    here, elsewhere = open_store(), open_store()
    key = here.add_key("app", ["predict"])
    assert all(store.authenticate(key) for store in (here, elsewhere))
    revoked = here.revoke_key("app")
    assert here.authenticate(key) is None
    assert elsewhere.authenticate(key) is None
    assert here.list_keys() == [revoked]
    assert revoked.revoked >= revoked.created


def test_a_revoked_key_gives_its_name_back(store):
    first = store.add_key("app", ["predict"])
    with pytest.raises(KeyExistsError, match="'app'"):
        store.add_key("app", ["predict"])
    store.revoke_key(store.list_keys()[0].id)
    second = store.add_key("app", ["predict"])
    assert store.authenticate(first) is None
    assert store.authenticate(second).name == "app"
    with pytest.raises(KeyNotFoundError):
        store.revoke_key(store.list_keys()[0].id)


def test_an_id_goes_before_a_name_like_it(store):
    store.add_key("app", ["predict"])
    identity = store.list_keys()[0].id
    store.add_key(identity, ["predict"])
    assert store.revoke_key(identity).name == "app"
    assert store.revoke_key(identity).name == identity
    with pytest.raises(KeyNotFoundError):
        store.revoke_key(identity)


@pytest.mark.parametrize(
    ("name", "scopes", "error"),
    [("app", ["root"], UnknownScopeError), ("app", [], BadRecordError), ("", ["predict"], BadRecordError)]
    + [(name, ["predict"], BadRecordError) for name in ("a\nb", "x" * 201, "\x00", " ", "\ud83d")],
)
def test_bad_keys_are_refused(store, name, scopes, error):
    with pytest.raises(error):
        store.add_key(name, scopes)
    assert store.list_keys() == []


# Corrections


def test_a_correction_comes_back_as_it_went_in(store):
    before = datetime.now(UTC)
    given = Correction(
        id="c1",
        subject="bob",
        text="Wëll, great. 🎉",
        image=b"\x00picture",
        emotion="anger",
        sentiment="negative",
        predicted_emotion="joy",
        predicted_sentiment="positive",
        models={"text_bilstm": "0.1.0"},
    )
    assert store.add_correction(given) == "c1"
    [stored] = store.iter_corrections()
    names = "subject text image_sha256 emotion sentiment predicted_emotion predicted_sentiment models"
    for name in names.split():
        assert getattr(stored, name) == getattr(given, name)
    assert before <= stored.created <= datetime.now(UTC)
    assert stored.created.utcoffset() == timedelta(0)
    assert stored.expires is None
    # Its digest is enough to see that two are about the same picture.
    assert stored.has_image is False
    assert store.read_image("c1") is None


def test_a_picture_is_kept_when_asked(store):
    one = store.add_correction(Correction(image=b"\x00picture", keep_image=True, emotion="joy"))
    [stored] = store.iter_corrections()
    assert stored.id == one
    assert stored.has_image
    assert store.read_image(one) == b"\x00picture"
    assert store.read_image("nobody") is None


def test_ids_are_made_where_none_is_given(store):
    ids = {store.add_correction(Correction(text="same", emotion="joy")) for _ in range(3)}
    assert len(ids) == 3
    assert texts(store) == ["same"] * 3


def test_a_repeat_changes_nothing_even_if_a_newer_model_answered(store):
    first = Correction(id="c1", text="a", emotion="joy", models={"m": "1"})
    assert store.add_correction(first) == "c1"
    assert store.add_correction(first) == "c1"
    assert store.add_correction(Correction(id="c1", text="a", emotion="joy", models={"m": "2"})) == "c1"
    [stored] = store.iter_corrections()
    assert stored.models == {"m": "1"}


@pytest.mark.parametrize(
    "other",
    [{"text": "b"}, {"emotion": "fear"}, {"sentiment": "neutral"}, {"subject": "eve"}, {"image": b"x"}],
)
def test_one_id_for_two_corrections_is_a_conflict(store, other):
    said = {"id": "c1", "text": "a", "emotion": "joy"}
    store.add_correction(Correction(**said))
    with pytest.raises(CorrectionConflictError, match="'c1'"):
        store.add_correction(Correction(**said | other))
    assert texts(store) == ["a"]


def test_eight_threads_with_one_id_make_one_row(store):
    barrier = Barrier(8)

    def post(_):
        barrier.wait()
        return [store.add_correction(Correction(id=f"c{n}", text=f"t{n}", emotion="joy")) for n in range(10)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(8)))
    assert answers == [[f"c{n}" for n in range(10)]] * 8
    assert sorted(texts(store)) == [f"t{n}" for n in range(10)]


def test_readers_and_writers_do_not_wait_for_each_other(store):
    store.add_correction(Correction(text="first", emotion="joy"))
    reader = store.iter_corrections()
    next(reader)
    store.add_correction(Correction(text="second", emotion="joy"))
    assert texts(store) == ["first", "second"]


def test_since_is_inclusive_and_until_is_not(store):
    for text in "abc":
        store.add_correction(Correction(text=text, emotion="joy"))
    _, middle, _ = store.iter_corrections()
    assert texts(store, since=middle.created) == ["b", "c"]
    assert texts(store, until=middle.created) == ["a"]
    assert texts(store, since=middle.created, until=middle.created) == []


def test_more_than_a_page_comes_once_and_in_order(store):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: store.add_correction(Correction(text=str(n), emotion="joy")), range(110)))
    found = list(store.iter_corrections())
    assert sorted(int(one.text) for one in found) == list(range(110))
    assert [one.created for one in found] == sorted(one.created for one in found)


def test_characters_that_no_database_takes_are_replaced(store):
    given = Correction(id="c1", text="so\x00 happy \ud83d", emotion="joy")
    store.add_correction(given)
    assert store.add_correction(given) == "c1"
    assert texts(store) == ["so� happy �"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"text": "a"}, BadRecordError),
        ({"emotion": "joy"}, BadRecordError),
        ({"text": "", "emotion": "joy"}, BadRecordError),
        ({"text": "a", "emotion": "happy"}, UnknownLabelError),
        ({"text": "a", "emotion": "joy", "predicted_sentiment": "joy"}, UnknownLabelError),
        ({"text": "a", "emotion": "joy", "id": ""}, BadRecordError),
        ({"text": "a", "emotion": "joy", "subject": "a\x00"}, BadRecordError),
    ],
)
def test_bad_corrections_are_refused(fields, error):
    with pytest.raises(error):
        Correction(**fields)


def test_nothing_personal_shows_in_a_log():
    said = Correction(text="secret", subject="secret", image=b"secret", emotion="joy")
    assert "secret" not in repr(said) + repr(
        entry(text="secret", subject="secret", prediction={"a": "secret"})
    )


# Histories, export, erasure, expiry


def test_without_retention_only_keys_and_corrections_are_kept(store):
    assert store.record_history([entry(subject="bob", text="hi")]) is False
    assert store.subject_export("bob") == {"subject": "bob", "history": [], "corrections": []}


def test_export_holds_all_of_one_person_and_nothing_of_another(open_store):
    store = open_store(history_days=30)
    assert store.record_history([entry(subject="bob", text="hi"), entry(subject="eve", text="ho")]) is True
    for subject in ("bob", "eve"):
        store.add_correction(
            Correction(
                id=f"c-{subject}",
                subject=subject,
                text=f"{subject}'s",
                image=b"xx",
                keep_image=True,
                emotion="joy",
            )
        )
    export = store.subject_export("bob")
    assert json.loads(json.dumps(export)) == export
    [history], [correction] = export["history"], export["corrections"]
    assert (history["request_id"], history["text"]) == ("r1", "hi")
    assert history["prediction"] == {"emotion": {"label": "joy"}}
    kept = datetime.fromisoformat(history["expires"]) - datetime.fromisoformat(history["created"])
    assert kept == timedelta(days=30)
    assert (correction["id"], correction["text"], correction["image"]) == ("c-bob", "bob's", "eHg=")


def test_erasing_leaves_nothing_of_one_person_and_all_of_another(open_store):
    store = open_store(history_days=30)
    store.record_history([entry(subject="bob"), entry(subject="bob"), entry(subject="eve")])
    store.add_correction(Correction(subject="bob", text="a", emotion="joy"))
    store.add_correction(Correction(subject="eve", text="b", emotion="joy"))
    assert store.subject_erase("bob") == {"history": 2, "corrections": 1}
    assert store.subject_export("bob") == {"subject": "bob", "history": [], "corrections": []}
    eve = store.subject_export("eve")
    assert len(eve["history"]) == len(eve["corrections"]) == 1
    assert store.subject_erase("bob") == {"history": 0, "corrections": 0}


def test_purge_deletes_what_has_expired_and_nothing_else(open_store):
    short, for_good = open_store(history_days=1, correction_days=30), open_store(history_days=90)
    for store, name in ((short, "short"), (for_good, "good")):
        store.record_history([entry(subject="bob", text=name)])
        store.add_correction(Correction(subject="bob", text=name, emotion="joy"))
    assert short.purge_expired(datetime.now(UTC)) == {"history": 0, "corrections": 0}
    assert short.purge_expired(datetime.now(UTC) + timedelta(days=2)) == {"history": 1, "corrections": 0}
    assert short.purge_expired(LATER) == {"history": 0, "corrections": 1}
    export = short.subject_export("bob")
    assert [row["text"] for row in export["history"] + export["corrections"]] == ["good", "good"]


def test_an_expired_correction_is_not_handed_out_before_it_is_purged(open_store):
    store = open_store(correction_days=0)
    store.add_correction(Correction(text="gone", emotion="joy"))
    assert texts(store) == []
    assert store.purge_expired(datetime.now(UTC))["corrections"] == 1


@pytest.mark.parametrize("name", ["history_days", "correction_days", "busy_s"])
@pytest.mark.parametrize("value", [-1, 1e9, float("nan")])
def test_options_out_of_range_are_refused(name, value):
    with pytest.raises(ConfigError, match=name):
        StoreOptions(**{name: value})


# Versions


def test_promotions_stack_and_roll_back_to_what_comes_with_emofuse(store):
    assert store.active_version("text") is None
    first = store.promote("text", "/models/a", "aa")
    store.promote("face", "/models/f", "ff")
    second = store.promote("text", "/models/b", "bb")
    assert store.active_version("text") == second
    assert store.roll_back("text") == first
    assert store.roll_back("text") is None
    with pytest.raises(VersionNotFoundError, match="'text'"):
        store.roll_back("text")
    assert store.active_version("face").path == "/models/f"


def test_another_process_sees_what_was_promoted(open_store):
    here, elsewhere = open_store(), open_store()
    here.promote("text", "/models/a", "aa")
    assert elsewhere.active_version("text").sha256 == "aa"
