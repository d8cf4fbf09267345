"""The row types of the catalog, one class per table, under the one name others import them by."""

from shared.catalog.engine_row import Constant, DecodeSpeed, Engine
from shared.catalog.gpu_row import Gpu, MigProfile
from shared.catalog.instance_row import CloudInstances
from shared.catalog.model_row import Model, QuantizedRepo, Tower
from shared.catalog.price_row import CloudPrice
from shared.catalog.quantization_row import Quality, Quantization, QuantizationFormat
from shared.catalog.row import Count, Positive, Row, Source, SourceKind
from shared.catalog.shape import Attention, Compressed, Experts, Latent, LayerKind, Recurrent, Shape

__all__ = [
    "Attention",
    "CloudInstances",
    "CloudPrice",
    "Compressed",
    "Constant",
    "Count",
    "DecodeSpeed",
    "Engine",
    "Experts",
    "Gpu",
    "Latent",
    "LayerKind",
    "MigProfile",
    "Model",
    "Positive",
    "Quality",
    "Quantization",
    "QuantizationFormat",
    "QuantizedRepo",
    "Recurrent",
    "Row",
    "Shape",
    "Source",
    "SourceKind",
    "Tower",
]
