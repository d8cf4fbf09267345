"""Tests, laid out like the code they hold to account."""
