"""Jobs with scripts: many cells, drawn one after the other, and their grids."""

import asyncio
import threading

import pytest
from PIL import Image

from tests.jobs.test_worker import Painter, Room
from webui.params import InvalidParamsError
from webui.params.scripts import PromptMatrix, PromptsFromFile, XYZPlot
from webui.settings import Settings


@pytest.fixture
def enter(tmp_path, catalog):
    """Make a Room whose worker runs."""
    rooms = []

    def enter(make_engine=Painter, settings=Settings, start=True):
        room = Room(tmp_path, catalog, make_engine)
        room.outputs._settings = lambda: settings() if callable(settings) else settings
        rooms.append(room)
        if start:
            room.worker.start()
        return room

    yield enter
    for room in rooms:
        room.worker.stop()
        room.store.close()


def plot(**script):
    return XYZPlot(**{"x_axis": "Nothing", **script})


def replacing(*prompts, **script):
    """A plot whose cells have these prompts, which name the Painter's methods; the first is "paint"."""
    return plot(x_axis="Prompt S/R", x_values=", ".join(("paint", *prompts)), **script)


def grids(job):
    return [picture for picture in job.pictures if picture.kind == "grid"]


def opened(room, picture):
    with Image.open(room.outputs.path(picture.file)) as image:
        image.load()
        return image


def told(room, job, kind):
    return [event.data for event in room.jobs.channel(room.get(job)).since(0) if event.kind == kind]


# A plot


def test_a_plot_saves_its_pictures_and_their_grid(enter):
    room = enter()
    script = plot(x_axis="Steps", x_values="1-3", y_axis="Seed", y_values="7, 9")
    job = room.ended(room.submit("paint", script=script))
    assert (job.state, job.error) == ("done", None)
    assert [picture.kind for picture in job.pictures] == ["picture"] * 6 + ["grid"]
    assert [picture.seed for picture in job.pictures] == [7, 7, 7, 9, 9, 9, 7]
    [grid] = grids(job)
    assert grid.file.startswith("txt2img-grids/")
    assert grid.file.endswith("/grid-0000.png")
    image = opened(room, grid)
    assert image.width >= 3 * 8
    assert image.info["parameters"] == grid.infotext
    assert grid.infotext.startswith("Seed: 7, Script: X/Y/Z plot, X Type: Steps, X Values: 1-3, Y Type: Seed")


def test_the_grid_is_shown_first_and_told_as_one(enter):
    room = enter()
    job = room.ended(room.submit("paint", script=plot(x_axis="Steps", x_values="1,2")))
    assert [picture.kind for picture in job.shown] == ["grid", "picture", "picture"]
    assert [data["kind"] for data in told(room, job, "image")] == ["picture", "picture", "grid"]


def test_progress_goes_over_all_cells(enter):
    heard = []

    class Watched(Painter):
        def paint(self, order, observer, iteration):
            super().paint(order, observer, iteration)
            progress = observer._channel.progress()
            heard.append((progress["iteration"], progress["n_iter"], progress["steps"]))

    room = enter(Watched)
    job = room.ended(room.submit("paint", n_iter=2, script=plot(x_axis="Steps", x_values="3,5,7")))
    assert job.rounds == 6
    assert heard == [(1, 6, 3), (2, 6, 3), (3, 6, 5), (4, 6, 5), (5, 6, 7), (6, 6, 7)]


def test_a_waiting_plot_tells_how_many_batches_it_will_be(enter):
    room = enter(start=False)
    job = room.submit("paint", n_iter=2, script=plot(x_axis="Steps", x_values="3,5,7"))
    assert room.jobs.progress(job)["n_iter"] == room.get(job).rounds == 6


def test_of_a_cells_pictures_the_first_is_on_the_grid(enter):
    class Colourful(Painter):
        def paint(self, order, observer, iteration):
            for place, colour in enumerate(("red", "blue")):
                self.hand_over(observer, order.seed + place, colour)

        @staticmethod
        def hand_over(observer, seed, colour):
            from webui.engine.protocol import Picture

            observer.picture(Picture(Image.new("RGB", (8, 8), colour), seed, f"Seed: {seed}"))

    room = enter(Colourful)
    job = room.ended(
        room.submit("paint", batch_size=2, script=plot(x_axis="Steps", x_values="1,2", draw_legend=False))
    )
    image = opened(room, grids(job)[0])
    assert image.size == (16, 8)
    assert set(image.get_flattened_data()) == {(255, 0, 0)}


def test_layers_have_grids_of_their_own_if_wanted(enter):
    room = enter()
    script = plot(x_axis="Steps", x_values="1,2", z_axis="Seed", z_values="1,2,3", include_sub_grids=True)
    job = room.ended(room.submit("paint", script=script))
    sizes = [opened(room, grid).width for grid in grids(job)]
    assert len(sizes) == 4
    assert sizes[0] > 3 * sizes[1]
    assert len({grid.file for grid in grids(job)}) == 4


def test_pictures_may_be_seen_on_the_grid_alone(enter):
    room = enter()
    job = room.ended(room.submit("paint", script=replacing("paint", include_lone_images=False)))
    assert [picture.kind for picture in job.shown] == ["grid"]
    assert [data["kind"] for data in told(room, job, "image")] == ["grid"]
    assert len(job.pictures) == 3
    assert all(room.outputs.path(picture.file) for picture in job.pictures)


def test_where_the_grid_fails_all_pictures_are_shown_and_the_reason_told(enter, monkeypatch):
    def full(*_):
        raise MemoryError("out of memory")

    room = enter(start=False)
    monkeypatch.setattr(room.outputs, "save_grid", full)
    room.worker.start()
    job = room.ended(room.submit("paint", script=replacing("paint", include_lone_images=False)))
    assert job.state == "done"
    assert [data["kind"] for data in told(room, job, "image")] == ["picture", "picture"]
    assert len(job.shown) == 2
    assert "The grid could not be made" in room.jobs.notices(job)[0]


# When something goes wrong


def test_a_cell_that_fails_says_so_and_the_others_go_on(enter):
    room = enter()
    job = room.ended(room.submit("paint", script=replacing("refuse", "break_down", "paint")))
    assert (job.state, len(job.pictures)) == ("done", 3)
    notices = room.jobs.notices(job)
    assert notices[0] == "refuse: There isn't enough memory. Lower the width."
    assert notices[1].startswith(
        "break_down: Drawing failed unexpectedly (ZeroDivisionError: division by zero)"
    )


def test_where_every_cell_fails_the_job_fails(enter):
    room = enter()
    job = room.ended(room.submit("refuse", script=plot(x_axis="Steps", x_values="1,2,3")))
    assert (job.state, job.error) == ("failed", "There isn't enough memory. Lower the width.")
    assert job.pictures == ()


def test_failures_without_number_are_told_in_one_sentence(enter):
    room = enter()
    script = plot(x_axis="Prompt S/R", x_values="paint,refuse", y_axis="Steps", y_values="1-15")
    job = room.ended(room.submit("paint", script=script))
    notices = room.jobs.notices(job)
    assert len(notices) == 11
    assert notices[-1] == "15 parts in all could not be drawn."


def test_a_disk_that_is_full_ends_the_job(enter, monkeypatch):
    from webui.jobs.outputs import OutputError

    def full(*_):
        raise OutputError("The disk is full.")

    room = enter(start=False)
    monkeypatch.setattr(room.outputs, "save", full)
    room.worker.start()
    job = room.ended(room.submit("paint", script=plot(x_axis="Steps", x_values="1-100")))
    assert (job.state, job.error) == ("failed", "The disk is full.")


def test_an_interrupted_plot_has_a_grid_of_what_is_there(enter):
    room = enter()
    job = room.submit("paint", script=replacing("slow", "paint", draw_legend=False))
    room.in_step()
    room.jobs.interrupt("me", job.id)
    ended = room.ended(job)
    assert ended.state == "interrupted"
    assert [picture.kind for picture in ended.pictures] == ["picture", "grid"]
    assert opened(room, grids(ended)[0]).size == (24, 8)


def test_an_interrupted_plot_without_pictures_has_no_grid(enter):
    room = enter()
    job = room.submit("slow", script=plot(x_axis="Steps", x_values="1,2"))
    room.in_step()
    room.jobs.interrupt("me", job.id)
    assert room.ended(job).pictures == ()


def test_skipping_goes_on_with_the_next_cell(enter):
    room = enter()
    job = room.submit("paint", script=replacing("slow", "paint"))
    room.in_step()
    room.jobs.skip("me", job.id)
    ended = room.ended(job)
    assert ended.state == "done"
    assert [picture.kind for picture in ended.pictures] == ["picture", "picture", "grid"]


def test_stopping_the_server_does_not_wait_for_a_grid(enter):
    room = enter()
    job = room.submit("paint", script=replacing("slow"))
    room.in_step()
    room.worker.stop()
    assert [picture.kind for picture in room.get(job).pictures] == ["picture"]


def test_a_checkpoint_that_has_gone_costs_its_own_cells_only(enter, catalog, monkeypatch, demo):
    def find(name):
        if name == "gone":
            raise InvalidParamsError("checkpoint", 'There is no checkpoint "gone".')
        return demo

    room = enter(start=False)
    monkeypatch.setattr(catalog, "find", lambda _: demo)
    job = room.submit("paint", script=plot(x_axis="Checkpoint name", x_values=f"{demo.name}, gone"))
    monkeypatch.setattr(catalog, "find", find)
    room.worker.start()
    assert [picture.kind for picture in room.ended(job).pictures] == ["picture", "grid"]
    assert room.jobs.notices(job) == ['gone: There is no checkpoint "gone".']


def test_the_next_cells_checkpoint_is_read_ahead(enter, catalog, monkeypatch):
    class Stepping(Painter):
        def paint(self, order, observer, iteration):
            for step in (2, 3):
                observer.step(iteration, step, order.params.steps)
            super().paint(order, observer, iteration)

    checkpoint = catalog.find("")
    monkeypatch.setattr(
        catalog, "find", lambda name: checkpoint if name in ("", checkpoint.name) else catalog.other
    )
    monkeypatch.setattr(
        catalog,
        "other",
        type(checkpoint)("other", checkpoint.path, identity=checkpoint.identity),
        raising=False,
    )
    room = enter(Stepping)
    script = plot(
        x_axis="Checkpoint name", x_values=f"{checkpoint.name}, other", y_axis="Steps", y_values="3,4"
    )
    room.ended(room.submit("paint", script=script))
    assert [order.checkpoint.name for order in room.engine.read_ahead] == ["other"]


# The other scripts


def test_a_prompt_matrix(enter):
    room = enter()
    job = room.ended(room.submit("paint|", n_iter=5, script=PromptMatrix(variations_delimiter="space")))
    assert [picture.kind for picture in job.pictures] == ["picture", "picture", "grid"]


def test_prompts_from_a_file_make_no_grid(enter):
    room = enter()
    script = PromptsFromFile(prompts="paint\n--prompt paint --n_iter 2 --seed 5 --restore_faces true\nrefuse")
    job = room.ended(room.submit(script=script, seed=3))
    assert [picture.seed for picture in job.pictures] == [3, 5, 6]
    assert job.rounds == 4
    assert room.jobs.notices(job) == [
        "--restore_faces means nothing here and was left out.",
        "Line 3: There isn't enough memory. Lower the width.",
    ]


def test_run_again_draws_the_same_random_seeds(enter):
    room = enter()
    script = plot(x_axis="Steps", x_values="1-5", no_fixed_seeds=True)
    first = room.ended(room.submit("paint", script=script))
    second = room.ended(room.jobs.run_again("me", first.id))
    seeds = [picture.seed for picture in first.pictures]
    assert len(set(seeds[:5])) == 5
    assert [picture.seed for picture in second.pictures] == seeds


def test_grids_are_kept_in_the_format_of_the_settings(enter):
    room = enter(settings=Settings(samples_format="jpg", grid_format="webp", enable_pnginfo=False))
    job = room.ended(room.submit("paint", script=plot(x_axis="Steps", x_values="1,2")))
    assert [picture.file.rsplit(".")[-1] for picture in job.pictures] == ["jpg", "jpg", "webp"]
    assert opened(room, grids(job)[0]).format == "WEBP"


# What is refused, before it is queued


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (plot(x_axis="Checkpoint name", x_values="nonsense"), 'nonsense: There is no checkpoint "nonsense"'),
        (plot(x_axis="VAE", x_values="Automatic, nonsense"), "VAE: nonsense: "),
        (
            plot(x_axis="Schedule type", x_values="Karras, Cubic"),
            "Schedule type: Cubic: There is no schedule type",
        ),
        (plot(x_axis="Refiner checkpoint", x_values="None, x"), 'x: Refiner: There is no checkpoint "x"'),
        (plot(x_axis="Steps", x_values="0"), "X axis, Steps: Sampling steps should be greater"),
        (
            PromptsFromFile(prompts="--n_iter 1000 --batch_size 64 --prompt a\nb"),
            "would make 64,000 pictures",
        ),
        (PromptMatrix(), "needs optional parts"),
    ],
)
def test_what_can_not_be_drawn_is_not_queued(enter, script, sentence):
    room = enter(start=False)
    with pytest.raises(InvalidParamsError) as refusal:
        room.submit("paint", script=script)
    assert sentence in str(refusal.value)
    assert refusal.value.field == "script"
    assert room.jobs.listed("me") == []


# The real engine


def test_a_small_plot_with_the_real_engine(enter, engine):
    room = enter(lambda: engine, start=False)
    script = plot(x_axis="Steps", x_values="2,3", y_axis="Prompt S/R", y_values="panda, fox", margin_size=4)
    base = {"width": 64, "height": 64, "seed": 5, "cfg_scale": 4.0}
    job = room.submit("a 3d panda", script=script, **base)
    heard = []

    def watch():
        async def read():
            async for event in room.bus.open(job.id).watch():
                heard.append(event)

        asyncio.run(read())

    watcher = threading.Thread(target=watch)
    watcher.start()
    room.worker.start()
    watcher.join(120)

    done = room.ended(job)
    assert (done.state, len(done.pictures)) == ("done", 5)
    assert room.jobs.notices(job) == []
    texts = [picture.infotext for picture in done.pictures]
    assert [text.splitlines()[0] for text in texts[:4]] == [
        "a 3d panda",
        "a 3d panda",
        "a 3d fox",
        "a 3d fox",
    ]
    assert ["Steps: 2," in text for text in texts[:4]] == [True, False, True, False]
    assert any(event.kind == "preview" for event in heard)
    steps = [event.data for event in heard if event.kind == "progress" and event.data["phase"] == "sampling"]
    assert steps[-1]["iteration"] == steps[-1]["n_iter"] == 4
    assert [event.kind for event in heard][-2:] == ["image", "end"]

    grid = opened(room, grids(done)[0])
    left, above = grid.width - (2 * 64 + 4), grid.height - (2 * 64 + 4)
    for number, picture in enumerate(done.pictures[:4]):
        corner = left + number % 2 * 68, above + number // 2 * 68
        cell = grid.crop((*corner, corner[0] + 64, corner[1] + 64))
        assert cell.tobytes() == opened(room, picture).tobytes()

    alone = room.ended(room.submit("a 3d fox", steps=3, **base))
    assert alone.pictures[0].infotext == texts[3]
    assert opened(room, alone.pictures[0]).tobytes() == opened(room, done.pictures[3]).tobytes()
