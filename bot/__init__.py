"""The Slack bot, and its terminal face `fit`."""
