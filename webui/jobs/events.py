"""What happens to a job, told to whoever watches: any number of watchers, who may come late and come back."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["progress", "preview", "notice", "image", "end"]
KEPT_CHANNELS = 200


@dataclass(frozen=True)
class Event:
    """Numbered upwards within its job."""

    id: int
    kind: Kind
    data: dict[str, Any]


class Channel:
    """One job's events. Of progress and previews only the newest is kept, of the other kinds all.

    Numbers begin after `after`. By default that is the time in microseconds, so that a number from a channel
    that the job had before a restart lies below all of this one's.
    """

    def __init__(self, after: int | None = None) -> None:
        self._lock = threading.Lock()
        self._last_id = time.time_ns() // 1000 if after is None else after
        self._newest: dict[Kind, Event] = {}
        self._kept: list[Event] = []
        self._watchers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @property
    def watched(self) -> bool:
        """Whether anyone watches now."""
        return bool(self._watchers)

    @property
    def ended(self) -> bool:
        """Whether the last event has been told."""
        return bool(self._kept) and self._kept[-1].kind == "end"

    def publish(self, kind: Kind, data: dict[str, Any]) -> None:
        """Tell the watchers. From any thread."""
        with self._lock:
            self._last_id += 1
            event = Event(self._last_id, kind, data)
            if kind in ("progress", "preview"):
                self._newest[kind] = event
            else:
                if kind != "notice":
                    # What came before a finished picture is of no more interest.
                    self._newest.pop("preview", None)
                self._kept.append(event)
            watchers = list(self._watchers.items())
        for bell, loop in watchers:
            with suppress(RuntimeError):  # a loop that has just been closed has nobody left to tell
                loop.call_soon_threadsafe(bell.set)

    def since(self, event_id: int) -> list[Event]:
        """What has happened after the event of that number; one that was never given out counts as 0."""
        with self._lock:
            after = event_id if event_id <= self._last_id else 0
            events = [event for event in (*self._newest.values(), *self._kept) if event.id > after]
        return sorted(events, key=lambda event: event.id)

    def progress(self) -> dict[str, Any]:
        """The newest progress, or nothing."""
        with self._lock:
            event = self._newest.get("progress")
        return event.data if event else {}

    def notices(self) -> list[str]:
        """What the job's owner was told beside the pictures."""
        with self._lock:
            return [str(event.data["text"]) for event in self._kept if event.kind == "notice"]

    async def watch(self, after: int = 0) -> AsyncGenerator[Event]:
        """The events after number `after`, as they happen, up to the end."""
        bell = asyncio.Event()
        with self._lock:
            self._watchers[bell] = asyncio.get_running_loop()
        try:
            while True:
                bell.clear()
                for event in self.since(after):
                    after = event.id
                    yield event
                if self.ended and not self.since(after):
                    return
                await bell.wait()
        finally:
            with self._lock:
                del self._watchers[bell]


class EventBus:
    """The channels of recent jobs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channels: OrderedDict[str, Channel] = OrderedDict()

    def open(self, job_id: str) -> Channel:
        """The job's channel, a new one if it has none. Old ended ones make room."""
        with self._lock:
            channel = self._channels.setdefault(job_id, Channel())
            for known in list(self._channels)[:-KEPT_CHANNELS]:
                if self._channels[known].ended:
                    del self._channels[known]
            return channel

    def drop(self, job_id: str) -> None:
        """Let go of a channel; who watches it still hears its end."""
        with self._lock:
            self._channels.pop(job_id, None)

    def get(self, job_id: str) -> Channel | None:
        """The job's channel, if it has one."""
        with self._lock:
            return self._channels.get(job_id)
