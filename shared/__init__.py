"""What the bot and the exporter both know: facts, memory arithmetic, engines, the plan. Exports nothing."""
