"""Generation parameters under transformers' names, as vLLM's engine and as servers take them."""

import pytest

from judgebench.backends.extras import BEAMS, SHARED, UNKNOWN, for_engine, for_server
from judgebench.backends.local.decoding import Options
from judgebench.errors import UsageError
from judgebench.records import Sampling


def server(**extra):
    stop = extra.pop("stop", ())
    return for_server(Sampling(stop=stop, extra=extra))


def test_every_parameter_is_accounted_for():
    assert {*SHARED, *BEAMS, *UNKNOWN} == {*Options.model_fields}


@pytest.mark.parametrize("translate", [for_engine, lambda extra: server(**extra)])
def test_neutral_values_are_not_sent(translate):
    assert translate(Options().model_dump()) == {}
    assert translate({}) == {}


@pytest.mark.parametrize("translate", [for_engine, lambda extra: server(**extra)])
def test_what_vllm_knows_too_is_passed_on(translate):
    extra = {"repetition_penalty": 1.2, "top_k": 5, "min_p": 0.1, "min_new_tokens": 3, "num_beams": 1}
    assert translate(extra) == {"repetition_penalty": 1.2, "top_k": 5, "min_p": 0.1, "min_tokens": 3}


@pytest.mark.parametrize("extra", [{"no_repeat_ngram_size": 3}, {"typical_p": 0.5}])
@pytest.mark.parametrize("translate", [for_engine, lambda extra: server(**extra)])
def test_what_vllm_has_nothing_for_is_refused(translate, extra):
    (name,) = extra
    with pytest.raises(UsageError, match=f"{name}=.*--backend transformers"):
        translate(extra)


@pytest.mark.parametrize("translate", [for_engine, lambda extra: server(**extra)])
def test_without_beams_their_parameters_mean_nothing(translate):
    assert translate({"early_stopping": True, "length_penalty": 2.0}) == {}


def test_a_server_searches_with_beams():
    assert server(num_beams=4) == {"use_beam_search": True, "n": 4, "length_penalty": 1.0}
    assert server(num_beams=2, length_penalty=0.5, early_stopping=False)["length_penalty"] == 0.5
    assert server(num_beams=2, early_stopping="never")["n"] == 2


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        ({"repetition_penalty": 1.2}, "repetition_penalty"),
        ({"top_k": 5}, "top_k"),
        ({"min_new_tokens": 5}, "min_new_tokens"),
        ({"early_stopping": True}, "early_stopping"),
        ({"stop": ("\n",)}, "stop"),
    ],
)
@pytest.mark.parametrize("beams", [{"num_beams": 4}, {"use_beam_search": True, "n": 4}])
def test_what_a_server_s_beams_would_drop_is_refused(extra, name, beams):
    with pytest.raises(UsageError, match=f"num_beams=4 and {name}: .*--backend transformers") as caught:
        server(**beams, **extra)
    assert "\n" not in str(caught.value)


def test_the_engine_has_no_beams():
    with pytest.raises(UsageError, match="num_beams=4: vLLM's engine has no beam search"):
        for_engine({"num_beams": 4})


def test_a_server_s_own_fields_pass_as_they_are():
    own = {"provider": {"order": ["x"]}, "chat_template_kwargs": {"enable_thinking": False}, "n": 1}
    assert server(**own, top_k=3) == own | {"top_k": 3}


def test_the_engine_takes_no_name_it_does_not_know():
    with pytest.raises(UsageError, match="Did you mean repetition_penalty"):
        for_engine({"repetition_penality": 1.1})


@pytest.mark.parametrize("extra", [{"num_beams": 0}, {"num_beams": "four"}, {"repetition_penalty": -1}, {"min_p": 2}])
def test_values_that_cannot_be(extra):
    (name,) = extra
    for translate in (for_engine, lambda extra: server(**extra)):
        with pytest.raises(UsageError, match=f"sampling.extra.{name}: "):
            translate(extra)
