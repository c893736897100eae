"""Generation with real, tiny models of four shapes: a batch answers as each request alone does."""

import json
import math

import pytest
import torch

from fakes.tiny_models import WINDOW, make_tiny
from judgebench.backends.base import Endpoint
from judgebench.backends.local.generating import EXPECTED, MOST_NEW, Generator
from judgebench.errors import PermanentError, UsageError
from judgebench.judges.card import Context, Weights
from judgebench.records import ChatRequest, Message, Sampling, TextRequest

pytestmark = pytest.mark.usefixtures("_one_thread")
SHAPES = ("llama", "gemma2", "qwen2", "gpt-neox")
TOLERANCE = 1e-5
"""Of log-probabilities, float32 on the CPU: what a batch may differ from the request alone."""
PROMPTS = [f"{'Which is better? ' * (n * 5 % 7)}{n}" for n in range(12)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = {}

    def folder_of(shape, **options):
        key = (shape, *sorted(options.items()))
        if key not in made:
            made[key] = make_tiny(tmp_path_factory.mktemp("tiny") / shape, shape, **options)
        return made[key]

    return folder_of


@pytest.fixture(scope="module")
def load(folder):
    made = {}

    def generator_of(shape, **endpoint):
        key = (shape, repr(sorted(endpoint.items())))
        if key not in made:
            made[key] = Generator(Endpoint(model=str(folder(shape)), **endpoint))
            made[key].load()
        return made[key]

    return generator_of


@pytest.fixture
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def text(prompt, logprobs=None, **sampling):
    return TextRequest(prompt=prompt, sampling=Sampling(**({"max_tokens": 12} | sampling)), logprobs=logprobs)


def chat(content, logprobs=None, **sampling):
    return ChatRequest(messages=(Message(role="user", content=content),), sampling=text("", **sampling).sampling,
                       logprobs=logprobs)  # fmt: skip


def together(generator, requests, seeds=None):
    seeds = seeds or range(len(requests))
    return generator.generate([generator.job(request, seed) for request, seed in zip(requests, seeds, strict=True)])


def alone(generator, requests, seeds=None):
    seeds = seeds or range(len(requests))
    return [together(generator, [request], [seed])[0] for request, seed in zip(requests, seeds, strict=True)]


def by_hand(generator, request, count):
    """Decode greedily without a cache, a batch or padding. Return tokens and the logits they were chosen by."""
    ids = list(generator.job(request, 0).row.ids)
    found, steps = [], []
    for _ in range(count):
        logits = generator.model(torch.tensor([ids])).logits[0, -1]
        steps.append(logits.log_softmax(-1))
        found.append(int(logits.argmax()))
        ids.append(found[-1])
    return found, steps


# -- the same in any company -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_a_batch_answers_as_each_alone_and_as_the_bare_model(load, shape):
    generator = load(shape)
    requests = [make(prompt, logprobs=4) for prompt in PROMPTS for make in (text, chat)]
    assert max(len(generator.job(request, 0).row) for request in requests) > 2 * WINDOW
    batch, single = together(generator, requests), alone(generator, requests)
    for request, one, other in zip(requests, batch, single, strict=True):
        assert (one.text, one.finish, one.usage) == (other.text, other.finish, other.usage)
        for mine, theirs in zip(one.logprobs, other.logprobs, strict=True):
            assert (mine.token, list(mine.top)) == (theirs.token, list(theirs.top))
            assert mine.logprob == pytest.approx(theirs.logprob, abs=TOLERANCE)
            assert list(mine.top.values()) == pytest.approx(list(theirs.top.values()), abs=TOLERANCE)
        tokens, steps = by_hand(generator, request, one.usage.output)
        assert one.text == generator.tokenizer.decode(tokens, skip_special_tokens=True)
        expected = [float(step.max()) for step in steps]
        assert [entry.logprob for entry in one.logprobs] == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("shape", SHAPES)
def test_beams_and_penalties_do_not_see_the_padding(load, shape):
    generator = load(shape)
    extra = {"num_beams": 3, "repetition_penalty": 1.3, "early_stopping": True, "length_penalty": 0.9}
    requests = [text(prompt, extra=extra) for prompt in PROMPTS[:6]]
    batch = [reply.text for reply in together(generator, requests)]
    assert batch == [reply.text for reply in alone(generator, requests)]
    for request, found in zip(requests, batch, strict=True):
        ids = torch.tensor([generator.job(request, 0).row.ids])
        ends = sorted(generator._ends)
        bare = generator.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False,
                                        eos_token_id=ends, pad_token_id=ends[0], **extra)  # fmt: skip
        assert found == generator.tokenizer.decode(bare[0, ids.shape[1] :], skip_special_tokens=True)


@pytest.mark.parametrize("extra", [{"repetition_penalty": 1.5}, {"no_repeat_ngram_size": 2}, {"min_new_tokens": 5}])
def test_greedy_options_do_not_see_the_padding_either(load, extra):
    generator = load("llama")
    requests = [text(prompt, extra=extra) for prompt in PROMPTS]
    assert together(generator, requests) == alone(generator, requests)
    plain = [reply.text for reply in together(generator, [text(prompt) for prompt in PROMPTS])]
    if "min_new_tokens" not in extra:
        assert [reply.text for reply in together(generator, requests)] != plain


def test_rows_are_padded_with_nothing_that_they_do_not_have(load):
    generator = load("llama")
    rows = [(5, 6, 7), (8, 9, 10, 11, 12), (13,)]
    ids, mask = generator._padded(rows)
    assert ids.shape == mask.shape == (3, 8)
    for row, padded, seen in zip(rows, ids.tolist(), mask.tolist(), strict=True):
        assert tuple(padded[8 - len(row) :]) == row
        assert set(padded) == set(row)
        assert seen == [0] * (8 - len(row)) + [1] * len(row)
    assert generator._padded(rows[:1])[0].shape == (1, 3), "one row needs none"


def test_sampled_replies_depend_on_the_seed_alone(load):
    generator = load("qwen2")
    requests = [text(prompt, temperature=0.9, top_p=0.95) for prompt in PROMPTS]
    batch = [reply.text for reply in together(generator, requests)]
    assert batch == [reply.text for reply in alone(generator, requests)]
    backwards = together(generator, requests[::-1], range(len(requests))[::-1])
    assert batch == [reply.text for reply in backwards[::-1]]
    assert len({reply.text for reply in together(generator, [requests[0]] * 8)}) == 8


def test_first_tokens_are_drawn_with_the_model_s_probabilities(load):
    generator, count = load("llama"), 3000
    request = text("A or B?", max_tokens=1, temperature=1.0, logprobs=8)
    found = []
    for start in range(0, count, 500):
        found += together(generator, [request] * 500, range(start, start + 500))
    drawn = [reply.logprobs[0].token for reply in found]
    top = [(token, logprob) for token, logprob in found[0].logprobs[0].top.items() if token.isascii()]
    assert len(top) >= 3
    for token, logprob in top:
        share = math.exp(logprob)
        assert drawn.count(token) / count == pytest.approx(share, abs=4 * (share / count) ** 0.5)


# -- where a reply ends ----------------------------------------------------------------------------------


def full(generator, prompt="Which is better? A or B", tokens=24):
    """Return the tokens that a prompt is continued with, and the text of each."""
    found, _ = by_hand(generator, text(prompt), tokens)
    return found, [generator.tokenizer.decode([token], skip_special_tokens=True) for token in found]


def test_a_stop_string_ends_the_text_and_the_work(load):
    generator = load("llama")
    prompt = "Which is better? A or B"
    _, spelled = full(generator)
    stop = next(piece for piece in spelled[3:] if piece.isascii() and piece)
    at = spelled.index(stop)
    forwards = []
    handle = generator.model.register_forward_hook(lambda *_: forwards.append(1))
    (reply,) = together(generator, [text(prompt, max_tokens=24, stop=(stop, "never said"))])
    handle.remove()
    assert reply.text == generator.tokenizer.decode(full(generator)[0][:at])
    assert (reply.finish, reply.usage.output) == ("stop", at + 1)
    assert len(forwards) == at + 1, "a prefill and the tokens before the stop, nothing more"


def test_a_stop_string_over_several_tokens_and_the_earliest_of_two(load):
    generator = load("gpt-neox")
    _, spelled = full(generator)
    whole = "".join(spelled)
    runs = [n for n in range(1, 22) if whole[n : n + 3].isascii() and "\ufffd" not in whole[n : n + 3]]
    stop = whole[runs[0] : runs[0] + 3]
    (reply,) = together(generator, [text("Which is better? A or B", max_tokens=24, stop=(whole[-2:], stop))])
    assert reply.text == whole[: whole.find(stop)]


def test_rows_that_stop_do_not_disturb_those_that_go_on(load):
    generator = load("llama")
    requests = [text(prompt, max_tokens=20, stop=("\n", "A", "7", "e", " ")) for prompt in PROMPTS]
    batch = together(generator, requests)
    assert batch == alone(generator, requests)
    assert {reply.finish for reply in batch} == {"stop", "length"}


def test_without_its_stop_string_a_text_keeps_its_last_character(load):
    generator = load("llama")
    plain, stopped = together(generator, [text("7 8")])[0], together(generator, [text("7 8", stop=("never said",))])[0]
    assert (plain.text, plain.finish) == (stopped.text, "length")
    assert plain.usage.output == 12


def test_the_model_s_end_tokens_end_a_reply_and_are_counted(folder, tmp_path):
    generator = Generator(Endpoint(model=str(folder("llama"))))
    generator.load()
    tokens, _ = full(generator)
    end = tokens[5]
    copy = make_tiny(tmp_path / "ends", "llama")
    settings = json.loads((copy / "generation_config.json").read_text())
    (copy / "generation_config.json").write_text(json.dumps(settings | {"eos_token_id": [2, end]}))
    ending = Generator(Endpoint(model=str(copy)))
    ending.load()
    (reply,) = together(ending, [text("Which is better? A or B", max_tokens=24, logprobs=1)])
    at = tokens.index(end)
    assert (reply.finish, reply.usage.output, len(reply.logprobs)) == ("stop", at + 1, at + 1)
    assert reply.text == ending.tokenizer.decode(tokens[: at + 1], skip_special_tokens=True)


def test_a_stop_string_that_is_a_token_of_its_own_is_seen_though_it_is_not_spelled(load):
    generator = load("gemma2")
    names = generator.tokenizer.get_added_vocab()
    said = {prompt: full(generator, prompt)[0] for prompt in PROMPTS}
    prompt, name = next((p, n) for p in PROMPTS for n in names if names[n] in said[p][1:] and n != "</s>")
    (reply,) = together(generator, [text(prompt, max_tokens=24, stop=(name,))])
    assert (reply.finish, reply.usage.output) == ("stop", said[prompt].index(names[name]) + 1)


def test_unset_limits_end_with_the_window_and_long_prompts_are_refused(folder):
    generator = Generator(Endpoint(model=str(folder("llama", context=64))))
    generator.load()
    job = generator.job(text("x" * 50, max_tokens=None), 0)
    assert job.limit == 64 - len(job.row)
    (reply,) = generator.generate([job])
    assert (reply.finish, reply.usage.input + reply.usage.output) == ("length", 64)
    assert generator.job(text("x" * 40, max_tokens=5), 0).limit == 5
    with pytest.raises(PermanentError, match="does not fit into the 64 of llama's window.*context"):
        generator.job(text("x" * 64), 0)


def test_rows_near_the_window_share_a_batch_with_short_ones(folder):
    generator = Generator(Endpoint(model=str(folder("llama", context=64))))
    generator.load()
    requests = [text("x" * length, max_tokens=30) for length in (60, 20, 40, 58)]
    batch = together(generator, requests)
    assert batch == alone(generator, requests)
    assert [reply.usage.output for reply in batch] == [3, 30, 23, 5]


def test_where_neither_request_nor_model_sets_a_limit_there_still_is_one(load):
    generator = load("qwen2")
    generator.__dict__["_window"] = None
    try:
        assert generator.job(text("hi", max_tokens=None), 0).limit == MOST_NEW
    finally:
        del generator.__dict__["_window"]


# -- what the model brings along -------------------------------------------------------------------------


def test_the_model_s_own_generation_settings_are_set_aside(load, tmp_path):
    copy = make_tiny(tmp_path / "opinionated", "llama")
    settings = json.loads((copy / "generation_config.json").read_text())
    own = {"do_sample": True, "temperature": 5.0, "top_k": 3, "repetition_penalty": 4.0, "max_new_tokens": 2,
           "no_repeat_ngram_size": 1, "suppress_tokens": list(range(100, 200))}  # fmt: skip
    (copy / "generation_config.json").write_text(json.dumps(settings | own))
    opinionated = Generator(Endpoint(model=str(copy)))
    opinionated.load()
    requests = [text(prompt) for prompt in PROMPTS]
    expected = [reply.text for reply in together(load("llama"), requests)]
    assert [reply.text for reply in together(opinionated, requests)] == expected


def test_context_and_template_come_from_the_endpoint(load):
    limited = load("llama", context=Context(limit=40, reserve=8, side="left"))
    row = limited.job(text("a" * 100 + "?"), 0).row
    assert len(row) == 32
    assert limited.tokenizer.decode(row.ids).endswith("a?")
    assert limited.describe()["cut"] == {"rows": 1, "tokens": 102 - 32}, "and what was cut is told"


def test_counts_and_costs(load):
    generator = load("llama")
    requests = [text("a"), text("a" * 30)]
    jobs = [generator.job(request, 0) for request in requests]
    assert [reply.usage.input for reply in generator.generate(jobs)] == [len(job.row) for job in jobs]
    assert jobs[1].length == len(jobs[1].row) + 12
    assert generator.job(text("a", extra={"num_beams": 4}), 0).length == 4 * jobs[0].length
    assert generator.job(text("a", max_tokens=1000), 0).length == len(jobs[0].row) + EXPECTED
    cache = generator.model(torch.tensor([[1]])).past_key_values
    assert generator.token_bytes == sum(4 * (layer.keys.numel() + layer.values.numel()) for layer in cache.layers)


def test_rivals_of_every_token_share_the_whole_probability(load):
    (reply,) = together(load("llama"), [text("A or B?", logprobs=262)])
    for entry in reply.logprobs:
        assert sum(map(math.exp, entry.top.values())) == pytest.approx(1, abs=1e-4)
        assert "\ufffd" in entry.top, "bytes of no character are one rival"
        assert len(entry.top) < 262


def test_no_log_probabilities_are_kept_that_nobody_asked_for(load):
    assert together(load("llama"), [text("A")])[0].logprobs is None
    (reply,) = together(load("llama"), [text("A", logprobs=0)])
    assert [entry.top for entry in reply.logprobs] == [{}] * 12


def test_what_was_loaded_is_told_without_a_path(load, folder):
    facts = load("gemma2").describe()
    assert {"device": "cpu", "dtype": "float32", "attention": "eager"}.items() <= facts.items()
    assert str(folder("gemma2").parent) not in json.dumps(facts)
    assert together(load("gemma2"), [text("A")])[0].model == "gemma2"


# -- failures --------------------------------------------------------------------------------------------


def test_weights_that_overflow_are_an_error_not_a_verdict(folder):
    generator = Generator(Endpoint(model=str(folder("llama"))))
    generator.load()
    with torch.no_grad():
        generator.model.get_output_embeddings().weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError):
        together(generator, [text("A")])


def test_a_batch_can_be_given_up(folder):
    generator = Generator(Endpoint(model=str(folder("llama"))))
    generator.load()
    steps = []

    def count(*_):
        steps.append(1)
        if len(steps) == 3:
            generator.abort()

    generator.model.register_forward_hook(count)
    with pytest.raises(InterruptedError):
        together(generator, [text("A", max_tokens=500)])
    assert len(steps) == 3
    with pytest.raises(InterruptedError):
        together(generator, [text("A")])
    generator.resume()
    assert together(generator, [text("A")])[0].usage.output == 12


def test_what_the_formatter_refuses_is_passed_on(load):
    image = {"type": "image", "url": "https://example.org/a.png"}
    request = ChatRequest(messages=({"role": "user", "content": [image]},))
    with pytest.raises(UsageError, match="image"):
        load("llama").job(request, 0)


def test_a_prompt_without_a_token_is_refused(load):
    never = load("llama", weights=Weights(bos="never"))
    with pytest.raises(PermanentError, match="no token"):
        never.job(text(""), 0)
