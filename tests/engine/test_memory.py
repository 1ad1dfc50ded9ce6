"""Memory plans: what is chosen, what comes after memory ran out, and that what is applied works."""

import copy
import gc
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from PIL import Image

from webui.config import BUILT_IN_CHECKPOINTS, DEMO, Config
from webui.engine import memory, storage
from webui.engine.memory import GIB, Plan
from webui.engine.stepcache import StepCache
from webui.settings import Settings

CPU = torch.device("cpu")
FOLDER = BUILT_IN_CHECKPOINTS / DEMO
SDXL = {"unet": 5 * GIB, "text_encoder_2": GIB, "text_encoder": GIB // 4, "vae": GIB // 6}


@pytest.fixture(scope="module")
def demo_vae():
    return AutoencoderKL.from_pretrained(
        FOLDER / "vae", local_files_only=True, torch_dtype=torch.float32
    ).eval()


@pytest.fixture(scope="module")
def shared_unet():
    return UNet2DConditionModel.from_pretrained(
        FOLDER / "unet", local_files_only=True, torch_dtype=torch.float32
    ).eval()


@pytest.fixture
def unet(shared_unet):
    return copy.deepcopy(shared_unet)


@torch.inference_mode()
def call(unet, batch=1):
    latents = torch.linspace(-1, 1, batch * 4 * 16 * 16).reshape(batch, 4, 16, 16).to(unet.dtype)
    text = torch.linspace(-1, 1, batch * 77 * 192).reshape(batch, 77, 192).to(unet.dtype)
    return unet(latents, torch.tensor([500]), encoder_hidden_states=text, return_dict=False)[0]


@torch.inference_mode()
def decode(vae, latents):
    return vae.decode(latents, return_dict=False)[0]


def chosen(free, *, settings=None, sizes=None, side=1024, batch=1, device_type="cuda"):
    return memory.choose(
        Settings(**(settings or {})),
        free=int(free * GIB),
        sizes=sizes or SDXL,
        width=side,
        height=side,
        batch=batch,
        device_type=device_type,
    )


@pytest.mark.parametrize(
    ("free", "placement", "tiled"),
    [
        (24, "Keep all loaded", False),
        (8, "Keep all loaded", True),  # all fits, but not the decoding of a large picture beside it
        (6.5, "Model offload", False),
        (4, "Group offload", False),
        (2, "Group offload", True),
    ],
)
def test_the_quickest_plan_that_fits_is_chosen(free, placement, tiled):
    plan = chosen(free)
    assert (plan.placement, plan.vae_tiling) == (placement, tiled)
    assert not plan.fp8
    assert plan.attention == "SDPA"


def test_larger_pictures_and_batches_need_thriftier_plans():
    assert chosen(9, side=1024).placement == "Keep all loaded"
    assert chosen(9, side=2048).placement == "Model offload"
    assert chosen(9, side=1024, batch=8).placement == "Group offload"
    assert not chosen(10, side=1024).vae_tiling
    assert chosen(10, side=2048).vae_tiling


def test_what_is_set_goes_before_what_would_be_wise():
    wished = {
        "memory_mode": "Keep all loaded",
        "attention": "Sliced",
        "fp8_storage": "On",
        "vae_tiling": "Off",
    }
    plan = chosen(1, settings=wished)
    assert plan == replace(plan, placement="Keep all loaded", fp8=True, attention="Sliced", vae_tiling=False)
    assert chosen(99, settings={"memory_mode": "Group offload"}).placement == "Group offload"
    assert chosen(99, settings={"vae_tiling": "On"}).vae_tiling


def test_fp8_storage_makes_room_for_a_quicker_placement():
    assert chosen(5, settings={"fp8_storage": "On"}).placement == "Keep all loaded"
    assert chosen(5).placement == "Group offload"


def test_without_a_gpu_nothing_is_offloaded():
    plan = chosen(3, device_type="cpu")
    assert plan.placement == "Keep all loaded"
    assert plan.vae_tiling


@pytest.mark.parametrize("device_type", ["cpu", "cuda"])
@pytest.mark.parametrize("fp8", ["Automatic", "Off"])
@pytest.mark.parametrize("attention", ["Automatic", "Sliced"])
def test_after_running_out_each_plan_differs_and_says_how_until_nothing_is_left(device_type, fp8, attention):
    plan = chosen(99, settings={"fp8_storage": fp8, "attention": attention}, device_type=device_type)
    seen = [plan]
    while following := memory.thriftier(seen[-1]):
        assert following not in seen
        said = memory.describe(following, seen[-1])
        assert said.startswith("Memory ran out; drawn with ")
        assert said.endswith(" instead.")
        seen.append(following)
    last = seen[-1]
    assert last.vae_tiling
    assert last.fp8 == (fp8 == "Automatic")
    assert last.placement == ("Group offload" if device_type == "cuda" else "Keep all loaded")
    assert last.attention == "SDPA"
    assert all(not plan.fp8 for plan in seen[:-1])


def test_what_is_done_otherwise_is_said_in_a_sentence():
    plan = Plan(vae_tiling=True, on_gpu=True)
    following = memory.thriftier(plan)
    assert memory.describe(following, plan) == "Memory ran out; drawn with model offload instead."


def test_group_offload_gives_the_same_picture_with_the_step_cache_too(unet):
    plain = call(unet)
    storage.stream(unet, CPU)
    assert "_diffusers_hook" in vars(unet.conv_in)
    assert torch.equal(call(unet), plain)
    with StepCache(unet, 2) as cache:
        for _ in range(4):
            cache.next_step()
            assert torch.equal(call(unet), plain)


def weight_bytes(network):
    return sum(each.numel() * each.element_size() for each in network.parameters())


def test_fp8_halves_the_weights_and_keeps_the_norms(unet):
    unet.to(torch.bfloat16)
    plain, before = call(unet).float(), weight_bytes(unet)
    storage.store_fp8(unet)
    assert weight_bytes(unet) < 0.52 * before
    assert unet.conv_in.weight.dtype == torch.float8_e4m3fn
    assert unet.down_blocks[0].resnets[0].norm1.weight.dtype == torch.bfloat16
    assert unet.dtype == torch.bfloat16
    coarse = call(unet).float()
    assert coarse.dtype == torch.float32
    assert 0 < (coarse - plain).abs().mean() < 0.1 * plain.abs().mean()
    assert unet.conv_in.weight.dtype == torch.float8_e4m3fn


def test_fp8_group_offload_and_the_step_cache_work_together(unet):
    unet.to(torch.bfloat16)
    storage.store_fp8(unet)
    storage.stream(unet, CPU)
    with StepCache(unet, 2) as cache:
        cache.next_step()
        full = call(unet)
        cache.next_step()
        assert torch.equal(call(unet), full)
    assert unet.conv_in.weight.dtype == torch.float8_e4m3fn


@torch.inference_mode()
def picture_latents(vae, side):
    """Latents of a part of the demo model's sheet of pictures."""
    with Image.open(FOLDER / "sheet.jpg") as sheet:
        pixels = torch.tensor(np.asarray(sheet.convert("RGB").crop((0, 0, side, side))))
    return vae.encode(pixels.float().permute(2, 0, 1)[None] / 127.5 - 1).latent_dist.mode()


def test_tiles_show_no_seams(demo_vae):
    latents = picture_latents(demo_vae, 384)
    whole = decode(demo_vae, latents) * 127.5
    before = demo_vae.tile_sample_min_size
    storage.tile(demo_vae, 256)
    demo_vae.enable_tiling()
    try:
        tiled = decode(demo_vae, latents) * 127.5
    finally:
        demo_vae.disable_tiling()
        storage.tile(demo_vae, before)
    assert 0 < (tiled - whole).abs().mean() < 2  # levels of 255
    assert (steps(tiled) - steps(whole)).max() < 2


def steps(rgb):
    """The mean difference between neighbouring columns, for each pair of them: a seam is a peak."""
    return (rgb[..., 1:] - rgb[..., :-1]).abs().mean((0, 1, 2))


def test_slices_decode_a_batch_as_it_was(demo_vae):
    latents = picture_latents(demo_vae, 64).repeat(3, 1, 1, 1) * torch.tensor([1.0, 0.5, 0.1]).view(
        3, 1, 1, 1
    )
    whole = decode(demo_vae, latents)
    demo_vae.enable_slicing()
    try:
        torch.testing.assert_close(decode(demo_vae, latents), whole, rtol=1e-4, atol=1e-4)
    finally:
        demo_vae.disable_slicing()


PEAKS = """
import torch
from pathlib import Path
from diffusers import AutoencoderKL, UNet2DConditionModel
folder = Path({folder!r})
def status(key):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024
def peak(run, side):
    run(8)
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    run(side)
    print(status("VmHWM") - before)
unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32).eval()
vae = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32).eval()
with torch.inference_mode():
    peak(lambda side: unet(torch.zeros(2, 4, side, side), 1, torch.zeros(2, 77, 192)), 40)
    peak(lambda side: vae.decode(torch.zeros(1, 4, side, side)), 64)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_runs_take_no_more_memory_than_estimated_and_not_much_less(demo_vae):
    """As the system sees it, in a process of its own, where each large tensor is given back at once."""
    command = [sys.executable, "-c", PEAKS.format(folder=str(FOLDER))]
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
    out = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    sampling, decoding = (int(line) for line in out.split())
    estimate = memory.estimate_unet(320, 320, 1, channels=128, itemsize=4)
    assert sampling < estimate < 2 * sampling + memory.UNET_SCRATCH
    assert decoding < memory.estimate_decode(demo_vae.config, 512, 512, itemsize=4) < 2 * decoding


def test_budgets_leave_room_for_the_work_itself():
    assert memory.ram_budget(32 * GIB) == 16 * GIB
    assert memory.ram_budget(6 * GIB) == 4 * GIB
    assert memory.ram_budget(3 * GIB) == 3 * GIB
    assert memory.vram_budget(8 * GIB) == 6.5 * GIB
    assert memory.vram_budget(100 * GIB) == 88 * GIB
    assert memory.vram_budget(GIB) == 0


def test_flags_limit_what_settings_may_take():
    def limits(setting, flag):
        settings = Settings(ram_budget=setting, vram_budget=setting)
        config = Config(ram_budget=flag, vram_budget=flag)
        return memory.limits(settings, config, ram_available=32 * GIB, vram_total=8 * GIB)

    assert limits(None, None) == (16 * GIB, 6.5 * GIB)
    assert limits(2, None) == limits(None, 2) == limits(5, 2) == limits(2, 5) == (2 * GIB, 2 * GIB)
    assert limits(0, 5) == (0, 0)
    assert limits(99, None) == (99 * GIB, 8 * GIB)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_trim_gives_memory_back():
    """Small blocks with one kept at the end, so that glibc can't shrink its heap by itself."""
    blocks = [torch.zeros(4096) for _ in range(20_000)]
    kept = blocks[-1]
    full = resident()
    del blocks
    gc.collect()
    storage.trim()
    assert full - resident() > 200_000_000
    assert len(kept) == 4096


def resident():
    with open("/proc/self/status") as status:  # noqa: PTH123
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def test_trim_does_nothing_where_there_is_no_glibc(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(storage.ctypes, "CDLL", None)
    storage.trim()


def test_plans_are_values():
    assert replace(Plan(), fp8=True) != Plan()
    assert len({Plan(), Plan()}) == 1
