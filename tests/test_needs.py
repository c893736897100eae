"""What a judge needs, and one line for each thing that a machine has not got."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes.hub import model_hub
from judgebench import needs, prompts
from judgebench.errors import MissingPrerequisite
from judgebench.judges.card import JudgeCard, Weights, card_names, load_card
from judgebench.machine import Gpu, Machine
from judgebench.needs import fitting, gigabytes, look, memory, missing, needed, parameters, ready, room, sibling
from judgebench.spec import EvalConfig

GIGA = 10**9
CACHED = needs.checkpoints.cached
EVERYTHING = {"local": (), "quantized": (), "vllm": (), "ray": (), "train": ()}


def machine(*gpus: float, memory: float | None = 24, **fields: Any) -> Machine:
    """Return a machine with GPUs and main memory of so many GB, on which everything is installed."""
    cards = tuple(Gpu(f"GPU {size}", round(size * GIGA), round(size * GIGA)) for size in gpus)
    values = {"disk": 500 * GIGA, "lacking": EVERYTHING, "memory": None if memory is None else round(memory * GIGA)}
    return Machine(gpus=cards, **(values | fields))


def card(size: str | None = "7B", model: str = "transformers/us/judge-7b", **fields: Any) -> JudgeCard:
    weights = fields.pop("weights", {})
    return JudgeCard(
        name=fields.pop("name", "judge-7b"), family="pairwise", kind="fine-tuned", model=model, size=size,
        weights=None if weights is None else Weights(**weights), **fields,
    )  # fmt: skip


def config(**fields: Any) -> EvalConfig:
    return EvalConfig(judge="judge-7b", task="starter", **fields)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The repositories whose weights are on this disk; others are not."""
    found = {"us/judge-7b"}
    monkeypatch.setattr(needs.checkpoints, "cached", lambda repository, _revision=None: repository in found)
    return found


def lines(card: JudgeCard, machine: Machine, **options: Any) -> list[str]:
    found = missing(card, config(**options), machine)
    assert all("\n" not in line for line in found)
    return found


# -- sizes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "count"),
    [
        ("13B", 13e9),
        ("1.8B", 1.8e9),
        ("435M", 435e6),
        ("0.6b", 0.6e9),
        ("1T", 1e12),
        ("8x7B", 46.7e9),
        ("8x22B", 140.6e9),
        ("4x2B", 8e9),
        ("30B-A3B", 30e9),
        ("large", None),
        ("", None),
        (None, None),
    ],
)
def test_sizes_are_read(size: str | None, count: float | None) -> None:
    assert parameters(size) == count


def test_every_card_s_size_can_be_read() -> None:
    cards = [load_card(name) for name in card_names()]
    assert [c.name for c in cards if c.size is not None and parameters(c.size) is None] == []
    assert [c.name for c in cards if needs.provider(c) in needs.EXTRAS and c.size is None] == []


def test_memory_is_weights_and_a_stated_rest() -> None:
    assert memory(1e9) == memory(1e9, "float16") == memory(1e9, "bfloat16") == pytest.approx(2.2e9 + 1e9)
    assert memory(1e9, "float32") == pytest.approx(4.4e9 + 1e9)
    assert memory(0) == 1e9
    whole, eight, four = (memory(13e9, "float16", bits) for bits in ("none", "8bit", "4bit"))
    assert whole > eight > four > 13e9 / 2


def test_a_saved_model_takes_what_its_weights_are_said_to_take(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from fakes.tiny_models import make_tiny
    from judgebench.backends.base import Endpoint
    from judgebench.backends.local.loading import load_model

    folder = make_tiny(tmp_path, "llama", hidden_size=64, intermediate_size=256)
    for dtype in ("float32", "bfloat16"):
        model = load_model(Endpoint(str(folder), weights=Weights(dtype=dtype)))
        count = sum(parameter.numel() for parameter in model.parameters())
        said = memory(count, dtype) - needs.RUNTIME - needs.ROOM * needs.BYTES[dtype] * count
        assert said == pytest.approx(model.get_memory_footprint(), rel=0.01)
    assert torch.bfloat16 == model.dtype


def test_a_card_needs_memory_for_all_of_its_models() -> None:
    assert needed(card()) == memory(7e9)
    assert needed(card(weights={"dtype": "float32"})) == memory(7e9, "float32")
    assert needed(card(weights={"quantization": "8bit"})) == needed(card(), "8bit") == memory(7e9, "auto", "8bit")
    assert needed(card(weights={"reference": "us/policy"})) == memory(14e9)
    assert needed(card(size=None)) is None


def test_room_is_all_gpus_or_a_share_of_a_mac_s_memory_or_main_memory() -> None:
    assert room(machine(24, 24)) == 48 * GIGA
    assert room(machine(mps=True, memory=32)) == 24 * GIGA
    assert room(machine(memory=16)) == 16 * GIGA
    assert room(machine(memory=None)) is None


@pytest.mark.parametrize(
    ("free", "weights", "expected"),
    [
        (24, {}, "none"),
        (12, {}, "8bit"),
        (8, {}, "4bit"),
        (4, {}, None),
        (12, {"delta_of": "us/base"}, None),
        (12, {"quantization": "8bit"}, "8bit"),
        (8, {"quantization": "8bit"}, None),
    ],
)
def test_how_little_rounding_makes_it_fit(free: float, weights: Any, expected: str | None) -> None:
    assert fitting(card(weights=weights), machine(free)) == expected


def test_only_transformers_on_cuda_takes_fewer_bits() -> None:
    assert fitting(card(), machine(mps=True, memory=12)) is None
    assert fitting(card(), machine(memory=12)) is None
    assert fitting(card(model="vllm/us/judge-7b"), machine(12)) is None
    assert fitting(card(size=None), machine(1)) == fitting(card(), machine(memory=None)) == "none"


# -- devices ------------------------------------------------------------------------------------------------


def test_a_gpu_that_is_large_enough_lacks_nothing() -> None:
    assert look(card(), config(), machine(24)) == needs.Found()


def test_a_gpu_that_is_too_small_hears_of_fewer_bits_and_servers() -> None:
    (line,) = lines(card(), machine(12))
    assert line.startswith(
        "judge-7b needs about 16 GB of memory (7B parameters, 16bit); this machine's GPUs have 12 GB free."
    )
    assert "--quantization 8bit (9.8 GB)" in line
    assert "--backend vllm --base-url URL" in line
    (line,) = lines(card(weights={"dtype": "bfloat16", "delta_of": "us/judge-7b"}), machine(12))
    assert "bfloat16" in line
    assert "--quantization" not in line


def test_a_machine_without_a_gpu() -> None:
    (line,) = lines(card("13B"), machine(memory=24))
    assert "needs about 30 GB" in line
    assert "this machine has no GPU and 24 GB" in line
    (line,) = lines(card("13B"), machine(memory=64))
    assert "on a GPU; this machine has none" in line
    assert "--backend-option device=cpu" in line


def test_a_cpu_may_be_asked_for_and_small_models_need_not_ask() -> None:
    found = look(card("13B"), config(options={"device": "cpu"}), machine(memory=64))
    assert found.missing == ()
    assert found.notes == ("judge-7b runs on the CPU, for there is no GPU here: a judgment takes seconds to minutes",)
    small = look(card("1B"), config(), machine(memory=24))
    assert small.missing == ()
    assert "runs on the CPU" in small.notes[0]
    (line,) = lines(card("13B"), machine(80, memory=24), options={"device": "cpu"})
    assert "needs about 30 GB" in line


def test_a_mac_is_no_cpu() -> None:
    assert look(card(), config(), machine(mps=True, memory=32)) == needs.Found()
    (line,) = lines(card(), machine(mps=True, memory=16))
    assert "this machine has 12 GB" in line


def test_vllm_needs_a_gpu() -> None:
    (line,) = lines(card(None, "vllm/us/judge-7b"), machine())
    assert line.startswith("vLLM needs a GPU, and this machine has none. Type: --backend vllm --base-url URL")


def test_trouble_with_the_driver_is_passed_on() -> None:
    assert look(card(None), config(), machine(trouble="the driver is too old")).notes == ("the driver is too old",)


def test_a_smaller_judge_of_the_same_kind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"judge-1.5b": "1.5B", "judge-7b": "7B", "judge-13b": "13B", "judge-33b": "33B", "judge-7b-reasons": "7B", "judgement-3b": "3B"}  # fmt: skip
    monkeypatch.setattr(needs, "card_names", lambda: sorted(sizes))
    monkeypatch.setattr(needs, "load_card", lambda name: card(sizes[name], name=name))
    large = card("33B", name="judge-33b", weights={"delta_of": "us/judge-7b"})
    for space, expected in ((40, "judge-13b"), (20, "judge-7b"), (6, "judge-1.5b"), (3, None)):
        found = sibling(large, machine(space))
        assert (found and found.name) == expected
    found = sibling(large, machine(memory=64))
    assert found is not None
    assert found.name == "judge-1.5b", "the largest that a CPU runs unasked"
    (line,) = lines(large, machine(20))
    assert "--judge judge-7b (16 GB); or" in line


def test_siblings_of_the_real_cards() -> None:
    thirteen = load_card("judgelm-13b")
    found = sibling(thirteen, machine(20))
    assert found is not None
    assert found.name == "judgelm-7b"


# -- packages, weights, prompts, code -----------------------------------------------------------------------


def test_extras_that_are_not_installed() -> None:
    lacking = EVERYTHING | {
        "local": ("torch is missing", "peft 0.1 is not >=0.20"),
        "quantized": ("bitsandbytes is missing",),
    }
    (line,) = lines(card(), machine(24, lacking=lacking))
    assert (
        line
        == "judge-7b needs the extra local (torch is missing, peft 0.1 is not >=0.20). Type: pip install 'judgebench[local]'"
    )
    assert len(lines(card(weights={"quantization": "8bit"}), machine(24, lacking=lacking))) == 2
    assert lines(card(None, "vllm/us/judge-7b", needs=("local",)), machine(24, lacking=lacking)) == []
    assert lines(card(needs=("quantized", "gpu")), machine(24, lacking=EVERYTHING | {"quantized": ("x",)})) == [
        "judge-7b needs the extra quantized (x). Type: pip install 'judgebench[quantized]'"
    ]


def test_weights_are_downloaded_or_asked_for(here: set[str]) -> None:
    here.clear()
    found = look(card(revision="v1"), config(), machine(24))
    assert found.missing == ()
    (note,) = found.notes
    assert note.startswith(
        "the weights of us/judge-7b are not in the hub's cache. The run downloads them, about 14 GB;"
    )
    assert note.endswith("to do it beforehand, type: hf download us/judge-7b --revision v1")
    (line,) = lines(card(), machine(24, offline=True))
    assert "fetching is off" in line
    assert line.endswith("type: hf download us/judge-7b")


def test_adapters_bases_and_references_are_weights_too() -> None:
    weights = {"adapter": "us/lora@v2", "delta_of": "us/base", "reference": "us/policy"}
    found = lines(card(weights=weights), machine(80, offline=True))
    assert [line.rpartition("hf download ")[2] for line in found] == ["us/lora --revision v2", "us/base", "us/policy"]


def test_a_disk_that_is_too_small(here: set[str]) -> None:
    here.clear()
    (line,) = lines(card(), machine(24, disk=3 * GIGA))
    assert "take about 14 GB, and the disk has 3.0 GB left" in line


def test_a_gated_repository_needs_a_token(here: set[str]) -> None:
    gated = card(needs=("local", "gated"))
    assert lines(gated, machine(24)) == [], "it is here already"
    here.clear()
    (line,) = lines(gated, machine(24))
    assert (
        line == "us/judge-7b is gated. Ask for access at https://huggingface.co/us/judge-7b, then type: hf auth login"
    )
    assert lines(gated, machine(24, token=True)) == []


def test_prompts_that_are_not_cached_matter_only_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = load_card("vanilla").model_copy(update={"model": "transformers/us/judge-7b", "size": "7B"})
    assert lines(pinned, machine(24)) == []
    (line,) = lines(pinned, machine(24, offline=True))
    assert line.startswith("prompts that vanilla renders are not cached")
    assert line.endswith("type: judgebench prompts fetch vanilla_prompt")
    monkeypatch.setattr(prompts.Pin, "state", "cached")
    assert lines(pinned, machine(24, offline=True)) == []


def test_prompts_that_a_family_chooses_count_too() -> None:
    found = lines(load_card("judgelm-7b"), machine(24, offline=True))
    (line,) = [line for line in found if "judgebench prompts fetch" in line]
    assert {"judgelm_prompt", "judgelm_system"} <= set(line.split())


def test_a_family_that_is_not_installed_is_a_line() -> None:
    (line,) = lines(card().model_copy(update={"family": "pairwisee"}), machine(24, offline=True))
    assert "unknown judge family 'pairwisee'. Did you mean pairwise" in line


def test_code_of_the_repository_is_asked_for_with_the_card_s_reason() -> None:
    coded = card(weights={"remote_code": "its head is not in transformers"})
    (line,) = lines(coded, machine(24))
    assert "its head is not in transformers" in line
    assert line.endswith("type: --trust-remote-code")
    assert lines(coded, machine(24), trust_remote_code=True) == []


def test_models_elsewhere_need_nothing_here(here: set[str]) -> None:
    here.clear()
    nowhere = machine(memory=1, lacking={"local": ("torch is missing",)}, offline=True)
    for model, options in (
        ("openai/us/judge-7b", {}),
        ("vllm/us/judge-7b", {"base_url": "http://localhost:8000/v1"}),
    ):
        assert look(card(model=model), config(**options), nowhere) == needs.Found()
        assert ready(card(model=model), config(**options)) == []


def test_ray_s_nodes_have_devices_of_their_own(here: set[str]) -> None:
    here.clear()
    driver = machine(memory=1, lacking=EVERYTHING | {"ray": ("ray is missing",)})
    assert lines(card(), driver, engine="ray") == [
        "judge-7b needs the extra ray (ray is missing). Type: pip install 'judgebench[ray]'"
    ]


# -- before a run -------------------------------------------------------------------------------------------


def test_all_that_is_missing_is_said_at_once(here: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    here.clear()
    monkeypatch.setattr(needs, "here", lambda: machine(memory=8, lacking=EVERYTHING | {"local": ("torch is missing",)}))
    with pytest.raises(MissingPrerequisite) as error:
        ready(card("13B"), config())
    found = str(error.value).split("\n")
    assert len(found) == 3
    assert all("ype: " in line for line in found)
    monkeypatch.setattr(needs, "here", lambda: machine(80))
    assert len(ready(card("13B"), config())) == 1


def test_an_evaluation_is_refused_before_anything_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from judgebench import evaluate

    monkeypatch.setattr(needs, "here", lambda: machine(memory=8, offline=True))
    with pytest.raises(MissingPrerequisite, match="judgelm-13b needs about 30 GB"):
        evaluate("judgelm-13b", "starter", runs=str(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


def test_a_finished_run_needs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from judgebench.evaluation import check, prepare

    monkeypatch.setattr(needs, "here", lambda: machine(memory=8, offline=True))
    plan = prepare("judgelm-13b", "starter", runs=str(tmp_path / "runs"))
    with pytest.raises(MissingPrerequisite):
        check(plan)
    plan.directory.mkdir(parents=True)
    (plan.directory / "result.json").touch()
    assert check(plan) == []


def test_the_command_line_says_each_thing_in_a_line_and_ends_with_2(tmp_path: Path) -> None:
    """On whatever machine this runs: without its GPUs, its hub cache and its network."""
    hidden = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "judgebench", "eval", "--judge", "longest", "--judge", "judgelm-13b"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | hidden, check=False, timeout=120
    )
    assert done.returncode == 2
    assert done.stdout == ""
    said = done.stderr.strip().split("\n")
    assert said[0].startswith("judgebench: ")
    assert all("ype: " in line for line in said)
    assert [line for line in said if line.endswith("type: hf download BAAI/JudgeLM-13B-v1.0")]
    assert not (tmp_path / "runs").exists(), "the first judge ran before the second was checked"


def test_gigabytes_are_words() -> None:
    assert [gigabytes(value) for value in (26.4e9, 9.84e9, 4e8)] == ["26 GB", "9.8 GB", "0.4 GB"]


def test_the_hub_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs.checkpoints, "cached", CACHED)
    with model_hub(monkeypatch, tmp_path / "cache") as hub:
        assert len(look(card(), config(), machine(24)).notes) == 1
    assert hub.asked == []
