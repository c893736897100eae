"""Skywork-Critic: a pair, and a bare `[[A]]` or `[[B]]` as the answer.

The JudgeBench authors' harness takes any capital A in the reply for a verdict, so that "Assistant B" is one for A; the
answer that the prompt asks for is the bracketed one, and nothing else is read here. The cards stop at the closing
brackets, so that a verdict costs a few tokens.
"""

from typing import ClassVar

from judgebench.judges.bracketed import Bracketed


class SkyworkCritic(Bracketed):
    """The pinned prompt, one user turn, and the last label of the reply."""

    templates: ClassVar[dict[str, str]] = {"system": "", "user": "skywork_critic_prompt"}
