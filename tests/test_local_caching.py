"""A cache with room gives the library's own numbers, and copies less."""

import pytest
import torch
from transformers import AutoModelForCausalLM, DynamicCache

from fakes.tiny_models import make_tiny
from judgebench.backends.local import caching
from judgebench.backends.local.caching import ROOM, filled_cache, roomy_cache

TOLERANCE = 1e-4
"""Of logits, which are of the size of 4 here."""
SHAPES = ("llama", "gemma2", "qwen2", "gpt-neox")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def model_of(tmp_path_factory):
    made = {}

    def load(shape):
        if shape not in made:
            folder = make_tiny(tmp_path_factory.mktemp("tiny") / shape, shape)
            made[shape] = AutoModelForCausalLM.from_pretrained(folder).eval()
        return made[shape]

    return load


def generated(model, tokens, cache, **options):
    ids = torch.arange(3, 33).reshape(2, 15)
    mask = torch.ones_like(ids)
    mask[0, :6] = 0
    with torch.inference_mode():
        return model.generate(ids, attention_mask=mask, max_new_tokens=tokens, do_sample=False, eos_token_id=None,
                              pad_token_id=0, output_logits=True, return_dict_in_generate=True, **cache, **options)  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_generated_is_the_same_to_the_last_bit(model_of, shape):
    model, tokens = model_of(shape), 2 * ROOM + 9
    own, ours = (generated(model, tokens, cache) for cache in ({}, roomy_cache(model)))
    assert torch.equal(own.sequences, ours.sequences)
    assert torch.equal(own.logits[-1], ours.logits[-1])


@pytest.mark.parametrize("room", [1, 30, 4_096])
@pytest.mark.parametrize("lengths", [(9, 15, 1), (15, 15, 15)])
@pytest.mark.parametrize("shape", ["llama", "qwen2", "gpt-neox"])
def test_rows_that_were_read_before_go_on_as_rows_of_a_batch(model_of, monkeypatch, shape, lengths, room):
    monkeypatch.setattr(caching, "READ", room)
    model = model_of(shape)
    rows = [tuple(range(start, start + length)) for start, length in zip((9, 18, 40), lengths, strict=True)]
    ids = torch.tensor([[row[0]] * (15 - len(row)) + list(row) for row in rows])
    mask = torch.tensor([[0] * (15 - len(row)) + [1] * len(row) for row in rows])
    batch = {"attention_mask": mask, "max_new_tokens": 2 * ROOM + 9, "do_sample": False, "pad_token_id": 0,
             "output_logits": True, "return_dict_in_generate": True}  # fmt: skip
    reads = []
    handle = model.base_model.register_forward_pre_hook(
        lambda _model, args, kwargs: reads.append(tuple((args[0] if args else kwargs["input_ids"]).shape)),
        with_kwargs=True,
    )
    with torch.inference_mode():
        ours = model.generate(ids, **batch, **filled_cache(model, rows, 15))
        read = [shape for shape in reads if shape != (3, 1)]
        own = model.generate(ids, **batch)
    handle.remove()
    assert torch.equal(own.sequences, ours.sequences)
    for one, other in zip(own.logits, ours.logits, strict=True):
        assert torch.allclose(one, other, atol=TOLERANCE)
    assert sum(rows for rows, _tokens in read) == 3
    assert max(rows for rows, _tokens in read) == {1: 1, 30: 2, 4_096: 3}[room]
    assert (3, 15) not in read, "the last tokens alone are left to the batch"


def test_reading_can_be_given_up_between_two_groups(model_of, monkeypatch):
    monkeypatch.setattr(caching, "READ", 1)
    answers = iter([False, True])
    with pytest.raises(InterruptedError):
        filled_cache(model_of("llama"), [(3, 4), (5, 6)], 8, lambda: next(answers))


def test_a_model_with_windows_reads_its_batch_at_once(model_of):
    (cache,) = filled_cache(model_of("gemma2"), [(3, 4), (5, 6)], 8).values()
    assert cache.get_seq_length() == 0


def test_beams_that_change_places_take_their_keys_along(model_of):
    model = model_of("llama")
    own, ours = (generated(model, ROOM + 9, cache, num_beams=3) for cache in ({}, roomy_cache(model)))
    assert torch.equal(own.sequences, ours.sequences)


def test_a_step_copies_its_own_tokens_only(model_of):
    model = model_of("llama")
    cache = next(iter(roomy_cache(model).values()))
    layer = cache.layers[0]
    places = []
    for _ in range(3 * ROOM):
        layer.update(torch.zeros(1, 1, 1, 16), torch.zeros(1, 1, 1, 16))
        places.append(layer.keys.data_ptr())
    assert layer.get_seq_length() == 3 * ROOM
    assert len(set(places)) <= 4, "it moves only when the room is used up"


def test_what_was_cropped_is_written_over(model_of):
    layer = next(iter(roomy_cache(model_of("llama")).values())).layers[0]
    layer.update(torch.ones(1, 1, 4, 16), torch.ones(1, 1, 4, 16))
    layer.crop(-2)
    keys, values = layer.update(2 * torch.ones(1, 1, 1, 16), 2 * torch.ones(1, 1, 1, 16))
    assert keys[0, 0, :, 0].tolist() == values[0, 0, :, 0].tolist() == [1, 1, 2]


def test_windows_stay_the_library_s_and_short(model_of):
    from transformers.cache_utils import DynamicSlidingWindowLayer

    kinds = [type(layer) for layer in next(iter(roomy_cache(model_of("gemma2")).values())).layers]
    assert kinds[0] is DynamicSlidingWindowLayer
    assert kinds[1].__name__ == "RoomyLayer"


def test_every_batch_gets_a_fresh_cache(model_of):
    model = model_of("llama")
    one, two = (next(iter(roomy_cache(model).values())) for _ in range(2))
    one.update(torch.ones(1, 1, 4, 16), torch.ones(1, 1, 4, 16), 0)
    assert (one.get_seq_length(), two.get_seq_length()) == (4, 0)
    assert isinstance(one, DynamicCache)


def test_a_model_that_makes_its_own_cache_is_left_alone(model_of, monkeypatch):
    model = model_of("qwen2")
    monkeypatch.setattr(type(model), "_supports_default_dynamic_cache", lambda _self: False)
    assert roomy_cache(model) == {}
