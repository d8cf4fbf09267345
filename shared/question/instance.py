"""Cloud instances in a question, by the names the catalog knows: "p4d.24xlarge" is eight A100 40GB."""

import re
from collections.abc import Mapping
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.errors import UnknownName

Instances = Mapping[str, tuple[Gpu, int]]

_TOKEN: Final = re.compile(
    r"(?<![\w.-])(?:ml\.)?(?P<name>[a-z][\w-]*(?:\.[a-z][\w-]*){0,2}\d[\w.-]*\w)(?![\w-])"
)
_FORM: Final = re.compile(
    r"(?:[pg]\d\w{0,3}(?:-\w+)?\.(?:\d*x?large|metal)|a[234]x?-\w+gpu-\d+g|g[24]-standard-\d+|(?:standard_)?n[cdv]\d+[a-z]+\w*_v\d|[bv]m\.gpu[\w.-]+)",
    re.IGNORECASE,
)


def cloud_instances(catalog: Catalog) -> Instances:
    """Instance name in lower case -> its GPU and how many; names that mean different GPUs are left out."""
    means: dict[str, set[tuple[str, int]]] = {}
    for price in catalog.prices.values():
        if price.gpu in catalog.gpus:
            means.setdefault(price.instance.lower(), set()).add((price.gpu, price.gpus_per_instance))
    for family in catalog.instances.values():
        for name, count in family.gpus_of.items():
            for said in (name.lower(), name.lower().removeprefix("standard_")):
                means.setdefault(said, set()).add((family.gpu, count))
    return {
        name: (catalog.gpus[gpu], count)
        for name, ((gpu, count), *others) in ((name, tuple(meant)) for name, meant in means.items())
        if not others and _TOKEN.fullmatch(name)
    }


def find_instance(text: str, instances: Instances) -> re.Match[str] | None:
    """The first instance named in a text in lower case.

    Raises:
        UnknownName: A name of the form of an instance that no row has.
    """
    for match in _TOKEN.finditer(text):
        if match["name"] in instances:
            return match
        if _FORM.fullmatch(match["name"]):
            family = re.split(r"[.-]", match["name"])[0]
            near = [name for name in instances if name.startswith(family)]
            raise UnknownName("cloud instance", match["name"], near=near[:3])
    return None


def other_instances(text: str, instances: Instances, gpu: Gpu) -> tuple[str, ...]:
    """Ids of the GPUs of the instances that a text names, other than this one; in order, each once."""
    found = (instances[match["name"]][0] for match in _TOKEN.finditer(text) if match["name"] in instances)
    return tuple(dict.fromkeys(row.id for row in found if row.id != gpu.id))
