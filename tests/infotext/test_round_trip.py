"""Whatever is asked for, its text tells it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from webui.infotext import ModelIdentity, read, write
from webui.infotext.fields import KEYS
from webui.infotext.names import SAMPLERS, SCHEDULES
from webui.params import MAX_SEED, GenerationParams
from webui.params.control import ControlUnit
from webui.params.regions import Region
from webui.params.sampling import LEAST_SIGMA
from webui.params.scripts import Loopback, SDUpscale

TOLD = {"prompt", "negative_prompt", "control", *(name for key in KEYS for name in key.fields)}


def numbers(name):
    """Any number within the field's limits."""
    limits = {}
    for limit in GenerationParams.model_fields[name].metadata:
        limits |= {key: getattr(limit, key) for key in ("ge", "gt", "le") if hasattr(limit, key)}
    low = limits.get("ge", limits.get("gt"))
    if GenerationParams.model_fields[name].annotation is int:
        return st.integers(low, limits["le"])
    return st.floats(low, limits["le"], exclude_min="gt" in limits)


SIDES = st.integers(8, 1024).map(lambda side: side * 8)
RESIZED = st.one_of(st.just((0, 0)), st.tuples(st.integers(1, 8192), st.integers(1, 8192)))
NUMBERS = [
    *("steps", "cfg_scale", "cfg_rescale", "cfg_start", "cfg_end", "s_min_uncond", "comma_padding_backtrack"),
    *("clip_skip", "step_cache", "token_merging_ratio", "ensd", "s_churn", "s_tmin", "s_tmax", "s_noise"),
    *("rho", "beta_alpha", "beta_beta", "uni_pc_order"),
]
HIRES = {
    **{name: numbers(name) for name in ("hr_second_pass_steps", "hr_cfg", "token_merging_ratio_hr")},
    **{name: st.text(max_size=30) for name in ("hr_prompt", "hr_negative_prompt")},
    "hr_upscaler": st.sampled_from(["Latent", "None", "4x, sharp: [x]"]),
    "hr_sampler_name": st.sampled_from(["", *SAMPLERS]),
    "hr_scheduler": st.sampled_from(["", *SCHEDULES]),
    "img2img_extra_noise": numbers("img2img_extra_noise"),
}
PLAIN_IMAGE = [
    *("denoising_strength", "scale_by", "image_cfg_scale", "initial_noise_multiplier", "img2img_extra_noise"),
    *("inpainting_mask_weight", "resize_mode", "outpaint_left", "outpaint_right", "outpaint_up"),
]
MASKED = ["mask_blur", "inpainting_fill"]
SOFT = [
    *("mask_blend_power", "mask_blend_scale", "inpaint_detail_preservation", "composite_mask_influence"),
    *("composite_difference_threshold", "composite_difference_contrast"),
]
DETAILER = {
    **{name: numbers(f"detailer_{name}") for name in ("threshold", "max_regions", "min_area", "steps")},
    **{name: numbers(f"detailer_{name}") for name in ("denoising_strength", "dilation", "padding")},
    **{name: st.text(max_size=30) for name in ("prompt", "negative_prompt")},
    "mask_blur": numbers("detailer_mask_blur"),
    "color": st.from_regex("#[0-9a-fA-F]{6}", fullmatch=True),
}
SHARES = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)
UNITS = st.builds(
    lambda shares, **fields: ControlUnit(guidance_start=shares[0], guidance_end=shares[1], **fields),
    SHARES,
    module=st.sampled_from(["none", "canny", "tile_colorfix+sharp"]),
    model=st.sampled_from(["None", "control_v11p_sd15_canny [d14c016b]", "a (b), c: d"]),
    weight=st.floats(0, 2),
    threshold_a=st.none() | st.floats(0, 255),
    processor_res=st.integers(64, 4096),
    pixel_perfect=st.booleans(),
    hr_option=st.sampled_from(["Both", "Low res only", "High res only"]),
    union_control_type=st.sampled_from(["", "Tile"]),
    influence=st.sampled_from(["All", "Style"]),
)


@st.composite
def regions(draw):
    x, y = draw(st.floats(0, 0.9)), draw(st.floats(0, 0.9))
    sides = {"width": draw(st.floats(0.01, 1 - x)), "height": draw(st.floats(0.01, 1 - y))}
    return Region(prompt=draw(st.text(max_size=30)), weight=draw(st.floats(0, 5)), x=x, y=y, **sides)


REGIONS = {
    "regions": st.lists(regions(), min_size=1, max_size=3).map(tuple),
    **{name: numbers(name) for name in ("regions_base", "regions_feather")},
}
FLAGS = ["tiling", "discard_next_to_last_sigma", "sgm_noise_multiplier"]
CHOICES = {
    "sampler_name": SAMPLERS,
    "scheduler": SCHEDULES,
    "emphasis": ("Original", "No norm", "Ignore", "None"),
    "rng": ("CPU", "GPU", "NV"),
    "uni_pc_variant": ("bh1", "bh2"),
    "noise_schedule": ("Default", "Zero Terminal SNR"),
}
ALWAYS = {
    "prompt": st.text(max_size=60),
    "negative_prompt": st.text(max_size=60),
    "seed": st.integers(0, MAX_SEED),
    "width": SIDES,
    "height": SIDES,
}
SOMETIMES = {
    **{name: numbers(name) for name in NUMBERS},
    **{name: st.booleans() for name in FLAGS},
    **{name: st.sampled_from(values) for name, values in CHOICES.items()},
    "control": st.lists(UNITS, min_size=1, max_size=3).map(tuple),
    "eta": st.none() | st.floats(0, 10),
    "sigma_min": st.just(0.0) | st.floats(LEAST_SIGMA, 1000),
    "sigma_max": st.just(0.0) | st.floats(LEAST_SIGMA, 10_000),
}
# Fields that have a say only together are asked for together.
TOGETHER = st.fixed_dictionaries(
    {"resized": RESIZED},
    optional={
        "varied": st.tuples(st.integers(0, MAX_SEED), st.floats(0, 1, exclude_min=True)),
        "freeu": st.tuples(
            numbers("freeu_b1"), numbers("freeu_b2"), numbers("freeu_s1"), numbers("freeu_s2")
        ),
        "refined": numbers("refiner_switch_at"),
        "detailer": st.fixed_dictionaries({}, optional=DETAILER),
        "regions": st.fixed_dictionaries(REGIONS),
        "script": st.builds(
            Loopback, loops=st.integers(1, 32), denoising_curve=st.sampled_from(["Linear", "Lazy"])
        )
        | st.builds(SDUpscale, scale_factor=st.floats(1, 8), upscaler=st.text(max_size=20)),
    },
)


@st.composite
def hires(draw):
    """A second pass that can be drawn from the smallest first one: its size is told by scale or by sides."""
    fields = draw(st.fixed_dictionaries({}, optional=HIRES))
    sides = st.integers(64, 128)
    size = draw(
        st.one_of(
            st.fixed_dictionaries({"hr_scale": st.floats(1, 2)}),
            st.fixed_dictionaries({"hr_resize_x": sides, "hr_resize_y": sides}),
        )
    )
    return {"enable_hr": True, **fields, **size, "denoising_strength": draw(st.floats(0, 1))}


@st.composite
def from_picture(draw):
    fields = draw(st.fixed_dictionaries({}, optional={name: numbers(name) for name in PLAIN_IMAGE}))
    fields |= draw(
        st.fixed_dictionaries(
            {}, optional={"img2img_fix_steps": st.booleans(), "img2img_color_correction": st.booleans()}
        )
    )
    fields["init_images"] = ("0" * 32,)
    if draw(st.booleans()):
        fields["mask"] = "1" * 32
        masked = {name: numbers(name) for name in MASKED} | {"inpainting_mask_invert": st.booleans()}
        fields |= draw(st.fixed_dictionaries({}, optional=masked))
        if draw(st.booleans()):
            fields |= {"inpaint_full_res": True, "inpaint_full_res_padding": draw(st.integers(0, 512))}
        if draw(st.booleans()):
            fields |= {"soft_inpainting": True, **{name: draw(numbers(name)) for name in SOFT}}
    return fields


@st.composite
def asked(draw):
    fields = draw(st.fixed_dictionaries(ALWAYS, optional=SOMETIMES))
    together = draw(TOGETHER)
    fields["seed_resize_from_w"], fields["seed_resize_from_h"] = together["resized"]
    if "varied" in together:
        fields["subseed"], fields["subseed_strength"] = together["varied"]
    if "freeu" in together:
        names = ("freeu_b1", "freeu_b2", "freeu_s1", "freeu_s2")
        fields |= dict(zip(names, together["freeu"], strict=True), freeu=True)
    if "refined" in together:
        fields |= {"refiner_checkpoint": "refiner", "refiner_switch_at": together["refined"]}
    if "detailer" in together:
        fields |= {f"detailer_{name}": value for name, value in together["detailer"].items()}
        fields["detailer"] = "Saliency"
    if "regions" in together:
        fields |= together["regions"]
    if "script" in together:
        fields["script"] = together["script"]
    made = draw(st.sampled_from(["from nothing", "in two passes", "from a picture"]))
    if made == "in two passes":
        fields |= {"width": 64, "height": 64, "hr_checkpoint_name": "fine", **draw(hires())}
    return GenerationParams(**(fields | draw(from_picture()) if made == "from a picture" else fields))


@given(asked(), st.text(min_size=1, max_size=20), st.text(max_size=20))
@settings(max_examples=400)
def test_any_params_read_back(params, name, template):
    model = ModelIdentity(
        name, "0123456789", vae="some.pt", vae_hash="abcdef0123", refiner="r [0011223344]", hires="fine"
    )
    found = read(write(params, model, template=template))
    untold = set() if params.init_images or params.hires else {"denoising_strength"}
    script = {"script"} if params.script else set()
    assert found.fields == {name: getattr(params, name) for name in (TOLD - untold) | script}
    assert (found.checkpoint, found.model_hash) == (name, "0123456789")
    assert (found.vae, found.vae_hash) == ("some.pt", "abcdef0123")
    refined = bool(params.refiner_checkpoint)
    assert (found.refiner, found.refiner_hash) == (("r", "0011223344") if refined else (None, None))
    assert found.hires == ("fine" if params.hires else None)
    assert (found.unused, found.notes) == ({}, {"Template": template} if template else {})
    assert (found.problems, found.source) == ((), "Darkroom")


@given(asked())
@settings(max_examples=100)
def test_what_is_read_can_be_written_again(params):
    model = ModelIdentity("m", None, refiner="r", hires="fine")
    text = write(params, model)
    pictures = ("init_images", "mask", "refiner_checkpoint", "hr_checkpoint_name")
    again = GenerationParams(**read(text).fields, **{name: getattr(params, name) for name in pictures})
    assert write(again, model) == text
