"""Chat templates for models that ship none, written from the formats that their authors document.

A card names one in `weights.template`; `tokenizer` is the model's own. A template writes no beginning of sequence: that
is the business of `weights.bos`. One without a place for a system turn refuses it: what then becomes of the turn is
the business of `weights.system`.
"""

import json
from typing import Any

from judgebench import registry
from judgebench.errors import UsageError

OWN = "tokenizer"
PAIR = "pair"
"""Question and response as the two texts of an encoder's pair, framed by its own separators."""

_TEXT = "{{ message['content'] | trim }}"
_END_IF_LATER = "{{ '' if loop.last else eos_token }}"
_END = "{{ eos_token }}"
_NO_SYSTEM = (
    "{% for message in messages if message['role'] == 'system' %}"
    "{{ raise_exception('it has no place for a system turn') }}{% endfor %}"
)


def _say(text: str, unless: str = "false") -> str:
    """Return what writes a text as it is: Jinja would take newlines and blanks beside a tag for layout."""
    return f"{{{{ '' if {unless} else {json.dumps(text)} }}}}"


def _template(user: str, assistant: str, *, system: str | None = None, start: str = "", prompt: str = "") -> str:
    """Return a template that writes a start, each turn by its role, and what asks for a response."""
    kept = "" if system is None else "{% elif message['role'] == 'system' %}" + system
    return (
        ("" if system else _NO_SYSTEM)
        + (_say(start) if start else "")
        + "{% for message in messages %}{% if message['role'] == 'user' %}"
        + f"{user}{kept}{{% else %}}{assistant}{{% endif %}}{{% endfor %}}"
        + f"{{% if add_generation_prompt %}}{_say(prompt)}{{% endif %}}"
    )


def _chatml(role: str) -> str:
    return _say(f"<|im_start|>{role}\n") + _TEXT + _say("<|im_end|>") + _say("\n", unless="loop.last")


TEMPLATES = {
    # Yi-34B-Chat, and so Starling-RM-34B. No newline after the last turn: there it is scored.
    "chatml": _template(
        _chatml("user"), _chatml("assistant"), system=_chatml("system"), prompt="\n<|im_start|>assistant\n"
    ),
    # Starling-RM-7B-alpha ends the user's turn before the bracket closes, and the response once more.
    "starling": _template(_say("[INST] ") + _TEXT + " " + _END, _say(" [/INST] ") + _TEXT + _END, prompt=" [/INST]"),
    # Mistral-Instruct's brackets, for Eurus-RM: nothing follows the response that is scored.
    "mistral": _template(_say("[INST] ") + _TEXT + _say(" [/INST]"), _say(" ") + _TEXT + _END_IF_LATER),
    "ultrarm": _template(
        _say("\n\n", unless="loop.first") + _say("Human: ") + _TEXT,
        _say("\n\n", unless="loop.first") + _say("Assistant: ") + _TEXT,
        prompt="\n\nAssistant:",
    ),
    # Safe-RLHF writes no blank after ASSISTANT, and an end of sequence only between rounds.
    "beaver": _template(
        _say("USER: ") + _TEXT + _say(" "),
        _say("ASSISTANT:") + _TEXT + _END_IF_LATER,
        start="BEGINNING OF CONVERSATION: ",
        prompt="ASSISTANT:",
    ),
    "oasst": _template(
        _say("<|prompter|>") + _TEXT + _END,
        _say("<|assistant|>") + _TEXT + _END,
        system=_say("<|system|>") + _TEXT + _END,
        prompt="<|assistant|>",
    ),
}


def source(name: str, tokenizer: Any) -> str:
    """Return the Jinja source of a template. Raises UsageError for an unknown name, or a tokenizer without its own."""
    if name in TEMPLATES:
        return TEMPLATES[name]
    if name != OWN:
        raise UsageError(registry.unknown("chat template", name, (OWN, PAIR, *TEMPLATES)))
    if getattr(tokenizer, "chat_template", None) is None:
        raise UsageError(
            "the model's tokenizer has no chat template. Name one of ours in the card's weights.template: "
            f"{', '.join((PAIR, *TEMPLATES))}"
        )
    return str(tokenizer.get_chat_template())
