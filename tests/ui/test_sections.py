"""The tabs and their accordions: every field has its place, and the chips know of all that are hidden."""

from webui.params import GenerationParams
from webui.params.scripts import Loopback, SDUpscale
from webui.ui.components.accordions import build_accordions
from webui.ui.components.controls import Maker
from webui.ui.components.fields import ELEMENT_IDS
from webui.ui.following import FOLLOWERS, pickers
from webui.ui.sections import FOLLOWING, LEADING, NEEDS, applies
from webui.ui.tabs import IMG2IMG, INPAINT, TABS, TXT2IMG

PICTURE = "0" * 32
USUAL = {"sampler_name": "Euler", "scheduler": "Automatic", "detailer": "None"}


def test_every_parameter_has_a_place_on_the_page_and_one_in_a_tab():
    for kind in TABS:
        assert len(set(kind.fields)) == len(kind.fields), kind.name
    assert {field for kind in TABS for field in kind.fields} == set(ELEMENT_IDS)


def test_a_tab_holds_what_is_of_use_in_it():
    assert "enable_hr" in TXT2IMG.fields
    assert not {"mask_blur", "resize_mode", "img2img_fix_steps"} & set(TXT2IMG.fields)
    assert not {"enable_hr", "mask_blur", "soft_inpainting"} & set(IMG2IMG.fields)
    assert {"mask_blur", "soft_inpainting", "inpainting_mask_weight", "resize_mode"} <= set(INPAINT.fields)
    assert (TXT2IMG.usual["denoising_strength"], IMG2IMG.usual["denoising_strength"]) == (0.7, 0.75)
    own = {str(kind.model_fields["name"].default) for kind in (Loopback, SDUpscale)}
    assert {*IMG2IMG.scripts} - {*TXT2IMG.scripts} == own


def test_each_accordion_holds_the_controls_of_its_fields(lay_out):
    for kind in TABS:
        make = Maker(kind.name, GenerationParams())
        controls, laid = lay_out(
            lambda make=make, kind=kind: build_accordions(make, kind.sections, pickers(), lambda _: None)
        )
        assert tuple(controls) == kind.tucked_away
        for one in laid:
            assert not (one.inside or one.whole).open
            for field in one.section.fields:
                place = controls[field].parent
                while place is not None and place is not one.whole:
                    place = place.parent
                assert place is one.whole, field
                assert kind.accordions[field] == one.whole.elem_id


def test_a_field_that_needs_another_is_in_the_same_tab():
    for kind in TABS:
        missing = {field for field in kind.tucked_away if NEEDS.get(field, (field,))[0] not in kind.fields}
        assert missing == set()


def test_numbers_of_one_schedule_sampler_or_detector_are_shown_for_it_alone():
    assert set(FOLLOWING) >= {"beta_alpha", "uni_pc_order", "detailer_color", "detailer_steps"}
    assert applies("beta_alpha", {**USUAL, "scheduler": "Beta"})
    assert not applies("beta_alpha", {**USUAL, "scheduler": "Karras"})
    assert applies("uni_pc_order", {**USUAL, "sampler_name": "UniPC"})
    assert not applies("uni_pc_order", {**USUAL, "sampler_name": "DDIM"})
    assert applies("detailer_color", {**USUAL, "detailer": "Color"})
    assert not applies("detailer_color", {**USUAL, "detailer": "Saliency"})
    assert applies("detailer_steps", {**USUAL, "detailer": "Saliency"})
    assert not applies("detailer_steps", USUAL)
    assert applies("eta", USUAL)
    assert all(field in USUAL for field in LEADING)


def test_chips_know_the_default_and_the_place_of_each_field():
    known = {chip["field"]: chip for chip in TXT2IMG.chips}
    assert tuple(known) == TXT2IMG.tucked_away
    assert (known["clip_skip"]["name"], known["clip_skip"]["default"]) == ("Clip skip", 1)
    assert (known["rng"]["name"], known["rng"]["default"]) == ("RNG", "CPU")
    assert known["refiner_checkpoint"]["default"] == "None"
    assert known["freeu_b1"]["needs"] == ("freeu", ())
    assert (known["denoising_strength"]["default"], known["hr_scale"]["needs"]) == (0.7, ("enable_hr", ()))


def test_fields_in_sight_need_no_chip():
    for kind in TABS:
        assert not set(kind.tucked_away) & set(kind.in_sight)
    assert set(FOLLOWERS) - set(TXT2IMG.in_sight) == {"vae", "clip_skip"}


def test_a_job_belongs_to_the_tab_that_it_could_have_come_from():
    assert GenerationParams(denoising_strength=0.5, mask_blur=9).kind == "txt2img"
    assert GenerationParams(firstpass_image=PICTURE, enable_hr=True).kind == "txt2img"
    assert GenerationParams(init_images=(PICTURE,)).kind == "img2img"
    assert GenerationParams(init_folder="one").kind == "img2img"
    assert GenerationParams(init_images=(PICTURE,), mask=PICTURE).kind == "inpaint"
    assert GenerationParams(init_images=(PICTURE,), outpaint_left=8).kind == "inpaint"
    assert GenerationParams(init_images=(PICTURE,), outpaint_up=8).kind == "inpaint"
    assert GenerationParams(init_images=(PICTURE,), extras={}).kind == "extras"
    assert GenerationParams(init_images=()).kind == GenerationParams().kind == "txt2img"
