"""Jobs that outlive the page, and pages that share the queue."""

import pytest
from playwright.sync_api import expect

from tests.browser.pages import (
    LONG,
    api,
    generate,
    interrupt,
    reload,
    set_number,
    set_prompt,
    shown_job,
    status,
    wait_developing,
    wait_finished,
)
from tests.serving import Server

pytestmark = pytest.mark.browser


def test_a_reload_in_mid_job_loses_nothing(visit):
    page = visit()
    set_prompt(page, "a 3d umbrella on a white background")
    set_number(page, "steps", 100)
    set_number(page, "batch_count", 4)
    generate(page)
    wait_developing(page)
    job = shown_job(page)
    reload(page)
    wait_developing(page)
    expect(status(page)).to_contain_text("of 100")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a 3d umbrella on a white background")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("100")
    wait_finished(page)
    assert shown_job(page) == job
    assert "Steps: 100," in page.inner_text(".dr-infotext")


def test_close_the_page_and_come_back(visit):
    page = visit()
    context = page.context
    set_number(page, "steps", 100)
    generate(page)
    wait_developing(page)
    page.close()
    again = visit(context)
    wait_finished(again)
    assert "Steps: 100," in again.inner_text(".dr-infotext")


def test_two_tabs_queue_and_interrupt_only_their_own(visit):
    first = visit()
    set_number(first, "steps", 100)
    set_number(first, "batch_count", 20)
    generate(first)
    wait_developing(first)
    second = visit(first.context)
    set_number(second, "steps", 10)
    generate(second)
    expect(status(second)).to_contain_text("Waiting: 1 job before yours", timeout=LONG)
    interrupt(second)
    assert api(first, f"/api/v1/jobs/{shown_job(first)}").json()["state"] == "running"
    first.bring_to_front()
    interrupt(first)


def test_two_people_take_turns_and_see_only_their_own(visit):
    one, other = visit(), visit()
    set_number(one, "steps", 100)
    generate(one)
    wait_developing(one)
    set_number(other, "steps", 5)
    generate(other)
    expect(status(other)).to_contain_text("Waiting: 1 job before yours", timeout=LONG)
    assert api(other, f"/api/v1/jobs/{shown_job(one)}").status_code == 404
    wait_finished(other)
    assert "Steps: 5," in other.inner_text(".dr-infotext")
    assert len(api(other, "/api/v1/jobs").json()) == 1


def test_the_queue_tab_lists_shows_and_runs_again(visit):
    page = visit()
    set_number(page, "seed", 42)
    set_number(page, "steps", 5)
    generate(page)
    wait_finished(page)
    page.get_by_role("tab", name="Queue").click()
    row = page.locator(".dr-job").first
    expect(row).to_contain_text("Done · 1 picture · 128×128 · DPM++ 2M, 5 steps · seed 42")
    row.get_by_role("button", name="Run again").click()
    expect(page.locator("#txt2img_generate")).to_be_visible()
    wait_finished(page)
    page.get_by_role("tab", name="Queue").click()
    expect(page.locator(".dr-job")).to_have_count(2)


# A tab that isn't in front: headless browsers have none, so the page is told so.
HIDE = """hidden => {
  Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def test_a_hidden_tab_learns_of_the_end(visit):
    page = visit()
    set_number(page, "steps", 60)
    generate(page)
    wait_developing(page)
    page.evaluate(HIDE, True)
    wait_finished(page)
    assert page.title() == "Darkroom"
    page.evaluate(HIDE, False)
    assert "Steps: 60," in page.inner_text(".dr-infotext")


def test_a_stream_that_is_refused_is_tried_again(visit):
    page = visit()
    refused = []

    def refuse_once(route):
        refused.append(route.request.url)
        route.fulfill(status=204) if len(refused) == 1 else route.continue_()

    page.route("**/events", refuse_once)
    set_number(page, "steps", 5)
    generate(page)
    wait_finished(page)
    assert len(refused) >= 1
    assert "Steps: 5," in page.inner_text(".dr-infotext")


def test_a_finished_job_can_be_looked_at_while_another_runs(visit):
    page = visit()
    set_number(page, "steps", 5)
    generate(page)
    wait_finished(page)
    set_number(page, "steps", 150)
    set_number(page, "batch_count", 3)
    generate(page)
    wait_developing(page)
    page.get_by_role("tab", name="Queue").click()
    page.locator(".dr-job").last.get_by_role("button", name="Show").click()
    wait_finished(page)
    assert "Steps: 5," in page.inner_text(".dr-infotext")
    page.get_by_role("button", name="Back to the running job").click()
    wait_developing(page)
    expect(status(page)).to_contain_text("of 150")
    interrupt(page)


def test_a_job_without_a_picture_does_not_wear_the_last_ones(visit):
    page = visit()
    set_number(page, "steps", 5)
    generate(page)
    wait_finished(page)
    blocker = visit()
    set_number(blocker, "steps", 150)
    set_number(blocker, "batch_count", 2)
    generate(blocker)
    wait_developing(blocker)
    generate(page)
    expect(status(page)).to_contain_text("Waiting", timeout=LONG)
    assert page.locator(".dr-view img").count() == 1
    page.click("#txt2img_interrupt")
    expect(status(page)).to_have_text("Interrupted. Run again", timeout=LONG)
    assert page.locator(".dr-view img").count() == 0
    expect(page.locator(".dr-below")).to_be_hidden()
    interrupt(blocker)


def test_a_finished_picture_can_be_looked_at_while_the_next_develops(visit):
    page = visit()
    set_number(page, "steps", 60)
    set_number(page, "batch_count", 3)
    set_number(page, "seed", 500)
    generate(page)
    expect(page.locator(".dr-thumbs button")).to_have_count(2, timeout=LONG)
    page.locator(".dr-thumbs button").first.click()
    page.wait_for_timeout(600)
    assert "Seed: 500," in page.inner_text(".dr-infotext")
    page.click(".dr-live-thumb")
    wait_developing(page)
    expect(page.locator(".dr-thumbs button")).to_have_count(3, timeout=LONG)


def test_after_a_crash_the_page_offers_to_run_again(browser, person, tmp_path):
    server = Server(tmp_path / "data", ready=True)
    page = person().new_page()
    page.goto(server.address)
    page.wait_for_load_state("networkidle")
    set_number(page, "steps", 60)
    generate(page)
    wait_developing(page)
    cookies = page.context.cookies()
    page.context.close()
    server.kill()

    with Server(tmp_path / "data") as server:
        context = person()
        context.add_cookies(
            [{"name": c["name"], "value": c["value"], "url": server.address} for c in cookies]
        )
        page = context.new_page()
        page.goto(server.address)
        expect(page.locator(".dr-error")).to_have_text(
            "Darkroom stopped while this was being drawn.", timeout=LONG
        )
        page.get_by_role("button", name="Run again").click()
        wait_finished(page)
        assert "Steps: 60," in page.inner_text(".dr-infotext")
