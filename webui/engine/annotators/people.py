"""People out of what a pose network saw: joints are found, joined to limbs, and limbs to people.

The greedy parsing of Cao et al. (arXiv:1812.08008, 3.3): of each kind of limb the surest are taken first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy import ndimage

JOINTS = 18
"""Nose, neck, then right and left: shoulder, elbow, wrist; hip, knee, ankle; at last eyes and ears."""
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17), (2, 16), (5, 17),
)  # fmt: skip
"""The joints at both ends of each limb."""
DIRECTIONS = (12, 20, 14, 16, 22, 24, 0, 2, 4, 6, 8, 10, 28, 30, 34, 32, 36, 18, 26)
"""Where the network tells of each limb: across here, down in the next."""
BEGINNING = 17
"""The first so many limbs may begin a person; the others only help to tell one from another."""
SMOOTH = 3.0
LEAST_JOINT, LEAST_LIMB = 0.1, 0.05
SAMPLES, AGREEING = 10, 0.8
"""Places looked at along a limb, and the share of them that must agree."""
LEAST_JOINTS, LEAST_SCORE = 4, 0.4
MOST = 40
"""Joints of a kind that are looked at: the surest."""


class Joint(NamedTuple):
    """Where it is, in pixels, and how sure that is."""

    x: int
    y: int
    score: float


class Limb(NamedTuple):
    """Two joints, by their places among those of their kinds."""

    begin: int
    end: int
    score: float


@dataclass
class Person:
    """Joints by their kind, and how sure they are altogether."""

    joints: dict[int, int] = field(default_factory=dict[int, int])
    score: float = 0.0


def people(limbs: np.ndarray, joints: np.ndarray) -> list[dict[int, Joint]]:
    """Who is there: each person's joints by kind.

    `limbs` and `joints` are what the network saw, brought to the picture's size: (38 and 19, height, width).
    """
    found = [_peaks(joints[kind]) for kind in range(JOINTS)]
    persons: list[Person] = []
    for number, (begin, end) in enumerate(LIMBS):
        place = DIRECTIONS[number]
        for limb in _limbs(limbs[place : place + 2], found[begin], found[end]):
            score = limb.score + found[end][limb.end].score
            _join(persons, (begin, end), limb, score, found, number < BEGINNING)
    kept = [
        person
        for person in persons
        if len(person.joints) >= LEAST_JOINTS and person.score / len(person.joints) >= LEAST_SCORE
    ]
    return [{kind: found[kind][place] for kind, place in person.joints.items()} for person in kept]


def _peaks(heat: np.ndarray) -> list[Joint]:
    smooth = ndimage.gaussian_filter(heat, SMOOTH)
    cross = ndimage.generate_binary_structure(2, 1)
    summits = (smooth >= ndimage.maximum_filter(smooth, footprint=cross)) & (smooth > LEAST_JOINT)
    peaks = [Joint(int(x), int(y), float(heat[y, x])) for y, x in zip(*np.nonzero(summits), strict=True)]
    return sorted(peaks, key=lambda peak: -peak.score)[:MOST]


def _limbs(direction: np.ndarray, begins: list[Joint], ends: list[Joint]) -> list[Limb]:
    """The limbs of one kind, the surest first; each joint is at one of them at most."""
    likely = [
        Limb(b, e, score)
        for b, begin in enumerate(begins)
        for e, end in enumerate(ends)
        if (score := _likely(direction, begin, end)) > 0
    ]
    taken: list[Limb] = []
    for limb in sorted(likely, key=lambda limb: -limb.score):
        if all(limb.begin != other.begin and limb.end != other.end for other in taken):
            taken.append(limb)
    return taken


def _likely(direction: np.ndarray, begin: Joint, end: Joint) -> float:
    """How well what lies between two joints points from one to the other; 0: not at all."""
    way = np.array([end.x - begin.x, end.y - begin.y], float)
    length = max(0.001, float(np.hypot(*way)))
    x, y = (np.linspace(begin[axis], end[axis], SAMPLES).round().astype(int) for axis in (0, 1))
    along = way @ direction[:, y, x] / length
    if (along > LEAST_LIMB).mean() <= AGREEING:
        return 0.0
    # A limb of more than half the picture's height is hardly one.
    return float(along.mean() + min(0.5 * direction.shape[1] / length - 1, 0))


def _join(
    persons: list[Person],
    kinds: tuple[int, int],
    limb: Limb,
    score: float,
    found: list[list[Joint]],
    begins: bool,
) -> None:
    """Give a limb to whom one of its joints belongs; who share it without a contradiction are one."""
    ends = dict(zip(kinds, limb[:2], strict=True))
    owners = [one for one in persons if any(one.joints.get(kind) == place for kind, place in ends.items())]
    if not owners and begins:
        persons.append(Person(ends, score + found[kinds[0]][limb.begin].score))
    if not owners:
        return
    first, *others = owners
    if others and not first.joints.keys() & others[0].joints.keys():
        first.joints |= others[0].joints
        first.score += others[0].score + limb.score
        persons.remove(others[0])
    elif first.joints.get(kinds[1]) != limb.end:
        first.joints[kinds[1]] = limb.end
        first.score += score
