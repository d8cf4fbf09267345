"""How fittingroom is deployed: chart, rules, dashboards, images, units. Not part of the installed package."""
