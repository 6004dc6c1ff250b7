"""Tables of docs/score.md and docs/throughput.md."""

from __future__ import annotations

from figures import FOLDER, read, read_current, render

from emofuse.scale.fields import DEFAULT_FIELDS, FIELDS


def fields_table() -> str:
    """What `emofuse score` can write."""
    rows = [
        [f"`{name}`", field.meaning, "yes" if name in DEFAULT_FIELDS else ""]
        for name, field in FIELDS.items()
    ]
    return render(["field", "what it holds", "without `--fields`"], rows)


def distributed_table() -> str:
    """One process and two on the same training."""
    record = read("distributed_training")
    runs = [("MiniLM, none", own) for own in record["large"]["runs"]]
    runs += [("LSTM, none", own) for own in record["without_chance"]["runs"]]
    runs += [(f"LSTM, 0.3, seed {own['seed']}", own) for own in record["with_dropout"]]
    rows = [
        [
            own["processes"],
            dropout,
            ", ".join(f"{s:.1f}" for s in own["epoch_s"]),
            f"{own['val_macro_f1']:.3f}",
        ]
        for dropout, own in runs
    ]
    table = render(
        ["processes", "network, dropout", "seconds of the epochs after the first", "validation macro F1"],
        rows,
    )
    difference = record["without_chance"]["largest_weight_difference"]
    before, after = record["load_before"][0], record["load_after"][0]
    about = (
        f"`{record['command']}`, {record['machine']['cores']} cores, load {before:.1f} before, {after:.1f} "
        f"after, {record['machine']['date']}. The largest difference of two weights of the LSTM "
        f"without dropout is {difference:.0e}."
    )
    return f"{table}\n\n{about}"


def throughput_table() -> str:
    """`emofuse score` with two workers, beside bare loops."""
    if not (FOLDER / "throughput.json").exists():
        return "Not measured yet."
    rows = []
    for own in read_current("throughput")["paths"].values():
        two = next(row for row in own["score"] if row["workers"] == 2)
        rate = two["items_per_second"]
        for loop in own["bare"]:
            sessions = loop.get("session_items_per_second")
            name = loop["loop"] + (f", batches of {loop['batch']}" if loop.get("batch") else "")
            rows.append(
                [
                    f"`{own['path']}`" if loop is own["bare"][0] else "",
                    f"{two['items']:,}" if loop is own["bare"][0] else "",
                    f"{rate:,.0f}" if loop is own["bare"][0] else "",
                    name,
                    f"{loop['items_per_second']:,.0f}",
                    f"{rate / loop['items_per_second']:.2f}",
                    "–" if sessions is None else f"{sessions:,.0f}",
                ]
            )
    header = ["path", "items", "a second", "bare loop", "a second", "ratio", "its sessions alone"]
    return render(header, rows)


def memory_table() -> str:
    """Memory of all processes of a run along its way."""
    if not (FOLDER / "throughput.json").exists():
        return "Not measured yet."
    rows = []
    for own in read_current("throughput")["paths"].values():
        for row in own["score"]:
            shares = [row["rss_mb_at"][share] for share in row["rss_mb_at"]]
            rows.append(
                [f"`{own['path']}`", row["workers"], *shares, row["rss_mb_total"], row["pss_mb_total"]]
            )
    shares = list(rows and read("throughput")["score"][0]["rss_mb_at"])
    return render(
        ["path", "workers", *(f"at {share}" for share in shares), "most", "shared pages once"], rows
    )


def slots_table() -> str:
    """One slot of Ray and two."""
    record = read("ray_scaling")
    rows = [[slots, f"{rate:,.0f}", record["begin_s"][slots]] for slots, rate in record["rows_per_s"].items()]
    table = render(["slots", "rows a second beyond the start", "seconds of the start"], rows)
    about = (
        f"`{record['model']}`, {record['rows']:,} short texts, {record['machine']['cores']} cores, "
        f"{record['machine']['date']}: two slots give {record['two_to_one']:.2f} times what one gives. "
        "Best of two runs each; "
        "`python benchmarks/ray_scaling.py --data DATA --json benchmarks/ray_scaling.json`."
    )
    return f"{table}\n\n{about}"


def kills_table() -> str:
    """A run that was killed ten times, beside an unbroken one."""
    if not (FOLDER / "score_kills.json").exists():
        return "Not measured yet."
    record = read_current("score_kills")
    rows = [[i, own["after_s"], own["partitions_done"]] for i, own in enumerate(record["kills"], 1)]
    same = "the same to the last byte" if record["identical"] else "**not the same**"
    about = f"{record['rows']:,} rows, {len(rows)} kills; output and errors {same} as without."
    return f"{render(['kill', 'seconds after the start', 'partitions done by then'], rows)}\n\n{about}"


TABLES = {
    "distributed": distributed_table,
    "ray_slots": slots_table,
    "score_fields": fields_table,
    "score_kills": kills_table,
    "score_memory": memory_table,
    "throughput": throughput_table,
}
