"""The page: what it says, that nothing in it can be more than text, and how it behaves in a browser."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from exporter.page import ASSETS, render_page
from exporter.page.bar import segments
from exporter.published import Board
from exporter.tally import Tally
from exporter.web.message import Request
from exporter.web.site import Site
from shared.node_report import FitReport, GpuReport, HealthReport, LoadedModelReport, MemoryReport, NodeReport
from tests.exporter.running import Running, eventually, exporter
from tests.real_parts import program

GIB = 1024**3
MEMORY = MemoryReport(
    total_bytes=40 * GIB, used_bytes=30 * GIB, free_bytes=9 * GIB, reserved_bytes=GIB, usable_bytes=39 * GIB
)
NEAR = LoadedModelReport(
    model="qwen3-32b",
    quantization="AWQ",
    engine="vllm",
    in_catalog=True,
    source="api",
    memory_used_bytes=28 * GIB,
    limit_ratio=0.94,
    limit_resource="kv_cache",
    waiting_requests=5,
)


def fit(model: str, *, now: bool, empty: bool, refused: str | None = None) -> FitReport:
    return FitReport(
        model=model,
        quantization="Q4_K_M",
        engine="llama.cpp",
        context_tokens=8192,
        sequences=1,
        fits_now=now,
        fits_empty=empty,
        required_bytes=5 * GIB,
        headroom_bytes=4 * GIB if now else -GIB,
        refused=refused,
    )


def report(*gpus: GpuReport, ok: bool = True, simulated: bool = False) -> NodeReport:
    health = HealthReport(
        ok=ok, driver_up=ok, message=None if ok else "It is <broken>.", poll_interval_seconds=10
    )
    return NodeReport(
        node="node-1",
        simulated=simulated,
        taken_unix=1_800_000_000.0,
        exporter_version="1",
        catalog_date="2026-01-01",
        health=health,
        gpus=gpus,
    )


def one(**more: object) -> GpuReport:
    given: dict[str, object] = {
        "uuid": "GPU-1", "index": "0", "name": "NVIDIA A100", "gpu": "a100-40gb", "up": True, "memory": MEMORY,
    }  # fmt: skip
    return GpuReport.model_validate(given | more)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(page: str) -> _Text:
    parsed = _Text()
    parsed.feed(page)
    return parsed


def test_the_bar_shows_all_of_the_memory() -> None:
    parts = segments(one(loaded_models=(NEAR,)))

    assert [(part.kind, part.size_bytes // GIB) for part in parts] == [
        ("m0", 28),
        ("other", 2),
        ("free", 9),
        ("reserved", 1),
    ]
    assert sum(part.size_bytes for part in parts) == MEMORY.total_bytes


def test_a_model_near_its_limit_is_marked_with_what_binds_it() -> None:
    page = render_page(report(one(loaded_models=(NEAR,))))

    assert 'class="limit near"' in page
    assert "KV cache 94% full" in seen(page).text
    assert "5 waiting" in seen(page).text


def test_what_fits_now_and_what_would_when_empty_are_apart() -> None:
    fits = (
        fit("small", now=True, empty=True),
        fit("large", now=False, empty=True),
        fit("huge", now=False, empty=False),
    )

    text = seen(render_page(report(one(fits=fits)))).text

    assert "Fits now: 1 of 3" in text
    assert "1 more would fit if it were empty" in text


def test_a_gpu_that_is_down_says_why_and_shows_no_numbers() -> None:
    gpu = GpuReport(uuid="GPU-1", index="0", name="NVIDIA A100", up=False, down_reason="gpu_is_lost")

    page = render_page(report(gpu))

    assert "fallen off the bus" in seen(page).text
    assert "GiB in all" not in page


def test_a_failed_look_is_the_first_thing_said() -> None:
    text = seen(render_page(report(ok=False))).text

    assert "It is <broken>." in text


def test_nothing_a_driver_or_a_user_names_becomes_markup() -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    model = NEAR.model_copy(update={"model": evil, "quantization": evil, "engine": evil})
    fits = (fit(evil, now=True, empty=True), fit(evil, now=False, empty=False, refused=evil))
    gpu = one(uuid=evil, name=evil, index=evil, loaded_models=(model,), fits=fits)
    down = one(uuid=evil, up=False, down_reason=evil)
    page = render_page(
        report(gpu, down, simulated=True).model_copy(update={"node": evil, "driver_version": evil})
    )

    parsed = seen(page)

    assert parsed.tags.count("script") == 1  # our own
    assert "img" not in parsed.tags
    assert parsed.text.count("<script>alert(1)</script>") >= 8


def test_a_simulated_node_says_so_in_the_title_and_on_the_page() -> None:
    page = render_page(report(one(), simulated=True))

    assert "<title>Simulated node node-1" in page
    assert "nothing here is real hardware" in page


async def test_a_page_opened_before_the_first_look_asks_again_by_itself() -> None:
    site = Site(Board(max_age_seconds=60.0), Tally(), lambda: None)
    at_once = {"x-prometheus-scrape-timeout-seconds": "0"}

    page, metrics = [
        await site.answer(Request(method="GET", path=path, headers=at_once)) for path in ("/", "/metrics")
    ]

    assert (page.status, metrics.status) == (503, 503)
    assert ("Refresh", "2") in page.headers
    assert "Refresh" not in dict(metrics.headers)


def test_the_page_loads_nothing_from_elsewhere() -> None:
    for content in (render_page(report(one())), *(body.decode() for _, body in ASSETS.values())):
        urls = re.findall(r"(?:https?:)?//[\w.-]+", content)
        assert [url for url in urls if "www.w3.org" not in url and not url.startswith("// ")] == []


# --- in a browser ---


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with exporter("--simulate", "default", folder=tmp_path_factory.mktemp("exporter")) as one_running:
        yield one_running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = program("chromium")
    with sync_playwright() as playwright:
        quiet = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
        ]
        started = playwright.chromium.launch(executable_path=chromium, args=[*quiet, "--disable-sync"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, running: Running) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(running.url)
    yield opened
    context.close()
    assert complaints == []  # no error, and nothing our own security policy had to stop


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_never_scrolls_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for details in page.locator("details").all():
        details.evaluate("element => element.open = true")

    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(page: Page, scheme: str) -> None:
    """Contrast of 4.5 to 1 for text, as the accessibility guidelines ask."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    worst = page.evaluate(
        """() => {
          const parse = (text) => text.match(/[\\d.]+/g).map(Number);
          const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
            .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const ground = (node) => {
            for (; node; node = node.parentElement) {
              const colour = parse(getComputedStyle(node).backgroundColor);
              if (colour.length === 3 || colour[3] > 0) return colour;
            }
            return [255, 255, 255];
          };
          let worst = [99, ""];
          for (const node of document.querySelectorAll("body *")) {
            const own = [...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim());
            if (!own || !node.checkVisibility()) continue;
            const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < worst[0]) worst = [ratio, node.className + ": " + node.textContent.slice(0, 40)];
          }
          return worst;
        }"""
    )

    assert worst[0] >= 4.5, worst[1]


def test_the_page_refreshes_itself_and_keeps_what_a_person_opened(page: Page) -> None:
    page.locator("details.needs summary").first.click()
    page.locator("#node").evaluate("element => element.querySelector('.summary').dataset.old = 'yes'")

    # the page's own policy forbids the strings as code that wait_for_function would use
    eventually(lambda: page.locator("[data-old]").count() == 0, "the page has refreshed itself")

    assert page.locator("details.needs").first.get_attribute("open") is not None
    assert page.evaluate("document.activeElement.closest('details')?.classList.contains('needs')")


def test_the_keyboard_finds_a_model(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("70b")

    visible = [row.inner_text() for row in page.locator("ul.models li").all() if row.is_visible()]
    assert visible == [] or all("70b" in row for row in visible)
    assert not page.locator("tr[data-find]", has_text="llama-3.1-8b").first.is_visible()

    page.keyboard.press("Escape")
    assert page.locator("input#find").input_value() == ""


def test_every_link_and_asset_of_the_page_is_there(running: Running) -> None:
    page = httpx.get(running.url).text
    for path in set(re.findall(r'(?:href|src)="(/[^"]*)"', page)):
        assert httpx.get(running.url + path).status_code == 200


def test_without_scripts_the_page_is_complete_and_reloads_itself(browser: Browser, running: Running) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(running.url)

    assert page.locator("article.card h2").count() >= 4
    assert "http-equiv" in page.content()
    context.close()


def test_when_the_exporter_is_gone_the_page_says_how_old_it_is(browser: Browser, tmp_path: Path) -> None:
    with exporter("--simulate", "default", folder=tmp_path) as short:
        context = browser.new_context()
        page = context.new_page()
        page.goto(short.url)
    eventually(lambda: "not reachable" in page.locator("#age").inner_text(), "the page notices")
    context.close()
