"""What the routes share: models, queues and limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from operator import attrgetter
from threading import Event
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from starlette.requests import ClientDisconnect

from emofuse.errors import BodyTooLargeError, EmofuseError
from emofuse.runtime.model_set import DEFAULT_MODELS
from emofuse.serve.batching import Batcher, Done
from emofuse.serve.engine import Answer, Engine, ExplainOptions, PredictOptions, SampleLimits
from emofuse.serve.monitoring import Monitor
from emofuse.serve.settings import Settings
from emofuse.serve.store import HistoryEntry, Store, StoreOptions, Version, default_database_url
from emofuse.serve.waiting import BUSY_S, Waiting
from emofuse.types import Sample

__all__ = ["Service", "ServiceDep"]

Value = TypeVar("Value")


class Service:
    """Models, queues and limits behind the routes.

    Args:
        settings: What the operator decided.

    Raises:
        UnknownModelError: No such bundle.
        BundleError: A bundle cannot be trusted.
        StoreError: The database cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.limits = SampleLimits(settings.max_characters, settings.max_pixels)
        self.engine = Engine(settings.models, self.limits)
        kept = StoreOptions(
            history_days=settings.history_days,
            correction_days=settings.correction_days,
            busy_s=BUSY_S,
        )
        self.store = Store.open(settings.database_url or default_database_url(), kept)
        self.writes = Waiting(8, settings.queue_size)
        self.checks = Waiting(2)
        self.promoted: dict[str, Version | None] = dict.fromkeys(DEFAULT_MODELS)
        self.troubles: dict[str, str] = {}
        self.monitor = Monitor(self.engine.bundles)
        self.predictions: Batcher[PredictOptions, Sample, Answer] = Batcher(
            self._read,
            threads=settings.threads,
            batch_size=settings.batch_size,
            queue_size=settings.queue_size,
            # A run of eight pictures saves nothing, and what comes next waits for all of them.
            alone=attrgetter("pictured"),
        )
        # An explanation reads a sample hundreds of times: those of one caller must not hold up all others.
        self.explanations: Batcher[ExplainOptions, Sample, bytes | EmofuseError] = Batcher(
            self.engine.explain, threads=1, batch_size=1, queue_size=max(1, settings.queue_size // 8)
        )
        self.monitor.watch_queue("predictions", lambda: self.predictions.waiting)
        self.monitor.watch_queue("explanations", lambda: self.explanations.waiting)

    def exchange(self, models: Sequence[str]) -> None:
        """Put other models in place.

        Args:
            models: As for `Engine.exchange`.

        Raises:
            UnknownModelError: No such bundle; the old models stay.
            BundleError: A bundle cannot be trusted; the old models stay.
        """
        self.engine.exchange(models)
        self.monitor.use(self.engine.bundles)

    def _read(self, options: PredictOptions, samples: Sequence[Sample]) -> list[Answer]:
        answers = self.engine.predict(options, samples)
        self.monitor.observe_run(len(samples))
        for sample, answer in zip(samples, answers, strict=True):
            self.monitor.observe(sample, answer.prediction)
            self.monitor.observe_picture(sample, answer.prediction)
        return answers

    def close(self) -> None:
        """Finish what waits, stop the threads and leave the database."""
        self.predictions.close()
        self.explanations.close()
        self.store.close()

    def is_full(self, path: str) -> bool:
        """Whether a request would be refused because too many wait.

        Args:
            path: Where it goes.

        Returns:
            Whether it would.
        """
        if path.startswith("/v1/predict"):
            return self.predictions.full
        return path == "/v1/explain" and self.explanations.full

    async def predict(
        self, request: Request, options: PredictOptions, samples: Sequence[Sample]
    ) -> Done[Answer]:
        """Read the samples of one request together.

        Args:
            request: Whose client may leave meanwhile; then the samples leave the queue.
            options: How.
            samples: With ids.

        Returns:
            The answers.

        Raises:
            UnavailableError: Too many requests wait, or it took too long.
        """
        request.scope["samples"] = len(samples)
        until = arrival(request) + self.settings.deadline_s
        waiting = self.predictions.submit(options, samples, until=until)
        done = await _while_connected(request, waiting)
        request.scope["stages"] = {"queue": done.queued_s, "model": done.run_s}
        return done

    async def predict_many(
        self, request: Request, options: PredictOptions, samples: Sequence[Sample]
    ) -> list[Answer]:
        """Read many samples, a batch at a time, so that other requests get their turn in between.

        Args:
            request: Whose client may leave meanwhile.
            options: How.
            samples: With ids.

        Returns:
            The answers in order.

        Raises:
            BodyTooLargeError: Too many samples.
            UnavailableError: Too many requests wait, or it took too long.
        """
        limit = self.settings.max_samples
        if len(samples) > limit:
            raise BodyTooLargeError(
                f"One request brings at most {limit} samples, not {len(samples)}. Split it."
            )
        request.scope["samples"] = len(samples)
        until = arrival(request) + self.settings.batch_deadline_s
        return await _while_connected(request, self._predict_many(options, samples, until))

    async def _predict_many(
        self, options: PredictOptions, samples: Sequence[Sample], until: float
    ) -> list[Answer]:
        step = self.settings.batch_size
        answers: list[Answer] = []
        for start in range(0, len(samples), step):
            part = samples[start : start + step]
            done = await self.predictions.submit(options, part, until=until, patient=start > 0)
            answers += done.results
        return answers

    async def remember(
        self, request: Request, subject: str | None, samples: Sequence[Sample], answers: Sequence[Answer]
    ) -> None:
        """Keep answers, if the operator turned that on.

        Args:
            request: That was answered.
            subject: Whom it is about, or None.
            samples: What was sent; of pictures nothing is kept.
            answers: One per sample.

        Raises:
            StoreUnavailableError: They could not be kept.
        """
        if not self.settings.history_days:
            return
        name = request.scope["request_id"]
        entries = [
            HistoryEntry(
                request_id=name, subject=subject, text=sample.text, prediction=answer.prediction.to_dict()
            )
            for sample, answer in zip(samples, answers, strict=True)
        ]
        await self.writes.run(self.store.record_history, entries)

    async def explain(self, request: Request, options: ExplainOptions, sample: Sample) -> bytes:
        """Explain one sample.

        Args:
            request: Whose client may leave meanwhile.
            options: How.
            sample: With an id.

        Returns:
            The report as JSON.

        Raises:
            EmofuseError: The sample cannot be explained so.
            UnavailableError: Too many requests wait, or it took too long.
        """
        until = arrival(request) + self.settings.batch_deadline_s
        request.scope["samples"] = 1
        left = Event()
        options = options._replace(stop=left.is_set)
        waiting = self.explanations.submit(options, [sample], until=until)
        try:
            [report] = (await _while_connected(request, waiting)).results
        finally:
            left.set()
        if isinstance(report, EmofuseError):
            raise report
        return report


async def _service(request: Request) -> Service:  # FastAPI would call a plain function in another thread
    service: Service = request.app.state.service
    return service


def arrival(request: Request) -> float:
    """Second of `time.monotonic` in which the request had arrived."""
    arrived: float = request.scope.get("arrived", time.monotonic())
    return arrived


ServiceDep = Annotated[Service, Depends(_service)]


async def _while_connected(request: Request, work: Coroutine[Any, Any, Value]) -> Value:
    # Once the body is read, the next message from the client is that it has left.
    task = asyncio.ensure_future(work)
    left = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait((task, left), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        left.cancel()
        task.cancel()
