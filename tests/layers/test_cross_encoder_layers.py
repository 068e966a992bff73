"""The cross-encoder's layers against transformers' BERT, and its two heads against a plain reading of their formulas."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from nearkin.layers.cross_encoder import CrossEncoder, from_bert  # noqa: E402

SHAPE = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 40}
LEFT, RIGHT = torch.tensor([[2, 7, 9, 3], [2, 8, 3, 0]]), torch.tensor([[2, 11, 3], [2, 12, 3]])
THERE = LEFT > 0


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A random BERT, and the folder that it is kept in."""
    place = tmp_path_factory.mktemp("bert")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.BertModel(transformers.BertConfig(**SHAPE)).eval()
    model.save_pretrained(place)
    return model, place


def test_a_text_read_alone_is_as_transformers_reads_it(bert):
    model, place = bert
    for joint in (1, 2, 3):
        ours = from_bert(place, joint=joint, head="pooled", seed=0)
        with torch.no_grad():
            theirs = model(LEFT, attention_mask=THERE.long(), output_hidden_states=True).hidden_states[3 - joint]
        torch.testing.assert_close(ours.alone(LEFT, THERE)[THERE], theirs[THERE])


def by_hand(model: CrossEncoder, left, right):
    """One pair: the lower layers on each text, the joint ones on both together, then the head."""
    states = torch.cat([model.alone(left[None]), model.alone(right[None]) + model.side], 1)
    for layer in model.joint:
        states = layer(states)
    if model.head == "cls":
        return states[0, 0] @ model.line.weight[0] + model.line.bias[0]
    return states[0, : len(left)].mean(0) @ states[0, len(left) :].mean(0)


@pytest.mark.parametrize("head", ["cls", "pooled"])
@pytest.mark.parametrize("joint", [1, 2, 3])
def test_padded_pairs_are_scored_as_one_pair_by_hand(bert, head, joint):
    model = from_bert(bert[1], joint=joint, head=head, seed=0)
    left, right = model.ready(model.alone(LEFT, THERE), THERE, right=False), model.ready(model.alone(RIGHT), RIGHT > 0, right=True)
    logits = model(left, right)
    assert logits.shape == (2,)
    for row, length in enumerate((4, 3)):
        torch.testing.assert_close(logits[row], by_hand(model, LEFT[row, :length], RIGHT[row]).squeeze(), rtol=1e-4, atol=1e-5)


def test_a_seed_decides_the_head_and_leaves_the_generator_alone(bert):
    before = torch.random.get_rng_state()
    first, again, other = (from_bert(bert[1], joint=1, head="cls", seed=seed).line.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())
