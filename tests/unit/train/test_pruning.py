import pytest
import torch

from emofuse.errors import ConfigError
from emofuse.train.encoders.minilm import HIDDEN, MiniLm
from emofuse.train.pruning import prune_feed_forward

TEXTS = [
    torch.randint(999, 29000, (8, length), generator=torch.Generator().manual_seed(length))
    for length in (5, 9)
]


def change(network, before):
    with torch.no_grad():
        return sum(
            float((network(ids) - own).square().mean()) for ids, own in zip(TEXTS, before, strict=True)
        )


@pytest.fixture
def network():
    return MiniLm().eval()


@pytest.fixture
def before(network):
    with torch.no_grad():
        return [network(ids) for ids in TEXTS]


def test_fewer_units_change_more_and_less_than_any_units_would(network, before):
    state = torch.get_rng_state()
    prune_feed_forward(network, HIDDEN, TEXTS)
    assert change(network, before) == 0
    # What is drawn after it is what was drawn without it.
    assert torch.equal(torch.get_rng_state(), state)
    prune_feed_forward(network, 1024, TEXTS)
    light = change(network, before)
    assert {tuple(layer.expand.weight.shape) for layer in network.blocks} == {(1024, 384)}
    assert network(TEXTS[0]).shape == before[0].shape
    prune_feed_forward(network, 512, TEXTS)
    heavy = change(network, before)
    first = MiniLm().eval()
    first.narrow(1024)
    assert 0 < light < heavy < change(first, before)
    with pytest.raises(
        ConfigError, match=r"have 512 feed-forward units a layer. Write feed_forward: 0\.3333"
    ):
        prune_feed_forward(network, 1024, TEXTS)


def test_units_that_say_the_same_become_one(network):
    layer = network.blocks[0]
    with torch.no_grad():
        for part in (layer.expand.weight, layer.expand.bias):
            part.copy_(part[:64].repeat(24, *[1] * (part.ndim - 1)))
        before = [layer(network.embed(ids)) for ids in TEXTS]
    network.layers = network.layers[:1]
    prune_feed_forward(network, 64, TEXTS)
    assert len(set(map(tuple, layer.expand.weight.tolist()))) == 64
    assert change(network, before) < 1e-6


def test_training_goes_on_in_its_mode(network):
    network.train()
    prune_feed_forward(network, 1472, TEXTS)
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
