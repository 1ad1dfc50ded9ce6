"""Lines of descent over a real store."""

import pytest

from tests.jobs.histories import Room
from webui.jobs.lineage import EACH_WAY, way_of
from webui.params import GenerationParams
from webui.params.extras import ExtrasParams
from webui.params.scripts import SDUpscale
from webui.settings import Settings

UPLOAD = "0" * 32


@pytest.fixture
def room(tmp_path):
    room = Room(tmp_path, Settings())
    yield room
    room.store.close()


def edges(lineage):
    return {(edge.parent, edge.child, edge.way) for edge in lineage.edges}


def test_ancestors_and_descendants_are_told_with_what_was_done(room):
    first = room.picture(created=1)
    second = room.picture(created=2, parents=(first,), init_images=(first,))
    third = room.picture(created=3, parents=(second,), init_images=(second,), mask=UPLOAD)
    sibling = room.picture(created=4, parents=(first,), init_images=(first,))
    fourth = room.picture(created=5, parents=(third,), extras=ExtrasParams(), init_images=(third,))
    room.picture(created=6)
    lineage = room.history.lineage("me", third)
    assert list(lineage.pictures) == [first, second, third, fourth]
    assert edges(lineage) == {
        (first, second, "img2img"),
        (second, third, "inpaint"),
        (third, fourth, "upscale"),
    }
    assert not lineage.more
    assert set(room.history.lineage("me", first).pictures) == {first, second, third, fourth, sibling}


def test_a_picture_may_have_several_parents(room):
    one, two = room.picture(), room.picture()
    child = room.picture(parents=(one, two, one, UPLOAD, "nonsense", "../../x"), init_images=(one, two))
    assert room.history.get("me", child).picture.parents == (one, two)
    assert edges(room.history.lineage("me", child)) == {(one, child, "img2img"), (two, child, "img2img")}


def test_a_picture_without_relatives_stands_alone(room):
    name = room.picture()
    lineage = room.history.lineage("me", name)
    assert (list(lineage.pictures), lineage.edges, lineage.more) == ([name], (), False)


def test_the_line_goes_on_over_what_is_deleted(room):
    first = room.picture(created=1)
    second = room.picture(created=2, parents=(first,), init_images=(first,))
    third = room.picture(created=3, parents=(second,), init_images=(second,))
    room.history.trash("me", [second])
    assert room.history.lineage("me", third).pictures[second].trashed
    room.history.empty_trash("me")
    lineage = room.history.lineage("me", third)
    assert lineage.pictures[second] is None
    assert lineage.pictures[first].id == first
    assert edges(lineage) == {(first, second, "img2img"), (second, third, "img2img")}
    assert set(room.history.lineage("me", first).pictures) == {first, second, third}


def test_anothers_picture_is_told_as_if_it_were_gone(room):
    theirs = room.picture(owner="you")
    mine = room.picture(parents=(theirs,), init_images=(theirs,))
    assert room.history.lineage("me", mine).pictures[theirs] is None


def test_a_ring_of_parents_comes_to_an_end(room):
    one = room.job(init_images=(UPLOAD,))
    two = room.job(init_images=(UPLOAD,))
    room.picture(job=one, parents=(f"{two}/0",))
    room.picture(job=two, parents=(f"{one}/0",))
    room.picture(job=two, number=1, parents=(f"{two}/1",))
    assert set(room.history.lineage("me", f"{one}/0").pictures) == {f"{one}/0", f"{two}/0"}
    assert set(room.history.lineage("me", f"{two}/1").pictures) == {f"{two}/1"}


def test_a_long_line_is_cut_off_and_says_so(room):
    job = room.job(init_images=(UPLOAD,))
    count = 2 * EACH_WAY + 21
    with room.store.database.transaction() as db:
        db.executemany(
            "INSERT INTO pictures (job, number, file, seed, infotext, owner, created) "
            "VALUES (?, ?, 'gone.png', 1, '', 'me', ?)",
            [(job, number, number) for number in range(count)],
        )
        db.executemany(
            "INSERT INTO parents VALUES (?, ?, 0, ?, ?)", [(job, n, job, n - 1) for n in range(1, count)]
        )
    middle = count // 2
    lineage = room.history.lineage("me", f"{job}/{middle}")
    told = [int(name.split("/")[1]) for name in lineage.pictures]
    assert told == list(range(middle - EACH_WAY, middle + EACH_WAY + 1))
    assert lineage.more
    assert not room.history.lineage("me", f"{job}/{EACH_WAY // 2}").pictures.keys() - {
        f"{job}/{number}" for number in range(EACH_WAY // 2 + EACH_WAY + 1)
    }


def test_many_children_of_one_picture_are_cut_off(room):
    first = room.picture()
    parent = first.split("/")[0]
    with room.store.database.transaction() as db:
        db.executemany(
            "INSERT INTO parents VALUES (?, ?, 0, ?, 0)", [(parent, n, parent) for n in range(1, 5000)]
        )
    lineage = room.history.lineage("me", first)
    assert len(lineage.pictures) == EACH_WAY + 1
    assert lineage.more


# Variations


def test_a_variation_descends_from_the_picture_of_its_seed(room):
    old = room.picture(seed=7)
    varied = room.picture(seed=7)
    for other in ({"prompt": "a dog"}, {"owner": "you"}, {"subseed_strength": 0.5}):
        room.picture(**{"seed": 7, **other})
    room.picture(seed=8)
    child = room.picture(seed=7, subseed_strength=0.2, subseed=3)
    assert room.history.get("me", child).picture.parents == (varied,)
    assert edges(room.history.lineage("me", child)) == {(varied, child, "variation")}
    assert room.history.get("me", old).picture.parents == ()


@pytest.mark.parametrize(
    "params",
    [{}, {"subseed_strength": 0.2, "init_images": (UPLOAD,)}, {"subseed_strength": 0.2, "kind": "grid"}],
)
def test_what_is_no_variation_descends_from_nothing(room, params):
    room.picture(seed=7)
    child = room.picture(seed=7, **params)
    assert room.history.get("me", child).picture.parents == ()


@pytest.mark.parametrize(
    ("params", "way"),
    [
        ({"init_images": (UPLOAD,)}, "img2img"),
        ({"init_images": (UPLOAD,), "mask": UPLOAD}, "inpaint"),
        ({"init_images": (UPLOAD,), "outpaint_left": 64}, "inpaint"),
        ({"init_images": (UPLOAD,), "script": SDUpscale()}, "upscale"),
        ({"init_images": (UPLOAD,), "extras": ExtrasParams()}, "upscale"),
        ({"firstpass_image": UPLOAD, "enable_hr": True}, "hires"),
        ({"subseed_strength": 0.5}, "variation"),
    ],
)
def test_what_was_done_is_told_by_the_params(params, way):
    assert way_of(GenerationParams(**params)) == way
