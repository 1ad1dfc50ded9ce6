"""The composition root: page and API on one server, over the services."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import gradio as gr
import uvicorn
from fastapi import FastAPI

from webui import __version__
from webui.api import downloads as downloads_api
from webui.api import native
from webui.api.control import build_control_router
from webui.api.datasets import build_datasets_router
from webui.api.history import build_history_router
from webui.api.infotext import build_infotext_router
from webui.api.models import build_models_router
from webui.api.networks import build_networks_router
from webui.api.prompts import build_prompts_router
from webui.api.settings import build_settings_router
from webui.api.training import build_training_router
from webui.api.uploads import build_uploads_router
from webui.catalog.folders import FolderError
from webui.compressing import CompressedPage
from webui.config import Config
from webui.guard import Guard
from webui.jobs.store import StoreError
from webui.services import Services, build_services
from webui.ui.page import build_page, head, page_options
from webui.ui.page_files import PageFiles, edition

MAX_BODY = 64 * 2**20
# Long enough for the first visitor's page to be out before importing torch takes the interpreter's time.
ENGINE_DELAY = 0.3


def build_app(services: Services) -> FastAPI:
    """The whole server as one ASGI app."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        starting = asyncio.get_running_loop().call_later(ENGINE_DELAY, services.worker.start)
        if services.config.hashing:
            services.hasher.start()
        services.thumbnail_maker.start()
        threading.Thread(target=_sweep, args=(services,), name="sweep", daemon=True).start()
        yield
        starting.cancel()
        services.hasher.stop()
        services.thumbnail_maker.stop()
        services.downloads.close()
        services.worker.stop()
        services.store.close()
        services.index.close()

    app = FastAPI(
        title="Darkroom",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        max_body_size=MAX_BODY,
    )
    native.add_error_answers(app)
    downloads_api.add_error_answers(app)
    app.include_router(
        native.build_router(services.jobs, services.outputs, services.worker, services.catalog)
    )
    app.include_router(build_uploads_router(services.pictures))
    app.include_router(build_control_router(services.catalog, services.preprocessors, services.pictures))
    app.include_router(build_history_router(services.history, services.thumbnails))
    app.include_router(build_models_router(services.catalog, services.worker))
    app.include_router(build_networks_router(services.catalog, services.pictures))
    app.include_router(build_settings_router(services.settings))
    app.include_router(build_datasets_router(services.datasets, services.thumbnails))
    app.include_router(build_training_router(services.jobs, services.trainings, services.catalog))
    app.include_router(build_infotext_router(services.catalog))
    app.include_router(build_prompts_router(services.book, services.completions, services.jobs))
    app.include_router(downloads_api.build_router(services.downloads))
    files = edition()
    app.mount("/darkroom", PageFiles(files), name="darkroom")
    app.add_middleware(CompressedPage)
    app.add_middleware(Guard, config=services.config)
    page = build_page(services.catalog, services.jobs, services.book.styles, services.config.models_dir)
    return gr.mount_gradio_app(app, page, path="/", head=head(services.config, files), **page_options())


def _sweep(services: Services) -> None:
    """Remove pictures that were brought and that nobody has used for long."""
    try:
        services.inputs.sweep(services.settings.get().keep_inputs_days)
    except OSError as error:
        logging.getLogger(__name__).warning("Old uploads can't be removed: %s", error)


def serve(config: Config) -> int:
    """Serve until stopped; the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        listening = _listen(config)
        services = build_services(config)
    except (OSError, StoreError, FolderError) as error:
        print(f"Darkroom can't start: {error}", file=sys.stderr)
        return 1
    app = build_app(services)
    port = listening.getsockname()[1]
    address = f"http://{_visible_host(config)}:{port}"
    print(f"Darkroom {__version__} is at {address}  (Ctrl+C stops it)", flush=True)
    # Neither may hold up the page: a browser on a terminal blocks, and a relay may be slow to answer.
    if config.autolaunch:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    if config.share:
        threading.Thread(target=_share, args=(_visible_host(config), port), daemon=True).start()
    # A page's event stream never ends by itself; it is not to hold up the stop.
    settings = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)
    logging.getLogger("uvicorn.error").addFilter(_is_an_error)
    with suppress(KeyboardInterrupt):  # raised anew by uvicorn once everything has been closed
        uvicorn.Server(settings).run(sockets=[listening])
    return 0


def _listen(config: Config) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.server_name else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":
        # A port that was ours a moment ago can be used again. On Windows this would share it with its owner.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((config.server_name, config.port))
        # Already now, and not once all is built: two servers started at once could both bind.
        listening.listen()
    except OSError as error:
        listening.close()
        raise OSError(
            f"port {config.port} on {config.server_name} can't be used ({error.strerror}). "
            "Choose another with --port."
        ) from error
    return listening


def _is_an_error(record: logging.LogRecord) -> bool:
    """Not so where a stop cut off the streams of open pages: uvicorn logs a traceback for each."""
    cut_off = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not (cut_off or record.getMessage().startswith("Cancel "))


def _visible_host(config: Config) -> str:
    name = "127.0.0.1" if config.server_name in ("0.0.0.0", "::") else config.server_name
    return f"[{name}]" if ":" in name else name


def _share(host: str, port: int) -> None:
    """Print a public address, or why there is none; the server goes on either way."""
    from gradio.networking import setup_tunnel

    try:
        address = setup_tunnel(host, port, secrets.token_urlsafe(32), None, None)
        print(f"Public address: {address}", flush=True)
    except Exception as error:
        print(f"There is no public address: gradio's relay could not be reached ({error}).", file=sys.stderr)
