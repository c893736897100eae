"""What the hub, the disk and the memory refuse, in one line each: what, of which model, and what to type.

The libraries' own messages run over many lines and may hold signed addresses; a line made here quotes neither
addresses nor tokens.
"""

import errno
import pickle
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from judgebench.backends.local.memory import is_out_of_memory
from judgebench.errors import JudgebenchError, MissingPrerequisite, PermanentError
from judgebench.prompts import offline
from judgebench.registry import extra_hint

HUB = "https://huggingface.co"
LONGEST = 200
"""Characters that are quoted of a message nobody has foreseen."""
MODULES = ("accelerate", "bitsandbytes", "peft", "sentencepiece", "tiktoken", "protobuf", "safetensors")
"""What the libraries miss, sometimes only in the words of a message."""
REFUSED = (401, 403)
_SECRET = re.compile(r"https?://\S+|hf_\w{8,}|Bearer \S+")
_NO_FILE = re.compile(r"no file named|does not appear to have|not a local folder")

Reason = tuple[type[JudgebenchError], str]


@dataclass(frozen=True)
class Loading:
    """What is being loaded: `part` ("the weights"), of which repository or folder, at which revision."""

    part: str
    repository: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{self.part} of {self.repository}"

    @property
    def download(self) -> str:
        """Return the command that fetches the repository."""
        return download(self.repository, self.revision)


def download(repository: str, revision: str | None = None) -> str:
    """Return the command that fetches a repository into the hub's cache."""
    return shlex.join(["hf", "download", repository, *(["--revision", revision] if revision else [])])


def code_refused(name: str, reason: str) -> str:
    """Return the line for a model whose repository's own code is not run, with the card's reason for asking."""
    return (
        f"{name} takes Python code of its repository: {reason.rstrip('.')}. It runs only when you say so. Read it, "
        "then type: --trust-remote-code"
    )


@contextmanager
def explained(part: str, repository: str, revision: str | None = None) -> Iterator[None]:
    """Turn whatever is raised inside into one line. Our own errors pass as they are."""
    try:
        yield
    except JudgebenchError:
        raise
    except Exception as error:
        raise explain(error, Loading(part, repository, revision)) from error


def explain(error: BaseException, loading: Loading) -> JudgebenchError:
    """Return the error to raise instead. Of an error and its causes, the first that is known decides."""
    causes = list(_causes(error))
    for reason_of in _REASONS:
        for cause in causes:
            if (found := reason_of(cause, loading)) is not None:
                kind, reason = found
                return kind(f"{loading} cannot be loaded: {reason}")
    return PermanentError(f"{loading} cannot be loaded: {type(error).__name__}: {first_line(error)}")


def first_line(error: BaseException) -> str:
    """Return the first line of a message, cut, and without addresses and tokens."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return _SECRET.sub("…", lines[0] if lines else "no reason given")[:LONGEST]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _hub(error: BaseException, loading: Loading) -> Reason | None:
    """Explain what the hub answered."""
    from huggingface_hub import errors

    page = f"{HUB}/{loading.repository}"
    if isinstance(error, errors.GatedRepoError):
        reason = f"the repository is gated. Ask for access at {page}, then type: hf auth login"
    elif isinstance(error, errors.RevisionNotFoundError):
        reason = f"there is no revision {loading.revision}. See {page}/commits/main"
    elif isinstance(error, errors.RepositoryNotFoundError):
        reason = "the hub shows no such repository. Check the name; if it is a private one, type: hf auth login"
    elif isinstance(error, errors.HFValidationError):
        reason = "there is no such folder, and no repository can have that name"
    elif isinstance(error, errors.HfHubHTTPError) and error.response.status_code in REFUSED:
        reason = "the hub refused the token. Type: hf auth login"
    else:
        return None
    return MissingPrerequisite, reason


def _unreachable(error: BaseException, loading: Loading) -> Reason | None:
    """Explain a hub that is switched off, or that does not answer."""
    import httpx2
    from huggingface_hub import errors

    missing = isinstance(error, errors.LocalEntryNotFoundError)
    if isinstance(error, errors.OfflineModeIsEnabled) or (missing and offline()):
        return MissingPrerequisite, (
            "not in the hub's cache, and fetching is off (JUDGEBENCH_OFFLINE or HF_HUB_OFFLINE). "
            f"With the network on, type: {loading.download}"
        )
    trouble = isinstance(error, errors.HfHubHTTPError) and not isinstance(error, errors.EntryNotFoundError)
    if missing or trouble or isinstance(error, httpx2.TransportError | ConnectionError):
        return MissingPrerequisite, (
            f"not in the hub's cache, and the hub does not answer. Once it does, type: {loading.download}"
        )
    return None


def _disk(error: BaseException, _loading: Loading) -> Reason | None:
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or "No space left" in str(error):
        return PermanentError, "the disk is full. Make room (hf cache ls), or name a folder elsewhere in HF_HOME"
    if isinstance(error, PermissionError):
        return MissingPrerequisite, "permission denied. Name a folder of your own in HF_HOME"
    return None


def _memory(error: BaseException, _loading: Loading) -> Reason | None:
    if is_out_of_memory(error):
        return PermanentError, (
            "out of memory. Type: --quantization 4bit, or spread them over several GPUs: "
            "--backend-option device_map=auto"
        )
    return None


def _package(error: BaseException, _loading: Loading) -> Reason | None:
    """Explain a package that is missing."""
    if isinstance(error, ImportError):
        name = error.name or next((name for name in MODULES if name in str(error).lower()), None)
    elif isinstance(error, ValueError):  # how transformers says that it cannot read a tokenizer.model
        name = next((name for name in ("sentencepiece", "tiktoken") if name in str(error).lower()), None)
    else:
        return None
    if name is None:
        return None
    return MissingPrerequisite, f"{name} is missing. {extra_hint(ImportError(name=name))}"


def _code(error: BaseException, _loading: Loading) -> Reason | None:
    """Explain code, of a repository or in a checkpoint, that is not run."""
    if "trust_remote_code" in str(error):
        return MissingPrerequisite, (
            "it takes Python code of the repository's own, and no card says why. Write the reason in a card under "
            "weights.remote_code, then type: --trust-remote-code"
        )
    if isinstance(error, pickle.UnpicklingError):
        return PermanentError, "a file holds more than tensors, and pickled code is never run"
    return None


def _file(error: BaseException, loading: Loading) -> Reason | None:
    """Explain files that are missing, damaged, or of a model nobody knows."""
    text = str(error)
    if type(error).__name__ == "SafetensorError" or isinstance(error, EOFError) or "central directory" in text:
        return PermanentError, f"a file is damaged. Type: {loading.download} --force-download"
    if "missing adapter keys" in text:
        return PermanentError, "it was made for another model"
    if "size mismatch" in text or "mismatched" in text:
        return PermanentError, "their shapes are not those that the configuration says"
    if "does not recognize this architecture" in text or "Unrecognized model" in text:
        return PermanentError, "this transformers does not know the model. Type: pip install -U transformers"
    if isinstance(error, OSError) and _NO_FILE.search(text):
        return MissingPrerequisite, first_line(error)
    return None


_REASONS: tuple[Callable[[BaseException, Loading], Reason | None], ...] = (
    _hub, _disk, _unreachable, _memory, _package, _code, _file,
)  # fmt: skip
