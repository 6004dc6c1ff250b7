import pytest
import torch
import yaml
from torch import nn

from emofuse.train.config import build_config
from emofuse.train.person_probe import build_probe
from emofuse.train.persons import PersonPairing
from emofuse.train.recipe import PersonsConfig, Recipe, TokenizerConfig
from emofuse.train.tokenizer import write_tokenizer
from emofuse.train.trainer import load_run, train

RECIPE = """
name: tiny
task: text
encoder: {name: bilstm, embedding: 16, hidden: 8, heads: 2, dropout: 0.0}
tokenizer: {source: words, vocabulary: 900, max_tokens: 30, emoji: keep}
heads: {emotion6: {}}
corpora: [{name: emotion, root: ., heads: {emotion6: emotion6}}]
train: {epochs: 6, batch_size: 16, lr: 0.03, precision: 32-true}
"""
PERSONS = {"weight": 8.0, "groups": 4}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    texts = [text for row in build_probe(400) for group in (*row.names, *row.nouns) for text in group]
    config = TokenizerConfig(source="words", vocabulary=900)
    return write_tokenizer(config, texts, tmp_path_factory.mktemp("words") / "tokenizer.json")


def recipe_with(**changes):
    return build_config(Recipe, yaml.safe_load(RECIPE) | changes)


def pairing(tokenizer, **changes):
    return PersonPairing(PersonsConfig(groups=6), recipe_with(**changes), tokenizer)


class Sums(nn.Module):
    """Logits that a sentence's first word, or all of its words, decide."""

    def __init__(self, *, first):
        super().__init__()
        self.first = first
        self.weight = nn.Parameter(torch.ones(()))
        self.dropout = nn.Dropout(0.5)

    def forward(self, ids):
        read = ids[:, 0] if self.first else ids.sum(dim=1)
        return (self.dropout(torch.stack([torch.sin(self.weight * read + i) for i in range(6)], dim=1)),)


def test_a_group_differs_in_the_person_alone(tokenizer):
    for group in pairing(tokenizer).draw(0):
        assert len(group) in {2, 16}
        shortest = min(map(len, group))
        shared = [len({int(ids[i]) for ids in group}) == 1 for i in range(shortest)]
        assert sum(shared) >= shortest - 3
        assert len({tuple(ids.tolist()) for ids in group}) > 1


def test_a_step_decides_what_is_drawn(tokenizer):
    def plain(step, **changes):
        return [[ids.tolist() for ids in group] for group in pairing(tokenizer, **changes).draw(step)]

    assert plain(3) == plain(3)
    assert plain(3) != plain(4)
    assert plain(3) != plain(3, seed=8)


def test_only_differences_cost_something(tokenizer):
    persons = pairing(tokenizer)
    # All sentences begin with one special token.
    assert persons.loss(Sums(first=True), 0).item() == pytest.approx(0, abs=1e-6)
    assert persons.loss(Sums(first=False), 0).item() > 0.03


def test_sentences_of_several_lengths_come_back_in_order(tokenizer):
    persons, network = pairing(tokenizer), Sums(first=False).eval()
    by_hand = []
    for group in persons.draw(5):
        rows = torch.cat([network(ids[None])[0] for ids in group]).softmax(dim=1)
        mean = rows.mean(dim=0)
        by_hand += [(mean * (mean / row).log()).sum() for row in rows]
    assert len({len(ids) for group in persons.draw(5) for ids in group}) > 1
    assert persons.loss(network, 5).item() == pytest.approx(torch.stack(by_hand).mean().item(), rel=1e-4)


def test_dropout_rests_meanwhile(tokenizer):
    persons, network = pairing(tokenizer), Sums(first=False)
    assert persons.loss(network, 1).item() == persons.loss(network, 1).item()
    assert all(module.training for module in network.modules())


def test_a_model_learns_to_read_persons_alike(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows = build_probe(60)
    # Who is spoken of tells the label: what a model must not learn.
    lines = [f"{women};joy\n{men};sadness\n" for row in rows for women, men in row.nouns]
    for name, part in (("train", lines), ("val", lines[:40]), ("test", lines[:40])):
        (data / f"{name}.txt").write_text("".join(part))
    apart = []
    for persons in (None, PERSONS):
        run = tmp_path / str(bool(persons))
        train(recipe_with(persons=persons), data, run)
        recipe, network, tokenizer = load_run(run)
        judge = PersonPairing(PersonsConfig(groups=60), recipe, tokenizer)
        judge.groups = [group for group in judge.groups if len(group) == 2]  # the names are none of its words
        with torch.no_grad():
            apart.append(judge.loss(network, 10**6).item())
    assert apart[0] > 0.1
    assert apart[1] < apart[0] / 3
