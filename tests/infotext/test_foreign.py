"""What other programs write into their pictures."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.infotext.test_picture import png
from webui.infotext.foreign import read_foreign
from webui.infotext.picture import read_picture
from webui.params import GenerationParams


def node(kind, **inputs):
    return {"class_type": kind, "inputs": inputs}


CLIP = {"clip": ["4", 1]}
COMFYUI = {
    "3": node(
        "KSampler",
        seed=156680208700286,
        steps=20,
        cfg=8,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=1,
        model=["10", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["5", 0],
    ),
    "4": node("CheckpointLoaderSimple", ckpt_name="v1-5-pruned.safetensors"),
    "5": node("EmptyLatentImage", width=640, height=512, batch_size=1),
    "6": node("CLIPTextEncode", text="a (glass:1.3) bottle", **CLIP),
    "7": node("CLIPTextEncode", text="text, watermark", **CLIP),
    "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "9": node("SaveImage", images=["8", 0], filename_prefix="ComfyUI"),
    "10": node(
        "LoraLoader", lora_name="glass.safetensors", strength_model=0.8, model=["4", 0], clip=["4", 1]
    ),
}
FLUX = {
    "5": node("EmptySD3LatentImage", width=1024, height=768, batch_size=1),
    "6": node("CLIPTextEncode", text=["40", 0], clip=["11", 0]),
    "12": node("UNETLoader", unet_name="flux1-dev.safetensors", weight_dtype="default"),
    "13": node(
        "SamplerCustomAdvanced",
        noise=["25", 0],
        guider=["22", 0],
        sampler=["16", 0],
        sigmas=["17", 0],
        latent_image=["5", 0],
    ),
    "16": node("KSamplerSelect", sampler_name="euler"),
    "17": node("BasicScheduler", scheduler="simple", steps=24, denoise=1, model=["12", 0]),
    "22": node("BasicGuider", model=["12", 0], conditioning=["26", 0]),
    "25": node("RandomNoise", noise_seed=["41", 0]),
    "26": node("FluxGuidance", guidance=3.5, conditioning=["6", 0]),
    "40": node("PrimitiveString", value="a lighthouse"),
    "41": node("PrimitiveInt", value=4711),
}


def fields_of(**items):
    info = read_picture(png(**items))
    return info, {name: value for name, value in info.infotext.fields.items() if value != NONE.get(name)}


NONE = GenerationParams().model_dump()


def test_comfyui():
    info, fields = fields_of(prompt=json.dumps(COMFYUI), workflow="{}")
    assert info.source == "ComfyUI"
    assert fields == {
        "prompt": "a (glass:1.3) bottle",
        "negative_prompt": "text, watermark",
        "scheduler": "Karras",
        "cfg_scale": 8,
        "seed": 156680208700286,
        "width": 640,
        "emphasis": "No norm",
    }
    assert info.infotext.fields["rng"] == "CPU"
    assert info.infotext.checkpoint == "v1-5-pruned.safetensors"
    assert info.infotext.unused == {"LoRAs": "glass.safetensors: 0.8"}
    assert "No norm" in info.infotext.problems[0]
    assert info.text.startswith("a (glass:1.3) bottle\nNegative prompt: text, watermark\n")
    assert "Sampler: DPM++ 2M" in info.text


def test_comfyuis_graphs_of_single_parts():
    info, fields = fields_of(prompt=json.dumps(FLUX))
    assert fields == {
        "prompt": "a lighthouse",
        "sampler_name": "Euler",
        "scheduler": "Simple",
        "steps": 24,
        "cfg_scale": 1,
        "seed": 4711,
        "width": 1024,
        "height": 768,
        "emphasis": "No norm",
    }
    assert info.infotext.checkpoint == "flux1-dev.safetensors"
    assert info.infotext.problems == ()


def test_of_comfyuis_samplers_the_one_that_begins_counts():
    hires = node(
        "KSampler", **{**COMFYUI["3"]["inputs"], "steps": 5, "denoise": 0.5, "latent_image": ["3", 0]}
    )
    _, fields = fields_of(prompt=json.dumps({"1": hires, **COMFYUI}))
    assert "steps" not in fields  # 20, the default


def test_comfyuis_controlnets_do_not_mix_the_prompts():
    both = node("ControlNetApplyAdvanced", strength=1, positive=["6", 0], negative=["7", 0], image=["9", 0])
    sampler = node("KSampler", **{**COMFYUI["3"]["inputs"], "positive": ["20", 0], "negative": ["20", 1]})
    _, fields = fields_of(prompt=json.dumps({**COMFYUI, "20": both, "3": sampler}))
    assert (fields["prompt"], fields["negative_prompt"]) == ("a (glass:1.3) bottle", "text, watermark")


def test_comfyuis_clip_skip_and_unipc():
    graph = {**COMFYUI, "11": node("CLIPSetLastLayer", stop_at_clip_layer=-2, clip=["4", 1])}
    graph["6"] = node("CLIPTextEncode", text="a", clip=["11", 0])
    graph["3"] = node(
        "KSampler", **{**COMFYUI["3"]["inputs"], "sampler_name": "uni_pc_bh2", "scheduler": "normal"}
    )
    _, fields = fields_of(prompt=json.dumps(graph))
    assert (fields["clip_skip"], fields["sampler_name"]) == (2, "UniPC")
    assert (fields["uni_pc_variant"], fields["scheduler"]) == ("bh2", "Normal")


def test_a1111s_text_outranks_comfyuis_graph():
    info, _ = fields_of(prompt=json.dumps(COMFYUI), parameters="a\nSteps: 9, Sampler: Euler, CFG scale: 7")
    assert (info.source, info.infotext.fields["steps"]) == ("AUTOMATIC1111", 9)


def test_fooocus():
    told = {
        "adm_guidance": "(1.5, 0.8, 0.3)",
        "base_model": "juggernautXL_v8Rundiffusion",
        "base_model_hash": "aeb7e9e689",
        "clip_skip": 2,
        "guidance_scale": 4,
        "metadata_scheme": "fooocus",
        "negative_prompt": "blurry",
        "performance": "Speed",
        "prompt": "a fox",
        "resolution": "(1152, 896)",
        "sampler": "dpmpp_2m_sde_gpu",
        "scheduler": "karras",
        "seed": "7450178213148085061",
        "sharpness": 2,
        "steps": 30,
        "styles": "['Fooocus V2']",
        "vae": "Default (model)",
        "version": "Fooocus v2.4.3",
    }
    info, fields = fields_of(parameters=json.dumps(told))
    assert info.source == "Fooocus"
    assert fields == {
        "prompt": "a fox",
        "negative_prompt": "blurry",
        "sampler_name": "DPM++ 2M SDE",
        "scheduler": "Karras",
        "steps": 30,
        "cfg_scale": 4,
        "width": 1152,
        "height": 896,
        "clip_skip": 2,
    }
    assert (info.infotext.checkpoint, info.infotext.model_hash) == (
        "juggernautXL_v8Rundiffusion",
        "aeb7e9e689",
    )
    assert info.infotext.vae is None
    assert [word in " ".join(info.infotext.problems) for word in ("styles", "7450178213148085061")] == [
        True,
        True,
    ]


def test_invokeai():
    told = {
        "app_version": "4.2.1",
        "positive_prompt": "a barn",
        "negative_prompt": "people",
        "width": 768,
        "height": 512,
        "seed": 3083499,
        "rand_device": "cuda",
        "cfg_scale": 6.5,
        "cfg_rescale_multiplier": 0.7,
        "steps": 25,
        "scheduler": "dpmpp_2m_k",
        "clip_skip": 1,
        "model": {"key": "k", "hash": "blake3:00", "name": "dreamshaper-8", "base": "sd-1", "type": "main"},
    }
    info, fields = fields_of(invokeai_metadata=json.dumps(told))
    assert info.source == "InvokeAI"
    assert fields == {
        "prompt": "a barn",
        "negative_prompt": "people",
        "scheduler": "Karras",
        "steps": 25,
        "cfg_scale": 6.5,
        "cfg_rescale": 0.7,
        "seed": 3083499,
        "width": 768,
        "clip_skip": 2,
        "rng": "GPU",
    }
    assert info.infotext.checkpoint == "dreamshaper-8"


def test_the_first_invokeai():
    _, fields = fields_of(Dream='"a barn [people]" -s 30 -S 7 -W 640 -H 384 -C 9.5 -A k_euler_a')
    told = {
        "prompt": "a barn",
        "negative_prompt": "people",
        "sampler_name": "Euler a",
        "steps": 30,
        "seed": 7,
    }
    assert told.items() <= fields.items()
    assert (fields["width"], fields["height"], fields["cfg_scale"]) == (640, 384, 9.5)


def test_novelai():
    comment = {
        "steps": 28,
        "sampler": "k_dpmpp_2s_ancestral",
        "noise_schedule": "karras",
        "seed": 2219440118,
        "strength": 0.69,
        "noise": 0.667,
        "scale": 11.0,
        "uc": "lowres",
    }
    items = {"Software": "NovelAI", "Description": "{{fox}}, forest", "Comment": json.dumps(comment)}
    info, fields = fields_of(**items, Source="Stable Diffusion 81274D13")
    assert info.source == "NovelAI"
    assert (
        fields.items()
        >= {
            "prompt": "{{fox}}, forest",
            "negative_prompt": "lowres",
            "sampler_name": "DPM++ 2S a",
            "scheduler": "Karras",
            "steps": 28,
            "cfg_scale": 11,
            "seed": 2219440118,
            "clip_skip": 2,
            "ensd": 31337,
            "rng": "GPU",
        }.items()
    )
    assert info.infotext.model_hash == "81274D13"
    assert "1.05" in info.infotext.problems[0]


@pytest.mark.parametrize(
    "items",
    [
        {"prompt": "{}"},
        {"prompt": "{" * 100_000},
        {"prompt": '{"1":' * 50_000},
        {"prompt": json.dumps({str(n): node("X") for n in range(2000)})},
        {"prompt": json.dumps({"1": node("KSampler", sampler_name=1, steps=[], cfg={})})},
        {"invokeai_metadata": "[]"},
        {"invokeai_metadata": '{"positive_prompt": "a"}'},
        {"Dream": "x"},
        {"sd-metadata": '{"image": 3}'},
        {"Software": "NovelAI", "Comment": "null"},
        {"parameters": '{"base_model": 3}'},
    ],
)
def test_what_only_seems_to_be_theirs_is_told(items):
    infotext, text = read_foreign(items, 8, 8)
    assert "can't be read" in infotext.problems[0]
    assert (infotext.fields, text) == ({}, "")


def test_long_chains_and_rings_of_nodes_end():
    sampler = COMFYUI["3"]["inputs"]
    chain = {str(n): node("X", positive=[str(n + 1), 0], text=[str(n + 1), 0]) for n in range(100, 1000)}
    chain["999"] = node("X", positive=["100", 0], text=["999", 0], model=["100", 0])
    linked = {"positive": ["100", 0], "negative": ["100", 0], "model": ["100", 0], "seed": ["100", 0]}
    infotext, _ = read_foreign(
        {"prompt": json.dumps({**chain, "3": node("KSampler", **{**sampler, **linked})})}, 8, 8
    )
    assert infotext.fields["steps"] == 20


LONG = 4 * 2**20
COMMENT = json.dumps({"sampler": "k_euler"})


def wide(links):
    """A graph of many nodes, each with so many links."""
    told = {f"i{n}": [str(n), 0] for n in range(links)}
    return json.dumps({str(n): node("KSampler", sampler_name="", steps=1, cfg=1, **told) for n in range(990)})


@pytest.mark.parametrize(
    "items",
    [
        {"Dream": '"a" ' + " " * LONG},
        {"Dream": '"a" -s ' + "[" * LONG},
        {"Dream": '"' + "[a" * (LONG // 2) + '" -A ddim'},
        {"Software": "NovelAI", "Comment": COMMENT, "Source": " " * LONG + "a"},
        {"Software": "NovelAI", "Comment": COMMENT, "Source": " A" * (LONG // 2) + "a"},
        {"prompt": wide(20)},
        {"prompt": wide(200)},
    ],
    ids=["spaces", "brackets", "prompt", "source", "words", "wide", "wider"],
)
def test_hostile_metadata_takes_no_time(items):
    began = time.process_time()
    read_foreign(items, 64, 64)
    assert time.process_time() - began < 4


def test_a_graph_of_more_links_than_anyones_is_not_read():
    infotext, _ = read_foreign({"prompt": wide(21)}, 64, 64)
    assert infotext.problems == ("ComfyUI's metadata can't be read: its nodes have more than 20,000 links.",)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
)
INPUTS = st.dictionaries(
    st.sampled_from(["sampler_name", "steps", "cfg", "positive", "model", "text", "seed", "latent_image"]),
    JSON | st.tuples(st.sampled_from("123"), st.integers(0, 2)).map(list),
)
GRAPHS = st.dictionaries(
    st.sampled_from("123"), st.fixed_dictionaries({"class_type": st.text(), "inputs": INPUTS})
)


@given(GRAPHS)
def test_any_graph_is_read_or_refused(graph):
    infotext, _ = read_foreign({"prompt": json.dumps(graph)}, 64, 64)
    assert infotext.source == "ComfyUI"
    GenerationParams(**infotext.fields)
