"""The configuration reference is what the settings are."""

import re

import pytest

from bot.settings import BotSettings
from deploy.configuration import PAGE, page
from exporter.settings import ENV_PREFIX, ExporterSettings
from tests.deploy.chart import ROOT

EVERY = {str(field.validation_alias) for field in BotSettings.model_fields.values()} | {
    f"{ENV_PREFIX}{name.upper()}" for name in ExporterSettings.model_fields
}


def test_the_page_is_what_the_command_writes() -> None:
    """After a change of a setting: python -m deploy.configuration."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_setting_has_a_row_with_a_sentence() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| [^|]+ \| [^|]+ \| (.+) \|$", page(), re.MULTILINE))

    assert rows.keys() == EVERY
    for variable, meaning in rows.items():
        assert len(meaning.split()) >= 3, variable
        assert meaning.endswith("."), variable


def test_no_secret_is_an_option_and_no_default_is_of_this_machine() -> None:
    for variable in ("SLACK_BOT_TOKEN", "FITTINGROOM_DATABASE_URL", "HF_TOKEN"):
        assert f"| `{variable}` | secret |" in page()
    assert "sqlite:///~/.local/state/fittingroom/bot.sqlite" in page()


@pytest.mark.parametrize("folder", ["bot/terminal", "shared/hub"])
def test_every_variable_that_a_shell_may_set_is_listed(folder: str) -> None:
    read = {
        variable
        for path in (ROOT / folder).glob("*.py")
        for variable in re.findall(
            r"""(?:environment\.get\(|: Final = |^[A-Z_]+ = )"([A-Z]{2,}[A-Z_]*_[A-Z_]+|PROMETHEUS_URL)\"""",
            path.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    }

    assert read
    assert {variable for variable in read if f"`{variable}`" not in page()} == set()
