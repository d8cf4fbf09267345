"""One node: each GPU's memory by model, its load and health, and what fits on it."""

from grafana_foundation_sdk.builders import dashboard

from deploy.dashboards.frame import CANDIDATE, MODEL_LINK, NAMED, NODE, board, row
from deploy.dashboards.panels import ALL_IS_GOOD, NEAR_LIMIT, SCARCE, lines, matrix, rows, words

_GPU = "{{node}} GPU {{index}}"
_DEVICES = (
    "* on (job, instance, uuid) group_left (node, index, name, mig_profile) fittingroom:device_info:node"
)


def node() -> dashboard.Dashboard:
    """What one sees of a node before touching it."""
    return board(
        "node",
        "fittingroom / Node",
        "Each GPU of a node: memory by model, load, health, and what fits on it.",
        variables=("cluster", "node", "candidate"),
        one_of=("node",),
        panels=[
            _devices(),
            row("Memory"),
            lines(
                "Memory by model",
                _memory_by_model(),
                unit="bytes",
                stacked=True,
                about="Loaded models, memory that no model accounts for, and what is free; together the device.",
            )
            .height(11)
            .span(24),
            _models(),
            row("What fits on it"),
            _fits("What fits now", "fittingroom_fits_now", "With the memory that is free now."),
            _fits("What would fit if empty", "fittingroom_fits_empty", "With nothing else on the device."),
            _groups(),
            row("Load"),
            lines(
                "Utilization",
                {_GPU: _named("fittingroom_gpu_utilization_ratio")},
                unit="percentunit",
                about="Share of time in which a kernel ran. 100 % does not mean that the GPU is full.",
            ),
            lines(
                "Power",
                {
                    _GPU: _named("fittingroom_gpu_power_watts"),
                    f"{_GPU} limit": _named("fittingroom_gpu_power_limit_watts"),
                },
                unit="watt",
                about="Power drawn and the limit in force.",
            ),
            lines(
                "Temperature",
                {_GPU: _named("fittingroom_gpu_temperature_celsius")},
                unit="celsius",
                about="Temperature of the die.",
            ),
            lines(
                "Processes and memory errors",
                {
                    f"{_GPU} processes": _named("fittingroom_gpu_processes"),
                    f"{_GPU} uncorrectable errors": _named("fittingroom_gpu_ecc_uncorrected_errors_total"),
                },
                unit="short",
                about="Processes that hold memory, and uncorrectable errors since the driver was loaded.",
            ),
            words(
                "Ask",
                "In Slack: `/fit status of $node` lists what is here, `/fit on $node` says what fits there now, "
                "`/fit on $node MODEL` plans for it.",
            ),
        ],
    )


def _named(metric: str) -> str:
    return f"{metric}{{{NODE}}} {NAMED}"


def _devices() -> object:
    free, usable = (
        f"fittingroom_gpu_memory_free_bytes{{{NODE}}}",
        f"fittingroom_gpu_memory_usable_bytes{{{NODE}}}",
    )
    return rows(
        "Devices",
        {
            "up": f"fittingroom_gpu_up{{{NODE}}} {_DEVICES}",
            "total": f"fittingroom_gpu_memory_total_bytes{{{NODE}}} {_DEVICES}",
            "free": f"{free} {_DEVICES}",
            "free share": f"{free} / {usable} {_DEVICES}",
            "reserved": f"fittingroom_gpu_memory_reserved_bytes{{{NODE}}} {_DEVICES}",
        },
        columns=("node", "index", "name", "mig_profile", "uuid"),
        units={"total": "bytes", "free": "bytes", "free share": "percentunit", "reserved": "bytes"},
        steps={"up": ALL_IS_GOOD, "free share": SCARCE},
        about="A device that is down has no memory series: what is not known is not shown.",
    )


def _memory_by_model() -> dict[str, str]:
    return {
        f"{{{{model}}}} {{{{quantization}}}} on {_GPU}": _named("fittingroom_loaded_model_memory_used_bytes"),
        f"unattributed on {_GPU}": f"fittingroom_gpu_memory_unattributed_bytes{{{NODE}}} {_DEVICES}",
        f"free on {_GPU}": f"fittingroom_gpu_memory_free_bytes{{{NODE}}} {_DEVICES}",
    }


def _models() -> object:
    limit = f"max without (resource) (fittingroom_loaded_model_limit_ratio{{{NODE}}})"
    return rows(
        "Loaded models",
        {
            "used": _named("fittingroom_loaded_model_memory_used_bytes"),
            "limit": _named("fittingroom_loaded_model_memory_limit_bytes"),
            "of its limit": f"{limit} {NAMED}",
        },
        columns=("model", "quantization", "engine", "node", "index"),
        units={"used": "bytes", "limit": "bytes", "of its limit": "percentunit"},
        steps={"of its limit": NEAR_LIMIT},
        link=MODEL_LINK,
        about="What each model holds and may grow to.",
    )


def _fits(title: str, metric: str, about: str) -> object:
    on_gpus = f'{metric}{{{NODE}, model=~"$candidate"}} {_DEVICES}'
    summed = f"max by (node, index, {CANDIDATE}) ({on_gpus})"
    named = f'label_join({summed}, "candidate", " ", "model", "quantization", "engine", "context")'
    placed = f'label_join({named}, "gpu", " ", "node", "index")'
    return matrix(title, placed, row="candidate", column="gpu", about=f"1 fits, 0 does not. {about}")


def _groups() -> object:
    headroom = f'fittingroom_group_fit_headroom_bytes{{{NODE}, model=~"$candidate"}}'
    return rows(
        "GPUs used together",
        {
            "fits now": f'fittingroom_group_fits_now{{{NODE}, model=~"$candidate"}}',
            "headroom": headroom,
        },
        columns=("node", "group", "model", "quantization", "engine", "context"),
        units={"headroom": "bytes"},
        steps={"fits now": ALL_IS_GOOD},
        about="Groups of equal GPUs that one engine could use together. Headroom is what stays free on the fullest "
        "one; negative is what is missing.",
    )
