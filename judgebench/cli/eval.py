"""`judgebench eval`: run judges on tasks, continue where a run stopped, end with a table and a page."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.output import print_json, result_tables, say

if TYPE_CHECKING:
    from judgebench.evaluation import Evaluation, Plan

HARDEST = 5
NULL_JUDGES = ("always-first", "always-second", "random", "longest", "shortest", "equations")
DEFAULT_TASK = "verifiable"
DEMO_ITEMS = 72
"""Items of the default task when nobody names a task or a number; its seed is the card's, 0."""
DEMONSTRATION = "scripted/demo"
DEFAULT_MODELS = {"OPENAI_API_KEY": "openai/gpt-4o-mini", "ANTHROPIC_API_KEY": "anthropic/claude-haiku-4-5"}
"""What `judgebench eval` asks when only a key says what there is; --model chooses another."""


class Levels(click.ParamType[tuple[int, int]]):
    """A level of difficulty, or the lowest and the highest: `3`, `1-5`."""

    name = "levels"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return the lowest and the highest."""
        low, _, high = str(value).partition("-")
        levels = [int(text) if text.isdecimal() else 0 for text in (low, high or low)]
        if not 1 <= levels[0] <= levels[1] <= HARDEST:
            self.fail(
                f"{value!r} is neither a level from 1 to {HARDEST} nor LOW-HIGH. Type for example 3-5", param, ctx
            )
        return levels[0], levels[1]


class Workers(click.ParamType[tuple[int, int]]):
    """A number of workers, or the least and the most of them: `4`, `2-8`."""

    name = "workers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return the least and the most."""
        least, _, most = str(value).partition("-")
        try:
            bounds = int(least), int(most or least)
        except ValueError:
            bounds = 0, 0
        if not 1 <= bounds[0] <= bounds[1]:
            self.fail(f"{value!r} is neither a number of workers nor MIN-MAX. Type for example 2-8", param, ctx)
        return bounds


@click.command("eval")
@click.option("--judge", "judges", multiple=True, help="A judge's name, or a card (my.yaml). May be repeated.")
@click.option("--task", help=f"A task's name, a card, or a .jsonl file of pairs.  [default: {DEFAULT_TASK}]")
@click.option("--suite", help="Run every task of a suite instead of one task.")
@click.option("--task-seed", type=int, metavar="N", help="Seed that a generated task's items are made from.")
@click.option("--difficulty", type=Levels(), metavar="N[-N]", help="Levels of a generated task, of 1 to 5.")
@click.option("--items", type=click.IntRange(min=2), help="Items of a generated task, in couples of two.")
@click.option("--split", help="The split of a task that has several.")
@click.option("--data", help="A local copy of the task's dataset.")
@click.option("--model", help="provider/name of the model that judges, for example openai/gpt-4o-mini.")
@click.option("--base-url", help="An OpenAI-compatible server to ask instead of the provider's own.")
@click.option("--category", "categories", multiple=True, help="Judge only this category. May be repeated.")
@click.option("--limit", type=click.IntRange(min=1), help="Judge only so many items, drawn by --seed.")
@click.option("--orders", type=click.Choice(["both", "first"]), default="both", show_default=True)
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--nway", type=click.Choice(["round-robin", "knock-out"]), default="round-robin", show_default=True)
@click.option("--temperature", type=float, help="Override the card's temperature.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Override the card's token limit for a reply.")
@click.option("--backend", help="Run the card's own model on this backend, for example vllm.")
@click.option(
    "--dtype", type=click.Choice(["auto", "float32", "float16", "bfloat16"]), help="Override the card's dtype."
)
@click.option("--quantization", type=click.Choice(["none", "8bit", "4bit"]), help="Load a local model in fewer bits.")
@click.option(
    "--attention", type=click.Choice(["auto", "eager", "sdpa", "flash_attention_2"]), help="Override the card's."
)
@click.option("--trust-remote-code", is_flag=True, help="Run the Python code that a model's repository ships.")
@click.option(
    "--backend-option", "backend_options", multiple=True, metavar="NAME=VALUE", help="An option of the backend."
)
@click.option(
    "--concurrency", type=click.IntRange(min=1), help="Calls in flight.  [default: the backend's, 16 for APIs]"
)
@click.option("--timeout", type=float, default=600.0, show_default=True, help="Seconds one call may take.")
@click.option("--runs", default="runs", show_default=True, help="Where runs are kept.")
@click.option("--rpm", type=click.IntRange(min=1), help="Requests per minute that the provider allows.")
@click.option("--tpm", type=click.IntRange(min=1), help="Tokens per minute that the provider allows.")
@click.option("--max-cost", type=float, help="Stop in order when the run has cost so many USD.")
@click.option("--cache/--no-cache", default=True, help="Take replies from earlier runs that asked the same.")
@click.option("--batch", is_flag=True, help="Ask in provider batches: half the price, within a day.")
@click.option(
    "--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="What spreads the work."
)
@click.option("--ray-address", metavar="ADDRESS", help="Join a Ray cluster: HOST:PORT, or auto for the one here.")
@click.option("--workers", type=Workers(), metavar="MIN[-MAX]", help="Ray workers.  [default: all there is room for]")
@click.option("--worker-cpus", type=click.FloatRange(0, min_open=True), help="CPUs of a Ray worker.  [default: 1]")
@click.option(
    "--worker-gpus", type=click.FloatRange(0), help="GPUs of a Ray worker, also parts.  [default: 1 for a local model]"
)
@click.option("--dry-run", is_flag=True, help="Say what would be asked and what it would cost; ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def command(judges: tuple[str, ...], dry_run: bool, as_json: bool, **options: Any) -> None:
    """Run judges on a task or a suite. Without --judge: the null judges, and `pairwise` on the model at hand.

    Without --task or --suite: a small slice of `verifiable`, pairs that are made on the spot. --task-seed makes others.
    Running the same command again continues an interrupted run; a finished one is only shown. --nway says how a
    judge of pairs judges items of more than two responses.
    """
    who = _who(judges, options.pop("model"), options["base_url"])
    task, suite = options.pop("task"), options.pop("suite")
    tasks = _tasks(task, suite)
    if task is None and suite is None and options["items"] is None:
        options["items"] = DEMO_ITEMS
    # Everything is loaded and checked before anyone is asked anything.
    plans = [_plan(judge, model, task, options) for task in tasks for judge, model in who]
    if dry_run:
        _print_estimates(plans, as_json)
        return
    _check(plans)
    done = [_run(plan) for plan in plans]
    page = _page([evaluation.result for evaluation in done], Path(options["runs"]))
    if as_json:
        print_json([_summary(evaluation) for evaluation in done])
        return
    click.echo(result_tables([evaluation.result for evaluation in done]))
    for evaluation in done:
        click.echo(f"result  {evaluation.directory / 'result.json'}")
    click.echo(f"page    {page}")


def _tasks(task: str | None, suite: str | None) -> tuple[str, ...]:
    if suite is None:
        return (task or DEFAULT_TASK,)
    from judgebench.suites import load_suite

    if task is not None:
        raise click.UsageError(f"--task {task} and --suite {suite} exclude each other")
    return load_suite(suite).tasks


def _check(plans: list["Plan"]) -> None:
    """Say what the user should know of all plans before the first of them starts; the same line once."""
    from judgebench.evaluation import check

    for note in dict.fromkeys(note for plan in plans for note in check(plan)):
        say(note)


def _print_estimates(plans: list["Plan"], as_json: bool) -> None:
    from judgebench.estimate import estimate

    estimates = [estimate(plan) for plan in plans]
    if as_json:
        print_json([found.as_json() for found in estimates])
        return
    for found in estimates:
        click.echo(str(found))


def _who(judges: tuple[str, ...], model: str | None, base_url: str | None) -> list[tuple[str, str | None]]:
    """Return (judge, model) pairs: what was named, or the null judges and `pairwise` on the model at hand."""
    if judges:
        return [(judge, model) for judge in judges]
    if model is None and base_url is not None:
        from judgebench.backends.openai import first_model

        model = f"openai/{first_model(base_url)}"
    keyed = (name for key, name in DEFAULT_MODELS.items() if os.environ.get(key))
    return [*((judge, None) for judge in NULL_JUDGES), ("pairwise", model or next(keyed, DEMONSTRATION))]


def _plan(judge: str, model: str | None, task: str, options: dict[str, Any]) -> "Plan":
    from judgebench.evaluation import prepare
    from judgebench.records import Sampling

    rest = {name: value for name, value in options.items() if name not in ("temperature", "max_tokens")}
    rest["options"] = dict(read_options(rest.pop("backend_options")))
    given = {name: options[name] for name in ("temperature", "max_tokens") if options[name] is not None}
    return prepare(judge, task, model=model, sampling=Sampling(**given) if given else None, **rest)


def read_options(given: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yield the backend's options; numbers, true and false are read as such."""
    import yaml

    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.UsageError(f"--backend-option {pair!r} is not NAME=VALUE")
        try:
            yield name, yaml.safe_load(value)
        except yaml.YAMLError:
            yield name, value


def _run(plan: "Plan") -> "Evaluation":
    """Run a plan with progress."""
    from judgebench.cli.progress import watch
    from judgebench.evaluation import run

    name = plan.spec.judge.name
    if plan.spec.judge.model is not None and plan.spec.judge.model.startswith("scripted/"):
        say(f"{name}: a demonstration; no model is asked, its verdicts mean nothing")
    for reason, number in plan.task.dropped.items():
        say(f"{plan.task.name}: {number} rows left out: {reason}")
    resumed = (plan.directory / "journal.jsonl").exists()
    say(
        f"{name} on {plan.task.name}: {plan.total} judgments of {len(plan.items)} items"
        + (", continuing" if resumed else "")
    )

    _refuse_what_is_too_dear(plan)
    return asyncio.run(run(plan, watch))


def _refuse_what_is_too_dear(plan: "Plan") -> None:
    """Refuse a run whose prompts alone cost more than --max-cost: it could only stop half-way."""
    from judgebench.errors import Incomplete
    from judgebench.estimate import estimate

    price = plan.default_backend.price() if plan.default_backend else None
    if plan.config.max_cost is None or price is None:
        return
    found = estimate(plan)
    if plan.config.batch and (found.cost is None or found.cost > plan.config.max_cost):
        most = "without a token limit any sum" if found.cost is None else f"up to ${found.cost:,.2f}"
        raise Incomplete(
            f"a batch cannot be stopped half-way, and may cost {most}, more than --max-cost {plan.config.max_cost:g}. "
            "Nothing was asked; choose a --limit, a smaller --max-tokens or a higher --max-cost"
        )
    least = price.cost(found.input_tokens, 0)
    if least > plan.config.max_cost:
        raise Incomplete(
            f"the prompts alone would cost about ${least:,.2f}, more than --max-cost {plan.config.max_cost:g}. "
            "Nothing was asked; choose a --limit or a higher --max-cost"
        )


def _page(results: list[Any], runs: Path) -> Path:
    from judgebench.leaderboard import build_from

    return Path(build_from(results, runs / "page", title="judgebench: this run"))


def _summary(evaluation: "Evaluation") -> dict[str, Any]:
    return {"directory": str(evaluation.directory), **evaluation.result.model_dump(mode="json")}
