"""The Train tab: a dataset, what is to be made of it, and how that goes. static/train.js fills it."""

from __future__ import annotations

import gradio as gr

from webui.ui.components.stage import stage_frame

TRAIN = "train"
EMPTY = """
      <p>What is being learned shows here.</p>
      <p class="dr-train-idle">Bring pictures, give it a name and press <kbd>Start training</kbd>.</p>
      <p class="dr-train-busy">The first sample picture comes on the way.</p>"""
FRAME = """
<section class="dr-train" aria-label="Train">
  <div class="dr-train-left">
    <section class="dr-train-box dr-dataset" aria-label="Dataset">
      <h2>Pictures</h2>
      <div class="dr-dataset-bar">
        <label hidden>Dataset
          <select class="dr-input dr-dataset-picker" title="The pictures to learn from"></select>
        </label>
        <form novalidate>
          <label>New dataset
            <input type="text" class="dr-input" name="dataset" maxlength="100" autocomplete="off"
              placeholder="its name" title="Also the name of its folder on the server">
          </label>
          <button type="submit" class="dr-button">Make</button>
        </form>
      </div>
      <div class="dr-train-actions">
        <span class="dr-quiet dr-dataset-count"></span>
        <button type="button" class="dr-button dr-small dr-dataset-delete" hidden>Delete dataset</button>
      </div>
      <label class="dr-dataset-drop">
        <span>Drop pictures here, paste them, or <u>choose files</u></span>
        <input type="file" class="dr-canvas-open" accept="image/*,.txt" multiple aria-label="Add pictures">
      </label>
      <p class="dr-quiet dr-dataset-sending" role="status"></p>
      <ul aria-label="Pictures to learn from"></ul>
      <button type="button" class="dr-button dr-small dr-dataset-all" hidden></button>
      <p class="dr-quiet dr-dataset-advice"></p>
      <p class="dr-quiet dr-dataset-folder"></p>
    </section>
    <form class="dr-train-box dr-train-form" aria-label="Training" novalidate>
      <h2>What to make of them</h2>
      <p class="dr-quiet">With the checkpoint on top: <strong class="dr-train-checkpoint"></strong></p>
      <div class="dr-train-fields"></div>
      <div class="dr-train-actions">
        <button type="submit" class="dr-button dr-primary dr-train-start" disabled>Start training</button>
        <span class="dr-quiet dr-train-needs"></span>
      </div>
      <p class="dr-train-error" role="alert"></p>
    </form>
  </div>
  <div class="dr-train-right">
    <div class="dr-train-head">
      <h2 class="dr-train-shown"></h2>
      <button type="button" class="dr-button dr-small" id="{tab}_interrupt" disabled
        title="What has been learned is kept, and can be gone on with">Interrupt</button>
    </div>
    <p class="dr-quiet dr-train-earlier" role="status"></p>
    {stage}
    <figure class="dr-train-curve" hidden></figure>
    <section class="dr-runs" aria-label="Runs" hidden><h2>Runs</h2><ul></ul></section>
    <p class="dr-quiet dr-train-empty">A LoRA changes what the model draws, or how; a textual inversion is a
      new word for something that it can draw already. Both are files that go with the checkpoint.</p>
  </div>
</section>
"""


def build_train_tab() -> None:
    """Lay the tab out."""
    frame = FRAME.format(tab=TRAIN, stage=stage_frame(TRAIN, EMPTY))
    gr.HTML(frame, elem_id=TRAIN, js_on_load=None, apply_default_css=False)
