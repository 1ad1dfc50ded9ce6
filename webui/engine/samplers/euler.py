"""Methods of the first order: one straight line a step, with more or less noise added after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webui.engine.samplers.move import Memory, Move, ancestral_split, churned, toward

if TYPE_CHECKING:
    from torch import Tensor


def euler(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """Euler's method on the probability flow: Karras et al., arXiv:2206.00364, algorithm 2."""
    x, sigma = churned(move, x)
    return toward(x, move.denoise(x, sigma), move.next / sigma), memory


def euler_ancestral(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """Euler to a lower sigma, then noise up to the next: Ho et al., arXiv:2006.11239, in this scaling."""
    return _ancestral(move, x, move.eta()), memory


def ddim(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """Song et al., arXiv:2010.02502, eq. 12: in this scaling an ancestral step, by default without noise."""
    return _ancestral(move, x, move.eta(0.0)), memory


def ddim_cfgpp(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """DDIM with CFG++, Chung et al., arXiv:2406.08070: noise is what the unconditional prediction leaves."""
    clean = move.denoise(x, move.sigma)
    unconditional = getattr(move.denoise, "unconditional", clean)
    down, up = ancestral_split(move.sigma, move.next, move.eta(0.0))
    x = clean + (x - unconditional) * (down / move.sigma)
    return (x + move.fresh(up) if up > 0 else x), memory


def ddpm(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """The reverse of training: Ho et al., arXiv:2006.11239, eq. 7, a draw from q(next | x, clean)."""
    kept = (move.next / move.sigma) ** 2
    x = toward(x, move.denoise(x, move.sigma), kept)
    _, deviation = ancestral_split(move.sigma, move.next)
    return (x + move.noise() * deviation if deviation > 0 else x), memory


def _ancestral(move: Move, x: Tensor, eta: float) -> Tensor:
    down, up = ancestral_split(move.sigma, move.next, eta)
    x = toward(x, move.denoise(x, move.sigma), down / move.sigma)
    return x + move.fresh(up) if up > 0 else x
