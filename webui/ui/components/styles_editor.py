"""The styles' editor, a dialog. static/styles.js fills it."""

from __future__ import annotations

import gradio as gr

FRAME = """
<dialog id="{tab}_styles_dialog" class="dr-styles" data-tab="{tab}" aria-label="Styles">
  <header>
    <h2>Styles</h2>
    <button type="button" class="dr-close" aria-label="Close">×</button>
  </header>
  <div class="dr-styles-inside">
    <div class="dr-styles-side">
      <button type="button" class="dr-button dr-styles-new">New style</button>
      <ul class="dr-styles-list" aria-label="Saved styles"></ul>
      <p class="dr-styles-empty" hidden>No style yet. Write one, or take it from your prompt, and save it.</p>
    </div>
    <form class="dr-styles-form" novalidate>
      <label>Name <input class="dr-input" name="name" maxlength="200" autocomplete="off"></label>
      <label>Prompt
        <textarea class="dr-input" name="prompt" data-prompt rows="5" maxlength="20000"
          placeholder="{{prompt}} stands for your own; without it, this is put behind yours"></textarea>
      </label>
      <label>Negative prompt
        <textarea class="dr-input" name="negative_prompt" data-prompt rows="4" maxlength="20000"></textarea>
      </label>
      <p class="dr-styles-said" role="status" aria-live="polite"></p>
      <div class="dr-links">
        <button type="submit" class="dr-button dr-primary">Save</button>
        <button type="button" class="dr-button dr-styles-take">Take from the prompt</button>
        <button type="button" class="dr-button dr-styles-delete">Delete</button>
      </div>
    </form>
  </div>
</dialog>
"""


def styles_editor(tab: str) -> gr.HTML:
    """The dialog of `tab`, closed."""
    return gr.HTML(FRAME.format(tab=tab), elem_classes="dr-dialogs", js_on_load=None, apply_default_css=False)
