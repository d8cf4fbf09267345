"""What every dashboard has: its address, its variables, and the links to the others."""

from collections.abc import Sequence
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from deploy.dashboards.panels import SOURCE

TAG: Final = "fittingroom"
MODEL: Final = 'cluster=~"$cluster", node=~"$node", model=~"$model"'
NODE: Final = 'cluster=~"$cluster", node=~"$node"'
CLUSTER: Final = 'cluster=~"$cluster"'
# Joins a per-GPU series with its node, index and name.
NAMED: Final = "* on (job, instance, uuid) group_left (node, index, name) fittingroom:gpu_info:node"
CANDIDATE: Final = "model, quantization, engine, context, sequences"
NODE_LINK: Final = ("Node", "/d/fittingroom-node?var-node=${__data.fields.node}")
MODEL_LINK: Final = (
    "Model",
    "/d/fittingroom-models?var-model=${__data.fields.model}&var-node=${__data.fields.node}",
)

_VARIABLES: Final = {
    "cluster": "label_values(fittingroom:gpu_info:node, cluster)",
    "node": 'label_values(fittingroom:gpu_info:node{cluster=~"$cluster"}, node)',
    "model": f"label_values(fittingroom_loaded_model_info{{{NODE}}}, model)",
    "candidate": 'label_values(fittingroom:fit_devices_now:sum{cluster=~"$cluster"}, model)',
}


def board(
    slug: str,
    title: str,
    about: str,
    *,
    variables: Sequence[str],
    one_of: Sequence[str] = (),
    panels: Sequence[Any],
) -> dashboard.Dashboard:
    """A dashboard of these panels. `slug` is in its address, to which alerts link: it never changes.

    Of the variables in `one_of` one value is chosen; of the others several, or all.
    """
    built = (
        dashboard.Dashboard(title)
        .uid(f"fittingroom-{slug}")
        .description(about)
        .tags([TAG])
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .time("now-6h", "now")
        .refresh("1m")
        .timezone("browser")
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .link(_other_dashboards())
    )
    for name in variables:
        built = built.with_variable(_variable(name, one=name in one_of))
    for panel in panels:
        built = built.with_row(panel) if isinstance(panel, dashboard.Row) else built.with_panel(panel)
    return built


def row(title: str) -> dashboard.Row:
    """A heading between panels."""
    return dashboard.Row(title)


def _variable(name: str, *, one: bool) -> dashboard.QueryVariable:
    """`All` matches also series without the label."""
    variable = (
        dashboard.QueryVariable(name)
        .label(name.capitalize())
        .datasource(SOURCE)
        .query(_VARIABLES[name])
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.NATURAL_ASC)
    )
    if one:
        return variable
    everything = models.VariableOption(selected=True, text="All", value="$__all")
    return variable.multi(True).include_all(True).all_value(".*").current(everything)


def _other_dashboards() -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink("fittingroom")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )
