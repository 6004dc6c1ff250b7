import torch

from emofuse.train.runs import choose_precision


def test_what_a_recipe_wants_works_on_this_machine():
    kind = torch.bfloat16 if choose_precision("bf16-mixed") == "bf16-mixed" else torch.float32
    lstm = torch.nn.LSTM(4, 4, bidirectional=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=kind == torch.bfloat16):
        states, _ = lstm(torch.zeros(3, 2, 4))
    assert states.dtype == kind


def test_other_precisions_stay():
    assert [choose_precision(own) for own in ("32-true", "16-mixed")] == ["32-true", "16-mixed"]
