"""One file per peer, run by the peer's own Python: questions on standard input, answers on standard output."""
