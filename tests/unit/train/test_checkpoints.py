from emofuse.train.checkpoints import read_history


def test_history_averages_an_epoch_and_prefers_the_later_log(tmp_path):
    logs = {
        2: "epoch,step,train/loss,val/score\n1,3,5.0,\n1,4,,0.7\n",
        10: "epoch,step,val/score\n2,6,0.8\n",
        0: "epoch,step,train/loss,val/score\n0,0,1.0,\n0,1,3.0,\n0,1,,0.5\n1,2,9.0,\n",
    }
    for version, text in logs.items():
        folder = tmp_path / "logs" / f"version_{version}"
        folder.mkdir(parents=True)
        (folder / "metrics.csv").write_text(text)
    assert read_history(tmp_path) == [
        {"epoch": 0, "train/loss": 2.0, "val/score": 0.5},
        {"epoch": 1, "train/loss": 5.0, "val/score": 0.7},
        {"epoch": 2, "val/score": 0.8},
    ]
    assert read_history(tmp_path / "none") == []
