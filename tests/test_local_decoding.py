"""What sampling parameters mean to a local model: settled before any model is loaded."""

import re

import pytest
import torch

from judgebench.backends.local.decoding import SLACK, Choice, Decoding, Ends, seed_of
from judgebench.errors import UsageError
from judgebench.records import ChatRequest, Message, Sampling, TextRequest

CPU = torch.device("cpu")


def asked(logprobs=None, **sampling):
    return TextRequest(prompt="A or B?", sampling=Sampling(**sampling), logprobs=logprobs)


def refused(request):
    with pytest.raises(UsageError) as error:
        Decoding.of(request)
    assert "\n" not in str(error.value)
    return str(error.value)


# -- what is asked for -----------------------------------------------------------------------------------


def test_unset_is_neutral_and_greedy():
    found = Decoding.of(asked())
    assert (found.temperature, found.top_p, found.max_tokens, found.logprobs) == (0.0, 1.0, None, None)
    assert found == Decoding.of(asked(temperature=0, top_p=1))


def test_the_parameters_of_published_judges_are_known():
    options = {"num_beams": 4, "top_k": 1, "repetition_penalty": 1.2, "early_stopping": True}
    found = Decoding.of(asked(temperature=0, top_p=1, max_tokens=512, extra=options)).options
    assert (found.num_beams, found.top_k, found.repetition_penalty, found.early_stopping) == (4, 1, 1.2, True)


def test_requests_share_a_batch_whatever_their_seeds_but_not_across_parameters():
    assert Decoding.of(asked(temperature=1, seed=1)) == Decoding.of(asked(temperature=1, seed=2))
    assert hash(Decoding.of(asked(extra={"min_p": 0.1}))) == hash(Decoding.of(asked(extra={"min_p": 0.1})))
    assert len({Decoding.of(asked(temperature=value)) for value in (0, 0.5, 1)}) == 3


@pytest.mark.parametrize(
    ("sampling", "says"),
    [
        ({"extra": {"num_beam": 4}}, "unknown generation parameter 'num_beam'. Did you mean num_beams"),
        ({"extra": {"num_beams": 0}}, "sampling.num_beams: Input should be greater than or equal to 1, not 0"),
        ({"extra": {"min_p": "some"}}, "sampling.min_p: .*, not 'some'"),
        ({"temperature": -0.1}, "sampling.temperature: .*, not -0.1"),
        ({"top_p": 0}, "sampling.top_p"),
        ({"max_tokens": 0}, "sampling.max_tokens"),
        ({"reasoning_effort": "high"}, "reasoning_effort"),
        ({"temperature": 1, "extra": {"num_beams": 2}}, "num_beams=2 does not go with temperature"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(sampling, says):
    message = refused(asked(**sampling))
    assert re.search(says, message), message


def test_beams_carry_no_log_probabilities():
    assert "num_beams=2 does not go with logprobs" in refused(asked(logprobs=0, extra={"num_beams": 2}))


def test_a_schema_is_refused_with_a_way_out():
    request = ChatRequest(messages=(Message(role="user", content="hi"),), json_schema={"type": "object"})
    assert "--backend vllm" in refused(request)


# -- seeds -----------------------------------------------------------------------------------------------


def test_a_seed_comes_from_the_sampling_or_the_reply_s_name_or_the_request():
    plain, seeded = asked(temperature=1), asked(temperature=1, seed=7)
    assert seed_of(plain, "one") != seed_of(plain, "two"), "repeats of a request differ"
    assert seed_of(plain, "one") == seed_of(plain, "one"), "a resumed run draws the same"
    assert seed_of(plain, None) == seed_of(plain, None)
    assert seed_of(seeded, "one") == seed_of(seeded, "two"), "a seed of one's own is all that counts"
    assert seed_of(seeded, None) != seed_of(asked(temperature=1, seed=8), None)
    assert seed_of(seeded, None) != seed_of(seeded.model_copy(update={"prompt": "B or A?"}), None)
    assert all(0 <= seed_of(plain, str(n)) < 2**63 for n in range(50))


# -- the choice ------------------------------------------------------------------------------------------


def choices(decoding, logits, seeds):
    """Return what a row of logits is continued with under each seed."""
    scores = torch.tensor([logits] * len(seeds))
    return Choice(decoding, seeds, CPU)(torch.zeros(len(seeds), 1, dtype=torch.long), scores).argmax(-1).tolist()


def test_noise_samples_from_the_softmax():
    logits, count = [2.0, 1.0, 0.0, -1.0], 20_000
    drawn = torch.bincount(torch.tensor(choices(Decoding(temperature=1.0), logits, range(count))), minlength=4) / count
    expected = torch.tensor(logits).softmax(-1)
    assert (drawn - expected).abs().max() < 4 * (0.25 / count) ** 0.5


def test_temperature_sharpens_and_flattens():
    logits, count = [1.0, 0.0], 4000
    shares = [
        sum(one == 0 for one in choices(Decoding(temperature=temperature), logits, range(count))) / count
        for temperature in (0.25, 1.0, 4.0)
    ]
    expected = [torch.tensor([4.0, 0]), torch.tensor([1.0, 0]), torch.tensor([0.25, 0])]
    assert shares == pytest.approx([float(one.softmax(-1)[0]) for one in expected], abs=0.03)


@pytest.mark.parametrize("options", [{"top_k": 1}, {"min_p": 1.0}])
def test_filters_that_leave_one_token_leave_no_chance(options):
    decoding = Decoding.of(asked(temperature=5.0, extra=options))
    assert set(choices(decoding, [1.0, 1.2, 0.9], range(300))) == {1}


def test_top_p_and_typical_p_take_away_the_tail():
    logits = [3.0, 2.9, -2.0, -2.1]
    assert set(choices(Decoding(temperature=1.0, top_p=0.9), logits, range(500))) == {0, 1}
    typical = Decoding.of(asked(temperature=1.0, extra={"typical_p": 0.5}))
    assert set(choices(typical, logits, range(500))) <= {0, 1}


def test_a_row_s_noise_is_its_own():
    decoding, logits = Decoding(temperature=1.0), [0.0] * 50
    alone = [choices(decoding, logits, [seed])[0] for seed in range(20)]
    assert choices(decoding, logits, list(range(20))) == alone
    assert len(set(alone)) > 5


def test_half_precision_logits_still_sample():
    scores = torch.zeros(2, 8, dtype=torch.bfloat16)
    assert Choice(Decoding(temperature=1.0), [1, 2], CPU)(None, scores).isfinite().all()


@pytest.mark.parametrize("odd", ["nan", "inf"])
def test_logits_that_are_no_numbers_are_an_error_not_a_token(odd):
    with pytest.raises(FloatingPointError, match=f"not a number \\({odd}\\)"):
        Choice(Decoding(), [0], CPU)(None, torch.tensor([[0.0, float(odd)], [0.0, 1.0]]))


def test_tokens_that_are_ruled_out_are_none():
    scores = torch.tensor([[-torch.inf, 0.0]])
    assert Choice(Decoding(), [0], CPU)(None, scores).argmax() == 1


def test_kept_log_probabilities_are_the_model_s_own():
    choice = Choice(Decoding(temperature=3.0, logprobs=2), [1], CPU)
    scores = torch.tensor([[1.0, 3.0, 2.0]])
    wanted = choice(None, scores)
    (chosen, logprob, rivals, theirs) = choice.kept[0]
    assert chosen.tolist() == wanted.argmax(-1).tolist()
    assert logprob[0] == scores.log_softmax(-1)[0, chosen[0]]
    assert rivals.tolist() == [[1, 2]]
    assert theirs[0].tolist() == pytest.approx(scores.log_softmax(-1)[0, [1, 2]].tolist())


# -- the ends --------------------------------------------------------------------------------------------


def ends(*stops, start=2, aborted=False):
    def decode(rows):
        return ["".join(map(chr, row)) for row in rows]

    return Ends(start, stops, decode, lambda: aborted)


def rows(*texts, start=2):
    return torch.tensor([[0] * start + [ord(letter) for letter in text] for text in texts])


def test_a_row_ends_where_a_stop_string_is_complete():
    assert ends("\n", "END")(rows("7 8\n", "7 8E", "9END"), None).tolist() == [True, False, True]


def test_without_stop_strings_nothing_ends_and_nothing_is_decoded():
    hook = Ends(2, (), lambda _rows: pytest.fail("nothing to decode"), lambda: False)
    assert hook(rows("abc", "abc"), None).tolist() == [False, False]


def test_the_prompt_s_own_stop_strings_do_not_count():
    assert not ends("\n", start=3)(rows("\n\n\n7", start=0), None).any()


def test_only_the_newest_tokens_are_read_and_they_are_enough():
    seen = []

    def decode(batch):
        seen.extend(map(len, batch))
        return ["".join(map(chr, row)) for row in batch]

    hook = Ends(0, ["wxyz"], decode, lambda: False)
    assert hook(rows("a" * 5000 + "wxyz", start=0), None).tolist() == [True]
    assert seen == [4 + SLACK]


@pytest.mark.parametrize("stops", [(), ("x",)])
def test_giving_up_ends_the_batch(stops):
    with pytest.raises(InterruptedError):
        ends(*stops, aborted=True)(rows("a"), None)
