"""What the documentation names exists: commands answer, settings are read, metrics and chart values are there."""

import re
import shlex
from typing import Any

import pytest
import yaml

from bot.terminal.command import main
from shared.metric_names import METRICS
from tests.deploy.chart import CHART, ROOT
from tests.docs.test_configuration import EVERY, page
from tests.docs.test_links import PAGES

OURS = [
    path
    for path in PAGES
    if path.parent in {ROOT, ROOT / "docs", ROOT / "docs/runbooks"} and path.name != "CHANGELOG.md"
]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
NEEDS_MORE = ("catalog add", "catalog check", "--batch")  # the hub, or a file of the reader's


def commands() -> list[tuple[str, str]]:
    """Every `fit …` in a block of shell, with the page it is on."""
    return [
        (path.name, found[1])
        for path in OURS
        for block in BLOCK.findall(path.read_text(encoding="utf-8"))
        for line in block.splitlines()
        if (found := re.match(r"(?:\.venv/bin/)?fit (.+)", line))
        and not any(word in line for word in NEEDS_MORE)
    ]


@pytest.mark.parametrize(("name", "line"), commands())
def test_a_command_in_the_documentation_answers(
    name: str, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("PROMETHEUS_URL", "FITTINGROOM_EXPORTER_URLS", "FITTINGROOM_SITE_CATALOG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FITTINGROOM_HUB", "off")

    assert main(shlex.split(line, comments=True)) == 0, f"{name}: {capsys.readouterr().err}"
    assert capsys.readouterr().out


def named(pattern: str) -> set[tuple[str, str]]:
    """What matches, with the page it is on."""
    return {
        (path.name, word) for path in OURS for word in re.findall(pattern, path.read_text(encoding="utf-8"))
    }


def test_every_setting_that_is_named_is_read() -> None:
    tests_only = {"FITTINGROOM_REQUIRE_REAL_PARTS", "FITTINGROOM_TEST_KUBECONFIG"}
    known = EVERY | tests_only | set(re.findall(r"`([A-Z_]{4,})`", page()))
    found = named(r"\b(FITTINGROOM_[A-Z_]+[A-Z])\b")

    assert len(found) > 50
    assert {one for one in found if one[1] not in known} == set()


def test_every_metric_that_is_named_is_ours() -> None:
    recorded = (CHART / "files/alerts/fittingroom-recording.yaml").read_text(encoding="utf-8")
    known = {metric.name for metric in METRICS} | {re.sub("_total$", "", metric.name) for metric in METRICS}
    found = named(r"(?<![\w:/-])(fittingroom_[a-z_]+[a-z])\b(?!_?\(|_?…)")
    recordings = named(r"\b(fittingroom:[a-z_:0-9]+[a-z0-9])\b")

    assert len(found) > 50
    assert {one for one in found if one[1] not in known} == set()
    assert {one for one in recordings if f"record: {one[1]}\n" not in recorded} == set()


def value(path: str) -> Any:
    """The chart's value at this path; KeyError when there is none."""
    at = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    for key in path.split("."):
        at = at[key]
    return at


def test_every_value_of_the_chart_that_is_named_is_there() -> None:
    found = named(r"(?<![\w./])((?:exporter|bot|monitoring|image)\.[a-z]\w+(?:\.\w+)*)(?=[`=])")
    missing = set()
    for one in found:
        words = one[1].removesuffix(".release").removesuffix(".cluster")  # a label's name is the site's own
        try:
            value(words)
        except (KeyError, TypeError):
            missing.add(one)

    assert len(found) > 15
    assert missing == set()
