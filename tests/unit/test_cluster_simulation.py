import json
import math
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
ROW = {
    "path": "text_bilstm",
    "workers": 1,
    "items": 1_000_000,
    "seconds": 404.0,
    "items_per_second": 2475.2,
    "startup_seconds": 1.0,
    "rss_mb_per_worker": 120.0,
    "rss_mb_total": 170.0,
    "mean_bytes_per_item": 80.0,
}
DRIVER = {
    "figures": {
        "csv_plan_s_per_row": 2.5e-6,
        "parquet_plan_s_per_partition": 1e-5,
        "folder_list_s_per_file": 1e-5,
        "folder_plan_s_per_file": 1e-6,
        "merge_bytes_per_s": 5e8,
        "parquet_merge_s_per_row": 2e-6,
        "text_output_bytes": 50.0,
        "photo_output_bytes": 90.0,
        "ray_dispatch_s": 0.001,
        "ray_round_trip_s": 0.002,
    }
}


@pytest.fixture(scope="module")
def modules():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import cluster_model
        import cluster_simulation

        yield cluster_model, cluster_simulation


@pytest.fixture(scope="module")
def model(modules):
    return modules[0]


@pytest.fixture(scope="module")
def command(modules):
    return modules[1]


@pytest.fixture(scope="module")
def tables(modules):
    import scaling_tables

    return scaling_tables


@pytest.fixture
def troubled(model):
    """A cluster on which everything goes wrong, often."""
    return model.Cluster(
        workers=7,
        start_s=2.0,
        join_s=(1.0, 5.0),
        dispatch_s=0.05,
        latency_s=0.1,
        speed_sigma=0.3,
        slow_share=0.1,
        slow_factor=5.0,
        failure_mean_s=40.0,
        replace_s=3.0,
        storage_bytes_per_s=2000.0,
        link_bytes_per_s=500.0,
        window=5,
    )


def test_without_trouble_the_makespan_is_the_analytic_one(model):
    job = model.Job(items=1000, partition_items=10, score_s=0.5, list_s=7.0, merge_s=3.0)
    run = model.simulate(job, model.Cluster(workers=4, start_s=2.0), seed=0)
    assert run.makespan_s == 7 + 2 + 25 * 10 * 0.5 + 3
    assert run.spent_s["scoring"] == 500
    assert run.spent_s["stragglers"] == run.spent_s["failures"] == run.spent_s["tail"] == 0


def test_last_round_is_waited_for(model):
    run = model.simulate(
        model.Job(items=95, partition_items=10, score_s=1.0), model.Cluster(workers=4), seed=0
    )
    # Ten partitions in three rounds; in the third, one of ten and one of five, and two workers idle.
    assert run.makespan_s == 30
    assert run.spent_s["tail"] == 10 + 10 + 5


@pytest.mark.parametrize("seed", range(5))
def test_every_partition_is_finished_once_whatever_dies(model, troubled, seed):
    run = model.simulate(model.Job(1005, 10, 0.2, read_bytes=5.0, write_bytes=20.0), troubled, seed)
    assert run.finished == [1] * 101
    assert run.failures > 0
    assert 0 < sum(run.begun) - 101 <= run.failures


@pytest.mark.parametrize("seed", range(5))
def test_time_spent_adds_up(model, troubled, seed):
    job = model.Job(1005, 10, 0.2, read_bytes=5.0, write_bytes=20.0, list_s=4.0, plan_s=0.5, merge_s=6.0)
    run = model.simulate(job, troubled, seed)
    assert sum(run.spent_s.values()) == pytest.approx(7 * run.makespan_s)
    assert run.spent_s["scoring"] == pytest.approx(1005 * 0.2)
    assert all(run.spent_s[name] > 0 for name in model.ACTIVITIES)


def test_same_seed_same_run(model, troubled):
    job = model.Job(1005, 10, 0.2, read_bytes=5.0, write_bytes=20.0)
    assert model.simulate(job, troubled, 3) == model.simulate(job, troubled, 3)
    assert model.simulate(job, troubled, 3).makespan_s != model.simulate(job, troubled, 4).makespan_s


def test_more_workers_are_never_slower_where_nothing_is_shared(model):
    job = model.Job(items=997, partition_items=10, score_s=0.5, read_bytes=3.0)
    times = [
        model.simulate(job, model.Cluster(workers, start_s=2.0, link_bytes_per_s=50.0), 0).makespan_s
        for workers in range(1, 130)
    ]
    assert times == sorted(times, reverse=True)
    assert times[99] == times[-1] == 2 + 10 * 3 / 50 + 5  # one round is the least


def test_storage_bounds_the_time(model):
    job = model.Job(items=1000, partition_items=10, score_s=0.0, read_bytes=60.0, write_bytes=40.0)
    run = model.simulate(job, model.Cluster(10, storage_bytes_per_s=500.0, link_bytes_per_s=400.0), seed=0)
    assert run.makespan_s == pytest.approx(1000 * 100 / 500)
    alone = model.simulate(job, model.Cluster(1, storage_bytes_per_s=500.0, link_bytes_per_s=400.0), seed=0)
    assert alone.makespan_s == pytest.approx(1000 * 100 / 400)


def test_storage_is_shared_evenly(model):
    # Two read 100 and 50 bytes at 5 bytes/s each; the second ends at 10 s, the first then has all ten.
    job = model.Job(items=15, partition_items=10, score_s=0.0, read_bytes=10.0)
    run = model.simulate(job, model.Cluster(2, storage_bytes_per_s=10.0), seed=0)
    assert run.makespan_s == pytest.approx(15)
    assert run.spent_s["tail"] == pytest.approx(5)


def test_one_driver_hands_out_one_partition_at_a_time(model):
    job = model.Job(items=200, partition_items=1, score_s=1.0)
    run = model.simulate(job, model.Cluster(100, dispatch_s=0.5, latency_s=0.25), seed=0)
    assert run.makespan_s == pytest.approx(200 * 0.5 + 0.25 + 1)


def test_driver_plans_ahead(model):
    job = model.Job(items=20, partition_items=1, score_s=1.0, plan_s=0.1)
    run = model.simulate(job, model.Cluster(2), seed=0)
    # Only the first two are waited for.
    assert run.makespan_s == pytest.approx(0.2 + 10)
    assert run.spent_s["planning"] == pytest.approx(0.1 + 0.2)


def test_one_driver_plans_one_partition_at_a_time(model):
    job = model.Job(items=200, partition_items=1, score_s=1.0, plan_s=0.3)
    run = model.simulate(job, model.Cluster(100, dispatch_s=0.1), seed=0)
    assert run.makespan_s == pytest.approx(200 * 0.4 + 1)
    assert run.spent_s["planning"] == pytest.approx(3 * run.spent_s["dispatch"])


def test_windows_are_planned_and_started_one_after_the_other(model):
    job = model.Job(items=100, partition_items=2, score_s=1.0, list_s=3.0, plan_s=0.1, merge_s=5.0)
    run = model.simulate(job, model.Cluster(2, start_s=4.0, join_s=(7.0, 7.0), window=10), seed=0)
    # 50 partitions in windows of 20, 20 and 10.
    assert run.finished == [1] * 50
    assert run.makespan_s == pytest.approx(3 + 50 * 0.1 + 7 + 3 * 4 + 50 + 5)
    assert sum(run.spent_s.values()) == pytest.approx(2 * run.makespan_s)


def test_slow_moments_take_what_they_should(model):
    job = model.Job(items=100, partition_items=10, score_s=1.0)
    cluster = model.Cluster(1, slow_share=1.0, slow_factor=5.0)
    run = model.simulate(job, cluster, seed=0)
    assert run.makespan_s == 500
    assert run.spent_s["stragglers"] == 400
    assert model.simulate(job, replace(cluster, slow_share=0.0), seed=0).makespan_s == 100


def test_failures_come_as_often_as_told(model):
    job = model.Job(items=20_000, partition_items=1, score_s=1.0)
    run = model.simulate(job, model.Cluster(10, failure_mean_s=100.0, replace_s=4.0), seed=0)
    lives_s = 10 * run.makespan_s - 4 * run.failures
    assert run.failures == pytest.approx(lives_s / 100, abs=4 * math.sqrt(lives_s / 100))
    # Half a partition, on average a little more, and the replacement.
    assert run.spent_s["failures"] / run.failures == pytest.approx(4.5, abs=0.3)


def test_two_workers_are_forecast_from_one(command):
    throughput = {"score": [ROW, {**ROW, "workers": 2, "seconds": 221.0}]}
    parameters = command.read_parameters(throughput, DRIVER)
    first, second = command.check(throughput, parameters)
    assert first["fitted"]
    assert first["error_percent"] == pytest.approx(0, abs=0.01)
    assert not second["fitted"]
    # The scoring of one over two, but 245 partitions cannot be split evenly.
    expected_s = 1 + (404 - 1) / 2
    assert second["simulated_s"] == pytest.approx(expected_s, abs=0.9)
    assert second["error_percent"] == pytest.approx(100 * (expected_s / 221 - 1), abs=0.5)
    # The plan takes the rate of full cores.
    assert parameters["text_bilstm.score_s"].value == pytest.approx(2 * 220 / 1e6)
    assert parameters["text_bilstm.score_s"].source.startswith("measured: throughput.json")


def test_parquet_is_read_by_row_groups(command):
    parameters = command.read_parameters({"score": [ROW]}, DRIVER)
    case = command.Case("few", "a few", "text_bilstm", 10**6, "parquet", "file_server")
    job = command.build_job(case, parameters, read_bytes=80.0, score_s=1e-4)
    assert job.read_bytes * job.partition_items == 2**20 * 80
    assert job.merge_s == pytest.approx(2)


def test_every_parameter_has_unit_and_source(command):
    for name, own in command.read_parameters({"score": [ROW]}, DRIVER).items():
        assert own.unit, name
        kind, _, reason = own.source.partition(": ")
        assert kind in ("measured", "assumed"), name
        assert reason, name


def test_summary_of_a_case(command, model):
    rows = [ROW, {**ROW, "workers": 2, "seconds": 210.0}]
    parameters = command.read_parameters({"score": rows}, DRIVER)
    case = command.Case("few", "a few", "text_bilstm", 10**6, "csv", "file_server")
    job = command.build_job(case, parameters, read_bytes=80.0, score_s=4e-4)
    runs = [model.simulate(job, command.build_cluster(case, 100, parameters), seed) for seed in range(3)]
    found = command.summarise(job, 100, runs)
    assert job.partitions == found["partitions"] == 245
    assert sum(found["shares"].values()) == pytest.approx(1, abs=0.001)
    assert found["makespan_s"]["p5"] <= found["makespan_s"]["p50"] <= found["makespan_s"]["p95"]
    assert found["items_per_second"]["p50"] == pytest.approx(10**6 / found["makespan_s"]["p50"], rel=0.01)


@pytest.fixture(scope="module")
def record(command):
    rows = [
        {**ROW, "path": path, "workers": workers, "mean_bytes_per_item": size}
        for path, size in (("text_bilstm", 80), ("text_bert_bilstm", 80), ("photos", 150_000))
        for workers in (1, 2)
    ]
    throughput = {
        "score": rows,
        "paths": {"photos": {"machine": {"processor": "P", "cores": 2, "date": "D"}}},
    }
    parameters = command.read_parameters(throughput, DRIVER)
    small = [replace(case, items=10**6) for case in command.CASES]
    return {
        **throughput,
        "command": "a command",
        "seeds": [0, 1],
        "parameters": {name: asdict(own) for name, own in parameters.items()},
        "check": command.check(throughput, parameters),
        "cases": [command.simulate_case(case, parameters, seeds=2) for case in small],
    }


def test_every_table_is_whole(record, tables):
    shown = [name for name in vars(tables) if name.endswith("_table")]
    assert len(shown) == len(tables.TABLES) == 9
    for name in shown:
        lines = [line for line in getattr(tables, name)(record).splitlines() if line.startswith("|")]
        assert len(lines) > 4, name
        assert len({line.count(" | ") for line in lines}) == 1, name


def test_picture_shows_every_case(record, modules):
    import scaling_plot

    picture = scaling_plot.draw_scaling(record["cases"])
    assert all(case["name"] in picture for case in record["cases"])
    assert picture == scaling_plot.draw_scaling(record["cases"])


def test_as_many_workers_as_the_formula_says_are_in_time(record, tables, command, model):
    [case] = [own for own in record["cases"] if own["key"] == "texts_large"]
    job = replace(model.Job(**case["job"]), items=10**8)
    parameters = {name: command.Parameter(**own) for name, own in record["parameters"].items()}
    lost_s = tables.fixed_s(case, record["parameters"], job.items)
    count = tables.workers_needed(job.items, 2, job.score_s, 0.9, lost_s)
    [wanted] = [own for own in command.CASES if own.key == "texts_large"]
    job = replace(job, merge_s=100 * job.merge_s)
    run = model.simulate(job, command.build_cluster(wanted, count, parameters), seed=0)
    assert run.makespan_s == pytest.approx(7200, rel=0.1)


def test_missing_measurement_is_told(tmp_path):
    for name in ("cluster_simulation.py", "cluster_model.py"):
        (tmp_path / name).write_text((BENCHMARKS / name).read_text("utf-8"), "utf-8")
    command = [sys.executable, str(tmp_path / "cluster_simulation.py"), "--json", str(tmp_path / "out.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "throughput.json is missing: run `python benchmarks/throughput.py" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.json").exists()


@pytest.mark.skipif(not (BENCHMARKS / "cluster_simulation.json").exists(), reason="not simulated yet")
def test_committed_simulation_stands_beside_the_committed_measurement(command):
    record = json.loads((BENCHMARKS / "cluster_simulation.json").read_text("utf-8"))
    throughput = json.loads((BENCHMARKS / "throughput.json").read_text("utf-8"))
    driver = json.loads((BENCHMARKS / "driver_costs.json").read_text("utf-8"))
    parameters = command.read_parameters(throughput, driver)
    assert record["parameters"] == {name: own.__dict__ for name, own in parameters.items()}
    assert record["check"] == command.check(throughput, parameters)
