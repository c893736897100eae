"""Do a run's judgments say what its recorded replies say? The judge's own code reads them again; nobody is asked."""

import shlex
from pathlib import Path

from judgebench.errors import JudgebenchError, ValidationError
from judgebench.submissions.findings import plain


def reread(run: Path) -> str | None:
    """Return None when every judgment is what its replies give, or why they cannot be read again here.

    Raises ValidationError naming the first judgment that says something else.
    """
    from judgebench.rescore import rescore

    try:
        rescored = rescore(run)
    except (JudgebenchError, OSError, ImportError) as error:
        why = plain(str(error).partition("\n")[0])
        return f"{run}: its replies were not read again, its judgments are taken as they stand: {why}"
    if rescored.changes:
        first = plain(str(rescored.changes[0]))
        raise ValidationError(
            f"{run / 'journal.jsonl'}: {len(rescored.changes)} judgments are not what the recorded replies say, first "
            f"{first}. If the parser has changed since, type: judgebench rescore {shlex.quote(str(run))} --save; else "
            "run eval again in another --runs folder"
        )
    return None
