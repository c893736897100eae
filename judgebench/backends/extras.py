"""What a card's `sampling.extra` means to vLLM and to servers: one place for all of it.

Cards name generation parameters as transformers does (`judgebench.backends.local.decoding.Options`). vLLM has most of
them under the same names, none of its routes complains about a name that it does not know, and its beam search is
another one than transformers': the width is `n`, it never stops early, and repetition penalties and stop strings are
dropped in silence. Whatever would be dropped so is refused here. Checked against vLLM 0.29 to 0.33.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from judgebench import registry
from judgebench.backends.local.decoding import Options
from judgebench.errors import UsageError
from judgebench.records import Sampling

NEUTRAL = Options()
RENAMED = {"min_new_tokens": "min_tokens"}
SHARED = ("repetition_penalty", "top_k", "min_p", "min_new_tokens")
"""What vLLM's own sampling knows too."""
BEAMS = ("num_beams", "early_stopping", "length_penalty")
"""What means something to beam search alone."""
UNKNOWN = ("no_repeat_ngram_size", "typical_p")
"""What vLLM has nothing for."""
INSTEAD = "Run the judge with --backend transformers"


def options_of(extra: Mapping[str, Any]) -> Options:
    """Return the generation parameters among extras. Raises UsageError for a value that cannot be."""
    try:
        return Options.model_validate({name: extra[name] for name in Options.model_fields if name in extra})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"sampling.extra.{name}: {first['msg']}, not {first['input']!r}") from error


def for_engine(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return extras as arguments of vLLM's SamplingParams. Raises UsageError for what its engine has not got."""
    for name in extra.keys() - Options.model_fields.keys():
        raise UsageError(f"sampling.extra: {registry.unknown('generation parameter', name, Options.model_fields)}")
    options = options_of(extra)
    if options.num_beams > 1:
        raise UsageError(f"num_beams={options.num_beams}: vLLM's engine has no beam search of its own. {INSTEAD}")
    return _shared(options)


def for_server(sampling: Sampling) -> dict[str, Any]:
    """Return extras as fields of an OpenAI-compatible request, beam search as vLLM's and SGLang's servers take it.

    Names that are no generation parameter of transformers' are the server's own and pass as they are; `use_beam_search`
    and `n` among them are held to the same as `num_beams`. Raises UsageError for what the server would drop.
    """
    own = {name: value for name, value in sampling.extra.items() if name not in Options.model_fields}
    width = {"num_beams": own["n"]} if own.get("use_beam_search") and "n" in own else {}
    options = options_of(sampling.extra | width)
    return own | _shared(options) | (_beams(options, sampling) if options.num_beams > 1 else {})


def _shared(options: Options) -> dict[str, Any]:
    for name in UNKNOWN:
        if getattr(options, name) != getattr(NEUTRAL, name):
            raise UsageError(f"{name}={getattr(options, name)!r}: vLLM has no such parameter. {INSTEAD}")
    return {
        RENAMED.get(name, name): getattr(options, name)
        for name in SHARED
        if getattr(options, name) != getattr(NEUTRAL, name)
    }


def _beams(options: Options, sampling: Sampling) -> dict[str, Any]:
    """Return the fields that ask for beam search. Raises UsageError when the search would be another one."""
    beams = f"num_beams={options.num_beams}"
    for name in SHARED:
        if getattr(options, name) != getattr(NEUTRAL, name):
            raise UsageError(f"{beams} and {name}: the beam search of a server drops {name}. {INSTEAD}")
    if sampling.stop:
        raise UsageError(f"{beams} and stop: the beam search of a server drops stop strings. {INSTEAD}")
    if options.early_stopping is True:
        raise UsageError(f"{beams} and early_stopping: the beam search of a server never stops early. {INSTEAD}")
    return {"use_beam_search": True, "n": options.num_beams, "length_penalty": options.length_penalty}
