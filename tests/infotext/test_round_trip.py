"""Whatever is asked for, its text tells it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from webui.infotext import ModelIdentity, read, write
from webui.infotext.fields import KEYS
from webui.infotext.names import SAMPLERS, SCHEDULES
from webui.params import MAX_SEED, GenerationParams
from webui.params.sampling import LEAST_SIGMA

TOLD = {"prompt", "negative_prompt", *(name for key in KEYS for name in key.fields)}


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
    },
)


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
    return GenerationParams(**fields)


@given(asked(), st.text(min_size=1, max_size=20), st.text(max_size=20))
@settings(max_examples=300)
def test_any_params_read_back(params, name, template):
    model = ModelIdentity(name, "0123456789", vae="some.pt", vae_hash="abcdef0123", refiner="r [0011223344]")
    found = read(write(params, model, template=template))
    assert found.fields == {name: getattr(params, name) for name in TOLD}
    assert (found.checkpoint, found.model_hash) == (name, "0123456789")
    assert (found.vae, found.vae_hash) == ("some.pt", "abcdef0123")
    refined = bool(params.refiner_checkpoint)
    assert (found.refiner, found.refiner_hash) == (("r", "0011223344") if refined else (None, None))
    assert (found.unused, found.notes) == ({}, {"Template": template} if template else {})
    assert (found.problems, found.source) == ((), "Darkroom")


@given(asked())
@settings(max_examples=50)
def test_what_is_read_can_be_written_again(params):
    model = ModelIdentity("m", None, refiner="r")
    text = write(params, model)
    again = GenerationParams(**read(text).fields, refiner_checkpoint=params.refiner_checkpoint)
    assert write(again, model) == text
