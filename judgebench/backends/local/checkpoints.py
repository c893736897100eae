"""Checkpoints on the hub or on disk: which files they are, their tensors one at a time, and sums of two of them.

Files are safetensors where there are any. Others are unpickled with `weights_only`: what a repository stores is never
run.
"""

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from judgebench.backends.local.failures import explained
from judgebench.errors import PermanentError
from judgebench.prompts import offline

INDEX = ".index.json"
NAMES = ("model.safetensors", f"model.safetensors{INDEX}", "pytorch_model.bin", f"pytorch_model.bin{INDEX}")
"""Where a checkpoint may lie, the better ones first; an index names the files of one in several parts."""
ADAPTER_NAMES = ("adapter_model.safetensors", "adapter_model.bin")


def pinned(name: str) -> tuple[str, str | None]:
    """Split `owner/name@revision`; a folder's path is taken as it is."""
    if Path(name).is_dir():
        return name, None
    repository, at, revision = name.partition("@")
    return repository, revision if at else None


def fetch(repository: str, filename: str, revision: str | None = None) -> Path:
    """Return the path of a repository's file, from a folder, the hub's cache or the hub. Raises one line."""
    with explained(filename, repository, revision):
        return _fetch(repository, filename, revision)


def _fetch(repository: str, filename: str, revision: str | None) -> Path:
    from huggingface_hub import hf_hub_download

    if not (folder := Path(repository)).is_dir():
        return Path(hf_hub_download(repository, filename, revision=revision, local_files_only=offline()))
    if not (path := folder / filename).is_file():
        raise FileNotFoundError(f"there is no file named {filename}")
    return path


def _find(repository: str, filename: str, revision: str | None) -> Path:
    """Return the path of a file that is on this disk. Raises FileNotFoundError; asks nobody."""
    from huggingface_hub import try_to_load_from_cache

    folder = Path(repository)
    found = folder / filename if folder.is_dir() else try_to_load_from_cache(repository, filename, revision=revision)
    if not isinstance(found, str | Path) or not Path(found).is_file():
        raise FileNotFoundError(f"there is no file named {filename}")
    return Path(found)


def snapshot(repository: str, revision: str | None, *patterns: str) -> Path:
    """Return a folder with a repository's files of these patterns: itself, or one in the cache. Raises one line."""
    from huggingface_hub import snapshot_download

    if (folder := Path(repository)).is_dir():
        return folder
    with explained("files", repository, revision):
        return Path(
            snapshot_download(repository, revision=revision, allow_patterns=list(patterns), local_files_only=offline())
        )


def commit(repository: str, revision: str | None = None) -> str | None:
    """Return the commit that a repository in the hub's cache is at; None for a folder, or when nothing is cached."""
    from huggingface_hub import try_to_load_from_cache

    if Path(repository).is_dir():
        return None
    path = try_to_load_from_cache(repository, "config.json", revision=revision)
    return Path(path).parent.name if isinstance(path, str) else None


def _files(get: Callable[[str], Path], names: Iterable[str] = NAMES) -> list[Path]:
    """Return the paths of a checkpoint's files, each got by its name."""
    from huggingface_hub.errors import EntryNotFoundError

    missing: Exception = FileNotFoundError("there is no file named model.safetensors")
    for name in names:
        try:
            path = get(name)
        except (FileNotFoundError, EntryNotFoundError) as error:
            missing = error
        else:
            return [get(part) for part in _parts(path)] if name.endswith(INDEX) else [path]
    raise missing


def cached(repository: str, revision: str | None = None) -> bool:
    """Return whether all weights of a repository are on this disk. Asks nobody."""
    try:
        return bool(_files(lambda name: _find(repository, name, revision), (*NAMES, *ADAPTER_NAMES)))
    except (OSError, ValueError, LookupError, PermanentError):  # not there, or an index that cannot be read
        return False


def _parts(index: Path) -> list[str]:
    names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    if odd := [name for name in names if Path(name).name != name]:
        raise PermanentError(f"{index.name} names {odd[0]!r}, which is outside of its repository")
    return names


def state(path: Path) -> dict[str, Any]:
    """Return the tensors in one file by name, on the CPU."""
    import torch

    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    return found


def tensors(repository: str, revision: str | None = None) -> Iterator[tuple[str, Any]]:
    """Yield the tensors of a checkpoint by name. One file is mapped at a time, and nothing of it is copied."""
    with explained("the weights", repository, revision):
        for path in _files(lambda name: _fetch(repository, name, revision)):
            yield from state(path).items()


def add_base(model: Any, repository: str, revision: str | None = None) -> None:
    """Add the weights of a base to a model loaded from a delta, tensor by tensor and in place.

    A delta is what a fine-tuned checkpoint differs from its base by; such are Vicuna's first releases. Where it has
    more rows than the base (tokens that were added), the base counts as zero there, as in FastChat's apply_delta.

    Raises PermanentError when the two do not fit: every weight of the model must get its own.
    """
    waiting = dict(model.named_parameters())
    for name, tensor in tensors(repository, revision):
        # What the model has no place for is the second name of a shared weight, or a table that old checkpoints store.
        if (parameter := waiting.pop(name, None)) is None:
            continue
        if tensor.shape[1:] != parameter.shape[1:] or len(tensor) > len(parameter) or parameter.is_meta:
            raise PermanentError(
                f"{repository} is not the base of this delta: {name} has the shape {tuple(tensor.shape)}, "
                f"not {tuple(parameter.shape)}"
            )
        parameter.data[: len(tensor)] += tensor.to(parameter.device)
    if waiting:
        raise PermanentError(
            f"{repository} is not the base of this delta: it lacks {next(iter(waiting))}"
            + (f" and {len(waiting) - 1} other weights" if len(waiting) > 1 else "")
        )
