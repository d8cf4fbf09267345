"""Cloud instances in a question, by the names the catalog has prices of: "p4d.24xlarge" is eight A100 40GB."""

import re
from collections.abc import Mapping
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.errors import UnknownName

Instances = Mapping[str, tuple[Gpu, int]]

_TOKEN: Final = re.compile(r"(?<![\w.-])[a-z][\w-]*\d[\w.-]*\w(?![\w-])")
_FORM: Final = re.compile(
    r"(?:[pg]\d\w{0,3}(?:-\w+)?\.(?:\d*x?large|metal)|a[234]-\w+gpu-\d+g|standard_n[cdv]\d+\w*)",
    re.IGNORECASE,
)


def cloud_instances(catalog: Catalog) -> Instances:
    """Instance name in lower case -> its GPU and how many; names that mean different GPUs are left out."""
    means: dict[str, set[tuple[str, int]]] = {}
    for price in catalog.prices.values():
        if price.gpu in catalog.gpus:
            means.setdefault(price.instance.lower(), set()).add((price.gpu, price.gpus_per_instance))
    return {
        name: (catalog.gpus[gpu], count)
        for name, ((gpu, count), *others) in ((name, tuple(meant)) for name, meant in means.items())
        if not others and _TOKEN.fullmatch(name)
    }


def find_instance(text: str, instances: Instances) -> re.Match[str] | None:
    """The first instance named in a text in lower case.

    Raises:
        UnknownName: A name of the form of an instance that no price is known of.
    """
    for match in _TOKEN.finditer(text):
        if match[0] in instances:
            return match
        if _FORM.fullmatch(match[0]):
            family = re.split(r"[.-]", match[0])[0]
            near = [name for name in instances if name.startswith(family)]
            raise UnknownName("cloud instance", match[0], near=near[:3])
    return None
