"""ComfyUI's graph of nodes, cut down to what made the first latents: one sampler and all that feeds it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

MAX_NODES = 1000
MOST_SAMPLERS = 50
MOST_INPUTS = 200
MOST_LINKS = 20_000
MAX_HOPS = 50
SAMPLER = "KSampler"
CUSTOM_SAMPLERS = ("SamplerCustom", "SamplerCustomAdvanced")
TEXTS = ("text", "text_g", "t5xxl", "prompt", "string", "value")
MODELS = ("ckpt_name", "unet_name", "model_name")

Links = dict[str, str]
"""The name of an input -> the id of the node that it comes from."""


@dataclass(frozen=True)
class Node:
    """One node: what it is, the values that stand in it, and where its other inputs come from."""

    kind: str
    values: dict[str, str | int | float | bool]
    links: Links


Graph = dict[str, Node]


def read_graph(text: str) -> Graph:
    """The graph that ComfyUI ran, as it writes it under "prompt".

    Raises:
        ValueError: it is none, or has more nodes or links than anyone's.
    """
    try:
        raw = json.loads(text)
    except RecursionError as error:
        raise ValueError("its JSON is nested too deeply") from error
    if not isinstance(raw, dict) or len(raw) > MAX_NODES:
        raise ValueError(f"it is not a graph of up to {MAX_NODES} nodes")
    nodes = cast("dict[str, Any]", raw)
    graph = {name: node for name, said in nodes.items() if (node := _node(said)) is not None}
    if sum(len(node.links) for node in graph.values()) > MOST_LINKS:
        raise ValueError(f"its nodes have more than {MOST_LINKS:,} links")
    return graph


def _node(raw: object) -> Node | None:
    said = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    kind, inputs = said.get("class_type"), said.get("inputs")
    if not isinstance(kind, str) or not isinstance(inputs, dict):
        return None
    known = dict(islice(cast("dict[str, Any]", inputs).items(), MOST_INPUTS))
    values = {name: value for name, value in known.items() if isinstance(value, str | int | float)}
    links = {
        name: str(value[0]) for name, value in known.items() if isinstance(value, list) and len(value) == 2
    }
    return Node(kind, values, links)


def first_sampler(graph: Graph) -> str | None:
    """The id of the sampler that begins: no other one feeds it."""
    samplers = [name for name, node in graph.items() if _samples(node)][:MOST_SAMPLERS]
    return next(
        (one for one in samplers if not any(_samples(graph[up]) for up in upstream(graph, one))), None
    )


def _samples(node: Node) -> bool:
    plain = {"sampler_name", "steps", "cfg"} <= node.values.keys() | node.links.keys()
    return plain or node.kind in CUSTOM_SAMPLERS


def upstream(graph: Graph, start: str) -> Iterator[str]:
    """The ids of all nodes that feed `start`, the nearest first."""
    waiting, seen = deque([start]), {start}
    while waiting:
        for source in graph[waiting.popleft()].links.values():
            if source in graph and source not in seen:
                seen.add(source)
                waiting.append(source)
                yield source


def value_of(graph: Graph, at: str, *names: str) -> str | int | float | None:
    """What an input of the first of these names holds: in the node itself, or in the node it is linked to."""
    for name in names:
        if (found := _followed(graph, at, name)) is not None:
            return found
    return None


def _followed(graph: Graph, at: str, name: str) -> str | int | float | None:
    for _ in range(MAX_HOPS):
        node = graph.get(at)
        if node is None:
            return None
        names = (name, "value", "int", "float", "seed", "noise_seed", "number")
        if name in node.values:
            return node.values[name]
        if name not in node.links:
            return next((node.values[other] for other in names if other in node.values), None)
        at = node.links[name]
    return None


def nearest(graph: Graph, start: str, *names: str) -> str | int | float | None:
    """The value of the first of these names in `start` or the node nearest upstream that has one."""
    for at in (start, *upstream(graph, start)):
        if any(name in graph[at].values or name in graph[at].links for name in names):
            present = [name for name in names if name in graph[at].values or name in graph[at].links]
            return value_of(graph, at, *present)
    return None


def size_of(graph: Graph, sampler: str) -> tuple[object, object]:
    """Width and height of the latents that the sampler begins with."""
    start = _source(graph, sampler, ("latent_image", "latent")) or sampler
    return nearest(graph, start, "width"), nearest(graph, start, "height")


def loras(graph: Graph, sampler: str) -> str:
    """The LoRAs that feed the sampler, each with its weight."""
    found = [graph[name].values for name in upstream(graph, sampler) if "lora_name" in graph[name].values]
    return ", ".join(f"{values['lora_name']}: {values.get('strength_model', 1)}" for values in found)


def as_prompt(graph: Graph, sampler: str) -> dict[str, Any]:
    """The sampler as a plain KSampler, and all that feeds it.

    Nothing but texts and the names of models is kept in the nodes, so that what reads it has little to carry.
    """
    fed = {name: graph[name] for name in upstream(graph, sampler)}
    prompt = {name: {"class_type": node.kind, "inputs": _kept(node)} for name, node in fed.items()}
    sources = {
        "positive": _encoder(graph, sampler, "positive") or _encoder(graph, sampler, "conditioning"),
        "negative": _encoder(graph, sampler, "negative"),
        "model": _source(graph, sampler, ("model",)),
    }
    linked = {name: [source, 0] for name, source in sources.items() if source}
    inputs = {"sampler_name": "", "steps": 0, "cfg": 0, **linked}
    return {sampler: {"class_type": SAMPLER, "inputs": inputs}, **prompt}


def _kept(node: Node) -> dict[str, Any]:
    said = {name: value for name, value in node.values.items() if isinstance(value, str)}
    kept = {name: said[name] for name in ("positive", "negative") if name in said}
    if text := next((said[name] for name in TEXTS if name in said), None):
        kept["text"] = text
    model = next((node.values[name] for name in MODELS if name in node.values), None)
    return {**kept, "ckpt_name": model} if model else kept


def _source(graph: Graph, start: str, names: tuple[str, ...]) -> str | None:
    """Which node the first link of one of these names leads to, in `start` or nearest upstream."""
    for at in (start, *upstream(graph, start)):
        for name in names:
            if (source := graph[at].links.get(name)) in graph:
                return source
    return None


def _encoder(graph: Graph, sampler: str, name: str) -> str | None:
    """The node that encodes this side's prompt, past those that both go through, such as ControlNets."""
    at = _source(graph, sampler, (name,))
    for _ in range(MAX_HOPS):
        further = graph[at].links.get(name) if at else None
        if further not in graph:
            break
        at = further
    return at


def as_links(graph: Graph) -> list[list[Any]]:
    """The links as ComfyUI writes them in "workflow": number, source, its slot, target, its slot, type."""
    return [
        [0, source, 0, name, 0, "CLIP" if target == "clip" else target.upper()]
        for name, node in graph.items()
        for target, source in node.links.items()
    ]
