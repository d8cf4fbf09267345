"""The fleet: free VRAM by node and GPU, what fits where, which models lie where."""

from grafana_foundation_sdk.builders import dashboard

from deploy.dashboards.frame import CANDIDATE, CLUSTER, MODEL_LINK, NAMED, NODE, NODE_LINK, board, row
from deploy.dashboards.panels import (
    NEAR_LIMIT,
    NONE_IS_GOOD,
    SCARCE,
    bars,
    lines,
    matrix,
    number,
    rows,
    words,
)

_ROW_NAME = '"candidate", " ", "model", "quantization", "engine", "context"'
_WANTED = f'{CLUSTER}, model=~"$candidate"'
_FREE = f"fittingroom:node_memory_free_bytes:sum{{{NODE}}}"
_USABLE = f"fittingroom:node_memory_usable_bytes:sum{{{NODE}}}"


def _where(metric: str) -> str:
    """How many devices of each node a candidate fits, on the nodes with most free memory."""
    counted = f'sum by (node, {CANDIDATE}) ({metric}{{{NODE}, model=~"$candidate"}})'
    return f"label_join({counted} and on (node) topk(30, {_FREE}), {_ROW_NAME})"


def fleet() -> dashboard.Dashboard:
    """The first page: is there room, and where?"""
    return board(
        "fleet",
        "fittingroom / Fleet",
        "Free VRAM by node and GPU, what fits where, and the models by place.",
        variables=("cluster", "node", "candidate"),
        panels=[
            *_numbers(),
            row("Free VRAM"),
            bars(
                "Free VRAM by node",
                f"sort_desc(topk(25, {_FREE}))",
                "{{node}}",
                unit="bytes",
                about="The 25 nodes with most free memory, summed over their GPUs and MIG instances.",
            ),
            bars(
                "Largest free GPU by node",
                f"sort_desc(topk(25, fittingroom:node_memory_largest_free_bytes:max{{{NODE}}}))",
                "{{node}}",
                unit="bytes",
                about="What a model that fits one GPU can have: a sum over GPUs does not help it.",
            ),
            _gpus(),
            lines(
                "Free VRAM over time",
                {"{{node}}": f"topk(25, {_FREE})"},
                unit="bytes",
                about="The 25 nodes with most free memory at each moment.",
            ).span(24),
            row("What fits where"),
            *_fits(),
            row("Models and alerts"),
            *_models(),
            words(
                "Ask",
                "In Slack: `/fit MODEL` plans for this fleet, `/fit what fits now` is this page in words. "
                "In a terminal: `fit ask 'MODEL on 2x A100 40GB'`.",
            ),
        ],
    )


def _numbers() -> list[object]:
    age = f"max(time() - fittingroom_exporter_last_success_timestamp_seconds{{{CLUSTER}}})"
    return [
        number(
            "Devices",
            f"count(fittingroom:device_info:node{{{NODE}}})",
            unit="short",
            about="GPUs and MIG instances that can hold a model.",
        ),
        number(
            "Free VRAM", f"sum({_FREE})", unit="bytes", about="What may be allocated now, over all devices."
        ),
        number(
            "Free share",
            f"sum({_FREE}) / sum({_USABLE})",
            unit="percentunit",
            steps=SCARCE,
            about="Free memory as a share of what empty devices would have.",
        ),
        number(
            "Loaded models",
            f"count(fittingroom_loaded_model_memory_used_bytes{{{NODE}}}) or vector(0)",
            unit="short",
            about="Models on devices; one spread over two GPUs counts twice.",
        ),
        number(
            "GPUs down",
            f"count(fittingroom_gpu_up{{{NODE}}} == 0) or vector(0)",
            unit="short",
            steps=NONE_IS_GOOD,
            about="Devices seen before that do not answer.",
        ),
        number(
            "Oldest look",
            age,
            unit="s",
            steps=((None, "green"), (60, "orange"), (120, "red")),
            about="Age of the oldest node's last good look at its GPUs.",
        ),
    ]


def _gpus() -> object:
    free = f"fittingroom:device_memory_free_bytes:node{{{NODE}}}"
    usable = f"fittingroom:device_memory_usable_bytes:node{{{NODE}}}"
    most = f"topk(200, {free})"
    same = "and on (job, instance, uuid)"
    return rows(
        "Free VRAM by GPU",
        {
            "free": most,
            "usable": f"{usable} {same} {most}",
            "free share": f"({free} / {usable}) {same} {most}",
        },
        columns=("node", "index", "name", "mig_profile"),
        units={"free": "bytes", "usable": "bytes", "free share": "percentunit"},
        steps={"free share": SCARCE},
        link=NODE_LINK,
        about="The 200 devices with most free memory. Usable is what an empty device would have.",
    )


def _fits() -> list[object]:
    return [
        matrix(
            "What fits now",
            _where("fittingroom:node_fit_devices_now:sum"),
            row="candidate",
            column="node",
            about="Devices of each node that the candidate fits with the memory free now, on the 30 nodes with most "
            "of it. 0: none.",
        ),
        matrix(
            "What would fit empty devices",
            _where("fittingroom:node_fit_devices_empty:sum"),
            row="candidate",
            column="node",
            about="The same with nothing else loaded: where this says more, unloading a model helps.",
        ),
        rows(
            "Candidates over the whole fleet",
            {
                "devices now": f"fittingroom:fit_devices_now:sum{{{_WANTED}}}",
                "devices if empty": f"fittingroom:fit_devices_empty:sum{{{_WANTED}}}",
                "groups now": f"fittingroom:fit_groups_now:sum{{{_WANTED}}}",
            },
            columns=("model", "quantization", "engine", "context", "sequences"),
            units={},
            steps={"devices now": ((None, "red"), (1, "green"))},
            about="Groups are GPUs of one node that one engine could use together.",
        ),
    ]


def _models() -> list[object]:
    used = f"fittingroom_loaded_model_memory_used_bytes{{{NODE}}}"
    limit = f"max without (resource) (fittingroom_loaded_model_limit_ratio{{{NODE}}})"
    return [
        rows(
            "Models by place",
            {"used": f"{used} {NAMED}", "of its limit": f"{limit} {NAMED}"},
            columns=("model", "quantization", "engine", "node", "index", "name"),
            units={"used": "bytes", "of its limit": "percentunit"},
            steps={"of its limit": NEAR_LIMIT},
            link=MODEL_LINK,
            about="The limit is the KV cache for engines that reserve up front, the GPU's memory for others.",
        ),
        rows(
            "Alerts",
            {"since": f'ALERTS_FOR_STATE{{alertname=~"Fittingroom.+", {CLUSTER}}} * 1000'},
            columns=("alertname", "severity", "node", "model", "instance"),
            units={"since": "dateTimeFromNow"},
            about="Pending and firing alerts of this chart, with the time since their condition holds.",
        ),
    ]
