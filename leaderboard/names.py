"""Names as parts of paths: what a result calls itself must not choose where a file lies or a link leads."""

from judgebench.hashing import short_id
from judgebench.task import is_device, slug


def safe_name(text: str) -> str:
    """Return text as a name for files, links and ids: itself where that is safe, else a slug and a hash.

    Different texts have different names, on file systems that ignore case too: no slug holds a `~`.
    """
    name = slug(text)
    if is_device(name):
        return f"_{name}~{short_id(text)}"
    return name if name == text else f"{name}~{short_id(text)}"
