"""Whose turn it is: round robin over owners, so that a long list of one doesn't keep the others waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from webui.jobs.model import Job


def fair_order(queued: Sequence[Job], last_served: Mapping[str, int]) -> list[Job]:
    """The order in which `queued` (oldest first) will run.

    Each round takes the oldest job of every owner; who was served longest ago (the smallest number in
    `last_served`, or none) comes first, and of equals the one whose job is older.
    """
    waiting: dict[str, list[Job]] = {}
    for job in queued:
        waiting.setdefault(job.owner, []).append(job)
    owners = sorted(waiting, key=lambda owner: last_served.get(owner, -1))
    rounds = max(map(len, waiting.values()), default=0)
    return [waiting[owner][turn] for turn in range(rounds) for owner in owners if turn < len(waiting[owner])]
