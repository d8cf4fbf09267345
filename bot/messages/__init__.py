"""What we say in Slack: pure functions from values to blocks and their plain text."""
