"""The pages in a real browser: what a person who is no programmer does with them."""

import base64
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from http_server import MIEN
from mien.evaluate.report import Report, Section, write_report

playwright = pytest.importorskip("playwright.sync_api", reason="the pages are tested with playwright")
CHROMIUM = os.environ.get("MIEN_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
AXE = os.environ.get("MIEN_AXE", "node_modules/axe-core/axe.min.js")
"""Made by ``npm install axe-core``."""
PAGES = {"People": "/", "Find": "/find", "Compare": "/compare", "Add": "/add", "Review": "/review", "Trust": "/trust"}
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""A camera that shows a test picture, and nobody to ask whether it may be used."""
CHOOSE = ".drop input[type=file]:not([webkitdirectory])"

pytestmark = [
    pytest.mark.weights,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; set MIEN_CHROMIUM"),
    pytest.mark.timeout(300),
]


@contextmanager
def serving(tmp_path: Path, *options: str, token: str | None = None) -> Iterator[tuple[str, str]]:
    """Address and admin key of a server; one that starts again has the key that it told the first time."""
    command = [*MIEN, "serve", "-g", str(tmp_path / "family.mien"), "--port", "0", *options]
    environment = {**os.environ, "MIEN_STATE": str(tmp_path / "state.sqlite")}
    process = subprocess.Popen(
        [*command, "--per-minute", "100000"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    found = next(filter(None, (re.search(r"at (http://\S+)", line) for line in process.stderr)))
    reading = threading.Thread(target=process.stderr.read, daemon=True)
    reading.start()
    try:
        yield found[1], token or process.stdout.readline().removeprefix("admin key: ").strip()
    finally:
        process.kill()
        process.wait()
        reading.join()
        process.stdout.close()
        process.stderr.close()


@pytest.fixture
def served(tmp_path: Path, weights: None) -> Iterator[tuple[str, str]]:
    """Address and admin key of a server with an empty gallery."""
    with serving(tmp_path) as known:
        yield known


@pytest.fixture
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *CAMERA])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, served: tuple[str, str]) -> Iterator[Any]:
    """The People page, signed in; a fault of a script or a breach of the content policy fails the test."""
    with signed_in(browser, *served) as opened:
        yield opened


@contextmanager
def signed_in(browser: Any, address: str, token: str) -> Iterator[Any]:
    faults: list[str] = []
    opened = browser.new_page()
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
    sign_in(opened, address, token)
    yield opened
    assert faults == []


def sign_in(page: Any, address: str, token: str) -> None:
    page.goto(address)
    page.get_by_label("Key", exact=True).fill(token)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="People").wait_for()


def show(page: Any, name: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name, level=1).wait_for()


def add(page: Any, *pictures: Path, subject: str = "") -> None:
    show(page, "Add")
    if subject:
        page.get_by_label(re.compile("One person")).check()
        page.get_by_label("Name of the person").fill(subject)
    page.locator(CHOOSE).set_input_files(list(pictures))
    page.get_by_role("heading", name="Done").wait_for()


def person(page: Any, label: str) -> Any:
    return page.get_by_role("listitem").filter(has=page.get_by_role("checkbox", name=f"Choose {label}", exact=True))


def test_who_is_enrolled_on_the_page_is_found_by_another_picture(page: Any, portraits: Path) -> None:
    add(page, portraits / "obama.jpg", subject="Barack")
    show(page, "Find")
    page.locator(CHOOSE).set_input_files(portraits / "obama2.jpg")
    page.get_by_role("heading", name="Barack").wait_for()
    assert "match" in page.locator(".candidates li").first.inner_text()
    assert "FPIR" in page.locator(".note").inner_text()
    page.locator(CHOOSE).set_input_files(portraits / "biden.jpg")
    page.get_by_role("heading", name="nobody in this gallery").wait_for()


def test_a_picture_can_be_dropped(page: Any, portraits: Path) -> None:
    show(page, "Find")
    page.locator(".drop").wait_for()
    code = base64.b64encode((portraits / "obama.jpg").read_bytes()).decode()
    dropped = page.evaluate_handle(
        """async (code) => {
            const transfer = new DataTransfer();
            const bytes = Uint8Array.from(atob(code), (letter) => letter.charCodeAt(0));
            transfer.items.add(new File([bytes], "obama.jpg", { type: "image/jpeg" }));
            return transfer;
        }""",
        code,
    )
    page.dispatch_event(".drop", "drop", {"dataTransfer": dropped})
    page.get_by_role("heading", name="nobody in this gallery").wait_for()


def test_a_picture_can_be_taken_with_the_camera(page: Any) -> None:
    show(page, "Find")
    page.get_by_role("button", name="Use the camera").click()
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Take the picture").click()
    page.get_by_text("No face was found").wait_for()


def test_a_name_is_text_whatever_it_says(page: Any, portraits: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    add(page, portraits / "obama.jpg", subject="Barack")
    show(page, "People")
    page.get_by_role("textbox", name="Name of Barack").fill(name)
    page.keyboard.press("Enter")
    page.get_by_text(f"is now called {name}").wait_for()
    assert page.locator("img[src=x]").count() == 0


def test_faces_of_pictures_that_were_sent_are_shown(page: Any, portraits: Path) -> None:
    add(page, portraits / "obama.jpg")
    page.get_by_role("link", name="See the people").click()
    page.locator(".person .face img").wait_for()


def test_two_pictures_are_compared_at_a_stated_rate(page: Any, portraits: Path) -> None:
    show(page, "Compare")
    for side, name in enumerate(("obama.jpg", "biden.jpg")):
        page.locator(".side input[type=file]").nth(side).set_input_files(portraits / name)
    page.get_by_role("heading", name="Not the same person").wait_for()
    shown = page.get_by_role("img", name=re.compile("^Histogram of scores"))
    assert shown.is_visible()
    told = page.locator(".verdict p").first.inner_text()
    score, threshold = re.findall(r"-?[01]\.\d{3}", told)
    assert f"The threshold is {threshold}. This score is {score}." in shown.get_attribute("aria-label")
    assert f"threshold {threshold}" in page.locator(".spread svg").text_content()
    page.get_by_text("Error rates at every threshold").click()
    assert page.get_by_role("img", name=re.compile("^Error rates against threshold")).is_visible()
    page.locator(".side input[type=file]").nth(1).set_input_files(portraits / "obama2.jpg")
    page.get_by_role("heading", name="The same person", exact=True).wait_for()


def test_a_group_is_named_corrected_and_the_correction_undone(page: Any, portraits: Path) -> None:
    add(page, *(portraits / name for name in ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")))
    page.get_by_role("button", name="Sort into people").click()
    page.get_by_text("2 people shown").wait_for()
    page.get_by_placeholder("Who is this?").first.fill("Barack")
    page.keyboard.press("Enter")
    person(page, "Barack").get_by_role("link", name="Barack, 3 faces").click()
    page.get_by_role("heading", name="Barack").wait_for()
    page.get_by_role("checkbox", name="Choose the face from obama3.jpg").check()
    page.get_by_role("button", name="Not this person").click()
    page.get_by_text("2 faces, since").wait_for()
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_text("3 faces, since").wait_for()


def test_not_this_person_survives_sorting_again(page: Any, portraits: Path) -> None:
    add(page, *(portraits / name for name in ("obama.jpg", "obama2.jpg", "obama3.jpg")))
    page.get_by_role("button", name="Sort into people").click()
    page.get_by_text("1 person shown").wait_for()
    page.locator(".person a.faces").click()
    page.get_by_role("checkbox", name="Choose the face from obama3.jpg").check()
    page.get_by_role("button", name="Not this person").click()
    page.get_by_text("2 faces, since").wait_for()
    show(page, "People")
    page.get_by_role("button", name="Sort into people").click()
    page.get_by_text("Names and corrections stay").wait_for()
    page.get_by_text("2 people shown").wait_for()


def test_people_are_merged_and_the_merge_undone(page: Any, portraits: Path) -> None:
    add(page, portraits / "obama.jpg", subject="Barack")
    add(page, portraits / "biden.jpg", subject="Joe")
    show(page, "People")
    for name in ("Barack", "Joe"):
        page.get_by_role("checkbox", name=f"Choose {name}").check()
    page.get_by_role("button", name="Merge").click()
    page.get_by_text("1 person shown").wait_for()
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_text("2 people shown").wait_for()
    assert person(page, "Joe").is_visible()


def test_a_name_that_is_taken_asks_whether_the_two_are_one(page: Any, portraits: Path) -> None:
    add(page, portraits / "obama.jpg", subject="Barack")
    add(page, portraits / "obama2.jpg")
    show(page, "People")
    page.get_by_role("textbox", name=re.compile("Name Person")).fill("Barack")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Same person").click()
    page.get_by_role("link", name="Barack, 2 faces").wait_for()


def test_questions_are_answered_with_one_key_each(page: Any, portraits: Path) -> None:
    add(page, portraits / "obama.jpg", portraits / "obama2.jpg", portraits / "biden.jpg")
    show(page, "Review")
    page.get_by_role("heading", name="Are these the same person?").wait_for()
    page.keyboard.press("k")
    page.get_by_text("0 answers so far, 1 skipped").wait_for()
    page.keyboard.press("d")
    page.get_by_text("1 answer so far").wait_for()
    page.keyboard.press("s")
    page.get_by_text("2 answers so far").wait_for()


def test_a_folder_is_added_and_what_failed_says_why(page: Any, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    shutil.copytree(data / "london", folder)
    (folder / "broken.jpg").write_bytes(b"no picture")
    show(page, "Add")
    page.locator("input[webkitdirectory]").set_input_files(folder)
    page.get_by_role("heading", name="Done").wait_for(timeout=240_000)
    report = page.get_by_role("region", name="Progress").inner_text()
    assert "205 of 205 pictures: 204 new faces" in report
    page.get_by_text("1 picture that gave no face").click()
    assert "image-unrecognised" in page.get_by_role("region", name="Progress").inner_text()


def test_a_newcomer_enrols_finds_compares_names_corrects_undoes_and_adds_a_folder(
    page: Any, portraits: Path, data: Path
) -> None:
    add(page, portraits / "obama.jpg", subject="Barack")
    show(page, "Find")
    page.locator(CHOOSE).set_input_files(portraits / "obama2.jpg")
    page.get_by_role("heading", name="Barack").wait_for()
    show(page, "Compare")
    for side, name in enumerate(("obama.jpg", "obama2.jpg")):
        page.locator(".side input[type=file]").nth(side).set_input_files(portraits / name)
    page.get_by_role("heading", name="The same person", exact=True).wait_for()
    show(page, "Add")
    page.locator("input[webkitdirectory]").set_input_files(data / "london")
    page.get_by_role("heading", name="Done").wait_for(timeout=240_000)
    assert "204 of 204 pictures: 204 new faces" in page.get_by_role("region", name="Progress").inner_text()
    page.get_by_role("button", name="Sort into people").click()
    page.get_by_text(re.compile("Sorted 205 faces")).wait_for(timeout=60_000)
    page.get_by_role("textbox", name=re.compile("^Name Person")).first.fill("Ada")
    page.keyboard.press("Enter")
    page.get_by_text("is now called Ada").wait_for()
    person(page, "Ada").locator("a.faces").click()
    page.get_by_role("heading", name="Ada").wait_for()
    faces = page.locator(".wall li").count()
    page.locator(".wall input").first.check()
    page.get_by_role("button", name="Not this person").click()
    page.get_by_text(re.compile(f"^{faces - 1} faces?, since")).wait_for()
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_text(f"{faces} faces, since").wait_for()


def test_progress_comes_as_events_and_goes_on_when_the_page_is_opened_again(page: Any, data: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.split("/v1/jobs/")[-1]))
    show(page, "Add")
    page.locator(CHOOSE).set_input_files(sorted(data.glob("london/*/*.jpg"))[:40])
    page.get_by_text(re.compile(r"of 40 pictures: ")).wait_for()
    assert [each for each in asked if each.endswith("/events")]
    page.reload()
    page.get_by_text(re.compile(r"of 40 pictures: ")).wait_for()
    page.get_by_role("heading", name="Done").wait_for(timeout=120_000)
    assert "40 of 40 pictures: 40 new faces" in page.get_by_role("region", name="Progress").inner_text()


def test_where_events_do_not_come_through_the_job_is_asked_for(page: Any, portraits: Path) -> None:
    page.route("**/events", lambda route: route.abort())
    add(page, portraits / "obama.jpg", portraits / "biden.jpg")
    assert "2 of 2 pictures" in page.get_by_role("region", name="Progress").inner_text()


def test_faces_are_shown_after_a_restart_where_small_pictures_are_kept(
    browser: Any, tmp_path: Path, portraits: Path, weights: None
) -> None:
    with serving(tmp_path, "--keep-crops") as (address, token), signed_in(browser, address, token) as page:
        add(page, portraits / "obama.jpg", subject="Barack")
        page.reload()
        show(page, "People")
        page.locator(".person .face img").wait_for()
    with serving(tmp_path, token=token) as (address, _), signed_in(browser, address, token) as page:
        page.locator(".person .face img").wait_for()
        show(page, "Trust")
        page.get_by_text("kept, 1 of them").wait_for()
        show(page, "People")
        page.get_by_role("link", name="Barack, 1 face").click()
        page.get_by_role("button", name="Forget this person").click()
        page.get_by_role("button", name="Forget for good").click()
        page.get_by_text("Nobody is in this gallery yet").wait_for()
        show(page, "Trust")
        page.get_by_text("kept, 0 of them").wait_for()


def test_whether_small_pictures_are_kept_is_chosen_on_the_trust_page(
    browser: Any, tmp_path: Path, portraits: Path, weights: None
) -> None:
    with serving(tmp_path) as (address, token), signed_in(browser, address, token) as page:
        show(page, "Trust")
        page.get_by_text("not kept", exact=True).wait_for()
        page.get_by_role("button", name="Keep small pictures of faces from now on").click()
        page.get_by_text("kept, 0 of them").wait_for()
        add(page, portraits / "obama.jpg", subject="Barack")
        show(page, "Trust")
        page.get_by_text("kept, 1 of them").wait_for()
        page.get_by_role("button", name="Erase the small pictures, and keep none").click()
        page.get_by_role("dialog").get_by_role("button", name="Erase them").click()
        page.get_by_text("not kept", exact=True).wait_for()
        assert page.evaluate("document.activeElement.textContent") == "Keep small pictures of faces from now on"


def test_reports_are_opened_from_the_trust_page(browser: Any, tmp_path: Path, weights: None) -> None:
    report = Report("Verification on drawn faces", (Section("Answer", "No one was confused."),), {}, "mien evaluate")
    write_report(report, tmp_path / "reports" / "drawn")
    with (
        serving(tmp_path, "--reports", str(tmp_path / "reports")) as known,
        signed_in(browser, *known) as page,
    ):
        show(page, "Trust")
        with page.expect_popup() as opening:
            page.get_by_role("link", name="Verification on drawn faces").click()
        opened = opening.value
        opened.get_by_role("heading", name="Verification on drawn faces").wait_for()
        assert opened.evaluate("document.styleSheets.length") == 1  # its own style, which the policy lets through
        assert opened.evaluate("self.origin") == "null"


def test_consent_is_stated_changed_and_taken_back_on_the_page(page: Any, portraits: Path) -> None:
    add(page, portraits / "obama.jpg", subject="Barack")
    show(page, "People")
    page.get_by_role("link", name="Barack, 1 face").click()
    page.get_by_text("Nothing was stated").wait_for()
    page.get_by_text("State it").click()
    page.get_by_label("For what").fill("the door")
    page.get_by_label("Until").fill("2999-01-01")
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.get_by_text(re.compile("Consent, for the door, since .* until 2999-01-01")).wait_for()
    page.get_by_text("Change", exact=True).click()
    page.get_by_role("button", name="Take it back").click()
    page.get_by_role("dialog").get_by_role("button", name="Take it back").click()
    page.get_by_text("is not matched any more, and is erased by the next sweep").wait_for()
    show(page, "Find")
    page.locator(CHOOSE).set_input_files(portraits / "obama2.jpg")
    page.get_by_role("heading", name="nobody in this gallery").wait_for()


def test_a_wrong_key_is_refused_in_one_line(browser: Any, served: tuple[str, str]) -> None:
    page = browser.new_page()
    page.goto(served[0])
    page.get_by_label("Key", exact=True).fill("mien_000000000000_wrong")
    page.keyboard.press("Enter")
    assert "not known here" in page.get_by_role("alert").filter(has_text="key").inner_text()


def test_the_key_is_gone_with_the_tab(browser: Any, served: tuple[str, str]) -> None:
    context = browser.new_context()
    first = context.new_page()
    sign_in(first, *served)
    assert first.evaluate("Object.keys(localStorage).length + document.cookie.length") == 0
    second = context.new_page()
    second.goto(served[0])
    second.get_by_role("heading", name="Sign in").wait_for()


def test_everything_is_reached_with_the_keyboard(page: Any, portraits: Path) -> None:
    add(page, portraits / "obama.jpg", subject="Barack")
    show(page, "People")
    page.locator(".person").wait_for()
    reached = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()"
            )
        )
    assert {"People", "Trust", "Find a name", "Choose Barack", "Barack, 1 face", "Name of Barack"} <= reached


def tab_to(page: Any, text: str) -> None:
    """Press Tab until something with this text or label has the focus, which must be seen."""
    for _ in range(60):
        page.keyboard.press("Tab")
        told = page.evaluate(
            "(e => e.getAttribute('aria-label') ?? e.labels?.[0]?.textContent ?? e.textContent)(document.activeElement)"
        )
        if told.strip() == text:
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"{text} is not reached")


def test_a_person_is_opened_renamed_and_stated_with_the_keyboard_alone(page: Any, portraits: Path) -> None:
    add(page, portraits / "obama.jpg", subject="Barack")
    page.reload()
    page.get_by_role("heading", name="Add").wait_for()
    tab_to(page, "People")
    page.keyboard.press("Enter")
    page.locator(".person").wait_for()
    tab_to(page, "Barack, 1 face")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Barack").wait_for()
    tab_to(page, "Name of Barack")
    page.keyboard.press("Control+a")
    page.keyboard.type("Barry")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Barry").wait_for()
    tab_to(page, "State it")
    page.keyboard.press("Enter")
    tab_to(page, "For what")
    page.keyboard.type("the door")
    page.keyboard.press("Enter")
    page.get_by_text("Consent, for the door").wait_for()


@pytest.mark.skipif(not Path(AXE).is_file(), reason="no axe-core; `npm install axe-core`, or set MIEN_AXE")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_serious_fault(
    browser: Any, served: tuple[str, str], portraits: Path, theme: str, width: int
) -> None:
    page = browser.new_page(color_scheme=theme, viewport={"width": width, "height": 844})
    page.add_init_script(path=AXE)
    sign_in(page, *served)
    add(page, portraits / "obama.jpg", portraits / "biden.jpg")
    found = {}
    for name in PAGES:
        show(page, name)
        page.wait_for_timeout(300)
        violations = page.evaluate("axe.run(document)")["violations"]
        found |= {(name, each["id"]): each["help"] for each in violations if each["impact"] in ("serious", "critical")}
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than the window"
    assert found == {}


def test_a_key_sees_the_pages_that_it_may_use(browser: Any, served: tuple[str, str], tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "mien", "keys", "create", "--role", "auditor"],
        env={**os.environ, "MIEN_STATE": str(tmp_path / "state.sqlite")},
        capture_output=True,
        text=True,
        check=True,
    )
    page = browser.new_page()
    page.goto(served[0])
    page.get_by_label("Key", exact=True).fill(made.stdout.strip())
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Trust").wait_for()
    assert page.get_by_role("navigation").get_by_role("link").all_inner_texts() == ["Trust"]
