import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.conftest import bright_square, build_pool_bundle

from emofuse import errors
from emofuse.evaluate.reference import count_reference
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.predictor import Predictor
from emofuse.runtime.reference import parse_reference
from emofuse.serve.monitoring import PICTURE_EVERY, TEXT_EVERY, Monitor
from emofuse.types import ErrorEntry, Notice, Prediction, Sample

EXAMPLES = Path(__file__).parents[3] / "examples"
TEXT = "the day is happy"


def read(monitor):
    """Sample name and labels -> value."""
    families = text_string_to_metric_families(monitor.render().decode())
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def referring(folder, rows):
    return replace(load_bundle(folder), reference=parse_reference(count_reference(rows)))


@pytest.fixture(scope="module")
def bundles(text_bundle, tmp_path_factory):
    folder = build_pool_bundle(tmp_path_factory.mktemp("serve") / "pool", "text")
    rows = [{"tokens": 3, "emotion": "joy"}, {"tokens": 5, "emotion": "fear"}] * 50
    return [referring(text_bundle, rows), load_bundle(folder)]


@pytest.fixture(scope="module")
def answered(bundles):
    predictor = Predictor.load([bundle.path for bundle in bundles])
    [prediction] = predictor.predict([Sample(id="x", text=TEXT)])
    return prediction


def test_a_service_without_the_extra_for_evaluation_has_a_monitor():
    program = "import sys, emofuse.serve.monitoring; print('sklearn' in sys.modules, 'jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_a_request_is_counted_in_every_metric(bundles, answered):
    monitor = Monitor(bundles)
    sure = replace(answered, abstained=False)
    monitor.observe(Sample(text=TEXT), sure)
    monitor.observe_request("/v1/predict", {"queue": 0.002, "model": 0.004, "total": 0.2})
    unsure = replace(answered, abstained=True, warnings=(Notice("text_windowed", "Long."),))
    monitor.observe(Sample(text=TEXT), unsure)
    monitor.observe(Sample(text=""), Prediction("y", error=ErrorEntry("empty_text", "Empty.")))
    monitor.observe_run(3)
    monitor.reject("overloaded")
    monitor.fail("bad_request")
    monitor.watch_queue("predictions", lambda: 7)
    with monitor.in_flight():
        found = read(monitor)
    label, feeling = answered.emotion.label, answered.sentiment.label
    expected = {
        ("emofuse_predictions_total",): 2,
        ("emofuse_abstained_total",): 1,
        ("emofuse_emotions_total", *sorted(("ekman7", label))): 2,
        ("emofuse_sentiments_total", feeling): 2,
        ("emofuse_confidence_count",): 2,
        ("emofuse_warnings_total", "text_windowed"): 1,
        ("emofuse_errors_total", "empty_text"): 1,
        ("emofuse_errors_total", "bad_request"): 1,
        ("emofuse_rejected_total", "overloaded"): 1,
        ("emofuse_queue_depth", "predictions"): 7,
        ("emofuse_in_flight",): 1,
        ("emofuse_batch_size_sum",): 3,
        ("emofuse_request_seconds_count", "/v1/predict", "total"): 1,
        ("emofuse_request_seconds_bucket", "+Inf", "/v1/predict", "queue"): 1,
        ("emofuse_request_seconds_bucket", "/v1/predict", "0.0025", "queue"): 1,
        ("emofuse_request_seconds_bucket", "/v1/predict", "0.0025", "model"): 0,
    }
    found = {(name, *sorted(labels)): value for (name, *labels), value in found.items()}
    assert {key: found.get((key[0], *sorted(key[1:]))) for key in expected} == expected
    assert read(monitor)[("emofuse_in_flight",)] == 0


def test_drift_is_shown_once_there_are_enough_samples(bundles, answered):
    monitor = Monitor(bundles, window=450)
    for _ in range(399):
        monitor.observe(Sample(text=TEXT), answered)
    found = read(monitor)
    assert found[("emofuse_drift_samples", "emotion", "tiny_text")] == 399
    assert not [key for key in found if key[0] in ("emofuse_drift_psi", "emofuse_drift_ks")]
    for _ in range(1000):
        monitor.observe(Sample(text=TEXT), answered)
    found = read(monitor)
    assert found[("emofuse_drift_samples", "emotion", "tiny_text")] == 450
    assert found[("emofuse_drift_psi", "emotion", "tiny_text")] > 0.25
    texts = 450 / TEXT_EVERY
    assert found[("emofuse_drift_samples", "tiny_text", "tokens")] == pytest.approx(texts, abs=1)
    assert not [key for key in found if "tokens" in key and key[0] == "emofuse_drift_psi"]


def test_one_picture_of_several_is_measured(scene_bundle, wide_pool_bundle):
    rows = [{"brightness": 90.0, "sharpness": 2.0}] * 9
    bundles = [referring(scene_bundle, rows), load_bundle(wide_pool_bundle)]
    predictor = Predictor.load([scene_bundle, wide_pool_bundle])
    sample = Sample(image=bright_square())
    [prediction] = predictor.predict([sample])
    monitor = Monitor(bundles)
    monitor.observe_picture(Sample(text=TEXT), prediction)
    for _ in range(3 * PICTURE_EVERY):
        monitor.observe_picture(sample, prediction)
    assert read(monitor)[("emofuse_drift_samples", "brightness", "tiny_scene")] == 3


def test_other_models_begin_with_an_empty_window(bundles, answered):
    monitor = Monitor(bundles)
    for _ in range(300):
        monitor.observe(Sample(text=TEXT), answered)
    old = next(key for key in read(monitor) if key[0] == "emofuse_model_info" and "tiny_text" in key)
    assert read(monitor)[old] == 1
    monitor.use([replace(bundles[0], version="10")])
    found = read(monitor)
    assert old not in found
    assert [key for key in found if key[0] == "emofuse_model_info" and "10" in key]
    assert not [key for key in found if key[0].startswith("emofuse_drift")]


def test_nothing_of_the_content_is_kept(bundles, answered):
    monitor = Monitor(bundles)
    secret = "zanzibar quokka 4711"
    for _ in range(TEXT_EVERY):
        monitor.observe(Sample(id=secret, text=secret), replace(answered, id=secret))
    assert "quokka" not in monitor.render().decode()
    seen, waiting = set(), [vars(monitor)]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or callable(one) or isinstance(one, type):
            continue
        seen.add(id(one))
        if isinstance(one, str):
            assert secret not in one
        elif isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list | tuple | set) or type(one).__name__ == "deque":
            waiting += list(one)
        elif type(one).__module__.startswith(("emofuse", "prometheus")) and hasattr(one, "__dict__"):
            waiting.append(vars(one))


@pytest.fixture(scope="module")
def names(bundles, answered):
    """Every series that a service can show."""
    monitor = Monitor(bundles)
    for _ in range(410 * TEXT_EVERY):
        monitor.observe(Sample(text=TEXT), answered)
    monitor.observe_request("/v1/predict", {"queue": 0.002, "model": 0.004, "total": 0.2})
    monitor.observe(
        Sample(), Prediction("y", error=ErrorEntry("empty_text", "."), warnings=(Notice("a", "."),))
    )
    monitor.watch_queue("predictions", lambda: 0)
    monitor.reject("overloaded")
    return {key[0] for key in read(monitor)}


@pytest.mark.parametrize("file", ["grafana/emofuse.json", "prometheus/alerts.yml"])
def test_every_series_of_the_examples_exists(names, file):
    text = (EXAMPLES / file).read_text()
    used = set(re.findall(r"\bemofuse_\w+", text))
    assert len(used) >= 5
    assert used <= names


def test_the_dashboard_has_what_grafana_needs():
    board = json.loads((EXAMPLES / "grafana" / "emofuse.json").read_text())
    assert board["schemaVersion"] >= 36
    assert board["title"]
    assert board["uid"]
    [source] = [own for own in board["templating"]["list"] if own["type"] == "datasource"]
    assert source["query"] == "prometheus"
    panels = [own for own in board["panels"] if own["type"] != "row"]
    assert len({own["id"] for own in board["panels"]}) == len(board["panels"])
    taken = set()
    for panel in panels:
        assert panel["datasource"] == {"type": "prometheus", "uid": f"${{{source['name']}}}"}
        assert panel["title"]
        assert [own["expr"] for own in panel["targets"]]
        assert len({own["refId"] for own in panel["targets"]}) == len(panel["targets"])
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells
    steps = [
        own["value"] for own in find_panel(panels, "PSI")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    ]
    assert steps == [None, 0.1, 0.25]


def find_panel(panels, word):
    [found] = [own for own in panels if word in own["title"]]
    return found


def test_alerts_tell_bad_samples_from_clients_that_are_refused():
    [group] = yaml.safe_load((EXAMPLES / "prometheus" / "alerts.yml").read_text())["groups"]
    rules = {rule["alert"]: rule["expr"] for rule in group["rules"]}
    kinds = [getattr(errors, name) for name in errors.__all__]
    unread = re.search(r'code=~"(.+?)"', rules["EmofuseErrors"])[1]
    broken = re.search(r'code=~"(.+?)"', rules["EmofuseBroken"])[1]
    for kind in kinds:
        sample = issubclass(kind, errors.InputError) and kind.__name__ not in (
            "InputError",
            "BadRowError",  # of `emofuse score` alone
            "BadTurnError",
            "TrackerStateError",
        )
        assert bool(re.fullmatch(unread, kind.code)) is sample, kind.code
        if issubclass(kind, errors.ServiceError | errors.InputError | errors.UsageError):
            assert not re.fullmatch(broken, kind.code)
    assert f'reason!="{errors.RateLimitedError.code}"' in rules["EmofuseRefuses"]
    assert rules["EmofuseDown"] == 'up{job="emofuse"} == 0'


def test_alerts_and_scrape_settings_are_well_formed():
    [group] = yaml.safe_load((EXAMPLES / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["expr"].count("(") == rule["expr"].count(")")
    settings = yaml.safe_load((EXAMPLES / "prometheus" / "prometheus.yml").read_text())
    assert settings["rule_files"] == ["alerts.yml"]
    [job] = settings["scrape_configs"]
    assert (job["job_name"], job["metrics_path"]) == ("emofuse", "/metrics")
