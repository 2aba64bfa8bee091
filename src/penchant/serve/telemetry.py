# SPDX-License-Identifier: Apache-2.0
"""What Prometheus sees of a service. Each app has its own registry, so that a process may hold several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from penchant.serve.wire import Readiness

_SECONDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 2.5, 10.0)


class Telemetry:
    """Counters of one app.

    Args:
        state: asked at each scrape for what the service is now.
    """

    def __init__(self, state: Callable[[], Readiness]) -> None:
        self._state = state
        self.registry = CollectorRegistry(auto_describe=True)
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
        self._log_size = Gauge("penchant_event_log_size", "Events in the log", registry=self.registry)
        self._items = Gauge("penchant_catalogue_items", "Items in the bundle", registry=self.registry)
        self._bundle = Gauge("penchant_bundle", "The running bundle", ["bundle", "model"], registry=self.registry)

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
        state = self._state()
        self._log_size.set(state.events_logged)
        self._items.set(state.items)
        self._bundle.clear()
        self._bundle.labels(state.bundle, state.model).set(1)
        return generate_latest(self.registry)
