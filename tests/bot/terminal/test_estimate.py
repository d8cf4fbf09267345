"""`fit estimate`: the keys scripts rely on, sums that add up, and batches whose mistakes stay on their line."""

import json

import pytest

from bot.terminal import main
from bot.terminal.estimate import batch, estimated
from bot.terminal.estimate_json import estimate_json

PARTS = ("weights_bytes", "kv_cache_bytes", "recurrent_state_bytes", "compute_bytes", "overhead_bytes")
KEYS = {"model_file_bytes", *PARTS, "total_bytes", "per_gpu", "host", "capacity_bytes", "verdict"}
MORE_KEYS = {"kv_cache_capacity_tokens", "max_concurrency", "uncertainty_bytes"}
GPU_KEYS = {*PARTS, "total_bytes", "activation_bytes", "cuda_graph_bytes", "non_torch_bytes"}
SPLIT = {
    "model": "mixtral-8x7b",
    "quantization": "q4_k_m",
    "gpu": "rtx 4090",
    "gpu_count": 2,
    "context": 8192,
}
SERVED = {"model": "mixtral-8x7b", "quantization": "awq", "gpu": "A100 40GB", "tensor_parallel": 2}


def _answer(asked, catalog):
    return estimate_json(*estimated(asked, catalog))


@pytest.mark.parametrize("asked", [SPLIT, SERVED])
def test_every_key_is_there_and_every_byte_is_whole(catalog, asked):
    answer = _answer(asked, catalog)

    assert set(answer) >= KEYS | MORE_KEYS
    for device in (*answer["per_gpu"], answer["host"]):
        assert set(device) >= GPU_KEYS
        assert all(isinstance(value, int) for name, value in device.items() if name.endswith("_bytes"))


@pytest.mark.parametrize("asked", [SPLIT, SERVED])
def test_the_gpus_add_up_to_the_whole_and_the_parts_to_each(catalog, asked):
    answer = _answer(asked, catalog)

    for name in (*PARTS, "total_bytes"):
        assert answer[name] == sum(device[name] for device in answer["per_gpu"])
    for device in answer["per_gpu"]:
        assert device["total_bytes"] == sum(device[name] for name in PARTS)
        assert device["activation_bytes"] + device["cuda_graph_bytes"] <= device["compute_bytes"]
        assert device["non_torch_bytes"] <= device["overhead_bytes"]


def test_a_server_says_how_much_cache_it_has(catalog):
    answer = _answer(SERVED, catalog)

    assert answer["kv_cache_capacity_tokens"] > 8192
    assert answer["max_concurrency"] > 1


def test_without_a_gpu_the_verdict_is_unknown_and_the_bytes_are_there(catalog):
    answer = _answer({"model": "mixtral-8x7b", "quantization": "q4_k_m"}, catalog)

    assert answer["verdict"] == "unknown"
    assert answer["capacity_bytes"] is None
    assert answer["weights_bytes"] > 20 * 1024**3


def test_without_a_gpu_and_without_layers_on_one_everything_is_on_the_host(catalog):
    answer = _answer({"model": "mixtral-8x7b", "quantization": "q4_k_m", "gpu_layers": 0}, catalog)

    assert answer["per_gpu"] == []
    assert answer["total_bytes"] == 0
    assert answer["host"]["weights_bytes"] > 20 * 1024**3


def test_flags_and_a_line_of_json_give_the_same_answer(catalog, capsys):
    flags = ["--model", "mixtral-8x7b", "--quantization", "q4_k_m", "--gpu", "rtx 4090", "--gpu-count", "2"]

    assert main(["estimate", *flags, "--context", "8k", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == _answer(SPLIT, catalog)


def test_a_batch_answers_line_by_line_and_keeps_a_mistake_on_its_line(catalog):
    lines = [
        json.dumps(SPLIT),
        "not json",
        json.dumps({**SPLIT, "model": "no-such-model"}),
        "",
        json.dumps(SERVED),
        "[]",
    ]
    answers = [json.loads(line) for line in batch(lines, catalog)]

    assert [set(answer) == {"error"} for answer in answers] == [False, True, True, False, True]
    assert answers[0] == _answer(SPLIT, catalog)
    assert "no-such-model" in answers[2]["error"]


def test_a_batch_is_read_from_a_file(tmp_path, capsys):
    file = tmp_path / "asked.jsonl"
    file.write_text(f"{json.dumps(SPLIT)}\n{json.dumps(SERVED)}\n")

    assert main(["estimate", "--batch", str(file)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_what_an_engine_refuses_is_a_sentence(capsys):
    arguments = [
        "estimate",
        "--model",
        "mixtral-8x7b",
        "--quantization",
        "awq",
        "--gpu",
        "H100",
        "--tensor-parallel",
        "5",
    ]

    assert main(arguments) == 2
    assert "refuses" in capsys.readouterr().err


def test_a_person_sees_the_verdict_first_and_where_the_bytes_go(capsys):
    assert main(["estimate", "--model", "mixtral-8x7b", "--quantization", "awq", "--gpu", "A100 40GB"]) == 0
    said = capsys.readouterr().out

    assert said.startswith("✓ fits  Mixtral 8x7B AWQ on 1x A100 40GB")
    for part in ("weights", "KV cache", "compute", "overhead", "total", "can be had"):
        assert part in said


def test_why_puts_the_values_into_the_formulas(capsys):
    assert main(["why", "--model", "mixtral-8x7b", "--quantization", "awq", "--gpu", "A100 40GB"]) == 0
    said = capsys.readouterr().out

    assert "46,702,792,704 weights" in said
    assert "32 full layers x 8 KV heads x 256 x 2 bytes = 131,072 bytes per token" in said
    assert "bandwidth 1,555 GB/s" in said
    assert "from " in said


def test_why_explains_what_a_question_asked(capsys):
    assert main(["why", "mixtral 8x22b on A100 40GB"]) == 0

    assert "140,630,071,296 weights" in capsys.readouterr().out
