"""The random numbers of NVIDIA GPUs, computed without one: Philox4x32-10 (Salmon et al., SC 2011)."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Words = NDArray[np.uint64]
"""Words of 32 bits, held in 64, so that products of two fit."""

ROUNDS = 10
MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
KEY_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
WORD = np.uint64(0xFFFFFFFF)
WIDTH = np.uint64(32)

# curand computes with these in 32 bits.
UNIT = 2.0**-32
TURN = float(np.float32(2 * math.pi * 2.0**-32))

OUTPUTS = 4
"""CUDA counts single numbers where Philox counts blocks, of so many each."""


def philox(counter: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> tuple[Words, ...]:
    """The four random words for each of the counters; a counter's words, lowest first, may be broadcast."""
    c0, c1, c2, c3 = counter
    k0, k1 = np.uint64(key[0]), np.uint64(key[1])
    for _ in range(ROUNDS):
        first, second = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1 = (second >> WIDTH) ^ c1 ^ k0, second & WORD
        c2, c3 = (first >> WIDTH) ^ c3 ^ k1, first & WORD
        k0, k1 = (k0 + KEY_STEPS[0]) & WORD, (k1 + KEY_STEPS[1]) & WORD
    return c0, c1, c2, c3


def normals(count: int, seed: int, block: int) -> NDArray[np.float32]:
    """`count` normal numbers of a `seed` of 64 bits: the first of each thread in call number `block`, from 0.

    PyTorch's key is the seed; its counter is the number of the call, then that of the thread. Of more than
    some 100,000 numbers a GPU draws several in each thread, how many depends on the model: that isn't
    followed here, as it isn't by others who compute these numbers.
    """
    threads = np.arange(count, dtype=np.uint64)
    call = np.array([block], dtype=np.uint64)
    counter = call & WORD, call >> WIDTH, threads & WORD, threads >> WIDTH
    first, second, *_ = philox(counter, (seed % 2**32, seed >> 32))
    radius = np.sqrt(-2 * np.log(first * UNIT + UNIT / 2))
    return (radius * np.sin(second * TURN + TURN / 2)).astype(np.float32)


class PhiloxGenerator:
    """Draws what `torch.randn` draws from a CUDA generator of the same seed. Its states are CUDA's, too."""

    def __init__(self, seed: int) -> None:
        """Begin with `seed`, of which the lowest 64 bits count."""
        self._seed = seed % 2**64
        self._block = 0

    def draw(self, shape: tuple[int, ...]) -> Tensor:
        """Unit noise, 32 bits, on the CPU."""
        numbers = normals(math.prod(shape), self._seed, self._block)
        self._block += 1
        return torch.from_numpy(numbers.reshape(shape))

    def state(self) -> Tensor:
        """Seed and position, 16 bytes as a CUDA generator's."""
        state = np.array([self._seed, self._block * OUTPUTS], dtype="<u8")
        return torch.from_numpy(state.view(np.uint8))

    def restore(self, state: Tensor) -> None:
        """Go back to where `state` was taken."""
        seed, position = state.numpy().view("<u8")
        self._seed, self._block = int(seed), int(position) // OUTPUTS
