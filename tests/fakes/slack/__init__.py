"""The parts of the loopback Slack: what it remembers, its Web API, and the two ways it reaches an app."""
