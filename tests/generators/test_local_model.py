"""A local language model writes what its own logits say, one token after another; here a small one with weights made at random."""

from __future__ import annotations

import pytest

from nearkin.errors import BadInput
from nearkin.generators.local_model import LocalModel
from nearkin.generators.profiles import item_profiles
from nearkin.generators.recorded import Recorded
from nearkin.tables import Catalog, Links

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

WORDS = ["<unk>", "<end>", "<begin>", "<ask>", "<say>", "a", "red", "shoe", "blue", "sock", "for", "cats", "who", "like", "warm", "feet"]
TEMPLATE = "{{ '<begin>' }}{% for one in messages %} <ask> {{ one['content'] }}{% endfor %}{% if add_generation_prompt %} <say>{% endif %}"


def saved(folder, *, template: str | None = None) -> str:
    """A causal model of a few thousand weights and a tokenizer of whole words, which puts <begin> before each text."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    inner = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    inner.post_processor = processors.TemplateProcessing(single="<begin> $A", special_tokens=[("<begin>", 2)])
    special = {"unk_token": "<unk>", "eos_token": "<end>", "bos_token": "<begin>"}
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=inner, **special)
    tokenizer.chat_template = template
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 64}
    config = transformers.LlamaConfig(vocab_size=len(WORDS), **sizes, initializer_range=0.5, bos_token_id=2, eos_token_id=1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.LlamaForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def rows_of(text: str) -> list[int]:
    return [WORDS.index(word) for word in text.split()]


def greedy(folder: str, rows: list[int], count: int) -> str:
    """The most likely word, put at the end, and again: by the logits alone."""
    model, said = transformers.AutoModelForCausalLM.from_pretrained(folder).eval(), []
    for _ in range(count):
        with torch.no_grad():
            said.append(int(model(torch.tensor([rows + said])).logits[0, -1].argmax()))
        if said[-1] == 1:
            break
    return " ".join(WORDS[row] for row in said if row > 2)


def test_the_answer_is_what_the_logits_say(tmp_path):
    place = saved(tmp_path)
    prompt = rows_of("<begin> red shoe for cats")
    writer = LocalModel(model=place, tokens=8)
    assert writer.write("red shoe for cats") == greedy(place, prompt, 8) != ""
    assert writer.write("red shoe for cats") == greedy(place, prompt, 8)
    assert writer.name == place


def test_a_chat_template_is_used_and_begins_once(tmp_path):
    place = saved(tmp_path, template=TEMPLATE)
    writer, told_apart = LocalModel(model=place, tokens=6), False
    for text in ("blue sock", "red shoe for cats", "who like warm feet", "a sock", "feet", "cats like a red sock"):
        asked = rows_of(f"<begin> <ask> {text} <say>")
        assert writer.write(text) == greedy(place, asked, 6)
        told_apart |= greedy(place, asked, 6) != greedy(place, [2, *asked], 6)
    assert told_apart


def test_answers_have_no_more_than_so_many_tokens(tmp_path):
    writer = LocalModel(model=saved(tmp_path), tokens=1)
    assert len(writer.write("a red shoe").split()) <= 1


def test_it_writes_profiles_and_is_asked_once(tmp_path):
    items = Catalog.of("ab", title=["red shoe", "blue sock"])
    links = Links(Catalog.of("u"), items, [0, 0], [0, 1])
    place = saved(tmp_path / "model")
    made = item_profiles(links, writer=Recorded(path=tmp_path / "answers.jsonl", writer=LocalModel(model=place, tokens=5)))
    again = item_profiles(links, writer=Recorded(path=tmp_path / "answers.jsonl", name=place))
    assert made["maker"] == [place, place]
    assert again["profile"] == made["profile"]


def test_a_model_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no language model"):
        LocalModel(model=str(tmp_path / "nothing")).write("hello")
    with pytest.raises(BadInput, match="no language model"):
        LocalModel(model=str(tmp_path)).write("hello")
