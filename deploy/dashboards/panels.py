"""The few kinds of panel our dashboards are made of, each query with its unit, legend and meaning."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models
from grafana_foundation_sdk.models import text as text_models

SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
Steps = Sequence[tuple[float | None, str]]
Panel = TypeVar("Panel", stat.Panel, bargauge.Panel, timeseries.Panel, table.Panel)

PLAIN: Final[Steps] = ((None, "blue"),)
NONE_IS_GOOD: Final[Steps] = ((None, "green"), (1, "red"))
ALL_IS_GOOD: Final[Steps] = ((None, "red"), (1, "green"))
NEAR_LIMIT: Final[Steps] = ((None, "green"), (0.9, "orange"), (0.97, "red"))  # as the alerts have it
SCARCE: Final[Steps] = ((None, "red"), (0.1, "orange"), (0.25, "green"))


def query(
    expression: str, legend: str = "", *, instant: bool = False, ref: str = "A"
) -> prometheus.Dataquery:
    """One PromQL query."""
    built = prometheus.Dataquery().expr(expression).datasource(SOURCE).ref_id(ref)
    if legend:
        built = built.legend_format(legend)
    return built.instant() if instant else built.range()


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Colours by value; the first step has no value and is the colour below all others."""
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=color) for value, color in steps])
    )


def number(title: str, expression: str, *, unit: str, steps: Steps = PLAIN, about: str) -> stat.Panel:
    """One number and its recent course."""
    reduce = common.ReduceDataOptions().calcs(["lastNotNull"])
    panel = stat.Panel().graph_mode(common_models.BigValueGraphMode.AREA).reduce_options(reduce)
    return _common(panel, title, about, unit, steps).height(4).span(4).with_target(query(expression))


def bars(
    title: str, expression: str, legend: str, *, unit: str, steps: Steps = PLAIN, about: str
) -> bargauge.Panel:
    """A bar for each series, longest first as the query sorts them."""
    reduce = common.ReduceDataOptions().calcs(["lastNotNull"])
    panel = (
        bargauge.Panel()
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .display_mode(common_models.BarGaugeDisplayMode.BASIC)
        .reduce_options(reduce)
    )
    panel = _common(panel, title, about, unit, steps).min(0)
    return panel.height(9).span(12).with_target(query(expression, legend, instant=True))


def lines(
    title: str,
    queries: Mapping[str, str],
    *,
    unit: str,
    steps: Steps | None = None,
    stacked: bool = False,
    about: str,
) -> timeseries.Panel:
    """Series over time; `queries` is legend -> expression."""
    panel = (
        timeseries.Panel()
        .legend(
            common.VizLegendOptions()
            .display_mode(common_models.LegendDisplayMode.TABLE)
            .placement(common_models.LegendPlacement.BOTTOM)
            .calcs(["lastNotNull", "max"])
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    )
    panel = _common(panel, title, about, unit, steps or PLAIN).min(0).height(9).span(12)
    if steps:
        style = common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds_style(style)
    else:  # each series its own colour
        panel = panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))
    if stacked:
        stacking = common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A")
        panel = panel.stacking(stacking).fill_opacity(40)
    for ref, (legend, expression) in zip("ABCDEFGH", queries.items(), strict=False):
        panel = panel.with_target(query(expression, legend, ref=ref))
    return panel


def rows(
    title: str,
    expressions: Mapping[str, str],
    *,
    columns: Sequence[str],
    units: Mapping[str, str],
    steps: Mapping[str, Steps] | None = None,
    link: tuple[str, str] | None = None,
    about: str,
) -> table.Panel:
    """A table: one row per set of labels, one value column per expression (heading -> expression).

    `columns` are the labels shown, in order. `link` is a title and an address for every cell.
    """
    panel = _common(table.Panel(), title, about, "short", PLAIN).height(9).span(24).filterable(True)
    refs = dict(zip("ABCDEFGH", expressions, strict=False))
    for ref, heading in refs.items():
        target = query(expressions[heading], instant=True, ref=ref).format(
            prometheus_models.PromQueryFormat.TABLE
        )
        panel = panel.with_target(target)
    values = {("Value" if len(refs) == 1 else f"Value #{ref}"): heading for ref, heading in refs.items()}
    order = {name: place for place, name in enumerate([*columns, *values])}
    panel = (
        # first the filter: a column like the metric's name would keep rows of different queries apart
        panel.with_transformation(
            _transformation("filterFieldsByName", {"include": {"names": [*columns, *values]}})
        )
        .with_transformation(_transformation("merge", {}))
        .with_transformation(_transformation("organize", {"indexByName": order, "renameByName": values}))
    )
    for heading in values.values():
        panel = panel.override_by_name(
            heading, _cell(units.get(heading, "short"), (steps or {}).get(heading))
        )
    if link:
        panel = panel.data_links([dashboard.DashboardLink(link[0]).url(link[1])])
    return panel


def matrix(title: str, expression: str, *, row: str, column: str, about: str) -> table.Panel:
    """A heat map of counts: how many by `row` and `column`; the count is written in each cell, not only coloured."""
    coloured = common_models.TableColoredBackgroundCellOptions(
        mode=common_models.TableCellBackgroundDisplayMode.BASIC
    )
    panel = _common(table.Panel(), title, about, "short", ALL_IS_GOOD).height(14).span(24)
    target = query(expression, instant=True).format(prometheus_models.PromQueryFormat.TABLE)
    grouping = {"rowField": row, "columnField": column, "valueField": "Value", "emptyValue": "null"}
    return (
        panel.with_target(target)
        .cell_options(coloured)
        .with_transformation(_transformation("groupingToMatrix", grouping))
        .override_by_name(f"{row}\\{column}", [_property("custom.cellOptions", {"type": "auto"})])
    )


def words(title: str, markdown: str) -> text.Panel:
    """A panel of text."""
    panel = text.Panel().title(title).mode(text_models.TextMode.MARKDOWN).content(markdown)
    return panel.height(4).span(24)


def _common(panel: Panel, title: str, about: str, unit: str, steps: Steps) -> Panel:
    return panel.title(title).description(about).datasource(SOURCE).unit(unit).thresholds(thresholds(steps))


def _transformation(kind: str, options: Mapping[str, Any]) -> models.DataTransformerConfig:
    return models.DataTransformerConfig(id_val=kind, options=dict(options))


def _property(name: str, value: object) -> models.DynamicConfigValue:
    return models.DynamicConfigValue(id_val=name, value=value)


def _cell(unit: str, steps: Steps | None) -> list[models.DynamicConfigValue]:
    properties = [_property("unit", unit)]
    if steps:
        coloured = [{"value": value, "color": color} for value, color in steps]
        properties += [
            _property("thresholds", {"mode": "absolute", "steps": coloured}),
            _property("custom.cellOptions", {"type": "color-text"}),
        ]
    return properties
