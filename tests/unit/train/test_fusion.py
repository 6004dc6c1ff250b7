import numpy as np
import pytest
import torch
from tests.miniature import write_corpora

from emofuse.datasets import load_adapter
from emofuse.datasets.label_matched import LabelMatchedAdapter
from emofuse.errors import ConfigError
from emofuse.train.config import build_config
from emofuse.train.fusion.augment import Mispairing, ModalityDropout, Noise, empty_samples
from emofuse.train.fusion.network import FusionInputs, FusionNetwork, MemberLayout
from emofuse.train.fusion.recipe import POOLS, FusionHeadConfig, FusionRecipe

TAXONOMIES = {"ekman7": 7, "sentiment3": 3}
NAMES = ["log_linear", "mlp", "early", "hybrid", "gated", "tensor", "cross_attention", "dynamic_pool"]


def layout(name, modality, width=6, states=4):
    return MemberLayout(
        name, modality, {"ekman7": (0, 7), "sentiment3": (7, 10), "embedding": (10, 10 + width)}, states
    )


MEMBERS = [layout("text", 0), layout("face", 1, 5, 5), layout("scene", 2, 8, 3)]


def build(name, **options):
    torch.manual_seed(0)
    config = FusionHeadConfig(name=name, hidden=16, factor=3, **options)
    return FusionNetwork(config, MEMBERS, TAXONOMIES).eval()


def inputs(rows=5, seed=0):
    random = np.random.default_rng(seed)
    vectors, states = [], []
    for member in MEMBERS:
        vector = random.normal(size=(rows, member.size)).astype(np.float32)
        vector[:, :7] = random.dirichlet(np.ones(7), rows)
        vector[:, 7:10] = random.dirichlet(np.ones(3), rows)
        vectors.append(torch.from_numpy(vector))
        states.append(torch.from_numpy(random.normal(size=(rows, 4, member.states)).astype(np.float32)))
    return FusionInputs(tuple(vectors), tuple(states), torch.ones(rows, 3))


def trained(network):
    # As if some training had moved every weight.
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return network


@pytest.mark.parametrize("name", NAMES)
class TestEveryHead:
    def test_an_absent_modality_may_hold_anything(self, name):
        network, full = trained(build(name)), inputs()
        for column in range(3):
            present = full.present.clone()
            present[:, column] = 0
            masked = full._replace(present=present)
            rubbish = list(full.vectors)
            rubbish[column] = torch.full_like(rubbish[column], float("nan"))
            other = list(full.states)
            other[column] = torch.full_like(other[column], float("nan"))
            expected, found = network(masked), network(FusionInputs(tuple(rubbish), tuple(other), present))
            for one, two in zip(expected, found, strict=True):
                assert torch.isfinite(two).all()
                torch.testing.assert_close(one, two)

    def test_rows_do_not_see_each_other(self, name):
        network, full = trained(build(name)), inputs()
        whole = network(full)
        last = network(
            FusionInputs(
                tuple(v[-1:] for v in full.vectors), tuple(s[-1:] for s in full.states), full.present[-1:]
            )
        )
        for one, two in zip(whole, last, strict=True):
            torch.testing.assert_close(one[-1:], two, atol=1e-5, rtol=1e-5)

    def test_every_modality_matters(self, name):
        network, full = trained(build(name)), inputs()
        answer = network(full)[0]
        other = inputs(seed=1)
        for column in range(3):
            vectors, states = list(full.vectors), list(full.states)
            vectors[column], states[column] = other.vectors[column], other.states[column]
            changed = network(FusionInputs(tuple(vectors), tuple(states), full.present))[0]
            assert not torch.allclose(answer, changed)


@pytest.mark.parametrize("name", POOLS)
def test_in_a_pool_a_modality_alone_answers_as_it_answers_itself(name):
    network, full = trained(build(name)), inputs()
    for column, vector in enumerate(full.vectors):
        present = torch.zeros_like(full.present)
        present[:, column] = 1
        emotion, sentiment = network(full._replace(present=present))
        torch.testing.assert_close(emotion.softmax(dim=1), vector[:, :7])
        torch.testing.assert_close(sentiment.softmax(dim=1), vector[:, 7:10])


@pytest.mark.parametrize("name", POOLS)
def test_an_untrained_pool_is_the_product_of_the_experts(name):
    full = inputs()
    emotion = build(name)(full)[0].softmax(dim=1)
    product = torch.stack([vector[:, :7] for vector in full.vectors]).prod(dim=0)
    torch.testing.assert_close(emotion, product / product.sum(dim=1, keepdim=True), atol=1e-5, rtol=1e-4)


def test_states_beyond_the_last_have_no_effect():
    network, full = trained(build("cross_attention")), inputs()
    longer = full._replace(states=tuple(torch.nn.functional.pad(s, (0, 0, 0, 3)) for s in full.states))
    torch.testing.assert_close(network(full)[0], network(longer)[0])


def test_settle_scales_embeddings_alone():
    network, full = build("early"), inputs(200)
    network.settle(full)
    mean, scale = network.get_buffer("mean_1"), network.get_buffer("scale_1")
    assert not mean[:10].any()
    assert (scale[:10] == 1).all()
    torch.testing.assert_close(mean[10:], full.vectors[1][:, 10:].mean(dim=0))


def test_modality_dropout_leaves_one_that_was_there():
    torch.manual_seed(0)
    full = inputs(2000)
    present = full.present.clone()
    present[:, 2] = 0
    dropped = ModalityDropout(0.7)(full._replace(present=present)).present
    assert (dropped.sum(dim=1) >= 1).all()
    assert not dropped[:, 2].any()
    assert 0.3 < dropped[:, 0].mean() < 0.7
    assert torch.equal(ModalityDropout(0.0)(full).present, full.present)


def test_mispairing_takes_whole_pictures_and_leaves_texts():
    torch.manual_seed(0)
    full = inputs(2000)
    present = full.present.clone()
    present[:400, 1:] = 0  # texts alone
    present[400:800, 0] = 0  # pictures alone
    changed = Mispairing(MEMBERS, 0, 0.5)(full._replace(present=present))
    assert torch.equal(changed.vectors[0], full.vectors[0])
    other = (changed.vectors[1] != full.vectors[1]).any(dim=1)
    assert torch.equal(other, (changed.vectors[2] != full.vectors[2]).any(dim=1))
    assert torch.equal(other, (changed.states[2] != full.states[2]).flatten(1).any(dim=1))
    assert not other[:800].any()
    assert 0.4 < other[800:].float().mean() < 0.6
    row = 800 + int(other[800:].nonzero()[0])
    donor = (full.vectors[1] == changed.vectors[1][row]).all(dim=1).nonzero().item()
    assert torch.equal(changed.vectors[2][row], full.vectors[2][donor])
    assert torch.equal(changed.present[row, 1:], present[donor, 1:])


def test_noise_replaces_one_half_of_a_pair():
    torch.manual_seed(0)
    full, empty = inputs(2000), inputs(len(empty_samples(0)), seed=9)
    empty.present[:200, 1:] = 0
    empty.present[200:, :2] = 0  # nobody's face is on an empty picture
    changed = Noise(MEMBERS, 0, 0.2, empty)(full)
    wordless = (changed.vectors[0] != full.vectors[0]).any(dim=1)
    faceless = changed.present[:, 1] == 0
    assert 0.15 < wordless.float().mean() < 0.25
    assert 0.15 < faceless.float().mean() < 0.25
    assert not (wordless & faceless).any()
    assert (changed.present[:, [0, 2]] == 1).all()
    texts = {tuple(row.tolist()) for row in empty.vectors[0][:200]}
    assert {tuple(row.tolist()) for row in changed.vectors[0][wordless]} <= texts
    fields = {tuple(row.tolist()) for row in empty.vectors[2][200:]}
    assert {tuple(row.tolist()) for row in changed.vectors[2][faceless]} <= fields


TEXT = {"modality": "text", "model": "text_bilstm", "gives": ["sentiment3"]}
FACE = {"modality": "face", "model": "face_ferplus", "gives": ["ekman7"], "run": "runs/face_ferplus"}
RECIPE = {
    "name": "x",
    "task": "fusion",
    "members": [TEXT],
    "head": {"name": "log_linear"},
    "heads": {"ekman7": {}},
    "corpora": [{"name": "msed", "root": ".", "heads": {"ekman7": "ekman7"}}],
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "pool needs the output 'ekman7'"),
        ({"head": {"name": "dynamic_pool"}}, "pool needs the output"),
        ({"head": {"name": "early"}, "mispairing": 0.1}, "pairs of text and picture"),
        ({"head": {"name": "early"}, "heads": {"ekman7": {"loss": "asymmetric"}}}, "one label a sample"),
        ({"head": {"name": "attention"}}, "must be one of"),
        ({"head": {"name": "early"}, "heads": {"sentiment3": {}}}, "beside that of sentiment"),
        (
            {"head": {"name": "early"}, "corpora": [{**RECIPE["corpora"][0], "validation": None}]},
            "validation",
        ),
        ({"head": {"name": "early"}, "members": [FACE]}, "crops of single faces only, and msed"),
        ({"head": {"name": "cross_attention"}, "members": [{**FACE, "modality": "text"}]}, "learn along"),
        ({"head": {"name": "early"}, "members": [FACE, TEXT], "noise": 0.1}, "learn along without"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        build_config(FusionRecipe, {**RECIPE, **changes})


def test_label_matched_pairs_share_nothing_between_splits(tmp_path, monkeypatch):
    monkeypatch.setattr(LabelMatchedAdapter, "counts", {"train": 40, "validation": 20, "test": 20})
    root, adapter = write_corpora(tmp_path), load_adapter("label_matched_four")
    halves = {}
    for split, count in adapter.counts.items():
        samples = list(adapter.iter_samples(root, split))
        assert len({sample.id for sample in samples}) == len(samples) == count
        labels = [next(iter(sample.labels["basic4"])) for sample in samples]
        assert {labels.count(label) for label in set(labels)} == {count // 4}
        assert all(sample.text and sample.image for sample in samples)
        halves[split] = [{sample.id.split(":", 2)[2].split("|")[i] for sample in samples} for i in (0, 1)]
    for own in (0, 1):
        assert not halves["train"][own] & halves["test"][own]
        assert not halves["train"][own] & halves["validation"][own]
    again = [sample.id for sample in adapter.iter_samples(root, "test")]
    assert again == [sample.id for sample in adapter.iter_samples(root, "test")]
