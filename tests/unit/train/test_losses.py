import math

import pytest
import torch

from emofuse.train.losses import asymmetric, focal, focal_multilabel, spread
from emofuse.train.schedule import warmup_cosine


def test_focal_without_focus_is_cross_entropy_with_soft_labels():
    logits = torch.tensor([[math.log(3.0), 0.0]])
    loss = focal(logits, torch.tensor([[0.5, 0.5]]), 0.0)
    assert loss.item() == pytest.approx(-0.5 * math.log(0.75) - 0.5 * math.log(0.25))


def test_focal_by_hand():
    logits = torch.tensor([[math.log(3.0), 0.0]])
    loss = focal(logits, torch.tensor([[1.0, 0.0]]), 2.0)
    assert loss.item() == pytest.approx(-(0.25**2) * math.log(0.75))


def test_multilabel_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0)]])
    plain = focal_multilabel(logits, torch.tensor([[1.0, 0.0]]), 0.0)
    assert plain.item() == pytest.approx(-math.log(0.5) - math.log(0.25))
    focused = focal_multilabel(logits, torch.tensor([[1.0, 0.0]]), 1.0)
    assert focused.item() == pytest.approx(-0.5 * math.log(0.5) - 0.75 * math.log(0.25))


def test_asymmetric_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0), -10.0]])
    loss = asymmetric(logits, torch.tensor([[1.0, 0.0, 0.0]]), 2.0)
    # The negative of probability .75 counts as .70; the one below .05 does not count.
    assert loss.item() == pytest.approx(-math.log(0.5) - 0.7**2 * math.log(0.3), abs=1e-4)


def test_certain_and_right_costs_nothing_and_has_a_gradient():
    logits = torch.tensor([[100.0, -100.0]], requires_grad=True)
    loss = focal(logits, torch.tensor([[1.0, 0.0]]), 0.5).sum()
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(logits.grad).all()


def test_schedule():
    factors = [warmup_cosine(step, 100, 0.1) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == 1
    assert factors[55] == pytest.approx(0.5, abs=0.02)
    assert factors[-1] < 0.01


def test_spread_by_hand():
    # Answers (.75, .25) and (.25, .75): their mean is (.5, .5), equally far from both.
    logits = torch.tensor([[math.log(3.0), 0.0], [0.0, math.log(3.0)]], requires_grad=True)
    apart = spread(logits, multi_label=False)
    assert apart.tolist() == pytest.approx([0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)] * 2)
    apart.sum().backward()
    torch.testing.assert_close(logits.grad, torch.tensor([[0.25, -0.25], [-0.25, 0.25]]))


def test_spread_of_independent_labels_is_summed():
    logits = torch.tensor([[math.log(3.0), 0.3], [-math.log(3.0), 0.3]])
    one = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert spread(logits, multi_label=True).tolist() == pytest.approx([one, one], abs=1e-6)


def test_like_answers_have_no_spread_even_when_certain():
    logits = torch.tensor([[200.0, -200.0]] * 3)
    assert spread(logits, multi_label=False).tolist() == [0, 0, 0]
    assert spread(logits, multi_label=True).tolist() == [0, 0, 0]
