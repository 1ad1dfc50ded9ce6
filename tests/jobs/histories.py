"""Histories to test with: a few real pictures, or 100,000 rows."""

import uuid
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from webui.engine.protocol import Picture
from webui.infotext import ModelIdentity, write
from webui.jobs.history import History
from webui.jobs.history_search import Filters
from webui.jobs.model import Job, SavedPicture
from webui.jobs.outputs import Outputs
from webui.jobs.store import JobStore
from webui.jobs.thumbnails import Thumbnails
from webui.params import GenerationParams
from webui.settings import Settings

MANY = 100_000
PER_JOB = 4
FIRST = 1_700_000_000.0

MANY_JOBS = f"""
WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < {MANY // PER_JOB})
INSERT INTO jobs (id, owner, state, params, seed, created, finished)
SELECT printf('%032x', n), :owner, 'done', :params, n, {FIRST} + 60 * n, {FIRST} + 60 * n FROM counted
"""
MANY_PICTURES = f"""
WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < {MANY})
INSERT INTO pictures (job, number, file, seed, infotext, width, height, created, owner, checkpoint, favourite)
SELECT printf('%032x', n / {PER_JOB}), n % {PER_JOB}, printf('txt2img-images/2030-01-01/%05d.png', n), n,
    printf(:infotext, :words, n % 1000, n, n % 7), 512, 512, {FIRST} + 15 * n, :owner,
    printf('checkpoint %d', n % 7), n % 100 = 0
FROM counted
"""
MANY_PROMPTS = """
INSERT INTO prompts (owner, prompt, negative_prompt, created, last, said)
SELECT owner, printf('%s, castle number%d', :words, number), '', created, number,
    printf('%s, castle number%d', lower(:words), number)
FROM jobs
"""
INFOTEXT = (
    "%s, castle number%d\\nNegative prompt: blurry, lowres, bad anatomy\\nSteps: 20, Sampler: DPM++ 2M, "
    "Schedule type: Karras, CFG scale: 7, Seed: %d, Size: 512x512, Model hash: 6ce0161689, "
    "Model: checkpoint %d, Version: Darkroom 0.1"
).replace("\\n", "\n")
WORDS = ", ".join(f"masterpiece of the {nth} kind" for nth in ("first", "second", "third", "last")) * 5


def fill(store: JobStore, owner: str = "me") -> None:
    """Give `owner` 100,000 pictures, without files, in a second or two."""
    values = {
        "owner": owner,
        "params": GenerationParams().model_dump_json(),
        "infotext": INFOTEXT,
        "words": WORDS,
    }
    with store.database.transaction() as db:
        db.execute(MANY_JOBS, values)
        db.execute(MANY_PICTURES, values)
        db.execute("INSERT INTO texts SELECT id, lower(infotext) FROM pictures")
        db.execute(MANY_PROMPTS, values)


@dataclass
class Room:
    """A history over real files."""

    folder: Path
    settings: Settings
    database: Path | None = None

    def __post_init__(self):
        self.store = JobStore(self.database or self.folder / "darkroom.sqlite3")
        self.outputs = Outputs(self.folder / "outputs", lambda: self.settings)
        self.thumbnails = Thumbnails(self.folder / "cache" / "thumbnails")
        self.history = History(self.store, self.outputs, self.thumbnails)

    def job(self, owner="me", live="", **params):
        """A new job's id."""
        job = Job(
            uuid.uuid4().hex,
            owner,
            "running",
            GenerationParams(**params),
            5,
            params.get("seed", 5),
            live=live,
        )
        self.store.add(job)
        return job.id

    def picture(self, owner="me", *, job=None, number=0, checkpoint="demo", seed=5, live="", **kept):
        """Draw a picture of 40x24 pixels; its name. What is no field of SavedPicture is the job's params."""
        own = {
            name: kept.pop(name) for name in ("created", "parents", "kind", "width", "height") if name in kept
        }
        params = GenerationParams(**{"prompt": "a cat", **kept})
        job = job or self.job(owner, live, **{"prompt": "a cat", **kept})
        infotext = write(params.changed(seed=seed), ModelIdentity(checkpoint, None))
        image = Image.new("RGB", (40, 24), (seed % 256, 90, 40))
        file = self.outputs.save(Picture(image, seed, infotext))
        self.store.add_picture(job, SavedPicture(number, file, seed, infotext, **own))
        return f"{job}/{number}"

    def file(self, name, owner="me"):
        """Where the picture's file is."""
        return self.history.path(self.history.get(owner, name))

    def found(self, owner="me", **filters):
        """The names of the pictures that are left."""
        page = self.history.page(owner, Filters(**filters))
        assert page.total == len(page.pictures)
        return [entry.id for entry in page.pictures]

    def kept(self):
        """All files under the outputs folder, relative to it."""
        folder = self.outputs.folder
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
