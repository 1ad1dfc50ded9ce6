"""Types that diffusers has no common interface for."""

from __future__ import annotations

from typing import Any

Pipeline = Any
"""Any of diffusers' text-to-image pipelines: what they share is a custom, not in their base class."""
Scheduler = Any
"""Any of diffusers' schedulers; the same is true of them."""
Vae = Any
"""Any of diffusers' autoencoders."""
NetworkClass = Any
"""A network's class, with diffusers' or transformers' way of making it."""
Value = Any
"""An argument or a result that is only passed on."""
