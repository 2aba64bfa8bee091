# SPDX-License-Identifier: Apache-2.0
"""What Prometheus sees of a service. Each app has its own registry, so that a process may hold several.

Several workers of one machine write their numbers where each of them can add all up: `prometheus_client` does so
where the environment names a folder, `PROMETHEUS_MULTIPROC_DIR`. What a service *is* (its bundle, how many items)
is not counted but asked at each scrape, and is the same whichever worker is asked.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

    from penchant.serve.impressions import ImpressionLog
    from penchant.serve.wire import Readiness

SHARED = "PROMETHEUS_MULTIPROC_DIR"

_SECONDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 2.5, 10.0)


class Telemetry:
    """Counters of one app.

    Args:
        state: asked at each scrape for what the service is now.
        impressions: the log of what was shown, if there is one.
    """

    def __init__(self, state: Callable[[], Readiness], impressions: ImpressionLog | None = None) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._asked = CollectorRegistry()
        self._asked.register(_State(state, impressions))
        self._requests = Counter(
            "penchant_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self._latency = Histogram(
            "penchant_request_seconds",
            "Seconds from a request to the end of its answer",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._events = Counter("penchant_events", "Events written durably", registry=self.registry)
        self._unknown = Counter(
            "penchant_events_of_unknown_items",
            "Events of items that the bundle lacks",
            registry=self.registry,
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is the pattern, not the address: addresses have no end."""
        self._requests.labels(method, route, str(status)).inc()
        self._latency.labels(method, route).observe(seconds)

    def events(self, accepted: int, unknown_items: int) -> None:
        """Count events that were written."""
        self._events.inc(accepted)
        self._unknown.inc(unknown_items)

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        counted = self.registry
        if SHARED in os.environ:
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        return generate_latest(counted) + generate_latest(self._asked)


class _State:
    """What a service is, asked when somebody looks."""

    def __init__(self, state: Callable[[], Readiness], impressions: ImpressionLog | None) -> None:
        self._state = state
        self._impressions = impressions

    def collect(self) -> Iterator[Metric]:
        """The numbers as of now."""
        state = self._state()
        yield GaugeMetricFamily("penchant_ready", "Whether the service can do all it is for", float(state.ready))
        yield GaugeMetricFamily("penchant_event_log_size", "Events in the log", state.events_logged)
        yield GaugeMetricFamily("penchant_catalogue_items", "Items in the bundle", state.items)
        bundle = GaugeMetricFamily("penchant_bundle", "The running bundle", labels=["bundle", "model"])
        bundle.add_metric([state.bundle, state.model], 1)
        yield bundle
        shown = self._impressions
        if shown is not None:
            yield CounterMetricFamily("penchant_impressions_written", "Lists written down", shown.written)
            yield CounterMetricFamily("penchant_impressions_dropped", "Lists that could not be", shown.dropped)
            yield GaugeMetricFamily("penchant_impressions_waiting", "Lists on their way", shown.waiting)
