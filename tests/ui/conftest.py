"""What the tests of the page's parts share."""

import asyncio

import gradio as gr
import pytest


@pytest.fixture
def lay_out():
    """Calls what lays a part out, on a page of its own, and gives back what it gave."""

    def lay_out(build):
        # While an event loop runs: else gradio makes some that nobody closes.
        async def laid():
            with gr.Blocks(analytics_enabled=False):
                return build()

        return asyncio.run(laid())

    return lay_out
