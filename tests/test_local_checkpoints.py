"""Checkpoints in folders and on a hub: found in every form, never run, and summed only with what fits."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.hub import COMMIT, Hub, model_hub
from judgebench.backends.local import checkpoints
from judgebench.backends.local.checkpoints import add_base, cached, commit, fetch, pinned, snapshot, state, tensors
from judgebench.errors import MissingPrerequisite, PermanentError

torch = pytest.importorskip("torch")
NAME = "us/tiny"


def weights(scale: float = 1.0, **rows: int) -> dict[str, Any]:
    """Return the weights of `Net`, some with another number of rows."""
    shapes = {"embed.weight": (5, 3), "norm.weight": (3,), "head.weight": (5, 3)}
    numbers = torch.Generator().manual_seed(0)
    return {
        name: scale * torch.randn(rows.get(name.partition(".")[0], shape[0]), *shape[1:], generator=numbers)
        for name, shape in shapes.items()
    }


def write(folder: Path, values: dict[str, Any], form: str) -> Path:
    """Write a checkpoint in one of the forms it may have."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    parts = [{name: value} for name, value in values.items()] if "sharded" in form else [values]
    single, suffix = ("model", ".safetensors") if "safetensors" in form else ("pytorch_model", ".bin")
    names = [f"{single}-{n}{suffix}" for n in range(len(parts))] if "sharded" in form else [f"{single}{suffix}"]
    for name, part in zip(names, parts, strict=True):
        if suffix == ".bin":
            torch.save(part, folder / name, _use_new_zipfile_serialization="old" not in form)
        else:
            save_file(part, folder / name)
    if "sharded" in form:
        index = {key: name for name, part in zip(names, parts, strict=True) for key in part}
        (folder / f"{single}{suffix}.index.json").write_text(json.dumps({"weight_map": index}))
    return folder


FORMS = ("safetensors", "sharded safetensors", "bin", "sharded bin", "old bin")


class Net(torch.nn.Module):
    def __init__(self, rows: int = 5) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(rows, 3)
        self.norm = torch.nn.LayerNorm(3, bias=False)
        self.head = torch.nn.Linear(3, rows, bias=False)


def net(values: dict[str, Any], rows: int = 5) -> Net:
    found = Net(rows)
    found.load_state_dict(values)
    return found


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with model_hub(monkeypatch, tmp_path / "cache") as found:
        yield found


# -- tensors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_all_tensors(form: str, tmp_path: Path) -> None:
    found = dict(tensors(str(write(tmp_path, weights(), form))))
    assert found.keys() == weights().keys()
    assert all(found[name].equal(value) for name, value in weights().items())


def test_safetensors_go_first(tmp_path: Path) -> None:
    write(tmp_path, weights(2), "bin")
    write(tmp_path, weights(1), "safetensors")
    assert dict(tensors(str(tmp_path)))["norm.weight"].equal(weights(1)["norm.weight"])


class Trap:
    """Unpickled with code, it writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (Path.touch, (self.marker,))


@pytest.mark.parametrize("plain", [True, False], ids=["pickle", "torch"])
def test_pickled_code_is_never_run(plain: bool, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    with (tmp_path / "pytorch_model.bin").open("wb") as file:
        trap = {"norm.weight": Trap(marker)}
        pickle.dump(trap, file, protocol=2) if plain else torch.save(trap, file)
    with pytest.raises(PermanentError, match="pickled code is never run") as error:
        list(tensors(str(tmp_path)))
    assert "\n" not in str(error.value)
    assert not marker.exists()


def test_an_index_may_not_point_out_of_its_repository(tmp_path: Path) -> None:
    folder = write(tmp_path, weights(), "sharded safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../../secret.safetensors"}}))
    with pytest.raises(PermanentError, match="outside of its repository"):
        list(tensors(str(folder)))


def test_one_file_of_tensors(tmp_path: Path) -> None:
    torch.save(weights(), tmp_path / "head.pt")
    assert state(tmp_path / "head.pt").keys() == weights().keys()


def test_a_folder_without_weights_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingPrerequisite, match=r"the weights of .* there is no file named"):
        list(tensors(str(tmp_path)))


# -- sums ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_base_and_delta_add_up(form: str, dtype: Any, tmp_path: Path) -> None:
    base = {name: value.to(torch.float16) for name, value in weights().items()}
    model = net(weights(0.5)).to(dtype)
    expected = {name: value + base[name] for name, value in model.state_dict().items()}
    add_base(model, str(write(tmp_path, base, form)))
    for name, value in model.state_dict().items():
        assert value.dtype == dtype
        assert value.equal(expected[name].to(dtype)), name


def test_rows_that_the_base_has_not_got_are_the_delta_s(tmp_path: Path) -> None:
    delta = weights(0.5, embed=7, head=7)
    model = net(delta, rows=7)
    add_base(model, str(write(tmp_path, weights(), "safetensors")))
    for name in ("embed.weight", "head.weight"):
        value = model.state_dict()[name]
        assert value[5:].equal(delta[name][5:])
        assert value[:5].equal(delta[name][:5] + weights()[name])


def test_tables_of_old_checkpoints_and_shared_weights_are_left_out(tmp_path: Path) -> None:
    model = net(weights(0.5))
    model.head.weight = model.embed.weight
    once = weights(0.5)["embed.weight"] + weights()["embed.weight"]
    add_base(model, str(write(tmp_path, weights() | {"rotary.inv_freq": torch.ones(4)}, "safetensors")))
    assert model.head.weight.equal(once)


@pytest.mark.parametrize(
    ("base", "what"),
    [
        (weights(embed=6), r"embed\.weight has the shape \(6, 3\), not \(5, 3\)"),
        (weights() | {"norm.weight": torch.ones(3, 2)}, r"norm\.weight has the shape \(3, 2\), not \(3,\)"),
        ({"embed.weight": weights()["embed.weight"]}, r"it lacks norm\.weight and 1 other weights"),
        ({k: v for k, v in weights().items() if k != "head.weight"}, r"it lacks head\.weight$"),
    ],
)
def test_what_is_no_base_is_refused(base: dict[str, Any], what: str, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=f"is not the base of this delta: {what}"):
        add_base(net(weights(0.5)), str(write(tmp_path, base, "safetensors")))


# -- the hub ------------------------------------------------------------------------------------------------


def test_a_name_may_carry_a_revision(tmp_path: Path) -> None:
    assert pinned("us/tiny@v1.0") == ("us/tiny", "v1.0")
    assert pinned("us/tiny") == ("us/tiny", None)
    odd = tmp_path / "a@b"
    odd.mkdir()
    assert pinned(str(odd)) == (str(odd), None)


@pytest.mark.parametrize("form", FORMS)
def test_weights_on_the_hub_are_fetched_once(form: str, hub: Hub, tmp_path: Path) -> None:
    hub.folders[NAME] = write(tmp_path / "there", weights(), form)
    assert not cached(NAME)
    assert dict(tensors(NAME, COMMIT))["norm.weight"].equal(weights()["norm.weight"])
    asked = len(hub.asked)
    assert cached(NAME, COMMIT)
    assert len(hub.asked) == asked
    assert not cached(NAME, "v2")


def test_half_of_the_weights_are_not_the_weights(hub: Hub, tmp_path: Path) -> None:
    hub.folders[NAME] = write(tmp_path / "there", weights(), "sharded safetensors")
    fetch(NAME, "model.safetensors.index.json")
    fetch(NAME, "model-0.safetensors")
    assert not cached(NAME)
    list(tensors(NAME))
    assert cached(NAME)


def test_cached_knows_folders_adapters_and_nonsense(tmp_path: Path) -> None:
    assert cached(str(write(tmp_path / "model", weights(), "bin")))
    (tmp_path / "adapter").mkdir()
    torch.save({}, tmp_path / "adapter" / "adapter_model.bin")
    assert cached(str(tmp_path / "adapter"))
    (tmp_path / "empty").mkdir()
    assert not cached(str(tmp_path / "empty"))
    assert not cached("no/such/name")
    (tmp_path / "empty" / "model.safetensors.index.json").write_text("{")
    assert not cached(str(tmp_path / "empty"))
    assert not cached("")


def test_the_commit_of_what_is_cached(hub: Hub, tmp_path: Path) -> None:
    hub.folders[NAME] = write(tmp_path / "there", weights(), "safetensors")
    assert commit(NAME) is None
    fetch(NAME, "config.json")
    assert commit(NAME) == commit(NAME, COMMIT) == COMMIT
    assert commit(str(tmp_path)) is None


def test_some_files_of_a_repository(hub: Hub, tmp_path: Path) -> None:
    hub.folders[NAME] = write(tmp_path / "there", weights(), "safetensors")
    folder = snapshot(NAME, None, "*.json")
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    assert snapshot(str(tmp_path), None, "*.json") == tmp_path


def test_nothing_is_fetched_when_fetching_is_off(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.folders[NAME] = write(tmp_path / "there", weights(), "safetensors")
    monkeypatch.setenv("JUDGEBENCH_OFFLINE", "1")
    for attempt in (
        lambda: fetch(NAME, "config.json"),
        lambda: snapshot(NAME, None, "*"),
        lambda: list(tensors(NAME)),
    ):
        with pytest.raises(MissingPrerequisite, match=f"fetching is off .* hf download {NAME}"):
            attempt()
    assert hub.asked == []
    assert checkpoints.cached(NAME) is False
