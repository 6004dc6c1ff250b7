import pytest
import torch

from emofuse.train.encoders.face_resnet import FaceResNetEncoder
from emofuse.train.encoders.text import BiLstmEncoder, MiniLmBiLstmEncoder
from emofuse.train.recipe import EncoderConfig

IDS = torch.tensor([[101, 2023, 2003, 1037, 3231, 102]])


def test_frozen_backbone_neither_learns_nor_drops():
    config = EncoderConfig(name="minilm_bilstm", hidden=8, frozen=True, dropout=0.0)
    encoder = MiniLmBiLstmEncoder(config, vocabulary=30522).train()
    torch.testing.assert_close(encoder.backbone(IDS), encoder.backbone(IDS))
    encoder(IDS)[0].sum().backward()
    assert all(parameter.grad is None for parameter in encoder.backbone.parameters())
    assert all(parameter.grad is not None for parameter in encoder.pooling.lstm.parameters())


def test_settling_a_face_network_changes_nothing():
    encoder = FaceResNetEncoder(EncoderConfig(name="face_resnet", image_px=80, dropout=0.0))
    crops = torch.randint(0, 256, (16, 48, 48), dtype=torch.uint8)
    before = encoder.eval()(crops)[0].detach()  # a fresh norm in evaluation mode hands on what it gets
    encoder.train().settle(crops)
    settled = encoder(crops)[0].detach()
    torch.testing.assert_close(settled, before, atol=0.02 * float(before.abs().max()), rtol=0)


def test_face_weights_are_dlibs():
    backbone = FaceResNetEncoder(EncoderConfig(name="face_resnet", image_px=80)).backbone
    # Read off the published file: the first kernel's first three columns, their colours added, times the scale.
    first = torch.tensor([-0.8455, -0.5257, -0.1011])
    torch.testing.assert_close(backbone.stem.weight[0, 0, 0, :3], first, atol=1e-4, rtol=0)
    # From the last layer of the file: only a reader that kept its place all the way finds it.
    assert float(backbone.blocks[-1].second.bias[0].detach()) == pytest.approx(1.1697, abs=1e-4)


@pytest.mark.parametrize("length", [1, 2, 9])
def test_final_states_of_both_directions(length):
    config = EncoderConfig(name="bilstm", embedding=4, hidden=3, heads=0)
    encoder = BiLstmEncoder(config, vocabulary=10).eval()
    ids = torch.arange(length)[None] % 10
    _, (final, _) = encoder.pooling.lstm(encoder.words(ids))
    torch.testing.assert_close(encoder(ids)[0], torch.cat([final[0], final[1]], dim=-1))


def test_batch_norm_takes_a_single_text():
    config = EncoderConfig(name="bilstm", embedding=4, hidden=4, heads=2, batch_norm=True)
    encoder = BiLstmEncoder(config, vocabulary=10).train()
    assert encoder(torch.ones(1, 5, dtype=torch.int64))[0].isfinite().all()
