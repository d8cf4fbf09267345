"""Loaded models: how near each is to its limit, its KV cache and queue, and whether the estimate was right."""

from grafana_foundation_sdk.builders import dashboard

from deploy.dashboards.frame import MODEL, NAMED, NODE_LINK, board, row
from deploy.dashboards.panels import NEAR_LIMIT, lines, rows, words

_ON = "{{model}} {{quantization}} on {{node}} GPU {{index}}"
_ERROR_BAR = (
    f"fittingroom_loaded_model_predicted_uncertainty_bytes{{{MODEL}}}"
    f" / fittingroom_loaded_model_memory_used_bytes{{{MODEL}}}"
)


def loaded_models() -> dashboard.Dashboard:
    """Where the alerts about models lead."""
    return board(
        "models",
        "fittingroom / Loaded models",
        "Used against limit, KV cache and queue, and predicted against used memory.",
        variables=("cluster", "node", "model"),
        panels=[
            _overview(),
            row("The limit"),
            lines(
                "Of its limit",
                {f"{_ON} ({{{{resource}}}})": _named("limit_ratio")},
                unit="percentunit",
                steps=NEAR_LIMIT,
                about="What binds the model: its KV cache for engines that reserve up front, the GPU's memory for "
                "engines that grow. The dashed lines are the alerts' thresholds.",
            ).span(24),
            lines(
                "Memory used and limit",
                {_ON: _named("memory_used_bytes"), f"limit {_ON}": _named("memory_limit_bytes")},
                unit="bytes",
                about="Flat for engines that reserve up front.",
            ),
            lines(
                "KV cache",
                {_ON: _named("kv_cache_used_tokens"), f"limit {_ON}": _named("kv_cache_limit_tokens")},
                unit="short",
                about="Tokens in the cache and tokens it holds, as the engine reports them.",
            ),
            lines(
                "Requests",
                {f"running {_ON}": _named("running_requests"), f"waiting {_ON}": _named("waiting_requests")},
                unit="short",
                about="Waiting requests beside a full KV cache raise an alert.",
            ),
            lines(
                "Preemptions",
                {
                    _ON: f"rate(fittingroom_loaded_model_preemptions_total{{{MODEL}}}[$__rate_interval]) {NAMED}"
                },
                unit="cps",
                about="Requests thrown out of the KV cache to make room: work done twice.",
            ),
            row("The estimate"),
            _prediction(),
            lines(
                "Prediction error",
                {_ON: _named("prediction_error_ratio"), f"error bar {_ON}": f"({_ERROR_BAR}) {NAMED}"},
                unit="percentunit",
                about="Predicted over used memory, minus 1. Outside the error bar for half an hour "
                "raises an alert.",
            )
            .min(-1)
            .span(24),
            words(
                "Ask",
                "In Slack: `/fit $model` says where it has room, what a smaller context or a quantized KV cache "
                "would save, and what else would do.",
            ),
        ],
    )


def _named(metric: str) -> str:
    return f"fittingroom_loaded_model_{metric}{{{MODEL}}} {NAMED}"


def _overview() -> object:
    limit = f"max without (resource) (fittingroom_loaded_model_limit_ratio{{{MODEL}}})"
    info = "* on (job, instance, uuid, model, quantization, engine) group_left (context, engine_version, in_catalog)"
    about_it = f"max without (source) (fittingroom_loaded_model_info{{{MODEL}}})"
    return rows(
        "Loaded models",
        {
            "used": f"{_named('memory_used_bytes')} {info} {about_it}",
            "of its limit": f"{limit} {NAMED} {info} {about_it}",
            "servers": f"{_named('instances')} {info} {about_it}",
        },
        columns=(
            "model",
            "quantization",
            "engine",
            "engine_version",
            "context",
            "node",
            "index",
            "in_catalog",
        ),
        units={"used": "bytes", "of its limit": "percentunit"},
        steps={"of its limit": NEAR_LIMIT},
        link=NODE_LINK,
        about="Every model that was recognised, with what its engine was started with.",
    )


def _prediction() -> object:
    return rows(
        "Predicted against used",
        {
            "predicted": _named("predicted_bytes"),
            "error bar": _named("predicted_uncertainty_bytes"),
            "used": _named("memory_used_bytes"),
            "error": _named("prediction_error_ratio"),
        },
        columns=("model", "quantization", "engine", "node", "index"),
        units={"predicted": "bytes", "error bar": "bytes", "used": "bytes", "error": "percentunit"},
        about="The estimator that answers /fit, checked by the fleet itself.",
    )
