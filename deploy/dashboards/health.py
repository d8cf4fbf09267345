"""Our own health: the exporters that look, and the bot that answers."""

from grafana_foundation_sdk.builders import dashboard

from deploy.dashboards.frame import CLUSTER, board, row
from deploy.dashboards.panels import ALL_IS_GOOD, NONE_IS_GOOD, lines, number, rows


def health() -> dashboard.Dashboard:
    """Where the alerts about exporter and bot lead."""
    return board(
        "health",
        "fittingroom / Exporter and bot",
        "Whether the exporters look and the bot answers.",
        variables=("cluster",),
        panels=[row("Exporters"), *_exporter_numbers(), *_exporter_lines(), row("Bot"), *_bot(), _versions()],
    )


def _exporter(name: str) -> str:
    return f"fittingroom_exporter_{name}{{{CLUSTER}}}"


def _rate(counter: str) -> str:
    return f"rate({counter}{{{CLUSTER}}}[$__rate_interval])"


def _exporter_numbers() -> list[object]:
    scraped = f'up{{{CLUSTER}}} and on (job, instance) fittingroom:target{{component="exporter"}}'
    return [
        number(
            "Exporters", f"count({scraped})", unit="short", about="Targets of Prometheus that are exporters."
        ),
        number(
            "Not scraped",
            f"count(({scraped}) == 0) or vector(0)",
            unit="short",
            steps=NONE_IS_GOOD,
            about="Exporters that Prometheus cannot scrape.",
        ),
        number(
            "Cannot read GPUs",
            f"count({_exporter('last_poll_success')} == 0) or vector(0)",
            unit="short",
            steps=NONE_IS_GOOD,
            about="Exporters whose last look failed.",
        ),
        number(
            "Simulated",
            f"sum({_exporter('simulated')})",
            unit="short",
            about="Nodes that are described by a file and not real.",
        ),
        number(
            "Fit series left out",
            f"sum({_exporter('series_dropped')})",
            unit="short",
            steps=NONE_IS_GOOD,
            about="Because of the exporters' series limit.",
        ),
        number(
            "Candidate lists unread",
            f"count({_exporter('candidates_reload_success')} == 0) or vector(0)",
            unit="short",
            steps=NONE_IS_GOOD,
            about="Exporters whose candidate file has a mistake.",
        ),
        number(
            "Kubelets silent",
            f"count({_exporter('pod_resources_up')} == 0) or vector(0)",
            unit="short",
            steps=NONE_IS_GOOD,
            about="Exporters that asked the kubelet which pod holds which GPU and got no answer.",
        ),
    ]


def _exporter_lines() -> list[object]:
    duration = _exporter("poll_duration_seconds")
    errors = _rate("fittingroom_exporter_nvml_errors_total")
    engines = _rate("fittingroom_exporter_engine_read_errors_total")
    ours = 'fittingroom:target{component="exporter"}'
    return [
        lines(
            "Age of the last good look",
            {"{{instance}}": f"topk(25, time() - {_exporter('last_success_timestamp_seconds')})"},
            unit="s",
            steps=((None, "green"), (120, "red")),
            about="The 25 oldest; above the dashed line an alert fires.",
        ),
        lines(
            "Time of a look",
            {"{{instance}}": f"topk(25, {duration})", "median": f"quantile(0.5, {duration})"},
            unit="s",
            about="How long reading the node takes; the 25 slowest.",
        ),
        lines(
            "Looks by result",
            {"{{result}}": f"sum by (result) ({_rate('fittingroom_exporter_polls_total')})"},
            unit="cps",
            stacked=True,
            about="Skipped looks found the last one still running.",
        ),
        lines(
            "Driver and engine errors",
            {
                "{{call}}: {{code}}": f"sum by (call, code) ({errors})",
                "{{engine}}: {{cause}}": f"sum by (engine, cause) ({engines})",
                "driver opened anew": f"sum({_rate('fittingroom_exporter_driver_reconnects_total')})",
            },
            unit="cps",
            about="Driver calls that failed by NVML's code, and inference servers that did not answer.",
        ),
        lines(
            "Scrapes",
            {
                "slowest": f"max(scrape_duration_seconds{{{CLUSTER}}} and on (job, instance) {ours})",
                "median": f"quantile(0.5, scrape_duration_seconds{{{CLUSTER}}} and on (job, instance) {ours})",
            },
            unit="s",
            about="Time of a scrape as Prometheus sees it.",
        ),
        lines(
            "Memory of the exporters",
            {
                "largest": f"max(process_resident_memory_bytes{{{CLUSTER}}} and on (job, instance) {ours})",
                "median": f"quantile(0.5, process_resident_memory_bytes{{{CLUSTER}}} and on (job, instance) {ours})",
            },
            unit="bytes",
            about="Resident memory.",
        ),
    ]


def _bot() -> list[object]:
    questions = _rate("fittingroom_bot_questions_total")
    sent = f"fittingroom_bot_watch_notifications_total{{{CLUSTER}}}[1h]"
    buckets = f"sum by (le) ({_rate('fittingroom_bot_answer_duration_seconds_bucket')})"
    return [
        number(
            "Slack",
            f"min(fittingroom_bot_slack_connected{{{CLUSTER}}})",
            unit="short",
            steps=ALL_IS_GOOD,
            about="1 while Slack reaches every bot.",
        ),
        number(
            "Fleet seen",
            f"min(time() - fittingroom_bot_fleet_last_success_timestamp_seconds{{{CLUSTER}}})",
            unit="s",
            about="Since when the bot last read the fleet. It looks when it is asked.",
        ),
        lines(
            "Questions",
            {"{{source}} {{result}}": f"sum by (source, result) ({questions})"},
            unit="cps",
            stacked=True,
            about="By way in and result.",
        ).span(16),
        lines(
            "Time to answer",
            {
                "median": f"histogram_quantile(0.5, {buckets})",
                "99 %": f"histogram_quantile(0.99, {buckets})",
            },
            unit="s",
            about="From a question's arrival to its posted answer.",
        ),
        lines(
            "Slack's errors",
            {
                "{{method}}: {{error}}": f"sum by (method, error) ({_rate('fittingroom_bot_slack_errors_total')})",
                "told to wait: {{method}}": f"sum by (method) ({_rate('fittingroom_bot_slack_rate_limited_total')})",
            },
            unit="cps",
            about="Calls to Slack that failed, and rate limits.",
        ),
        lines(
            "Looks at the fleet",
            {"{{result}}": f"sum by (result) ({_rate('fittingroom_bot_fleet_reads_total')})"},
            unit="cps",
            about="Partial looks miss some nodes.",
        ),
        lines(
            "Watches",
            {
                "{{state}}": f"sum by (state) (fittingroom_bot_watches{{{CLUSTER}}})",
                "messages {{result}}": f"sum by (result) (increase({sent}))",
            },
            unit="short",
            about="Watches kept, and their messages of the last hour.",
        ),
    ]


def _versions() -> object:
    versions = "component, version, estimator_version, catalog_date"
    return rows(
        "Versions",
        {"processes": f"count by ({versions}) (fittingroom_build_info{{{CLUSTER}}})"},
        columns=("component", "version", "estimator_version", "catalog_date"),
        units={},
        about="One line per component means that everyone answers alike.",
    )
