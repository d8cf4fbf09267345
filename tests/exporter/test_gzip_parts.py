"""Parts compressed apart are one gzip stream of the whole text, whatever stands beside them."""

import gzip

from hypothesis import given
from hypothesis import strategies as st

from exporter.gzip_parts import Part, Parts

TEXTS = st.binary(max_size=300) | st.integers(1, 3000).map(
    lambda times: b'a_metric{uuid="GPU-1"} 1.0\n' * times
)


@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, min_size=1, max_size=3))
def test_parts_and_a_tail_are_one_stream_again_and_again(texts: list[bytes], tails: list[bytes]) -> None:
    parts = Parts([Part(text) for text in texts])

    for tail in tails:
        assert parts.ended(tail, gzip=False) == b"".join(texts) + tail
        assert gzip.decompress(parts.ended(tail, gzip=True)) == b"".join(texts) + tail


@given(TEXTS, TEXTS, TEXTS)
def test_a_part_that_stays_stands_beside_any_other(stays: bytes, first: bytes, second: bytes) -> None:
    kept = Part(stays)

    for other in (first, second):
        assert gzip.decompress(Parts([Part(other), kept]).ended(b"end", gzip=True)) == other + stays + b"end"
        assert gzip.decompress(Parts([kept, Part(other)]).ended(b"end", gzip=True)) == stays + other + b"end"
