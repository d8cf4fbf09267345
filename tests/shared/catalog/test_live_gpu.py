"""A GPU the driver sees is matched by name and size; a slice of it is not the card."""

import pytest

from shared.catalog.catalog import Catalog
from shared.catalog.names import match_live_gpu
from shared.units import MIB


@pytest.mark.parametrize(
    ("nvml_name", "total_mib", "row_id"),
    [
        ("NVIDIA A100-SXM4-40GB", 40960, "a100-40gb"),
        ("NVIDIA A100-SXM4-40GB", 40536, "a100-40gb"),  # drivers before R510 left the reserve out
        ("A100-SXM4-80GB", 81251, "a100-80gb"),
        ("NVIDIA A100-PCIE-40GB", 40960, "a100-40gb-pcie"),
        ("NVIDIA A100 80GB PCIe", 81920, "a100-80gb-pcie"),
        ("NVIDIA H100 80GB HBM3", 81559, "h100-80gb"),
        ("NVIDIA H100 PCIe", 81559, "h100-80gb-pcie"),
        ("Tesla T4", 15360, "t4"),
        ("Tesla T4", 15109, "t4"),
        ("NVIDIA A10", 24258, "a10"),  # ECC switched off
        ("NVIDIA RTX A6000", 49140, "rtx-a6000"),
        ("NVIDIA RTX A6000", 46068, "rtx-a6000"),  # ECC switched on
        ("NVIDIA GeForce RTX 4060 Ti", 8188, "rtx-4060-ti-8gb"),
        ("NVIDIA GeForce RTX 4060 Ti", 16380, "rtx-4060-ti-16gb"),
        ("NVIDIA GeForce RTX 3080", 10240, "rtx-3080-10gb"),
        ("NVIDIA GeForce RTX 3080", 12288, "rtx-3080-12gb"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", 16376, "rtx-4090-laptop"),
        ("NVIDIA GB10", 0, "dgx-spark"),
        ("nvidia h200", 143771, "h200"),
    ],
)
def test_a_whole_card_is_matched(nvml_name: str, total_mib: int, row_id: str, catalog: Catalog) -> None:
    """Sizes as nvidia-smi prints them in public logs, over driver versions and ECC states."""
    found = match_live_gpu(nvml_name, total_mib * MIB, catalog)

    assert found is not None
    assert found.id == row_id


@pytest.mark.parametrize(
    ("nvml_name", "total_mib"),
    [
        ("Tesla T4", 3231),  # vGPU slices keep the card's name
        ("NVIDIA L4", 1024),
        ("NVIDIA A10", 10240),
        ("NVIDIA L20", 8376),
        ("NVIDIA A100-SXM4-40GB", 19968),
        ("NVIDIA A100-SXM4-40GB MIG 3g.20gb", 19968),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", 9984),
        ("NVIDIA GeForce RTX 4090", 49140),  # a modded board is not the card we have facts about
        ("NVIDIA GeForce RTX 3081", 10240),
        ("", 0),
    ],
)
def test_a_slice_or_a_stranger_is_not(nvml_name: str, total_mib: int, catalog: Catalog) -> None:
    """Memory is never inferred from a name alone."""
    assert match_live_gpu(nvml_name, total_mib * MIB, catalog) is None


def test_every_nvml_name_and_size_of_the_catalog_matches_its_row(catalog: Catalog) -> None:
    """Except small systems that share one name and one size class."""
    for gpu in catalog.gpus.values():
        for name in gpu.nvml_names:
            found = match_live_gpu(name, gpu.memory_total_bytes, catalog)
            assert found is not None, gpu.id
            if not gpu.unified_memory:
                assert (found.id, found.memory_marketed_gb) == (gpu.id, gpu.memory_marketed_gb)
