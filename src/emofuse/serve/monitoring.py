"""What the service tells Prometheus: how fast, how much, how sure, and whether the models still know it.

Counts and binned numbers alone are kept, never a text, a picture or an address. One `Monitor` belongs to one
process; of several worker processes each is scraped by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import count
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.drift import DriftWatch
from emofuse.runtime.input_features import PictureMeter, TextMeter
from emofuse.types import Prediction, Sample

__all__ = ["CONTENT_TYPE", "Monitor"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
WINDOW = 2000
TEXT_EVERY = 4  # to measure one it is cut into tokens again
PICTURE_EVERY = 8  # to measure one it is decoded again
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
Labelled = TypeVar("Labelled", Counter, Histogram)
CONFIDENCES = tuple(step / 10 for step in range(1, 11))


class Monitor:
    """Counts what the service does; every method may be called from any thread.

    Args:
        bundles: The models in use.
        window: Latest predictions that drift is measured over.
    """

    def __init__(self, bundles: Sequence[ModelBundle], window: int = WINDOW) -> None:
        self.registry = registry = CollectorRegistry()
        self._seconds = Histogram(
            "emofuse_request_seconds",
            "Time of requests.",
            ["route", "stage"],
            buckets=SECONDS,
            registry=registry,
        )
        self._runs = Histogram("emofuse_batch_size", "Samples in a run.", buckets=SIZES, registry=registry)
        self._queue = Gauge("emofuse_queue_depth", "Samples that wait.", ["queue"], registry=registry)
        self._in_flight = Gauge("emofuse_in_flight", "Requests being answered.", registry=registry)
        self._rejected = Counter(
            "emofuse_rejected", "Requests refused for now.", ["reason"], registry=registry
        )
        self._errors = Counter(
            "emofuse_errors", "Samples and requests without an answer.", ["code"], registry=registry
        )
        self._warnings = Counter("emofuse_warnings", "Warnings of answers.", ["code"], registry=registry)
        self._answers = Counter("emofuse_predictions", "Samples answered.", registry=registry)
        self._abstained = Counter("emofuse_abstained", "Answers too uncertain to act on.", registry=registry)
        self._emotions = Counter("emofuse_emotions", "Answers.", ["taxonomy", "label"], registry=registry)
        self._sentiments = Counter("emofuse_sentiments", "Answers.", ["label"], registry=registry)
        self._confidence = Histogram(
            "emofuse_confidence", "Confidence of the emotion.", buckets=CONFIDENCES, registry=registry
        )
        self._models = Gauge(
            "emofuse_model_info", "Models in use.", ["name", "kind", "version", "sha256"], registry=registry
        )
        self._children: dict[tuple[Any, ...], Any] = {}
        self._read, self._pictures = count(), count()
        self._window = window
        self.use(bundles)
        registry.register(self)

    def use(self, bundles: Sequence[ModelBundle]) -> None:
        """Watch other models; the windows of drift begin anew.

        Args:
            bundles: The models in use.
        """
        self._watch = DriftWatch(bundles, self._window)
        watched = [bundle for bundle in bundles if bundle.reference is not None]
        self._texts = {own.name: TextMeter(own) for own in watched if own.kind == "text"}
        self._meters = {own.name: PictureMeter(own) for own in watched if own.kind in ("face", "scene")}
        self._models.clear()
        for own in bundles:
            self._models.labels(own.name, own.kind, own.version, own.sha256[:12]).set(1)

    def observe(self, sample: Sample, prediction: Prediction) -> None:
        """Count a prediction; one of every four texts is measured, a picture is not looked at.

        Args:
            sample: What was read.
            prediction: The answer.
        """
        for notice in prediction.warnings:
            self._child(self._warnings, notice.code).inc()
        if prediction.error is not None:
            self._child(self._errors, prediction.error.code).inc()
        if prediction.emotion is None or prediction.sentiment is None:
            return
        self._answers.inc()
        if prediction.abstained:
            self._abstained.inc()
        self._child(self._emotions, prediction.emotion.taxonomy, prediction.emotion.label).inc()
        self._child(self._sentiments, prediction.sentiment.label).inc()
        self._confidence.observe(prediction.emotion.confidence)
        inputs = {}
        if sample.text is not None and not next(self._read) % TEXT_EVERY:
            inputs = {name: meter.measure(sample.text) for name, meter in self._texts.items()}
        self._watch.add(prediction, inputs)

    def observe_picture(self, sample: Sample, prediction: Prediction) -> None:
        """Measure how bright and sharp one of every eight pictures is, which takes milliseconds.

        Args:
            sample: What was read; without an image it counts for nothing.
            prediction: The answer.
        """
        if sample.image is None or not self._meters or next(self._pictures) % PICTURE_EVERY:
            return
        boxes = [face.box for face in prediction.faces]
        read = {part.model for part in prediction.modalities}
        for name, meter in self._meters.items():
            if name in read:
                self._watch.add_input(name, meter.measure(sample.image, boxes))

    def observe_request(self, route: str, stages: Mapping[str, float]) -> None:
        """Count a request.

        Args:
            route: Template of its path, such as `/v1/predict`; never the path itself.
            stages: Where its time went, s: `queue` until its run began, `model` in the run, `total` from the
                first byte in to the last byte out.
        """
        for stage, seconds in stages.items():
            self._child(self._seconds, route, stage).observe(seconds)

    def observe_run(self, samples: int) -> None:
        """Count a run of the models.

        Args:
            samples: How many shared it.
        """
        self._runs.observe(samples)

    def reject(self, reason: str) -> None:
        """Count a request that was refused.

        Args:
            reason: Code of the error, such as `overloaded`.
        """
        self._child(self._rejected, reason).inc()

    def fail(self, code: str) -> None:
        """Count a request that ended in an error before any sample was read.

        Args:
            code: Of the error.
        """
        self._child(self._errors, code).inc()

    def watch_queue(self, queue: str, depth: Callable[[], int]) -> None:
        """Show a queue.

        Args:
            queue: Its name.
            depth: Asked at every scrape.
        """
        self._queue.labels(queue).set_function(depth)

    def in_flight(self) -> AbstractContextManager[None]:
        """A context that lasts as long as a request."""
        return self._in_flight.track_inprogress()

    def render(self) -> bytes:
        """The page that Prometheus scrapes, of type `CONTENT_TYPE`."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Drift, worked out when it is asked for; called by the registry.

        Yields:
            The gauges.
        """
        names = ["model", "feature"]
        psi = GaugeMetricFamily("emofuse_drift_psi", "Population stability index.", labels=names)
        ks = GaugeMetricFamily("emofuse_drift_ks", "Kolmogorov-Smirnov distance.", labels=names)
        samples = GaugeMetricFamily("emofuse_drift_samples", "Samples in the window.", labels=names)
        for found in self._watch.compare():
            labels = [found.model, found.feature]
            samples.add_metric(labels, found.n)
            if found.verdict == "too few":
                continue  # chance alone would raise alarms
            psi.add_metric(labels, found.psi)
            if found.ks is not None:
                ks.add_metric(labels, found.ks)
        yield from (psi, ks, samples)

    def _child(self, metric: Labelled, *labels: str) -> Labelled:
        # Looking a child up in prometheus_client takes as long as all the rest.
        key = (metric, *labels)
        child: Labelled | None = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child
