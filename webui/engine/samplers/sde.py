"""DPM-Solver++ for the diffusion SDE: fresh noise at each step, taken from one Brownian path a picture.

Lu et al., arXiv:2211.01095, section 5, and k-diffusion's methods of the same names. With a path the picture
depends on the number of steps less than with independent draws.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from webui.engine.samplers.move import Memory, Move, ancestral_split, toward

if TYPE_CHECKING:
    from torch import Tensor


def dpmpp_sde(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """SDE-DPM-Solver++(2S) by ancestral steps: to the middle in log sigma, and from the start to the end."""
    clean = move.denoise(x, move.sigma)
    if move.next == 0:
        return clean, memory
    middle = math.sqrt(move.sigma * move.next)
    down, up = ancestral_split(move.sigma, middle, move.eta())
    halfway = toward(x, clean, down / move.sigma) + move.path(up, move.sigma, middle)
    clean_halfway = move.denoise(halfway, middle)
    down, up = ancestral_split(move.sigma, move.next, move.eta())
    return toward(x, clean_halfway, down / move.sigma) + move.path(up, move.sigma, move.next), memory


def dpmpp_2m_sde(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """SDE-DPM-Solver++(2M), the change of the prediction weighed as at the step's middle."""
    return _dpmpp_2m_sde(move, x, memory, heun=False)


def dpmpp_2m_sde_heun(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """SDE-DPM-Solver++(2M), the change of the prediction integrated exactly."""
    return _dpmpp_2m_sde(move, x, memory, heun=True)


def _dpmpp_2m_sde(move: Move, x: Tensor, memory: Memory, *, heun: bool) -> tuple[Tensor, Memory]:
    clean = move.denoise(x, move.sigma)
    if move.next == 0:
        return clean, (clean,)
    h = math.log(move.sigma / move.next)
    whole = h * (1 + move.eta())
    done = -math.expm1(-whole)
    x = x * math.exp(-whole) + clean * done
    if memory:
        slope = (clean - memory[0]) * (h / _h(move, 1))
        x = x + slope * (1 - done / whole if heun else 0.5 * done)
    return _with_noise(move, x, h), (clean,)


def dpmpp_3m_sde(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """The same with the last two changes of the prediction. Memory: the predictions, newest first."""
    clean = move.denoise(x, move.sigma)
    past = (clean, *memory[:1])
    if move.next == 0:
        return clean, past
    h = math.log(move.sigma / move.next)
    whole = h * (1 + move.eta())
    phi_1 = -math.expm1(-whole)
    phi_2 = 1 - phi_1 / whole
    x = x * math.exp(-whole) + clean * phi_1
    if len(memory) == 1:
        x = x + (clean - memory[0]) * (h / _h(move, 1) * phi_2)
    elif memory:
        phi_3 = phi_2 / whole - 0.5
        first, second = _differences(move, h, clean, memory)
        x = x + first * phi_2 - second * phi_3
    return _with_noise(move, x, h), past


def _differences(move: Move, h: float, clean: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
    """First and second derivative of the prediction over steps of `h`, from three predictions."""
    newer, older = _h(move, 1) / h, _h(move, 2) / h
    late = (clean - memory[0]) / newer
    early = (memory[0] - memory[1]) / older
    bend = (late - early) / (newer + older)
    return late + bend * newer, bend


def _h(move: Move, back: int) -> float:
    """How long the step was that many steps ago, in log sigma."""
    return math.log(move.sigmas[move.index - back] / move.sigmas[move.index - back + 1])


def _with_noise(move: Move, x: Tensor, h: float) -> Tensor:
    eta = move.eta()
    if eta == 0:
        return x
    deviation = move.next * math.sqrt(-math.expm1(-2 * eta * h))
    return x + move.path(deviation, move.sigma, move.next)
