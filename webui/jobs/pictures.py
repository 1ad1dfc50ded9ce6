"""The pictures that jobs start from, by name: uploads, finished pictures, files in the batch folder."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from webui.imaging.reading import PictureError, read_mask, read_picture
from webui.inputs.allowance import Allowance
from webui.inputs.batches import BatchFolder, BatchFolders
from webui.inputs.files import NoRoomError
from webui.inputs.names import BATCH, Enclosed, Finished, InFolder, Uploaded, decoded, read_name
from webui.inputs.store import InputStore, UnknownInputError, Upload
from webui.jobs.model import Job
from webui.jobs.outputs import Outputs, is_live
from webui.jobs.picture_names import NamedPicture, named, renamed
from webui.jobs.store import JobStore, StoreError
from webui.params import GenerationParams, InvalidParamsError
from webui.params.image import MAX_INPUTS

SHOWN = 100


@dataclass(frozen=True)
class Source:
    """A picture that a name has led to."""

    name: str
    path: Path
    size: tuple[int, int] | None = None
    """Width and height, where they are known without decoding it."""
    infotext: str = ""
    parent: str = ""
    """The finished picture that it is, or was made from."""
    passing: bool = False
    """Whether it will soon be gone."""

    def read(self) -> Image.Image:
        """The picture, RGB or RGBA, upright.

        Raises:
            PictureError: it is gone, or can't be read as a picture.
        """
        return self._read(read_picture)

    def read_mask(self) -> Image.Image:
        """The picture as a mask, L.

        Raises:
            PictureError: it is gone, or can't be read as a picture.
        """
        return self._read(read_mask)

    def _read(self, reader: Callable[[bytes, str], Image.Image]) -> Image.Image:
        return reader(self.data(), self.path.name if self.name.startswith(BATCH) else "")

    def data(self) -> bytes:
        """The picture's file.

        Raises:
            PictureError: it is gone.
        """
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise PictureError(_gone(self.name)) from error


class Pictures:
    """Finds pictures by name. Thread-safe; another's picture is as unknown as one that never was."""

    def __init__(self, store: JobStore, outputs: Outputs, inputs: InputStore, folders: BatchFolders) -> None:
        self._store = store
        self._outputs = outputs
        self._inputs = inputs
        self._folders = folders

    def upload(self, owner: str, data: bytes, parent: str = "") -> Upload:
        """Keep a picture that was brought. `parent` counts if it is one of the owner's finished pictures.

        Raises:
            PictureError: it can't be read as a picture.
            StoreError: the disk is full.
        """
        meant = read_name(parent)
        known = isinstance(meant, Finished) and self._store.picture(owner, meant.job, meant.number)
        try:
            return self._inputs.add(owner, data, str(meant) if known else "")
        except NoRoomError as error:
            raise StoreError(str(error)) from error

    def uploaded(self, owner: str, upload_id: str) -> Path:
        """The PNG file of an upload.

        Raises:
            PictureError: the owner has none of that id.
        """
        try:
            return self._inputs.path(owner, upload_id)
        except UnknownInputError as error:
            raise PictureError(_gone(upload_id)) from error

    def batch_folders(self) -> list[BatchFolder]:
        """The folders on the server that `init_folder` may name."""
        return self._folders.listed()

    def find(self, owner: str, name: str) -> Source:
        """The picture of that name.

        Raises:
            PictureError: there is none, or its file is gone.
        """
        match read_name(name):
            case Uploaded(upload_id):
                try:
                    upload, path = self._inputs.look(owner, upload_id), self._inputs.path(owner, upload_id)
                except UnknownInputError as error:
                    raise PictureError(_gone(name)) from error
                return Source(name, path, (upload.width, upload.height), upload.infotext, upload.parent)
            case Finished(job, number):
                return self._finished(owner, job, number, name)
            case InFolder(path):
                return Source(name, self._folders.path(path))
            case Enclosed():
                raise PictureError(_gone(name))

    def _finished(self, owner: str, job: str, number: int, name: str) -> Source:
        picture = self._store.picture(owner, job, number)
        path = self._outputs.path(picture.file) if picture else None
        if picture is None or path is None:
            raise PictureError(_gone(name))
        size = (picture.width, picture.height) if picture.width else None
        passing = is_live(picture.file)
        return Source(name, path, size, picture.infotext, "" if passing else name, passing)

    def forget_live(self, job: Job | None = None) -> None:
        """Remove the pictures of a live job, which nobody wants any more; None: of all of them."""
        files = [None] if job is None else [picture.file for picture in job.pictures]
        for file in files:
            self._outputs.remove_live(file)

    def settled(self, owner: str, params: GenerationParams) -> GenerationParams:
        """`params` with pictures named that were enclosed, and a folder's one by one. All of them are there.

        Raises:
            InvalidParamsError: one isn't, or can't be read; it names the field.
            StoreError: the disk is full.
        """
        if params.init_folder:
            params = params.changed(init_images=(*params.init_images, *self._folder(params)), init_folder="")
        allowance = Allowance()

        def lasting(picture: NamedPicture) -> str:
            with refused(picture.field, picture.where):
                return self.lasting(owner, picture.name, allowance)

        changes = renamed(params, lasting)
        return params.changed(**changes) if changes else params

    def _folder(self, params: GenerationParams) -> list[str]:
        with refused("init_folder"):
            files = self._folders.pictures(params.init_folder, MAX_INPUTS, len(params.init_images))
        return [str(InFolder(file)) for file in files]

    def lasting(self, owner: str, name: str, allowance: Allowance) -> str:
        """A name of the same picture that stays its own: what is enclosed or passing becomes an upload.

        Raises:
            PictureError: there is none, it can't be read, or more than `allowance` is enclosed.
            StoreError: the disk is full.
        """
        meant = read_name(name)
        if isinstance(meant, Enclosed):
            data = decoded(meant)
            allowance.take(data)
            return self.upload(owner, data).id
        source = self.find(owner, name)
        return self.upload(owner, source.data()).id if source.passing else name

    def size(self, owner: str, params: GenerationParams) -> tuple[int, int] | None:
        """Width and height of the one picture that is drawn from; None: there is none, or there are several.

        Raises:
            InvalidParamsError: it is gone, or can't be read.
        """
        field = "firstpass_image" if params.hires else "init_images"
        names = named(params, field)
        if len(names) != 1:
            return None
        with refused(field):
            source = self.find(owner, names[0])
            return source.size or source.read().size

    def use(self, owner: str, params: GenerationParams) -> None:
        """Keep the uploads that `params` name for as long as jobs that name them are drawn.

        Raises:
            InvalidParamsError: one is gone.
            StoreError: the disk can't be written to.
        """

        def use(picture: NamedPicture) -> str:
            if isinstance(meant := read_name(picture.name), Uploaded):
                try:
                    self._inputs.use(owner, meant.id)
                except UnknownInputError as error:
                    raise InvalidParamsError(
                        picture.field, f"{picture.where}{_gone(picture.name)}"
                    ) from error
                except NoRoomError as error:
                    raise StoreError(str(error)) from error
            return picture.name

        renamed(params, use)


@contextmanager
def refused(field: str, where: str = "") -> Generator[None]:
    """Whatever is wrong with a picture in the block is said of `field`; `where` begins the sentence.

    Raises:
        InvalidParamsError: something is.
    """
    try:
        yield
    except PictureError as error:
        raise InvalidParamsError(field, f"{where}{error}") from error


def _gone(name: str) -> str:
    shown = f'"{name[:SHOWN]}"'
    return f"You have no picture {shown}, or it is no longer there. Choose it again."
