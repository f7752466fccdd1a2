# SPDX-License-Identifier: Apache-2.0
"""Loaders over paths: shards of a shuffled folder by a DataLoader, tables by DuckDB and pyarrow."""
import collections
import os
import subprocess
import sys

import duckdb
import pyarrow.dataset
import pytest

from conftest import ROOT, elidefs, mounted

TRAIN = ROOT / "tools/examples/train.py"


def keys(folder):
    """In the order of the folder."""
    return [entry.name.split(".")[0] for entry in os.scandir(folder) if entry.name.endswith(".json")]


def train(*words):
    done = subprocess.run([sys.executable, TRAIN, *map(str, words)], capture_output=True, text=True, timeout=300)
    lines = [line.split() for line in done.stdout.splitlines()]
    return done, [(int(epoch), int(worker), key) for epoch, worker, key, *_ in lines]


@pytest.fixture(scope="module", autouse=True)
def has_torch():
    if subprocess.run([sys.executable, "-c", "import torch"], capture_output=True).returncode:
        pytest.skip(f"no torch for {sys.executable}")


def test_shards_of_a_loader_are_disjoint_and_together_all_clips_in_another_order_each_epoch(mount, sample):
    folder = mount / "v1/outcome=fail"
    done, learnt = train(folder, "--label", "arm", "--epochs", 2)
    assert done.returncode == 0, done.stderr
    wanted = sorted(elidefs("query", sample, "v1/outcome=fail").stdout.split())
    orders = collections.defaultdict(dict)
    for epoch in (0, 1):
        assert sorted(key for e, _, key in learnt if e == epoch) == wanted
        for worker in range(4):
            orders[epoch][worker] = [key for e, w, key in learnt if (e, w) == (epoch, worker)]
            assert orders[epoch][worker] == keys(folder / f"@shuffle=7.{epoch}/@shard={worker},4")
    assert orders[0] != orders[1]


def test_a_killed_run_goes_on_at_the_next_clip(mount, tmp_path):
    folder = mount / "v1/arm=left"
    _, whole = train(folder, "--epochs", 1)
    state = tmp_path / "state"
    done, first = train(folder, "--epochs", 1, "--state", state, "--stop-after", 5)
    assert done.returncode == 1 and len(first) == 5
    done, rest = train(folder, "--epochs", 1, "--state", state)
    assert done.returncode == 0, done.stderr
    assert sorted(first + rest) == sorted(whole) and not set(first) & set(rest)
    for worker in range(4):
        assert [k for _, w, k in first + rest if w == worker] == [k for _, w, k in whole if w == worker]


def test_duckdb_reads_the_manifest_and_all_tables_of_a_folder(mount, sample):
    folder = mount / "v1/outcome=fail"
    count = int(elidefs("query", sample, "v1/outcome=fail", "--count").stdout)
    lines = duckdb.sql(f"SELECT key, arm FROM read_json('{folder}/.elidefs/manifest.jsonl')").fetchall()
    table = duckdb.sql(f"SELECT key, arm FROM read_csv('{folder}/.elidefs/manifest.csv')").fetchall()
    assert len(lines) == count and lines == table
    tables, rows = duckdb.sql(f"SELECT count(DISTINCT filename), count(*) FROM read_parquet('{folder}/*.state.parquet', filename=true)").fetchone()
    assert tables == count and rows > count


def test_conditions_of_a_path_are_columns_of_a_hive_partition(mount):
    folder = mount / "v1/arm=left/outcome=fail"
    by_duckdb = duckdb.sql(f"SELECT DISTINCT arm, outcome FROM read_parquet('{folder}/*.state.parquet', hive_partitioning=true)").fetchall()
    assert by_duckdb == [("left", "fail")]
    files = [str(folder / name) for name in os.listdir(folder) if name.endswith(".state.parquet")]
    by_pyarrow = pyarrow.dataset.dataset(files, partitioning=pyarrow.dataset.partitioning(flavor="hive"), partition_base_dir=str(mount / "v1"))
    table = by_pyarrow.to_table(columns=["arm", "outcome"])
    assert set(table["arm"].to_pylist()) == {"left"} and set(table["outcome"].to_pylist()) == {"fail"}


def test_the_values_of_an_attribute_are_class_folders(mount, sample):
    """As torchvision's DatasetFolder finds them: names of the folders below, sorted, and files of an extension within."""
    root = mount / "v1/outcome=fail/.by/object"
    classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    found = {name: sorted(path for folder, _, paths in os.walk(root / name, followlinks=True) for path in paths if path.endswith(".mp4"))
             for name in classes}
    assert classes == sorted(elidefs("query", sample, "v1/outcome=fail", "--values", "object").stdout.split())
    assert sum(map(len, found.values())) == sum(name.endswith(".mp4") for name in os.listdir(mount / "v1/outcome=fail"))
