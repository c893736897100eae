"""`judgebench doctor`: what is installed, what fits here, and whether it works."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from judgebench.cli.output import columns, print_json

if TYPE_CHECKING:
    from judgebench.doctor import Judge, Report

FAILED = 1


@click.command("doctor")
@click.option("--judge", help="A judge's name, or a card (my.yaml).  [default: every judge that runs here]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(judge: str | None, as_json: bool) -> int:
    """Say what is installed, which judges this machine can run, and test it. Asks nobody.

    Memory is an estimate for the smallest batches. Ends with 1 when the self-test fails, or the named judge cannot run.
    """
    from judgebench.doctor import examine

    report = examine(judge)
    if as_json:
        print_json(report.as_json())
    else:
        click.echo("\n".join(_lines(report, named=judge is not None)))
    stuck = judge is not None and any(found.missing for found in report.judges)
    return FAILED if stuck or not report.healthy else 0


def _lines(report: "Report", *, named: bool) -> Iterator[str]:
    yield f"judgebench {report.judgebench} · Python {report.python} · {report.platform}"
    yield from ("", "extras", *_extras(report), "", "devices", *_devices(report), "", "caches", *_caches(report))
    off = ", ".join(name for name, value in report.switches.items() if value)
    yield from ("", f"network  off, by {off}" if off else "network  on")
    yield f"keys     {', '.join(name for name, there in report.keys.items() if there) or 'none'}"
    yield from ("", "local judges", *_judges(report, named=named), "", "self-test", *_tests(report))


def _extras(report: "Report") -> Iterator[str]:
    rows = []
    for name, packages in report.extras.items():
        lacking = [str(package) for package in packages if not package.fits]
        there = ", ".join(str(package) for package in packages if package.fits)
        rows.append(
            [f"  {name}", f"{', '.join(lacking)}. Type: pip install 'judgebench[{name}]'" if lacking else there]
        )
    yield from columns(rows)


def _devices(report: "Report") -> Iterator[str]:
    from judgebench.needs import gigabytes

    machine = report.machine
    for number, gpu in enumerate(machine.gpus):
        yield f"  cuda:{number}  {gpu.name}, {gigabytes(gpu.free)} free of {gigabytes(gpu.total)}"
    if machine.mps:
        yield "  mps     shares the main memory"
    memory = "an unknown amount" if machine.memory is None else gigabytes(machine.memory)
    yield f"  cpu     {machine.cores} cores, {memory} of memory available"
    if machine.trouble:
        yield f"  {machine.trouble}"


def _caches(report: "Report") -> Iterator[str]:
    from judgebench.needs import gigabytes

    rows = [[f"  {s.name}", f"{s.entries:,} files", _size(s.bytes), s.folder] for s in report.caches]
    yield from columns(rows)
    if report.machine.disk is not None:
        yield f"  {gigabytes(report.machine.disk)} free on the hub cache's disk"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"  # noqa: PLR2004


def _judges(report: "Report", *, named: bool) -> Iterator[str]:
    from judgebench.needs import gigabytes

    rows = [["  judge", "size", "as it is", "8bit", "4bit", "runs here"]]
    for judge in report.judges:
        memory = judge.memory or {}
        sizes = [gigabytes(memory[key]) if key in memory else "–" for key in ("none", "8bit", "4bit")]
        rows.append([f"  {judge.name}", judge.size or "–", *sizes, _verdict(judge)])
    yield from columns(rows)
    if not named and any(judge.missing for judge in report.judges):
        yield "  What is missing: judgebench doctor --judge NAME"
    for judge in report.judges if named else ():
        yield from (f"  missing: {line}" for line in judge.missing)
        yield from (f"  note: {line}" for line in judge.notes)


def _verdict(judge: "Judge") -> str:
    if judge.fits is None:
        return "too large"
    if judge.fits != judge.quantization:
        return f"with --quantization {judge.fits}"
    return "no" if judge.missing else "yes"


def _tests(report: "Report") -> Iterator[str]:
    rows = [[f"  {t.name}", "ok" if t.ok else "FAILED", f"{t.seconds:.1f} s", t.detail] for t in report.tests]
    yield from columns(rows)
