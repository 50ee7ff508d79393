"""The page at `/__admin/`, in a real browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from html.parser import HTMLParser

import attrs
import pytest
import trio
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from mockserver import Fixed, Limit, MockLegnext, Rule, Script, TokenBucket
from mockserver._plain import from_plain
from mockserver._serving.control.page import page
from mockserver._world.limit_rules import LimitRules
from tests.mockserver.helpers import client_of, in_virtual_time
from tests.patience import PATIENCE

HOSTILE = "<img src=x onerror=document.title='owned'>"


# Without a browser


@in_virtual_time
async def test_the_page_may_load_nothing() -> None:
    """The policy allows its own script and style by their hashes, and no other source."""
    async with client_of(MockLegnext()) as client:
        answer = await client.get("/__admin/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"(src|href)=\"(?!data:)", answer.text)
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|eval\(", answer.text)


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.all.append((tag, dict(attrs)))


def test_the_page_is_one_document() -> None:
    """Ids are unique, references to them resolve, and no style or handler is inline."""
    elements = Elements()
    elements.feed(bytes(page().body).decode())
    ids = [given["id"] for _, given in elements.all if "id" in given]
    assert len(ids) == len(set(ids))
    for tag, given in elements.all:
        for name in ("aria-labelledby", "aria-describedby"):
            assert given.get(name, ids[0]) in ids, (tag, given)
        assert "style" not in given
        assert not any(name.startswith("on") for name in given)


# With one


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """A headless Chromium."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium here, or no chromedriver: .ci/browser installs both")
        pytest.skip("there is no chromium here, or no chromedriver: .ci/browser installs both")
    options = Options()
    options.binary_location = chromium
    # The sandbox needs rights that a container doesn't give; the page is our own.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=Service(driver)) as chrome:
        yield chrome


class Page:
    """The page, as a user sees and operates it."""

    def __init__(self, browser: webdriver.Chrome) -> None:
        self.browser = browser

    def find(self, selector: str) -> WebElement:
        """The first element that fits."""
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """The text of an element."""
        return str(
            self.browser.execute_script(
                "return document.querySelector(arguments[0])?.textContent ?? ''", selector
            )
        )

    def press(self, selector: str) -> None:
        """Press a button."""
        # By script, as nothing is to depend on how far the page is scrolled.
        self.browser.execute_script("arguments[0].click()", self.find(selector))

    def write(self, selector: str, text: str) -> None:
        """Put a text into a field."""
        place = self.find(selector)
        place.clear()
        place.send_keys(text)

    def console(self) -> list[str]:
        """The errors that the browser has logged since the last call."""
        entries: list[dict[str, str]] = self.browser.get_log("browser")  # type: ignore[no-untyped-call] # selenium's
        return [entry["message"] for entry in entries]

    def until(self, is_so: Callable[[], object]) -> None:
        """Wait until a condition holds."""
        WebDriverWait(self.browser, PATIENCE, 0.05).until(lambda _browser: is_so())


def look(mock: MockLegnext, browser: webdriver.Chrome, act: Callable[[Page], None]) -> None:
    """Serve a mock, use its page, and check that the page has no errors."""

    def sit_down(url: str) -> None:
        browser.get(url + "/__admin/")
        page = Page(browser)
        page.until(lambda: page.text("#jobs-legend"))
        try:
            act(page)
            assert page.console() == []
        finally:
            browser.get("about:blank")

    async def main() -> None:
        async with mock.serve() as url:
            await trio.to_thread.run_sync(sit_down, url)

    trio.run(main)
    assert not mock.crashes


def a_mock(**settings: object) -> MockLegnext:
    """A mock in real time."""
    return MockLegnext(seed=3, clock=time.monotonic, **settings)  # type: ignore[arg-type]


def test_the_page_shows_the_world(browser: webdriver.Chrome) -> None:
    """It shows jobs, 429s, limits, faults and requests, as text rather than markup."""
    mock = a_mock(slots=2, run_times=Fixed(10_000), limit=TokenBucket(0.001, 1))
    mock.freeze()
    mock.add_jobs(3)
    mock.add_job(Script(["completed"]), job_id="done")
    mock.add_job(Script([HOSTILE]), job_id=HOSTILE)
    mock.advance(1.0)

    async def ask_twice() -> None:
        async with client_of(mock) as client:
            for _ in range(2):
                await client.get("/api/v1/job/done")

    trio.run(ask_twice)

    def act(page: Page) -> None:
        page.until(lambda: page.text("#requests"))
        legend = page.text("#jobs-legend")
        assert "completed 1" in legend
        assert "processing 2" in legend
        assert "pending 1" in legend
        assert "other 1" in legend
        assert page.text("#pace") == "frozen"
        assert page.text("#clock").startswith(f"{mock.now:.1f} s")
        assert '"rate":0.001' in page.text("#limits")
        assert page.text("#faults") == "none"
        assert "GET /api/v1/job/done429" in page.text("#requests")
        assert HOSTILE in page.text("#latest")
        assert page.browser.title == "Legnext mock"
        assert "completed 1" in str(page.find("#jobs-chart").get_attribute("aria-label"))
        # A look later there are rates to show.
        page.until(lambda: len(page.browser.find_elements(By.CSS_SELECTOR, "#rate-chart polygon")))

    look(mock, browser, act)


def test_the_buttons_change_the_world(browser: webdriver.Chrome) -> None:
    """Its buttons change time, jobs, faults, limits and snapshots; errors are shown."""
    mock = a_mock(run_times=Fixed(10_000))

    def act(page: Page) -> None:
        page.press("#freeze")
        page.until(lambda: page.text("#pace") == "frozen")
        assert mock.is_frozen
        now = mock.now
        page.press("[data-advance='60']")
        page.until(lambda: mock.now == now + 60)

        page.write("#add-jobs [name=count]", "2")
        page.press("#add-jobs button")
        page.until(lambda: "pending 2" in page.text("#jobs-legend"))
        (first, second) = mock.world.job_ids()
        page.press(f"[aria-label='Let job {first} fail']")
        page.until(lambda: "failed 1" in page.text("#jobs-legend"))
        assert mock.counts() == {"failed": 1, "pending": 1}

        page.press("#snapshot")
        page.until(lambda: page.text("#snapshots"))
        page.find(f"[aria-label='Move job {second} on']").send_keys("\n")
        page.until(lambda: "pending 0" in page.text("#jobs-legend"))
        # The table was made anew, and the focus is where it was.
        focused = page.browser.switch_to.active_element.get_attribute("aria-label")
        assert focused == f"Move job {second} on"
        page.press("#snapshots button")
        page.until(lambda: "pending 1" in page.text("#jobs-legend"))

        page.press("#add-fault button.main")
        page.until(lambda: '"code":503' in page.text("#faults"))
        assert [rule.name for rule in mock.faults.rules] == ["status"]
        page.press("[aria-label='Remove fault status']")
        page.until(lambda: page.text("#faults") == "none")
        page.write("#add-fault textarea", '{"fault": {"kind": "status", "code": 99}}')
        page.press("#add-fault button.main")
        page.until(lambda: "fault.code must be" in page.text("#fault-wrong"))
        page.write("#add-fault textarea", "{")
        page.press("#add-fault button.main")
        page.until(lambda: "JSON" in page.text("#fault-wrong"))

        page.press("#set-limit button")
        page.until(lambda: "token-bucket" in page.text("#limits"))
        Select(page.find("#limit-examples")).select_by_visible_text("None")
        page.press("#set-limit button")
        page.until(lambda: page.text("#limits") == "none")
        assert mock.limits == ()

        page.press("#reset")
        page.until(lambda: mock.counts() == {} and not mock.is_frozen)
        # What the server refused stands in the console, and nothing else does.
        (refused,) = page.console()
        assert "400 (" in refused

    look(mock, browser, act)


def test_every_example_is_a_setting(browser: webdriver.Chrome) -> None:
    """The examples on the page can be added as they are."""
    mock = a_mock()

    def add_each(page: Page, form: str, is_on: Callable[[str], bool]) -> None:
        examples = Select(page.find(f"#{form} select"))
        for option in examples.options:
            examples.select_by_visible_text(option.text)
            example = str(page.find(f"#{form} textarea").get_attribute("value"))
            page.press(f"#{form} button.main")
            page.until(partial(is_on, example))

    def is_fault(example: str) -> bool:
        rule = from_plain(Rule, json.loads(example))
        return any(attrs.evolve(on, name="") == rule for on in mock.faults.rules)

    def is_limit(example: str) -> bool:
        return mock.limits == LimitRules(from_plain(Limit | None, json.loads(example))).rules

    def act(page: Page) -> None:
        add_each(page, "add-fault", is_fault)
        add_each(page, "set-limit", is_limit)

    look(mock, browser, act)


def test_everything_has_a_name(browser: webdriver.Chrome) -> None:
    """Each control has an accessible name, and texts have enough contrast."""
    mock = a_mock()
    mock.add_jobs(1)

    def act(page: Page) -> None:
        page.until(lambda: page.text("#latest"))
        for field in page.browser.find_elements(By.CSS_SELECTOR, "button, input, select, textarea"):
            assert field.accessible_name, field.get_attribute("outerHTML")
        for scheme in ("light", "dark"):
            media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
            for selector in ("h2", ".quiet", "button.main", "button", "th", "td", "code", "#pace"):
                assert contrast(page, selector) >= 4.5, (scheme, selector)

    look(mock, browser, act)


def contrast(page: Page, selector: str) -> float:
    """The contrast of a text to its background, as in WCAG 2.2 (4.5 is level AA)."""
    colours = page.browser.execute_script(
        """
        const element = document.querySelector(arguments[0]);
        let behind = element;
        const back = (e) => getComputedStyle(e).backgroundColor;
        while (back(behind) === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
        return [getComputedStyle(element).color, back(behind)];
        """,
        selector,
    )
    lighter, darker = sorted(map(luminance, colours), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of a colour as browsers write it, e.g. `rgb(28, 36, 48)`."""
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_page_says_when_the_mock_is_gone(browser: webdriver.Chrome) -> None:
    """It keeps its content, and says that the mock doesn't answer."""

    def wait_for_the_end(ended: Callable[[], None]) -> None:
        page = Page(browser)
        page.until(lambda: page.text("#jobs-legend"))
        ended()
        page.until(lambda: "doesn't answer" in page.text("#message"))
        browser.get("about:blank")

    async def main() -> None:
        async with trio.open_nursery() as nursery, a_mock().serve() as url:
            await trio.to_thread.run_sync(browser.get, url + "/__admin/")
            seen = trio.Event()

            async def look_on() -> None:
                await trio.to_thread.run_sync(
                    wait_for_the_end, lambda: trio.from_thread.run_sync(seen.set)
                )

            nursery.start_soon(look_on)
            await seen.wait()

    trio.run(main)
