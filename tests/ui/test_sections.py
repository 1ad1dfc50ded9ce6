"""The accordions: every field has its place, and the chips know of all that are hidden."""

from webui.params import GenerationParams
from webui.ui.components.controls import ELEMENT_IDS, Maker
from webui.ui.following import FOLLOWERS
from webui.ui.sections import (
    EXTRA,
    FOLLOWING_SAMPLER,
    NO_REFINER,
    SECTIONS,
    TUCKED_AWAY,
    accordions,
    applies,
    build_sections,
    chips,
)

IN_SIGHT = {
    *("prompt", "negative_prompt", "styles", "sampler_name", "scheduler", "steps", "width", "height"),
    *("n_iter", "batch_size", "cfg_scale", "seed"),
}


def test_every_parameter_has_one_place_on_the_page():
    places = [*IN_SIGHT, *EXTRA, *TUCKED_AWAY]
    assert sorted(places) == sorted(ELEMENT_IDS)


def test_each_accordion_holds_the_controls_of_its_fields(lay_out):
    make = Maker("txt2img", GenerationParams())
    controls, laid = lay_out(lambda: build_sections(make, [NO_REFINER, "one"]))
    assert set(controls) == set(TUCKED_AWAY)
    for section, accordion in zip(SECTIONS, laid, strict=True):
        assert (accordion.label, accordion.open) == (section.title, False)
        for field in section.fields:
            place = controls[field].parent
            while place is not None and place is not accordion:
                place = place.parent
            assert place is accordion, field
            assert accordions("txt2img")[field] == accordion.elem_id


def test_numbers_of_one_schedule_or_sampler_are_shown_for_it_alone():
    assert FOLLOWING_SAMPLER == ("beta_alpha", "beta_beta", "uni_pc_order", "uni_pc_variant")
    assert applies("beta_alpha", "Euler", "Beta")
    assert not applies("beta_alpha", "Euler", "Karras")
    assert applies("uni_pc_order", "UniPC", "Automatic")
    assert not applies("uni_pc_order", "DDIM", "Automatic")
    assert applies("eta", "DDIM", "Automatic")


def test_chips_know_the_default_and_the_place_of_each_field():
    known = {chip["field"]: chip for chip in chips()}
    assert tuple(known) == TUCKED_AWAY
    assert (known["clip_skip"]["name"], known["clip_skip"]["default"]) == ("Clip skip", 1)
    assert (known["rng"]["name"], known["rng"]["default"]) == ("RNG", "CPU")
    assert known["refiner_checkpoint"]["default"] == NO_REFINER
    assert known["freeu_b1"]["needs"] == ("freeu", None)


def test_fields_in_sight_need_no_chip():
    assert not set(TUCKED_AWAY) & IN_SIGHT
    assert set(FOLLOWERS) - IN_SIGHT == {"vae", "clip_skip"}
