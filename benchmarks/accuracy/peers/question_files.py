"""The questions as files: what a hub would have served, and GGUF files without content."""

import json
from pathlib import Path

from benchmarks.accuracy.peers.questions import Question, questions
from benchmarks.oracle.file_tensors import file_tensors
from benchmarks.oracle.gguf_file import write_sparse
from benchmarks.oracle.metadata import metadata
from shared.catalog.catalog import Catalog
from shared.engines.llama_cpp.quantizer import mix_of


def write(directory: Path, catalog: Catalog) -> Path:
    """The questions as one JSON file, each with a directory that holds its config.json, or with its GGUF file."""
    rows = []
    for question in questions(catalog):
        folder = directory / question.repo / question.quantization
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(question.config), encoding="utf-8")
        row = {name: getattr(question, name) for name in Question.__slots__}
        rows.append({**row, "directory": str(folder), "gguf_file": ""})
        if question.gguf:
            rows[-1]["gguf_file"] = str(_gguf_file(folder, question, catalog))
    path = directory / "questions.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def _gguf_file(folder: Path, question: Question, catalog: Catalog) -> Path:
    """A GGUF file of this model and quantization with its real header and no content."""
    path = folder / "model.gguf"
    if not path.exists():
        model = next(model for model in catalog.models.values() if model.repo_id == question.repo)
        mix = mix_of(catalog.quantizations[question.quantization])
        write_sparse(path, metadata(model), file_tensors(model.shape, mix))
    return path
