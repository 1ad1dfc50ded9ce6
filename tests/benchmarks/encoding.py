"""Reading and encoding a prompt, first and repeated, against diffusers' own encoding on the same weights."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from transformers import CLIPTokenizer

from tests.benchmarks.result import Result, interleaved
from tests.benchmarks.sampling import Bench
from webui.engine.conditioning import Conditioning
from webui.engine.encoding import PromptEncoder
from webui.prompting.prepared import PicturePrompt

PLAIN = "a 3d panda on a blue background"
RICH = "a (3d:1.2) [panda|owl] on a [blue:red:0.5] background, (masterpiece), <lora:x:1> # a comment"
ROUNDS = 40
EVALUATIONS = 20


class Texts:
    """New prompts each time, and one that is known."""

    def __init__(self) -> None:
        bench = Bench()
        self.model, self.pipe = bench.studio.model, bench.pipe
        self.pipe.tokenizer = CLIPTokenizer.from_pretrained(bench.checkpoint.path / "tokenizer")
        self.numbers = itertools.count()
        self.known = PromptEncoder(self.model)

    @torch.inference_mode()
    def diffusers(self) -> None:
        self.pipe.encode_prompt(f"{PLAIN} {next(self.numbers)}", "cpu", 1, True, "flat")

    def first(self) -> None:
        self._ours(PromptEncoder(self.model), f"{PLAIN} {next(self.numbers)}")

    def rich(self) -> None:
        self._ours(PromptEncoder(self.model), f"{RICH} {next(self.numbers)}")

    def again(self) -> None:
        self._ours(self.known, RICH)

    @torch.inference_mode()
    def _ours(self, encoder: PromptEncoder, text: str) -> None:
        Conditioning(encoder, [PicturePrompt(text, "flat")], EVALUATIONS)


def run() -> Iterator[Result]:
    """A first reading may cost what diffusers' does and a little; a repeated one next to nothing."""
    texts = Texts()
    texts.again()
    for name, ours, goal in (
        ("prompt, first", texts.first, 1.3),
        ("4 texts, weighted, first", texts.rich, None),
        ("the same prompt again", texts.again, 0.1),
    ):
        seconds, theirs = interleaved(ours, texts.diffusers, ROUNDS)
        yield Result(name, seconds * 1000, "ms", theirs * 1000, goal)


BENCHMARKS = {"encoding": run}
