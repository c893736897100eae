"""Heads with layers of the checkpoint's own: the same scores as those layers by hand, one conversation at a time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.ranked import TEXTS, alone, each, endpoint, loaded, near, scores
from fakes.tiny_models import make_tiny
from fakes.tiny_rankers import (
    PATTERN,
    SIZE,
    drawn,
    linear,
    make_distribution,
    make_gated,
    make_released_file,
    make_value,
    mlp,
    with_config,
    with_layers,
)
from judgebench import registry
from judgebench.backends.local.heads.layers import overwrite, stack, under
from judgebench.errors import JudgebenchError, MissingPrerequisite, PermanentError, UsageError
from judgebench.judges.card import Context

SIZES = (1, 2, 5)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def backbone(path: Path) -> Callable[[Any], Any]:
    """Return what makes the last layer's output, [length, size], of a conversation's tokens."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(path).eval()
    return lambda ids: model(ids).last_hidden_state[0]


def dense(tensors: dict[str, Any], name: str, value: Any) -> Any:
    return value @ tensors[f"{name}.weight"].T + tensors.get(f"{name}.bias", 0)


# -- value heads -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("shape", ["llama", "gemma2", "qwen2", "gpt-neox"])
def test_a_perceptron_over_the_last_token(shape: str, side: Any, size: int, tmp_path: Path) -> None:
    path = make_value(tmp_path / "grm", shape)
    hidden = backbone(path)

    def by_hand(ids: Any) -> Any:
        inner = dense(mlp(), "v_head.summary.0", hidden(ids)[-1]).relu()
        return dense(mlp(), "v_head.summary.2", inner)

    head = loaded(path, "value", layers="v_head.summary")
    head.side = side
    assert scores(head, each(), size) == near(alone(path, each(), by_hand))


@pytest.mark.parametrize("bias", [True, False])
def test_a_single_layer_needs_no_number(bias: bool, tmp_path: Path) -> None:
    tensors = linear("regression_head", 1, SIZE, 3, bias=bias)
    path = make_value(tmp_path / "rm", tensors=tensors)
    hidden = backbone(path)
    own = alone(path, each(), lambda ids: dense(tensors, "regression_head", hidden(ids)[-1]))
    assert scores(loaded(path, "value", layers="regression_head"), each()) == near(own)
    assert scores(loaded(path, "value", layers="regression_head", negate=True), each()) == near([-one for one in own])


def test_another_activation(tmp_path: Path) -> None:
    path = make_value(tmp_path / "rm")
    hidden = backbone(path)

    def by_hand(ids: Any) -> Any:
        return dense(mlp(), "v_head.summary.2", dense(mlp(), "v_head.summary.0", hidden(ids)[-1]).tanh())

    head = loaded(path, "value", layers="v_head.summary", activation="Tanh")
    assert scores(head, each()) == near(alone(path, each(), by_hand))


def test_a_backbone_under_another_name(tmp_path: Path) -> None:
    """Starling-RM-34B calls its backbone `transformer`."""
    plain = make_value(tmp_path / "plain", tensors=linear("v_head", 1, SIZE, 3, bias=False))
    renamed = with_layers(make_value(tmp_path / "named", tensors=linear("v_head", 1, SIZE, 3, bias=False)), {},
                          ("model.", "transformer."))  # fmt: skip
    assert scores(loaded(renamed, "value", backbone="transformer"), each()) == scores(loaded(plain, "value"), each())
    with pytest.raises(JudgebenchError, match="holds no embed_tokens"):
        loaded(renamed, "value")


def test_a_model_type_that_transformers_does_not_know(tmp_path: Path) -> None:
    """The OASST models' configuration names a type of their own."""
    tensors = linear("out_proj", 1, SIZE, 3)
    path = make_value(tmp_path / "oasst", "gpt-neox", tensors)
    hidden = backbone(path)
    own = alone(path, each(), lambda ids: dense(tensors, "out_proj", hidden(ids)[-1]))
    with_config(path, model_type="gpt_neox_reward_model", pooling="last")
    assert scores(loaded(path, "value", layers="out_proj", architecture="gpt_neox"), each()) == near(own)
    with pytest.raises(JudgebenchError, match="does not know the model"):
        loaded(path, "value", layers="out_proj")


def test_one_file_over_another_model(tmp_path: Path) -> None:
    """Starling-RM-7B is one file of tensors; configuration and tokenizer are Llama-2-Chat's."""
    base = tmp_path / "base"
    path = make_released_file(tmp_path / "starling", base)
    hidden = backbone(tmp_path / "other")
    own = alone(base, each(), lambda ids: dense(linear("v_head", 1, SIZE, 3, bias=False), "v_head", hidden(ids)[-1]))
    head = loaded(path, "value", base=str(base), file="*.pt", tokenizer=str(base))
    for size in SIZES:
        assert scores(head, each(), size) == near(own)


def test_the_released_file_must_be_one_and_whole(tmp_path: Path) -> None:
    import torch

    base = tmp_path / "base"
    path = make_released_file(tmp_path / "starling", base)
    options = {"base": str(base), "tokenizer": str(base)}
    with pytest.raises(PermanentError, match=r"has 0 files named \*\.bin, not one"):
        loaded(path, "value", file="*.bin", **options)
    state = torch.load(path / "released.pt", weights_only=True)
    torch.save({name: tensor for name, tensor in state.items() if "layers.1.mlp.up" not in name}, path / "released.pt")
    with pytest.raises(PermanentError, match=r"released\.pt of .* does not hold the 20 weights of LlamaModel"):
        loaded(path, "value", file="*.pt", **options)


def test_layers_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="v_head of .* is not in the checkpoint") as error:
        loaded(make_tiny(tmp_path / "plain", "llama"), "value")
    assert "\n" not in str(error.value)


def test_layers_of_several_outputs_are_no_value(tmp_path: Path) -> None:
    path = make_value(tmp_path / "rm", tensors=linear("v_head", 4, SIZE, 3))
    with pytest.raises(PermanentError, match="gives 4 numbers, not one"):
        loaded(path, "value")


# -- layers ----------------------------------------------------------------------------------------------


def test_layers_stand_in_the_order_of_their_numbers() -> None:
    import torch

    sizes = {2: (4, 6), 10: (3, 4), 0: (6, 5)}
    tensors = {name: t for step, shape in sizes.items() for name, t in linear(str(step), *shape, seed=step).items()}
    module = stack(tensors, "ReLU", "x")
    value = drawn(2, 5, seed=9)
    with torch.inference_mode():
        expected = dense(tensors, "10", dense(tensors, "2", dense(tensors, "0", value).relu()).relu())
        assert torch.allclose(module(value), expected, atol=1e-6)


def test_tensors_are_told_by_whole_names() -> None:
    named = [("gate.0.weight", drawn(2)), ("gateway.weight", drawn(2)), ("scale", drawn(1))]
    assert {prefix: list(found) for prefix, found in under(named, "gate", "scale").items()} == {
        "gate": ["0.weight"], "scale": [""],
    }  # fmt: skip


def test_overwriting_refuses_other_shapes() -> None:
    from torch import nn

    model = nn.Linear(3, 2)
    with pytest.raises(PermanentError, match="the file does not hold the 2 weights of Linear"):
        overwrite(model, {"a.weight": drawn(2, 4), "a.bias": drawn(2)}, "the file")
    overwrite(model, {"a.weight": drawn(2, 3), "a.bias": drawn(2)}, "the file")
    assert (model.weight == drawn(2, 3)).all()


# -- mixtures --------------------------------------------------------------------------------------------


def gated_by_hand(path: Path, quantiles: int, *, norm: bool) -> Callable[[Any], Any]:
    import torch
    from safetensors.torch import load_file

    hidden, state = backbone(path), load_file(path / "model.safetensors")

    def normalise(name: str, value: Any) -> Any:
        mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        return (value - mean) / (var + 1e-5).sqrt() * state[f"{name}.weight"] + state[f"{name}.bias"]

    def gate(value: Any) -> Any:
        if not norm:
            return dense(state, "gating.layers.1", dense(state, "gating.layers.0", value).relu())
        for step in (0, 3):
            value = normalise(f"gating.layers.{step + 2}", dense(state, f"gating.layers.{step}", value).relu())
        return dense(state, "gating.layers.6", value)

    def by_hand(ids: Any) -> Any:
        tokens = hidden(ids)
        announced = (ids[0] == 5).nonzero()[-1]  # <|assistant|>
        objectives = dense(state, "regression_layer", tokens[-1]).reshape(3, quantiles).mean(-1)
        weights = torch.softmax(gate(tokens[announced])[0] / 2.0, -1) * state["gating.logit_scale"]
        return weights @ (objectives @ state["reward_transform_matrix"])

    return by_hand


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("quantiles", "norm"), [(1, False), (5, True)])
def test_a_gate_reads_the_question_and_weighs_objectives(quantiles: int, norm: bool, size: int, tmp_path: Path) -> None:
    path = make_gated(tmp_path / "armo", quantiles, norm=norm)
    own = alone(path, each(), gated_by_hand(path, quantiles, norm=norm))
    assert scores(loaded(path, "gated", pattern=PATTERN), each(), size) == near(own)


def test_a_response_cannot_move_the_gate(tmp_path: Path) -> None:
    head = loaded(make_gated(tmp_path / "armo"), "gated", pattern=PATTERN)
    (row,) = head.rows(each("four<|assistant|>five"))
    assert head._announced(row) == row.start - 1


def test_a_conversation_without_the_pattern_is_refused(tmp_path: Path) -> None:
    path = make_gated(tmp_path / "armo")
    head = loaded(path, "gated", pattern="<|system|>")
    with pytest.raises(PermanentError, match=r"reads its gate at '<\|system\|>', which is not in the conversation"):
        head.score(head.rows(each()))
    short = loaded(path, "gated", Context(limit=5, side="left"), pattern=PATTERN)
    with pytest.raises(PermanentError, match="or a cut took it away"):
        short.score(short.rows(each()))


def test_a_mixture_that_lacks_a_part_is_refused(tmp_path: Path) -> None:
    path = make_value(
        tmp_path / "rm", tensors=linear("regression_layer", 3, SIZE, 1) | linear("gating.layers.0", 3, SIZE, 2)
    )
    with pytest.raises(PermanentError, match=r"gating\.logit_scale of .* is not in the checkpoint"):
        loaded(path, "gated")


@pytest.mark.parametrize("softmax", [True, False])
def test_a_mixture_of_distributions(softmax: bool, tmp_path: Path) -> None:
    import torch

    path = with_config(make_distribution(tmp_path / "ldl"), softmax=softmax)
    regression, gate = (torch.load(path / f"{name}_layer.pt", weights_only=True) for name in ("regression", "gating"))
    hidden = backbone(path)

    def leaky(value: Any) -> Any:
        return torch.where(value < 0, value * 0.01, value)

    def by_hand(ids: Any) -> Any:
        end = hidden(ids)[-1]
        chances = dense(regression, "network.2", leaky(dense(regression, "network.0", end))).reshape(4, 10).softmax(-1)
        weights = dense(gate, "network.3", leaky(dense(gate, "network.0", end)))
        weights = (weights / 1.5).softmax(-1) if softmax else weights
        return (weights @ chances) @ (torch.arange(10) / 9)

    head = loaded(path, "distribution")
    for size in SIZES:
        assert scores(head, each(), size) == near(alone(path, each(), by_hand))


def test_files_that_are_missing_or_damaged_are_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_distribution(tmp_path / "ldl")
    (path / "gating_layer.pt").write_bytes(b"PK broken")
    with pytest.raises(JudgebenchError, match=r"gating_layer\.pt of .* cannot be loaded: ") as error:
        loaded(path, "distribution")
    assert "\n" not in str(error.value)
    (path / "gating_layer.pt").unlink()
    with pytest.raises(
        JudgebenchError, match=r"gating_layer\.pt of .* cannot be loaded: there is no file named gating"
    ):
        loaded(path, "distribution")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for options in ({"architecture": "gpt_neox"}, {"base": "x/y", "file": "*.pt"}):
        head = registry.load("heads", "value")(endpoint(Path("nobody/nothing"), "value", **options))
        with pytest.raises(MissingPrerequisite, match="hf download nobody/nothing"):
            head.loaded()


# -- the repository's own code ---------------------------------------------------------------------------

CODE = """
import torch
from torch import nn
from types import SimpleNamespace
from transformers import LlamaModel, LlamaPreTrainedModel, LlamaConfig


class Own(LlamaPreTrainedModel):
    config_class = LlamaConfig

    def __init__(self, config):
        super().__init__(config)
        self.model = LlamaModel(config)
        self.out = nn.Linear(config.hidden_size, 2, bias=False)
        self.end_id = 9
        self.post_init()

    def forward(self, input_ids, attention_mask=None):
        hidden = self.model(input_ids, attention_mask=attention_mask).last_hidden_state
        ends = attention_mask.cumsum(1).argmax(1)
        scores = self.out(hidden)[torch.arange(len(ends)), ends]
        return SimpleNamespace(score=scores, rewards=(None, scores), whole=hidden, told=lambda: scores[:, 1])
"""
REASON = "the model is an object of the repository's own"


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a model that only its own code can run."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    path = make_value(tmp_path / "own", tensors=linear("out", 2, SIZE, 3, bias=False))
    (path / "modeling_own.py").write_text(CODE)
    return with_config(path, auto_map={"AutoModel": "modeling_own.Own"}, architectures=["Own"])


def by_hand(path: Path, column: int, end: tuple[int, ...] = ()) -> list[float]:
    import torch
    from transformers import LlamaModel

    model, out = LlamaModel.from_pretrained(path).eval(), linear("out", 2, SIZE, 3, bias=False)

    def read(ids: Any) -> Any:
        ids = torch.cat([ids, torch.tensor([end], dtype=ids.dtype)], 1) if end else ids
        return dense(out, "out", model(ids).last_hidden_state[0, -1])[column]

    return alone(path, each(), read)


@pytest.mark.parametrize("padding", ["right", "left", "none"])
@pytest.mark.parametrize(
    ("options", "column"),
    [({"read": "score"}, 0), ({"read": "score", "index": 1}, 1), ({"read": "rewards.1"}, 0), ({"read": "told"}, 1)],
)
def test_what_the_code_returns_is_read_by_its_name(options: Any, column: int, padding: str, remote: Path) -> None:
    head = loaded(remote, "remote", trust=True, remote_code=REASON, padding=padding, **options)
    assert scores(head, each()) == near(by_hand(remote, column))
    assert scores(loaded(remote, "remote", trust=True, remote_code=REASON, negate=True, **options), each()) == near(
        [-one for one in by_hand(remote, column)]
    )


@pytest.mark.parametrize("token", [9, "end_id"])
def test_a_token_is_appended_once_and_within_the_budget(token: Any, remote: Path) -> None:
    options = {"trust": True, "remote_code": REASON, "read": "score"}
    head = loaded(remote, "remote", append=token, **options)
    assert scores(head, each()) == near(by_hand(remote, 0, (9,)))
    short = loaded(remote, "remote", Context(limit=20), append=token, **options)
    assert [len(row) for row in short.rows(each())] == [20] * len(TEXTS)
    assert {row.ids[-2:] for row in short.rows(each())} == {(2, 9)}
    twice = loaded(remote, "remote", append=2, **options)  # the template ends with it already
    assert twice.rows(each()) == loaded(remote, "remote", **options).rows(each())


def test_nothing_of_the_repository_s_is_run_without_consent(remote: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (remote / "modeling_own.py").write_text(f"open({str(ran)!r}, 'w')\n{CODE}")
    with pytest.raises(MissingPrerequisite, match=f"{REASON}.*type: --trust-remote-code"):
        loaded(remote, "remote", remote_code=REASON)
    unexplained = loaded(remote, "remote", trust=True, read="score")  # no card says why: it is read as a plain Llama
    with pytest.raises(PermanentError, match="which holds no score"):
        unexplained.score(unexplained.rows(each()))
    assert not ran.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"read": "grade"}, "returns SimpleNamespace, which holds no grade"),
        ({"read": "score.x"}, "returns Tensor, which holds no x"),
        ({"read": "rewards.7"}, "returns tuple, which holds no 7"),
        ({"read": "rewards.1.0"}, "returns (2,) for 5 rows, not one each"),
    ],
)
def test_what_is_not_there_is_said(options: Any, message: str, remote: Path) -> None:
    head = loaded(remote, "remote", trust=True, remote_code=REASON, **options)
    with pytest.raises(PermanentError) as error:
        head.score(head.rows(each()))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_end_that_the_model_does_not_have(remote: Path) -> None:
    with pytest.raises(PermanentError, match="has no token named reward_token_id, which its card appends"):
        loaded(remote, "remote", trust=True, remote_code=REASON, append="reward_token_id")


def test_a_side_that_is_none() -> None:
    with pytest.raises(UsageError, match=r"params\.padding: 'up' is none of right, left, none"):
        registry.load("heads", "remote")(endpoint(Path("x"), "remote", padding="up"))
