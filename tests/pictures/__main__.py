"""Takes every picture anew: the terminal, Slack, the exporter's page in both its lights."""

import asyncio
import base64
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, FloatRect, async_playwright
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests.bot.bot_process import running_bot
from tests.deploy.chart import ROOT
from tests.deploy.live import exporter
from tests.fakes.block_kit_html import page
from tests.fakes.slack_server import FakeSlack
from tests.real_parts import program

FOLDER: Final = ROOT / "docs/pictures"
QUESTION: Final = "can Mixtral 8x22B run on A100 40GB?"
COLUMNS: Final = 88
MOST_BYTES: Final = 150_000
_NORMAL: Final = ["#181c24", "#f07178", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf"]
_BRIGHT: Final = ["#78808c", "#ff8b92", "#b6e197", "#ffd68c", "#82c8ff", "#dc96f0", "#6ed2dc", "#ffffff"]
# A third of a PNG's weight at the same look, and Chromium is here anyway.
_TO_WEBP: Final = """async png => {
  const picture = new Image(); picture.src = png; await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.width; canvas.height = picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas.toDataURL("image/webp", 0.82);
}"""
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def terminal() -> str:
    """The page of what `fit` prints, in colour."""
    command = [str(Path(sys.executable).with_name("fit")), QUESTION]
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=ROOT)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text(f'$ fit "{QUESTION}"', style="bold"))
    shown = Text.from_ansi(said.stdout)
    console.print(shown[: shown.plain.index("\n3  ")])  # two of the options are enough to see
    normal, bright = [_rgb(one) for one in _NORMAL], [_rgb(one) for one in _BRIGHT]
    theme = TerminalTheme(normal[0], _rgb("#dce0e6"), normal, bright)
    html = console.export_html(theme=theme, inline_styles=True)
    return html.replace("<body", '<body style="margin:0;padding:16px;background:#181c24;width:max-content"')


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=program("chromium"), args=list(_FLAGS))
        try:
            yield chromium
        finally:
            await chromium.close()


async def photograph(
    chromium: Browser, name: str, *, html: str = "", url: str = "", dark: bool = False, size: tuple[int, int]
) -> None:
    """One picture of a page, at most `size` large. Raises ValueError when it is too heavy to be committed."""
    width, height = size
    context = await chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        device_scale_factor=1.5,
    )
    tab = await context.new_page()
    if url:
        await tab.goto(url, wait_until="networkidle")
    else:
        await tab.set_content(html)
    tall = await tab.evaluate("Math.ceil(document.body.getBoundingClientRect().height)")
    clip: FloatRect = {"x": 0, "y": 0, "width": width, "height": min(height, tall)}
    taken = base64.b64encode(await tab.screenshot(clip=clip)).decode()
    await tab.goto("about:blank")  # the page's own policy may forbid what follows
    webp = await tab.evaluate(_TO_WEBP, f"data:image/png;base64,{taken}")
    await context.close()
    path = FOLDER / f"{name}.webp"
    path.write_bytes(base64.b64decode(webp.partition(",")[2]))
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size:,} bytes; {MOST_BYTES:,} is the most")


async def asked_in_slack(exporter_url: str) -> Sequence[Any]:
    """The blocks of the bot's answer, as a person in the channel sees it."""
    async with FakeSlack() as slack, running_bot(slack, "socket", FITTINGROOM_EXPORTER_URLS=exporter_url):
        answer = await slack.ask(f"/fit {QUESTION}")
        await slack.workspace.until(lambda: answer.blocks, what="the answer")
        return answer.blocks


async def take() -> None:
    """All pictures."""
    FOLDER.mkdir(exist_ok=True)
    node = (ROOT / "exporter/simulated/a100-node.toml").read_text(encoding="utf-8")
    with (
        tempfile.TemporaryDirectory(prefix="fittingroom-pictures-") as folder,
        exporter(Path(folder), "gpu-1", node) as port,
    ):
        url = f"http://127.0.0.1:{port}"
        blocks = await asked_in_slack(url)
        async with browser() as chromium:
            await photograph(chromium, "terminal", html=terminal(), size=(882, 900))
            slack = page([("Only visible to you", blocks)])
            await photograph(chromium, "slack", html=slack, size=(800, 984))
            await photograph(chromium, "exporter-light", url=url, size=(1100, 760))
            await photograph(chromium, "exporter-dark", url=url, dark=True, size=(1100, 760))


if __name__ == "__main__":
    asyncio.run(take())
    for picture in sorted(FOLDER.glob("*.webp")):
        sys.stdout.write(f"{picture.stat().st_size:>8,}  {picture.relative_to(ROOT)}\n")
