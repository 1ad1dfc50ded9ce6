"""Every service, built once and passed on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, get_args

from webui.api.prompts import networks
from webui.catalog.catalog import Catalog
from webui.catalog.downloads.service import Downloads
from webui.catalog.entry import Kind
from webui.catalog.folders import belongs_into, model_folders
from webui.catalog.hashing import Hasher
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import Config
from webui.engine.annotators.service import Annotators
from webui.engine.annotators.table import NetworkPlugin
from webui.engine.protocol import Engine
from webui.imaging.preprocessors.table import Preprocessors
from webui.inputs.batches import BatchFolders
from webui.inputs.datasets import Datasets
from webui.inputs.store import InputStore
from webui.jobs.events import EventBus
from webui.jobs.history import History
from webui.jobs.outputs import Outputs
from webui.jobs.pictures import Pictures
from webui.jobs.service import Jobs
from webui.jobs.store import JobStore
from webui.jobs.thumbnail_maker import ThumbnailMaker
from webui.jobs.thumbnails import Thumbnails
from webui.jobs.training import Trainings
from webui.jobs.worker import Worker
from webui.plugins import built_in
from webui.plugins.manager import plugin_manager, preprocessors_of
from webui.prompting.book import PromptBook
from webui.prompting.book_places import open_book, tag_folders
from webui.prompting.completions import Completions
from webui.prompting.tags import Tags
from webui.settings import SettingsStore

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Services:
    """What there is one of."""

    config: Config
    settings: SettingsStore
    book: PromptBook
    completions: Completions
    index: ModelIndex
    catalog: Catalog
    preprocessors: Preprocessors
    datasets: Datasets
    trainings: Trainings
    hasher: Hasher
    downloads: Downloads
    store: JobStore
    outputs: Outputs
    inputs: InputStore
    pictures: Pictures
    history: History
    thumbnails: Thumbnails
    thumbnail_maker: ThumbnailMaker
    jobs: Jobs
    worker: Worker


def build_services(config: Config) -> Services:
    """Make every service; nothing runs yet."""
    # First the store: where another server uses it, or the folder can't be written, nothing else is begun.
    store, bus = JobStore(config.database), EventBus()
    settings = SettingsStore(config.settings_file)
    outputs = Outputs(config.outputs_dir, settings.get, config.cache_dir / "live")
    inputs = InputStore(config.inputs_dir)
    pictures = Pictures(store, outputs, inputs, BatchFolders(config.batch_dir))
    thumbnails = Thumbnails(config.cache_dir / "thumbnails")
    history = History(store, outputs, thumbnails)
    book = open_book(config)
    index = ModelIndex(config.cache_dir / "models.sqlite3")
    catalog = Catalog(model_folders(config), index, ModelSettingsStore(config.model_settings_file))
    completions = Completions(lambda: networks(catalog), book, Tags(tag_folders(config)))
    annotators = Annotators(catalog, partial(_device, config), lambda: settings.get().idle_unload * 60)
    preprocessors = preprocessors_of(plugin_manager([built_in, NetworkPlugin(annotators)]))
    datasets = Datasets(config.datasets_dir)
    trainings = Trainings(
        catalog, datasets, config.training_dir, config.models_dir, lambda: settings.get().train_turn
    )
    jobs = Jobs(store, bus, catalog, book, pictures, preprocessors, trainings)

    def make_engine() -> Engine:
        # Here and not above: importing torch takes seconds, and the page is to be there before.
        from webui.engine.local import LocalEngine
        from webui.training.trainer import train

        return LocalEngine(config, settings, catalog, preprocessors, train, annotators)

    worker = Worker(jobs, bus, outputs, catalog, make_engine)

    def busy() -> bool:
        return jobs.drawing or worker.status.state == "starting"

    hasher = Hasher(catalog, busy)
    targets = {kind: config.models_dir / name for kind in get_args(Kind) if (name := belongs_into(kind))}
    downloads = Downloads(targets, on_done=lambda _: catalog.refresh())
    return Services(
        config=config,
        settings=settings,
        book=book,
        completions=completions,
        index=index,
        catalog=catalog,
        preprocessors=preprocessors,
        datasets=datasets,
        trainings=trainings,
        hasher=hasher,
        downloads=downloads,
        store=store,
        outputs=outputs,
        inputs=inputs,
        pictures=pictures,
        history=history,
        thumbnails=thumbnails,
        thumbnail_maker=ThumbnailMaker(history, thumbnails, busy),
        jobs=jobs,
        worker=worker,
    )


def _device(config: Config) -> torch.device:
    from webui.engine.devices import choose_device

    return choose_device(config)
