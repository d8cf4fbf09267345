"""Facts that cannot be used are refused with every problem told at once; a site's rows add to ours or replace them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog.__main__ import main
from shared.catalog.load import BadFacts, load_catalog

SITE_GPU = """
[gpus.house-gpu-36gb]
name = "House GPU 36GB"
vendor = "nvidia"
family = "House GPU"
segment = "datacenter"
architecture = "Ada"
compute_capability = [8, 9]
memory_marketed_gb = 36
memory_total_bytes = 38_654_705_664
memory_usable_bytes = 38_000_000_000
memory_usable_measured = true
bandwidth_bytes_per_second = 1_000_000_000_000
memory_type = "GDDR6"
confidence = "seen"
source = { kind = "measured", text = "our own rack" }
memory_source = { kind = "nvml", text = "our own rack", date = 2026-11-01 }
bandwidth_source = { kind = "vendor", text = "datasheet" }
"""
SITE_MODEL = """
[models.house-chat-8b]
name = "House Chat 8B"
family = "house"
repo_id = "house/chat-8b"
parameters = 8_030_261_248
active_parameters = 8_030_261_248
context_tokens = 131072
native_quantization = "BF16"
license = "proprietary"
gated = true
same_shape_as = "llama-3.1-8b"
source = { kind = "config", text = "our own registry" }
"""


def write(folder: Path, text: str) -> Path:
    """A site file with this text."""
    file = folder / "site.toml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(folder: Path, text: str) -> list[str]:
    """What is wrong with a site file, one line each, without its path."""
    file = write(folder, text)
    with pytest.raises(BadFacts) as caught:
        load_catalog(file)
    return [str(problem).removeprefix(f"{file}: ") for problem in caught.value.problems]


def test_a_site_adds_rows_of_its_own(tmp_path: Path) -> None:
    """A card and a model nobody else has, the model with the shape of one we ship."""
    catalog = load_catalog(write(tmp_path, SITE_GPU + SITE_MODEL))

    assert catalog.gpus["house-gpu-36gb"].compute_capability == (8, 9)
    assert catalog.models["house-chat-8b"].shape == catalog.models["llama-3.1-8b"].shape
    assert len(catalog.gpus) == len(load_catalog().gpus) + 1


def test_a_site_can_do_without_our_prices(tmp_path: Path) -> None:
    """All of ours are left out; the site's own stay."""
    price = """
[prices."ours/h100"]
gpu = "h100-80gb"
provider = "ours"
instance = "h100 node"
gpus_per_instance = 1
usd_per_gpu_hour = 1.25
kind = "on-demand"
as_of = 2026-11-01
source = { kind = "vendor", text = "our contract" }
"""
    assert len(load_catalog(write(tmp_path, price)).prices) > 1
    assert not load_catalog(write(tmp_path, "shipped_prices = false")).prices
    assert list(load_catalog(write(tmp_path, f"shipped_prices = false\n{price}")).prices) == ["ours/h100"]
    assert problems(tmp_path, 'shipped_prices = "no"') == ["shipped_prices: must be true or false"]


def test_a_site_replaces_a_row_by_its_id(tmp_path: Path) -> None:
    """The site's own numbers win over ours, and the row keeps its place."""
    text = SITE_GPU.replace("house-gpu-36gb", "rtx-4090")
    catalog = load_catalog(write(tmp_path, text))

    assert catalog.gpus["rtx-4090"].name == "House GPU 36GB"
    assert list(catalog.gpus) == list(load_catalog().gpus)


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    """Misspelt, missing, quoted, and out of range: each with its table and field."""
    text = (
        SITE_GPU.replace(
            "bandwidth_bytes_per_second = 1_000_000_000_000", 'bandwidth_bytes_per_second = "fast"'
        )
        .replace('vendor = "nvidia"', 'vendor = "novidia"')
        .replace("memory_type", "memory_typ")
        .replace("memory_marketed_gb = 36", "memory_marketed_gb = 0")
    )
    found = problems(tmp_path, text)

    assert "gpus.house-gpu-36gb.vendor: input should be 'nvidia', 'amd', 'apple' or 'intel'" in found
    assert "gpus.house-gpu-36gb.bandwidth_bytes_per_second: input should be a valid integer" in found
    assert "gpus.house-gpu-36gb.memory_typ: is no field of this table; check its spelling" in found
    assert "gpus.house-gpu-36gb.memory_type: is required and missing" in found
    assert "gpus.house-gpu-36gb.memory_marketed_gb: input should be greater than 0" in found
    assert len(found) == 5


def test_a_quoted_number_is_not_a_number(tmp_path: Path) -> None:
    """ "24" for 24 is how a wrong unit slips in."""
    assert problems(tmp_path, SITE_GPU.replace("= 36\n", '= "36"\n')) == [
        "gpus.house-gpu-36gb.memory_marketed_gb: input should be a valid integer"
    ]


def test_a_shape_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    """A sliding window without its size."""
    shape = """
[models.house-chat-8b.shape]
architecture = "house"
layers = 2
hidden_size = 64
ffn_size = 128
vocabulary_size = 100
tied_embeddings = true
attention = { heads = 4, kv_heads = 2, head_dim = 16 }
layer_pattern = ["window", "full"]
"""
    found = problems(tmp_path, SITE_MODEL.replace('same_shape_as = "llama-3.1-8b"\n', "") + shape)

    assert len(found) == 1
    assert found[0].startswith("models.house-chat-8b.shape:")
    assert "window_tokens must be given" in found[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            ('"BF16"', '"BF17"'),
            "models.house-chat-8b.native_quantization: there is no quantization 'BF17'",
        ),
        (
            ('same_shape_as = "llama-3.1-8b"', 'same_shape_as = "llama-9"'),
            "models.house-chat-8b.same_shape_as: must be the id of a model with a shape of its own",
        ),
    ],
)
def test_a_row_that_names_a_missing_row_is_refused(
    change: tuple[str, str], says: str, tmp_path: Path
) -> None:
    """References between tables are checked."""
    assert says in problems(tmp_path, SITE_MODEL.replace(*change))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[models.x\n", "is not TOML: "),
        (
            "[robots.x]\n",
            "robots: is no table; the tables are models, gpus, quantizations, engines, speeds, prices",
        ),
        ("gpus = 3\n", 'gpus: must hold one table per row: [gpus."the-id"]'),
        ("[gpus]\nx = 3\n", "gpus.x: must be a table of fields"),
        ('as_of = "today"\n', "as_of: must be a date such as 2026-11-22"),
    ],
)
def test_a_file_of_the_wrong_form_is_refused(text: str, says: str, tmp_path: Path) -> None:
    """One sentence says what would be right."""
    found = problems(tmp_path, text)

    assert len(found) == 1
    assert found[0].startswith(says)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Missing, a folder, or not text."""
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")

    for file, says in (
        (tmp_path / "missing.toml", "No such file"),
        (tmp_path, "Is a directory"),
        (binary, "not UTF-8"),
    ):
        with pytest.raises(BadFacts, match=says):
            load_catalog(file)


@settings(max_examples=100, deadline=None)
@given(
    text=st.text(max_size=200)
    | st.sampled_from([SITE_GPU, SITE_MODEL]).flatmap(
        lambda row: st.integers(0, len(row)).map(lambda cut: row[:cut] + row[cut + 1 :])
    )
)
def test_any_site_file_loads_or_is_refused_in_words(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Random text, and good rows with one character lost."""
    file = write(tmp_path_factory.mktemp("site"), text)
    refused: BadFacts | None = None
    try:
        load_catalog(file)
    except BadFacts as error:
        refused = error

    assert refused is None or all(problem.says for problem in refused.problems)


def test_check_says_the_shipped_facts_are_sound(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m shared.catalog check` exits 0 and counts the rows."""
    assert main(["check"]) == 0
    assert capsys.readouterr().out.startswith("The catalog is sound: ")


def test_check_names_file_table_and_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m shared.catalog check FILE` exits 2 and tells what would be right."""
    file = write(tmp_path, SITE_MODEL.replace("gated = true\n", ""))

    assert main(["check", str(file)]) == 2
    assert capsys.readouterr().err == (
        f"One problem in the catalog's facts:\n{file}: models.house-chat-8b.gated: is required and missing\n"
    )
