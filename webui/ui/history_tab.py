"""The History tab: one's own finished pictures. static/history.js fills it."""

from __future__ import annotations

import html

import gradio as gr

from webui.ui.tabs import TARGETS, TXT2IMG

BAR = """
  <form class="dr-hist-bar" role="search" aria-label="Pictures to show">
    <input type="search" name="q" class="dr-hist-input" maxlength="200" autocomplete="off" spellcheck="false"
      placeholder="Search: words of the prompt, settings, a seed" aria-label="Search prompts and settings"
      title="Pictures whose prompts or settings hold all of these words">
    <button type="button" class="dr-hist-button dr-hist-filter" aria-expanded="false">Filter</button>
    <span class="dr-hist-fields">
      <select name="checkpoint" class="dr-hist-input" aria-label="Model"
        title="The checkpoint that drew them"><option value="">All models</option></select>
      <label>From <input type="date" name="since" class="dr-hist-input" title="The first day to show"></label>
      <label>To <input type="date" name="until" class="dr-hist-input" title="The last day to show"></label>
      <select name="day" class="dr-hist-input" aria-label="Go to a day"
        title="Scroll to the pictures of a day"><option value="">Go to a day</option></select>
    </span>
    <span class="dr-hist-chips">
      <button type="button" class="dr-hist-chip dr-hist-favourites" aria-pressed="false">
        ★ Favourites <span class="dr-hist-count"></span></button>
      <button type="button" class="dr-hist-chip dr-hist-grids" aria-pressed="true"
        title="Whether grids are shown, too">Grids</button>
      <button type="button" class="dr-hist-chip dr-hist-trash" aria-pressed="false">
        Trash <span class="dr-hist-count"></span></button>
      <button type="button" class="dr-hist-button dr-hist-select"
        title="Choose several; also Ctrl or Shift and a click, or a long press">Select</button>
    </span>
  </form>
"""
CHOSEN = """
  <div class="dr-hist-chosen" role="group" aria-label="What to do with the selection" hidden>
    <span class="dr-hist-number" role="status" aria-live="polite"></span>
    <button type="button" class="dr-hist-button dr-hist-all dr-hist-all-favourite dr-hist-listed"
      title="Mark them as favourites, or no longer (F)">Favourite</button>
    <button type="button" class="dr-hist-button dr-hist-all dr-hist-all-compare"
      title="Lay two pictures over each other">Compare</button>
    <button type="button" class="dr-hist-button dr-hist-all dr-hist-all-zip"
      title="Download them as one zip file">Download</button>
    <button type="button" class="dr-hist-button dr-hist-all dr-hist-all-trash dr-hist-listed"
      title="Put them into the trash (Delete)">Delete</button>
    <button type="button" class="dr-hist-button dr-hist-all dr-hist-all-restore dr-hist-thrown"
      title="Bring them back from the trash">Restore</button>
    <button type="button" class="dr-hist-button dr-hist-danger dr-hist-all dr-hist-all-erase dr-hist-thrown"
      title="Delete them for good (Delete)">Delete for good</button>
    <button type="button" class="dr-hist-button dr-hist-all-clear"
      title="Choose nothing (Esc)">Cancel</button>
  </div>
  <div class="dr-hist-head">
    <span class="dr-hist-total"></span>
    <span class="dr-hist-said" role="status" aria-live="polite"></span>
    <button type="button" class="dr-hist-button dr-hist-danger dr-hist-empty-trash dr-hist-thrown" disabled>
      Empty the trash</button>
  </div>
"""
GRID = """
  <div class="dr-hist-room">
    <span class="dr-hist-now" aria-hidden="true" hidden></span>
    <div class="dr-hist-empty" hidden></div>
    <div class="dr-hist-scroll" tabindex="-1">
      <div class="dr-hist-sizer">
        <div class="dr-hist-list" role="listbox" aria-multiselectable="true"
          aria-label="Pictures; Enter shows one large, the space bar selects it"></div>
      </div>
    </div>
  </div>
"""
LARGE = """
  <dialog class="dr-hist-large" aria-label="A picture" tabindex="-1" autofocus>
    <div class="dr-hist-view">
      <img alt="" title="Its true size, or all of it">
      <p class="dr-hist-none" hidden>Its file has been moved or deleted.</p>
      <button type="button" class="dr-hist-turn dr-hist-newer" aria-label="The newer picture"
        title="The newer picture (←)">‹</button>
      <button type="button" class="dr-hist-turn dr-hist-older" aria-label="The older picture"
        title="The older picture (→)">›</button>
    </div>
    <div class="dr-hist-side">
      <header><h2></h2>
        <button type="button" class="dr-hist-close" aria-label="Close" title="Close (Esc)">×</button></header>
      <p class="dr-hist-facts"></p>
      <div class="dr-hist-row">
        <button type="button" class="dr-hist-button dr-hist-do-favourite" aria-pressed="false"
          title="Favourite (F)">★ Favourite</button>
        <a class="dr-hist-button dr-hist-do-save dr-hist-there-only" download>Save</a>
        <button type="button" class="dr-hist-button dr-hist-do-copy">Copy infotext</button>
        <button type="button" class="dr-hist-button dr-hist-do-compare dr-hist-there-only" hidden
          title="With the picture that it was made from">Before and after</button>
        <button type="button" class="dr-hist-button dr-hist-do-trash"
          title="Put it into the trash (Delete)">Delete</button>
        <button type="button" class="dr-hist-button dr-hist-do-restore"
          title="Bring it back from the trash">Restore</button>
        <button type="button" class="dr-hist-button dr-hist-danger dr-hist-do-erase"
          title="Delete it for good (Delete)">Delete for good</button>
      </div>
      <div class="dr-hist-row dr-hist-sends" role="group" aria-label="Send to">
        <span class="dr-hist-quiet">Send to</span>{targets}
      </div>
      <p class="dr-hist-said" role="status" aria-live="polite"></p>
      <div class="dr-hist-descent"></div>
      <pre class="dr-hist-infotext" aria-label="Infotext" tabindex="0"></pre>
    </div>
  </dialog>
"""
TARGET = '<button type="button" class="dr-hist-button" data-target="{tab}">{title}</button>'


def build_history_tab() -> None:
    """Lay the tab out."""
    targets = "".join(
        TARGET.format(tab=tab, title=html.escape(title))
        for tab, title in {TXT2IMG.name: TXT2IMG.title, **TARGETS}.items()
    )
    frame = f"{BAR}{CHOSEN}{GRID}{LARGE.format(targets=targets)}"
    gr.HTML(
        f'<section class="dr-hist" aria-label="History">{frame}</section>',
        elem_id="history",
        js_on_load=None,
        apply_default_css=False,
    )
