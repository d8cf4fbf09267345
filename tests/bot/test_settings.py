"""What the bot is told at the start: options and variables, mistakes in one sentence, secrets in no output."""

import logging
import re
import subprocess
import sys

import pytest

from bot.options import masked, parser, read_settings
from bot.redaction import RedactingFormatter, without_password
from bot.settings import BotSettings
from tests.bot.bot_process import ROOT

BARE = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere"}


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=ROOT,
        env=BARE | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_names_every_setting_and_its_variable() -> None:
    shown = run("--help").stdout
    for name, field in BotSettings.model_fields.items():
        assert str(field.validation_alias) in shown
        assert field.description
        if "Secret" not in str(field.annotation):
            assert f"--{name.replace('_', '-')}" in shown


def test_a_secret_has_no_option_so_that_no_process_list_shows_it() -> None:
    assert not re.search(r"--slack-(bot|app)-token|--api-token|--database-url", parser().format_help())


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({}, "SLACK_BOT_TOKEN and SLACK_APP_TOKEN must be set to run in socket mode"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN must be set"),
        (
            {"SLACK_BOT_TOKEN": "xoxb-1", "FITTINGROOM_BOT_MODE": "http"},
            "SLACK_SIGNING_SECRET must be set to run in http mode",
        ),
        (
            {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "FITTINGROOM_ALERTS_TOKEN": "t"},
            "FITTINGROOM_ALERTS_CHANNEL must be set",
        ),
    ],
)
def test_a_missing_token_is_one_sentence_and_exit_code_2(variables: dict[str, str], missing: str) -> None:
    ended = run(**variables)
    assert ended.returncode == 2
    assert missing in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"FITTINGROOM_BOT_PORT": "99999"},
            "FITTINGROOM_BOT_PORT: input should be less than or equal to 65535",
        ),
        ({"FITTINGROOM_EXPORTER_URLS": "nonsense"}, "FITTINGROOM_EXPORTER_URLS: must be an address"),
        ({"FITTINGROOM_BOT_COMMAND": "fit"}, "FITTINGROOM_BOT_COMMAND"),
        ({"FITTINGROOM_BOT_MODE": "carrier-pigeon"}, "FITTINGROOM_BOT_MODE"),
        ({"FITTINGROOM_ALERTS_ROUTES": "severity"}, "is not a route"),
        (
            {
                "FITTINGROOM_SITE_CATALOG": "/nowhere.toml",
                "SLACK_BOT_TOKEN": "xoxb-1",
                "SLACK_APP_TOKEN": "x",
            },
            "nowhere",
        ),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(variables: dict[str, str], said: str) -> None:
    ended = run(**variables)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_check_config_prints_what_is_in_force_and_masks_secrets() -> None:
    ended = run(
        "--port",
        "0",
        "--check-config",
        SLACK_BOT_TOKEN="xoxb-very-secret",
        FITTINGROOM_DATABASE_URL="postgresql://bot:hunter2@db/fit",
        PROMETHEUS_URL="http://me:hunter2@prometheus:9090",
        FITTINGROOM_BOT_PORT="1234",
        FITTINGROOM_EXPORTER_URLS='["http://a:9835","http://b:9835"]',
    )
    assert ended.returncode == 0
    assert "xoxb-very-secret" not in ended.stdout
    assert "hunter2" not in ended.stdout
    lines = ended.stdout.splitlines()
    assert "SLACK_BOT_TOKEN=********" in lines
    assert "FITTINGROOM_BOT_PORT=0" in lines, "an option comes before a variable"
    assert "FITTINGROOM_EXPORTER_URLS=http://a:9835,http://b:9835" in lines


def test_a_list_is_read_with_commas_or_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("http://a:1, http://b:2", '["http://a:1", "http://b:2"]'):
        monkeypatch.setenv("FITTINGROOM_EXPORTER_URLS", text)
        assert read_settings({}).exporter_urls == ("http://a:1", "http://b:2")


def test_an_api_address_always_ends_in_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:1/api")
    assert read_settings({}).slack_api_url == "http://127.0.0.1:1/api/"


def test_settings_know_their_secrets_and_never_print_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-very-secret")
    settings = read_settings({})
    assert "xoxb-very-secret" in settings.secrets()
    assert "xoxb-very-secret" not in repr(settings) + masked(settings)


@pytest.mark.parametrize(
    "leak",
    [
        "token xoxb-12345-abcdef",
        "token xapp-1-A0-99-ffff",
        "wss://host/link?ticket=abc-123&x=1",
        "POST https://hooks.slack.com/commands/T1/22/abc",
        "my own hush-hush value",
        "postgresql://bot:hunter2@db/fit",
    ],
)
def test_a_log_line_with_a_secret_is_written_without_it(leak: str) -> None:
    formatter = RedactingFormatter(["hush-hush"])
    try:
        raise RuntimeError(leak)  # noqa: TRY301  the traceback is what is tested
    except RuntimeError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "%s", (leak,), sys.exc_info())
    written = formatter.format(record)
    for secret in ("12345-abcdef", "1-A0-99-ffff", "abc-123", "/T1/22/abc", "hush-hush", "hunter2"):
        assert secret not in written
    assert "[redacted]" in written


def test_only_the_password_of_an_address_is_masked() -> None:
    assert without_password("http://me:pw@host:1/x") == "http://[redacted]@host:1/x"
    assert without_password("http://host:1/x@y") == "http://host:1/x@y"
