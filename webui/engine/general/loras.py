"""LoRAs on the networks of diffusers' pipelines: put on around a call, and gone after it, to the bit.

diffusers knows what each family's trainers call the modules, and renames; putting on is our own, which
replaces no module, takes the kinds that diffusers doesn't, and tells what found no home.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from webui.catalog.entry import Family
from webui.engine.adapters.bodies import Body
from webui.engine.adapters.fitting import Convert
from webui.engine.adapters.wardrobe import Wardrobe, Worn, injection
from webui.engine.devices import Placement
from webui.engine.general.kinds import Pipeline
from webui.prompting.networks import Network

MAIN = ("transformer", "unet")
EVERYWHERE = "this model has it in all blocks and steps; what its tag says of them was left out."


def body_of(pipeline: Pipeline, family: Family, placement: Placement) -> Body | None:
    """What LoRAs are put on; None: nothing that is known here samples."""
    networks = {
        name: part
        for name, part in pipeline.components.items()
        if isinstance(part, nn.Module) and (name in MAIN or name.startswith("text_encoder"))
    }
    main = next((name for name in MAIN if name in networks), None)
    return Body(family, main, networks, placement, _converter(pipeline)) if main else None


def _converter(pipeline: Pipeline) -> Convert | None:
    rename = getattr(pipeline, "lora_state_dict", None)
    if rename is None:
        return None

    def convert(tensors: dict[str, Tensor]) -> Mapping[str, Tensor]:
        renamed = rename(tensors)
        return renamed[0] if isinstance(renamed, tuple) else renamed

    return convert


class PipelineLoras:
    """Puts on one pipeline what prompts name with <lora:...>, from `wardrobe`."""

    def __init__(self, wardrobe: Wardrobe, body: Body) -> None:
        self._wardrobe = wardrobe
        self._body = body

    @contextmanager
    def on(self, networks: Sequence[Network], tell: Callable[[str], None]) -> Generator[Hashable]:
        """Have them on for the block; gives what tells other changes of the text encoders from this."""
        found = [self._wardrobe.worn(self._body, network, tell) for network in dict.fromkeys(networks)]
        loras = [each for each in found if each]
        for each in loras:
            if each.wish.selective:
                tell(f'LoRA "{each.wish.name[:80]}": {EVERYWHERE}')
        with ExitStack() as stack:
            for part in self._body.networks if loras else ():
                self._put_on(stack, part, loras)
            yield tuple((each.key, each.wish.te) for each in loras if each.wish.te)

    def _put_on(self, stack: ExitStack, part: str, loras: Sequence[Worn]) -> None:
        main = part == self._body.main
        weights = torch.tensor([[each.wish.unet if main else each.wish.te for each in loras]])
        injected = injection(self._body, part, [each.pieces(part) for each in loras])
        stack.enter_context(injected).weigh(lambda _: weights)
