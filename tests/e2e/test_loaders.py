# SPDX-License-Identifier: Apache-2.0
"""Loaders over paths: shards of a shuffled folder by a DataLoader, tables by DuckDB and pyarrow."""
import collections
import json
import os
import signal
import struct
import subprocess
import sys
import zlib

import duckdb
import pyarrow.dataset
import pytest

from conftest import ROOT, elidefs, mounted, run

TRAIN = ROOT / "tools/examples/train.py"


def keys(folder):
    """In the order of the folder."""
    return [entry.name.split(".")[0] for entry in os.scandir(folder) if entry.name.endswith(".json")]


def train(*words):
    done = subprocess.run([sys.executable, TRAIN, *map(str, words)], capture_output=True, text=True, timeout=300)
    lines = [line.split() for line in done.stdout.splitlines()]
    return done, [(int(epoch), int(worker), key) for epoch, worker, key, *_ in lines]


def needs(module):
    """In another process: what torch loads stays out of this one."""
    if subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode:
        pytest.skip(f"no {module} for {sys.executable}")


@pytest.fixture(scope="module")
def torch():
    needs("torch")


@pytest.fixture(scope="module")
def torchvision():
    needs("torchvision")


@pytest.mark.usefixtures("torch")
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


@pytest.mark.usefixtures("torch")
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


FOLDER = """
import json, os, sys
from torch.utils.data import DataLoader
from torchvision.datasets import DatasetFolder

clips = DatasetFolder(sys.argv[1], loader=lambda path: (path, os.path.getsize(path), len(open(path, "rb").read())),
                      extensions=(".top.mp4",))
read = [[path, size, got, target] for (path, size, got), target in DataLoader(clips, batch_size=None, num_workers=4)]
print(json.dumps([clips.class_to_idx, read]))
"""


@pytest.mark.usefixtures("torchvision")
def test_a_dataset_folder_of_torchvision_is_labelled_by_an_attribute(mount):
    classes, read = json.loads(run(sys.executable, "-c", FOLDER, mount / "v1/outcome=fail/.by/object").stdout)
    names = {number: name for name, number in classes.items()}
    assert sorted(os.path.basename(path) for path, *_ in read) == sorted(
        name for name in os.listdir(mount / "v1/outcome=fail") if name.endswith(".top.mp4"))
    for path, size, got, target in read:
        labels = json.loads((mount / "v1" / os.path.basename(path).replace(".top.mp4", ".json")).read_text())
        assert labels["object"] == names[target] and size == got > 0


IMAGES = """
import json, sys
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder

images = ImageFolder(sys.argv[1], transform=lambda image: (image.getpixel((0, 0)), image.size))
read = [[list(pixel), size, target] for (pixel, size), target in DataLoader(images, batch_size=None, num_workers=2)]
print(json.dumps([images.classes, read]))
"""


def png(red):
    """An image of one pixel."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(bytes([0, red, 0, 0]))) + chunk(b"IEND", b""))


@pytest.mark.usefixtures("torchvision")
def test_an_image_folder_of_torchvision_has_the_values_as_classes_whatever_they_are(dataset, tmp_path):
    kinds = ["cup & saucer", "a/b", "caf\u00e9", "-"]
    (tmp_path / "source").mkdir()
    for number in range(12):
        (tmp_path / f"source/shot{number:02}.png").write_bytes(png(number))
    (tmp_path / "labels.csv").write_text("key,kind\n" + "".join(f"shot{n:02},{kinds[n % 4]}\n" for n in range(12)))
    elidefs("import", dataset, tmp_path / "source", "--table", tmp_path / "labels.csv")
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        classes, read = json.loads(run(sys.executable, "-c", IMAGES, point / "v1/.by/kind").stdout)
    assert classes == sorted(["cup%20%26%20saucer", "a%2Fb", "caf\u00e9", "-"])
    order = [classes.index(name) for name in ("cup%20%26%20saucer", "a%2Fb", "caf\u00e9", "-")]
    assert sorted((pixel[0], target) for pixel, _, target in read) == [(n, order[n % 4]) for n in range(12)]
    assert all(size == [1, 1] for _, size, _ in read)
