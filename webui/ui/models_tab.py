"""The Models tab: memory, cards of all model files, where to get more. static/models.js fills it."""

from __future__ import annotations

import gradio as gr

FRAME = """
<section class="dr-models dr-browser" aria-label="Models">
  <section class="dr-memory" aria-label="Memory">
    <p class="dr-memory-none">Shown once the engine has started.</p>
    <div class="dr-memory-bars"></div>
    <ul class="dr-memory-list" aria-label="Loaded models"></ul>
    <button type="button" class="dr-button dr-unload-all" disabled
      title="Let go all models that aren't in use">Unload all</button>
  </section>
  <div class="dr-models-bar">
    <input type="search" class="dr-input dr-filter" placeholder="Filter: name, family, notes"
      aria-label="Filter models by name, family or notes" title="Cards that hold all of these words">
    <label class="dr-sort" title="The order of the cards">Sort by
      <select class="dr-input">
        <option value="name">Name</option>
        <option value="path">Path</option>
        <option value="created">Date created</option>
        <option value="modified">Date modified</option>
        <option value="size">Size</option>
        <option value="family">Family</option>
      </select>
    </label>
    <button type="button" class="dr-tool dr-icon-order dr-direction" title="Ascending: press for descending"
      aria-label="Ascending: press for descending"></button>
    <button type="button" class="dr-tool dr-icon-refresh dr-models-refresh"
      title="Read the model folders again" aria-label="Read the model folders again"></button>
  </div>
  <div class="dr-chips" role="group" aria-label="Kind of model"></div>
  <p class="dr-models-said" role="status" aria-live="polite"></p>
  <div class="dr-models-empty" hidden></div>
  <div class="dr-used-box" hidden>
    <section class="dr-used" aria-label="LoRAs in the prompt" hidden></section>
  </div>
  <div class="dr-shelf">
    <nav class="dr-folders" aria-label="Folders" hidden></nav>
    <ul class="dr-cards" aria-label="Models"></ul>
  </div>
  <details class="dr-unusable" hidden><summary></summary><ul></ul></details>
  <details class="dr-get">
    <summary>Get models</summary>
    <ul class="dr-curated" aria-label="Well-known models with open licences"></ul>
    <form class="dr-download" aria-label="Download a model" novalidate>
      <label class="dr-download-source">Hub repository or address
        <input type="text" class="dr-input" name="source" autocomplete="off" spellcheck="false"
          placeholder="org/name or https://…" title="A repository on huggingface.co, or a file's address">
      </label>
      <label>Kind
        <select class="dr-input" name="kind" title="Decides which folder it goes to"></select>
      </label>
      <button type="submit" class="dr-button dr-primary">Download</button>
    </form>
    <div class="dr-candidates" hidden></div>
    <ul class="dr-downloads" aria-label="Downloads"></ul>
  </details>
  <dialog class="dr-details"></dialog>
</section>
"""


def build_models_tab() -> None:
    """Lay the tab out."""
    gr.HTML(FRAME, elem_id="models", js_on_load=None, apply_default_css=False)
