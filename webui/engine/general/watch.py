"""Listening to a scheduler while a pipeline draws with it.

Every diffusers pipeline asks its scheduler for the steps and then for each step, whether or not it has
callbacks. So this is where progress, previews and the wish to stop are heard, the same for all of them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from torch import Tensor

from webui.engine.general.kinds import Scheduler, Value

Predicted = Callable[[], Tensor | None]
"""Gives the clean latents that the model predicts now, as the pipeline packs them; None: unknown."""


class Listener(Protocol):
    """Who hears how far a pipeline is."""

    def begun(self, steps: int) -> None:
        """Sampling begins, in so many steps."""
        ...

    def stepped(self, step: int, predicted: Predicted) -> None:
        """Step number `step`, from 1, is done. What is raised here goes through the pipeline."""
        ...


def fresh(scheduler: Scheduler) -> Scheduler:
    """A new scheduler like this one, so that nothing of one batch is left in the next."""
    return type(scheduler).from_config(scheduler.config)


def listen(scheduler: Scheduler, listener: Listener) -> None:
    """Have `scheduler` tell `listener` from now on. Its methods' signatures, which pipelines read, stay."""
    set_timesteps, step = scheduler.set_timesteps, scheduler.step
    done = 0

    @functools.wraps(set_timesteps)
    def telling_set_timesteps(*given: Value, **named: Value) -> None:
        nonlocal done
        done = 0
        set_timesteps(*given, **named)
        listener.begun(len(scheduler.timesteps))

    @functools.wraps(step)
    def telling_step(*given: Value, **named: Value) -> Value:
        nonlocal done
        result = step(*given, **named)
        done += 1
        inputs = inspect.signature(step).bind(*given, **named).arguments
        listener.stepped(done, lambda: predicted(scheduler, inputs, result))
        return result

    scheduler.set_timesteps, scheduler.step = telling_set_timesteps, telling_step


def predicted(scheduler: Scheduler, inputs: Mapping[str, Any], result: Value) -> Tensor | None:
    """The clean latents predicted in a step that `scheduler` has just done; None: it doesn't tell.

    `inputs` are the step's arguments by name, `result` is what it gave.
    """
    name = type(scheduler).__name__
    if name.startswith("FlowMatch"):
        # Flow matching: x moves along v, straight to where the last sigma is.
        left = float(scheduler.sigmas[-1]) - float(scheduler.sigmas[scheduler.step_index - 1])
        return inputs["sample"].float() + left * inputs["model_output"].float()
    if _keeps_clean(scheduler):
        return scheduler.model_outputs[-1]
    given: tuple[Tensor, ...] = result if isinstance(result, tuple) else ()
    # Trajectory consistency tells another one than the clean prediction.
    return given[1] if len(given) > 1 and name != "TCDScheduler" else None


def _keeps_clean(scheduler: Scheduler) -> bool:
    """Whether it is a multistep solver that remembers predictions of the clean picture, not of the noise."""
    if not getattr(scheduler, "model_outputs", None):
        return False
    config = scheduler.config
    return "++" in str(config.get("algorithm_type", "")) or bool(config.get("predict_x0"))
