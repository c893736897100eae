"""Loading tiny models as cards say: the same numbers as the libraries give, complete, or one clear line."""

import json
import logging
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from fakes.tiny_models import make_tiny, tiny_tokenizer
from judgebench.backends.base import Endpoint
from judgebench.backends.local import loading
from judgebench.backends.local.loading import device_name, facts, load_model, load_tokenizer, resolved_revision
from judgebench.errors import JudgebenchError, MissingPrerequisite, PermanentError, UsageError
from judgebench.judges.card import Weights

torch = pytest.importorskip("torch")
IDS = [[1, 70, 80, 90, 100, 110]]
SEQUENCE = "AutoModelForSequenceClassification"


def endpoint(model: Path, options: dict[str, Any] | None = None, *, trust: bool = False, **weights: Any) -> Endpoint:
    return Endpoint(str(model), weights=Weights(**weights), options=options or {}, trust_remote_code=trust)


def logits(model: Any) -> Any:
    with torch.no_grad():
        return model(input_ids=torch.tensor(IDS)).logits.double()


def one_line(error: pytest.ExceptionInfo[JudgebenchError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("models") / "llama", "llama", attention_dropout=0.5)


# -- models -------------------------------------------------------------------------------------------------


def test_a_model_comes_ready_for_inference_and_says_what_it_is(llama: Path) -> None:
    model = load_model(endpoint(llama))
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert logits(model).equal(logits(model)), "dropout is on"
    assert device_name(model) == "cpu"
    assert resolved_revision(model) is None
    assert facts(model) == {"device": "cpu", "dtype": "float32", "attention": "sdpa", "quantization": "none"}


@pytest.mark.parametrize(
    ("shape", "auto"),
    [
        ("llama", "AutoModelForCausalLM"),
        ("gemma2", SEQUENCE),
        ("qwen2", SEQUENCE),
        ("gpt-neox", "AutoModelForCausalLM"),
        ("deberta", SEQUENCE),
    ],
)
def test_every_shape_gives_the_numbers_of_the_library(shape: Any, auto: str, tmp_path: Path) -> None:
    import transformers

    head = "causal" if auto.endswith("CausalLM") else "sequence-classification"
    folder = make_tiny(tmp_path / "model", shape, head)
    direct = getattr(transformers, auto).from_pretrained(folder).eval()
    assert logits(load_model(endpoint(folder), auto)).equal(logits(direct))
    assert logits(load_model(endpoint(folder), getattr(transformers, auto))).equal(logits(direct))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_the_dtype_is_the_card_s(dtype: Any, llama: Path) -> None:
    model = load_model(endpoint(llama, dtype=dtype))
    assert {parameter.dtype for parameter in model.parameters()} == {getattr(torch, dtype)}
    assert facts(model)["dtype"] == dtype


def test_without_a_dtype_it_is_the_checkpoint_s(llama: Path, tmp_path: Path) -> None:
    load_model(endpoint(llama, dtype="bfloat16")).save_pretrained(tmp_path)
    assert facts(load_model(endpoint(tmp_path)))["dtype"] == "bfloat16"


def test_arguments_reach_the_library(llama: Path) -> None:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(llama, rms_norm_eps=0.5)
    changed = load_model(endpoint(llama), config=config)
    assert not logits(changed).equal(logits(load_model(endpoint(llama))))


def test_a_head_that_the_checkpoint_has_not_got_is_refused_not_random(llama: Path) -> None:
    with pytest.raises(PermanentError, match=r"holds no score\.weight, which .* Is weights\.head") as error:
        load_model(endpoint(llama), SEQUENCE)
    one_line(error)
    load_model(endpoint(llama), SEQUENCE, absent=["score"])


def test_another_model_is_loaded_without_the_endpoint_s_own_adapter_and_delta(llama: Path, tmp_path: Path) -> None:
    policy = endpoint(tmp_path / "policy", adapter="nobody/nothing", delta_of="nobody/nothing")
    reference = load_model(policy, repository=str(llama))
    assert logits(reference).equal(logits(load_model(endpoint(llama))))


# -- tokenizers ---------------------------------------------------------------------------------------------


def test_the_tokenizer_is_the_model_s_or_the_one_that_the_card_names(llama: Path, tmp_path: Path) -> None:
    tiny_tokenizer("deberta").save_pretrained(tmp_path)
    own, named = load_tokenizer(endpoint(llama)), load_tokenizer(endpoint(llama, tokenizer=str(tmp_path)))
    assert own("a").input_ids != named("a").input_ids
    assert named.pad_token == "<pad>"


def test_a_tokenizer_without_padding_pads_with_its_end(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer("llama")
    tokenizer.pad_token = None
    tokenizer.save_pretrained(tmp_path)
    assert load_tokenizer(endpoint(tmp_path)).pad_token == "</s>"


# -- attention and quantization -----------------------------------------------------------------------------


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_attention_is_the_card_s(attention: Any, llama: Path) -> None:
    assert facts(load_model(endpoint(llama, attention=attention)))["attention"] == attention


def test_a_soft_cap_takes_eager_attention(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gemma = make_tiny(tmp_path / "gemma", "gemma2", "sequence-classification")
    assert facts(load_model(endpoint(gemma), SEQUENCE))["attention"] == "eager"
    with pytest.raises(UsageError, match="sdpa cannot cap scores as gemma2 does. Type: --attention eager"):
        load_model(endpoint(gemma, attention="sdpa"), SEQUENCE)
    with caplog.at_level(logging.WARNING):
        model = load_model(endpoint(gemma, attention="flash_attention_2"), SEQUENCE)
    assert facts(model)["attention"] == "eager"
    assert "eager attention computes the same" in caplog.text


def test_flash_attention_that_is_not_here_is_said(llama: Path) -> None:
    with pytest.raises(MissingPrerequisite, match="pip install flash-attn .* or --attention sdpa") as error:
        load_model(endpoint(llama, attention="flash_attention_2"))
    one_line(error)


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is here")
def test_quantization_names_its_extra(llama: Path) -> None:
    with pytest.raises(MissingPrerequisite, match=r"pip install 'judgebench\[quantized\]'") as error:
        load_model(endpoint(llama, quantization="4bit"))
    one_line(error)


@pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="bitsandbytes is not here")
@pytest.mark.parametrize(("quantization", "alike"), [("8bit", 0.99), ("4bit", 0.8)])
def test_quantized_models_are_close_and_smaller(quantization: Any, alike: float, tmp_path: Path) -> None:
    llama = make_tiny(tmp_path / "wide", "llama", hidden_size=128, intermediate_size=256)
    model, whole = load_model(endpoint(llama, quantization=quantization)), load_model(endpoint(llama))
    assert facts(model)["quantization"] == quantization
    assert model.get_memory_footprint() < whole.get_memory_footprint()
    cosine = torch.nn.functional.cosine_similarity(logits(model).flatten(), logits(whole).flatten(), dim=0)
    assert alike < cosine < 1 - 1e-6


def test_four_bits_are_nf4_in_the_card_s_dtype(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "find_spec", lambda _name: object())
    for dtype, compute in (("auto", torch.bfloat16), ("float16", torch.float16)):
        config = loading._quantization(Weights(quantization="4bit", dtype=dtype))
        assert (config.load_in_4bit, config.bnb_4bit_quant_type) == (True, "nf4")
        assert config.bnb_4bit_compute_dtype == compute
    assert loading._quantization(Weights(quantization="8bit")).load_in_8bit


def test_a_sum_cannot_be_quantized(monkeypatch: pytest.MonkeyPatch, llama: Path) -> None:
    monkeypatch.setattr(loading, "find_spec", lambda _name: object())
    with pytest.raises(UsageError, match="--quantization 8bit cannot be had: the weights are a delta"):
        load_model(endpoint(llama, quantization="8bit", delta_of=str(llama)))


# -- adapters -----------------------------------------------------------------------------------------------


def write_adapter(base: Path, folder: Path, auto: str = "AutoModelForCausalLM", task: str = "CAUSAL_LM") -> Any:
    """Write a random LoRA adapter and return the logits of base and adapter unmerged."""
    import transformers
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    model = getattr(transformers, auto).from_pretrained(base, **({"num_labels": 1} if "Sequence" in auto else {}))
    config = LoraConfig(r=4, task_type=task, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for an attribute of old
        adapted = get_peft_model(model, config).eval()
        adapted.save_pretrained(folder)
    return logits(adapted)


def test_an_adapter_is_merged(llama: Path, tmp_path: Path) -> None:
    expected = write_adapter(llama, tmp_path)
    model = load_model(endpoint(llama, adapter=str(tmp_path)))
    assert type(model).__name__ == "LlamaForCausalLM"
    assert not any("lora" in name for name, _ in model.named_parameters())
    assert (logits(model) - expected).abs().max() < 1e-5
    assert (logits(load_model(endpoint(llama))) - expected).abs().max() > 1e-2
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_an_adapter_may_bring_the_head(llama: Path, tmp_path: Path) -> None:
    expected = write_adapter(llama, tmp_path, SEQUENCE, "SEQ_CLS")
    model = load_model(endpoint(llama, adapter=str(tmp_path)), SEQUENCE, num_labels=1)
    assert (logits(model) - expected).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"num_hidden_layers": 1}, "made for another model"),
        ({"num_hidden_layers": 3}, "made for another model"),
        ({"hidden_size": 16}, "their shapes are not those"),
    ],
)
def test_an_adapter_of_another_model_is_refused(changed: Any, what: str, llama: Path, tmp_path: Path) -> None:
    write_adapter(make_tiny(tmp_path / "other", "llama", **changed), tmp_path / "adapter")
    with pytest.raises(PermanentError, match=f"the adapter of .*{what}") as error:
        load_model(endpoint(llama, adapter=str(tmp_path / "adapter")))
    one_line(error)


def test_a_folder_without_an_adapter_is_said(llama: Path, tmp_path: Path) -> None:
    with pytest.raises(JudgebenchError, match="the adapter of .*adapter_config.json") as error:
        load_model(endpoint(llama, adapter=str(tmp_path)))
    one_line(error)


# -- deltas -------------------------------------------------------------------------------------------------


def test_a_delta_and_its_base_make_the_model(llama: Path, tmp_path: Path) -> None:
    """Both in 16 bits, as such checkpoints are released; the tuned model has one token more."""
    import transformers

    base = load_model(endpoint(llama, dtype="float16"))
    torch.manual_seed(2)
    rows = base.config.vocab_size + 1
    tuned = transformers.LlamaForCausalLM(transformers.LlamaConfig(**base.config.to_dict() | {"vocab_size": rows}))
    tuned = tuned.to(torch.float16).eval()
    base.save_pretrained(tmp_path / "base")
    weights = dict(base.named_parameters())
    delta = {name: weight.clone() for name, weight in tuned.state_dict().items()}
    for name, weight in delta.items():
        weight[: len(weights[name])] -= weights[name]
    tuned.save_pretrained(tmp_path / "delta", state_dict=delta)
    model = load_model(endpoint(tmp_path / "delta", delta_of=str(tmp_path / "base")))
    assert model.config.vocab_size == rows
    for name, weight in model.state_dict().items():
        assert weight.dtype == torch.float16
        assert (weight - tuned.state_dict()[name]).abs().max() < 2e-3, name
    assert model.lm_head.weight[-1].equal(tuned.lm_head.weight[-1]), "the token that the base does not know"


# -- code ---------------------------------------------------------------------------------------------------

CODE = """
from pathlib import Path
from transformers import LlamaForCausalLM

Path(__file__).with_name("ran").touch()
Path({marker!r}).touch()


class Mine(LlamaForCausalLM):
    pass
"""


@pytest.fixture
def with_code(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A repository with Python code of its own, and the file that appears when it runs."""
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(tmp_path / "modules")
    folder, marker = tmp_path / "coded", tmp_path / "marker"
    load_model(endpoint(llama)).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["model_type"] = "mine"
    config["auto_map"] = {"AutoConfig": "mine.MineConfig", "AutoModelForCausalLM": "mine.Mine"}
    (folder / "config.json").write_text(json.dumps(config))
    code = CODE.format(marker=str(marker)).replace(
        "LlamaForCausalLM\n\nPath", "LlamaConfig, LlamaForCausalLM\n\nPath", 1
    )
    code += "\n\nclass MineConfig(LlamaConfig):\n    model_type = 'mine'\n\n\nMine.config_class = MineConfig\n"
    (folder / "mine.py").write_text(code)
    return folder, marker


def test_code_runs_only_when_the_card_says_why_and_the_user_says_so(with_code: tuple[Path, Path]) -> None:
    folder, marker = with_code
    with pytest.raises(MissingPrerequisite, match="its own layers.*type: --trust-remote-code") as error:
        load_model(endpoint(folder, remote_code="its own layers."))
    one_line(error)
    with pytest.raises(MissingPrerequisite, match=r"no card says why.*weights\.remote_code") as error:
        load_model(endpoint(folder, trust=True))
    one_line(error)
    assert not marker.exists()
    model = load_model(endpoint(folder, trust=True, remote_code="its own layers."))
    assert marker.exists()
    assert type(model).__name__ == "Mine"


# -- devices ------------------------------------------------------------------------------------------------


class Cuda:
    """A machine with GPUs, each with so many free bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *free: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(free))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (free[index], 80 * 10**9))


def place(model: Path, **options: Any) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    return loading._placement(endpoint(model, options), AutoConfig.from_pretrained(model), AutoModelForCausalLM)


@pytest.mark.parametrize(
    ("free", "expected"),
    [((), {"": "cpu"}), ((5 * 10**9,), {"": 0}), ((2 * 10**9, 6 * 10**9), {"": 1}), ((10**8, 10**8), "auto")],
)
def test_a_model_goes_where_it_fits(free: tuple[int, ...], expected: Any, llama: Path, monkeypatch: Any) -> None:
    Cuda(monkeypatch, *free)
    assert place(llama) == expected


def test_the_user_may_say_where(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Cuda(monkeypatch, 10**10, 10**10)
    assert place(llama, device="cpu") == {"": torch.device("cpu")}
    assert place(llama, device="cuda:1") == {"": torch.device("cuda:1")}
    assert place(llama, device_map="balanced") == "balanced"
    with pytest.raises(MissingPrerequisite, match="device cuda:2: this machine has 2 CUDA GPUs"):
        place(llama, device="cuda:2")
    with pytest.raises(UsageError, match="device 'gpu': no such device"):
        place(llama, device="gpu")


def test_memory_is_told_from_the_shape(llama: Path) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    count = sum(parameter.numel() for parameter in load_model(endpoint(llama)).parameters())
    config = AutoConfig.from_pretrained(llama)
    assert loading._memory(endpoint(llama), config, AutoModelForCausalLM) == pytest.approx(1e9 + count * 4 * 1.1)
    half = endpoint(llama, dtype="float16")
    assert loading._memory(half, config, AutoModelForCausalLM) == pytest.approx(1e9 + count * 2 * 1.1)


def test_several_gpus_are_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Parameter:
        def __init__(self, device: str) -> None:
            self.device = torch.device(device)

    class Model:
        def parameters(self) -> list[Parameter]:
            return [Parameter(name) for name in ("cuda:0", "cuda:1", "cuda:0", "cpu")]

    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "NVIDIA H100")
    assert device_name(Model()) == "2 x NVIDIA H100, cpu"
