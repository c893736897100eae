"""Every way in which loading fails becomes one line that says what, which model, and what to type. No secrets in it."""

import errno
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.hub import COMMIT, Hub, model_hub
from fakes.tiny_models import make_tiny
from judgebench.backends.base import Endpoint
from judgebench.backends.local.failures import Loading, code_refused, download, explain, explained, first_line
from judgebench.backends.local.loading import facts, load_model, load_tokenizer, resolved_revision
from judgebench.errors import JudgebenchError, MissingPrerequisite, PermanentError, UsageError

TOKEN = "hf_abcdefghijklmnop0123"
LOADING = Loading("the weights", "us/judge", "v1")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with model_hub(monkeypatch, tmp_path / "cache") as found:
        yield found


# -- a real hub, if a small one -----------------------------------------------------------------------------


@pytest.mark.parametrize("load", [load_model, load_tokenizer])
@pytest.mark.parametrize(
    ("refusal", "what"),
    [
        ((403, "GatedRepo"), "gated. Ask for access at https://huggingface.co/us/judge, then type: hf auth login"),
        ((401, "GatedRepo"), "gated. Ask for access at https://huggingface.co/us/judge, then type: hf auth login"),
        ((401, "RepoNotFound"), "the hub shows no such repository"),
        ((401, ""), "the hub refused the token. Type: hf auth login"),
        ((403, ""), "the hub refused the token. Type: hf auth login"),
    ],
)
def test_what_the_hub_refuses(load: Any, refusal: tuple[int, str], what: str, hub: Hub) -> None:
    hub.refusals["us/judge"] = refusal
    with pytest.raises(MissingPrerequisite) as error:
        load(Endpoint("us/judge"))
    line = str(error.value)
    assert what in line
    assert line.startswith(f"the {'weights' if load is load_model else 'tokenizer'} of us/judge cannot be loaded: ")
    assert "\n" not in line
    assert "s3cret" not in line
    assert TOKEN not in line
    assert f"Bearer {TOKEN}" in hub.tokens, "the token never left"


def test_a_model_on_the_hub_is_loaded_at_its_commit_and_then_without_the_hub(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.folders["us/judge"] = make_tiny(tmp_path / "there", "llama")
    for revision in (None, COMMIT):
        model = load_model(Endpoint("us/judge", revision=revision))
        assert resolved_revision(model) == facts(model)["revision"] == COMMIT
    load_tokenizer(Endpoint("us/judge"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked = len(hub.asked)
    load_model(Endpoint("us/judge"))
    load_tokenizer(Endpoint("us/judge"))
    assert len(hub.asked) == asked


def test_a_revision_that_is_not_there(hub: Hub, tmp_path: Path) -> None:
    hub.folders["us/judge"] = make_tiny(tmp_path / "there", "llama")
    with pytest.raises(MissingPrerequisite, match="there is no revision v9"):
        load_model(Endpoint("us/judge", revision="v9"))


@pytest.mark.parametrize("load", [load_model, load_tokenizer])
def test_offline_and_not_cached(load: Any, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGEBENCH_OFFLINE", "1")
    with pytest.raises(MissingPrerequisite, match="fetching is off .* type: hf download us/judge --revision v1$"):
        load(Endpoint("us/judge", revision="v1"))
    assert hub.asked == []


@pytest.mark.parametrize("name", ["../judge", "no such folder", "a/b/c", "/nowhere/at/all"])
def test_names_that_no_repository_can_have(name: str, hub: Hub) -> None:
    with pytest.raises(MissingPrerequisite, match="no such folder, and no repository can have that name"):
        load_model(Endpoint(name))
    assert hub.asked == []


# -- files --------------------------------------------------------------------------------------------------


def test_a_damaged_file(tmp_path: Path) -> None:
    folder = make_tiny(tmp_path, "llama")
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(PermanentError, match="a file is damaged. Type: hf download .* --force-download"):
        load_model(Endpoint(str(folder)))


def test_a_folder_without_weights(tmp_path: Path) -> None:
    folder = make_tiny(tmp_path, "llama")
    (folder / "model.safetensors").unlink()
    with pytest.raises(MissingPrerequisite, match="cannot be loaded: .*no file named model.safetensors"):
        load_model(Endpoint(str(folder)))


def test_weights_of_another_shape_than_the_configuration(tmp_path: Path) -> None:
    folder, other = make_tiny(tmp_path / "a", "llama"), make_tiny(tmp_path / "b", "llama", intermediate_size=32)
    (folder / "config.json").write_bytes((other / "config.json").read_bytes())
    with pytest.raises(PermanentError, match="their shapes are not those that the configuration says"):
        load_model(Endpoint(str(folder)))


def test_a_model_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "from-the-future"}')
    with pytest.raises(PermanentError, match="does not know the model. Type: pip install -U transformers"):
        load_model(Endpoint(str(tmp_path)))


# -- all others ---------------------------------------------------------------------------------------------


def nested(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "kind", "what"),
    [
        (OSError(errno.ENOSPC, "x"), PermanentError, "the disk is full. Make room (hf cache ls)"),
        (OSError(errno.EDQUOT, "x"), PermanentError, "the disk is full"),
        (RuntimeError("Data processing error: No space left on device"), PermanentError, "the disk is full"),
        (PermissionError(errno.EACCES, "x"), MissingPrerequisite, "permission denied. Name a folder of your own in HF_HOME"),
        (MemoryError(), PermanentError, "out of memory. Type: --quantization 4bit"),
        (RuntimeError("CUDA out of memory. Tried"), PermanentError, "out of memory. Type: --quantization 4bit"),
        (RuntimeError("can't allocate memory: you tried"), PermanentError, "--backend-option device_map=auto"),
        (ImportError("x", name="accelerate"), MissingPrerequisite, "pip install 'judgebench[local]'"),
        (ImportError("requires the SentencePiece library"), MissingPrerequisite, "sentencepiece is missing. Type: pip install 'judgebench[local]'"),
        (ValueError("need to have sentencepiece or tiktoken"), MissingPrerequisite, "sentencepiece is missing"),
        (ImportError("Using `bitsandbytes` requires"), MissingPrerequisite, "pip install 'judgebench[quantized]'"),
        (ConnectionError("x"), MissingPrerequisite, "the hub does not answer. Once it does, type: hf download us/judge --revision v1"),
        (pickle.UnpicklingError("x"), PermanentError, "pickled code is never run"),
        (EOFError(), PermanentError, "a file is damaged"),
        (nested(OSError("cannot load"), OSError(errno.ENOSPC, "x")), PermanentError, "the disk is full"),
        (nested(ValueError("odd"), KeyError("k")), PermanentError, "cannot be loaded: ValueError: odd"),
    ],
    ids=lambda value: repr(value)[:50] if isinstance(value, Exception) else "",
)  # fmt: skip
def test_every_failure_has_a_line(error: Exception, kind: type[JudgebenchError], what: str) -> None:
    found = explain(error, LOADING)
    assert type(found) is kind
    assert str(found).startswith("the weights of us/judge cannot be loaded: ")
    assert what in str(found)
    assert "\n" not in str(found)


def test_a_full_disk_in_the_middle_of_a_download(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import file_download

    def full(*_arguments: Any, **_options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    hub.folders["us/judge"] = make_tiny(tmp_path / "there", "llama")
    monkeypatch.setattr(file_download, "http_get", full)
    with pytest.raises(PermanentError, match="the disk is full"):
        load_model(Endpoint("us/judge"))


def test_unforeseen_messages_are_cut_and_hold_no_secret() -> None:
    text = f"\n  Bearer {TOKEN} at https://hub.example/x?signature=s3cret failed for {TOKEN} {'x' * 500}\nmore"
    line = first_line(RuntimeError(text))
    assert line.startswith("… at … failed for … xxx")
    assert len(line) <= 200
    assert first_line(RuntimeError()) == "no reason given"


def test_our_own_errors_pass_and_others_are_turned() -> None:
    with pytest.raises(UsageError, match="^mine$"), explained("the weights", "us/judge"):
        raise UsageError("mine")
    with (
        pytest.raises(PermanentError, match="the weights of us/judge .* KeyError") as error,
        explained("the weights", "us/judge"),
    ):
        raise KeyError("k")
    assert isinstance(error.value.__cause__, KeyError)
    with pytest.raises(KeyboardInterrupt), explained("the weights", "us/judge"):
        raise KeyboardInterrupt


def test_a_command_to_type_is_safe_in_a_shell() -> None:
    assert download("us/judge") == "hf download us/judge"
    assert download("us/judge", "v1") == "hf download us/judge --revision v1"
    assert download("x; rm -rf /") == "hf download 'x; rm -rf /'"


def test_the_reason_for_code_is_quoted() -> None:
    line = code_refused("internlm2", "its pooling is not in transformers.")
    assert "its pooling is not in transformers. It runs only when you say so" in line
    assert line.endswith("type: --trust-remote-code")
