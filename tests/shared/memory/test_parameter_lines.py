"""The lines a model's parameter sum is shown as."""

import pytest

from shared.catalog.load import load_catalog
from shared.memory.parameter_lines import parameter_lines
from shared.memory.parameter_sums import parameter_sums

CATALOG = load_catalog()


@pytest.mark.parametrize("name", sorted(CATALOG.models))
def test_the_lines_of_every_model_add_up_to_its_sum(name: str) -> None:
    """No tensor is left out and none is counted twice."""
    model = CATALOG.models[name]
    (found,) = parameter_sums([model])

    assert sum(line.parameters for line in parameter_lines(model)) == found.summed


def test_a_part_of_equal_layers_is_one_line() -> None:
    """Named by what it does and in which kind of layer."""
    lines = {line.part: (line.layers, line.each) for line in parameter_lines(CATALOG.models["llama-3.1-8b"])}

    assert lines == {
        "token embeddings": (None, 128_256 * 4096),
        "output head": (None, 128_256 * 4096),
        "norms": (None, 4096),
        "norms of full layers": (32, 2 * 4096),
        "attention of full layers": (32, 4096 * (4096 + 1024 + 1024 + 4096)),
        "feed-forward of full layers": (32, 3 * 4096 * 14_336),
    }
