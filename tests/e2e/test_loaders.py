# SPDX-License-Identifier: Apache-2.0
"""Loaders over paths: shards of a shuffled folder by a DataLoader, tables by DuckDB and pyarrow."""
import collections
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import zlib

import duckdb
import pyarrow.dataset
import pyarrow.parquet
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


@pytest.mark.usefixtures("torch")
def test_a_run_that_is_killed_at_any_moment_goes_on_and_learns_each_clip_once(mount, tmp_path):
    folder, state = mount / "v1/outcome=success", tmp_path / "state"
    words = [sys.executable, TRAIN, folder, "--epochs", "1", "--state", state]
    process = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True)
    first = [process.stdout.readline().split()[:3] for _ in range(3)]
    process.send_signal(signal.SIGKILL)
    first += [line.split()[:3] for line in process.stdout.read().splitlines() if line.endswith(tuple("0123456789"))]
    assert process.wait() == -signal.SIGKILL
    done, rest = train(*words[2:])
    assert done.returncode == 0, done.stderr
    learnt = [key for _, _, key in first] + [key for _, _, key in rest]
    assert len(set(learnt)) == len(learnt)
    # what was learnt and kept, and not said any more when the signal came
    assert len(set(keys(folder)) - set(learnt)) <= 1 and set(learnt) <= set(keys(folder))


@pytest.mark.usefixtures("torch")
def test_a_condition_called_like_a_column_is_no_hindrance(mount):
    folder = mount / "v1/task_index=2"
    assert "task_index" in pyarrow.parquet.read_schema(folder / next(n for n in os.listdir(folder) if n.endswith(".parquet"))).names
    done, learnt = train(folder, "--epochs", 1)
    assert done.returncode == 0, done.stderr
    assert sorted(key for _, _, key in learnt) == sorted(keys(folder))


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_any_number_of_workers_reads_each_clip_once(mount, workers):
    folder = mount / "v1/arm=right"
    done, learnt = train(folder, "--epochs", 1, "--workers", workers)
    assert done.returncode == 0, done.stderr
    assert sorted(key for _, _, key in learnt) == sorted(keys(folder))
    assert {worker for _, worker, _ in learnt} == set(range(max(workers, 1)))


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("words, says", [
    (["--seed", 8], "seed 7, not 8"),
    (["--workers", 2], "shards 4, not 2"),
    (["--label", "arm"], "label outcome, not arm"),
])
def test_a_state_of_another_run_is_refused_with_what_differs(mount, tmp_path, words, says):
    folder, state = mount / "latest/arm=left", tmp_path / "state"
    assert train(folder, "--epochs", 1, "--state", state, "--stop-after", 1)[0].returncode == 1
    done, learnt = train(folder, "--epochs", 1, "--state", state, *words)
    assert done.returncode == 1 and not learnt and done.stderr == f"{state}: is of another run: {says}\n"
    assert train(mount / "v1/arm=left", "--epochs", 1, "--state", state)[0].returncode == 0, "latest was v1"


@pytest.mark.usefixtures("torch")
def test_a_clip_without_the_label_says_how_to_leave_it_out(mount):
    done, _ = train(mount / "v1/arm=left", "--epochs", 1, "--label", "mood")
    assert done.returncode == 1 and ".json: has no 'mood': narrow the path by mood.null=0" in done.stderr


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


# A condition, and the column that a Hive partition of it is: for DuckDB, for pyarrow.
HIVE = [
    ("note=a%20b%2Fc%25d", "note", "a b/c%d", "a b/c%d"),
    ("note=caf\u00e9%3D%2B%40", "note", "caf\u00e9=+@", "caf\u00e9=+@"),
    ("length=98", "length", 98, 98),
    ("code=0012", "code", "0012", 12),  # pyarrow guesses the type, unless it is told a schema
    ("ok=true", "ok", "true", "true"),
    ("recorded_at=2025-04-02T13%3A30%3A11Z", "recorded_at", "2025-04-02T13:30:11Z", "2025-04-02T13:30:11Z"),
    ("@shuffle=7.3/@skip=1/arm=left", "arm", "left", "left"),
    ("arm.in=left,right", "arm", None, None),
    ("arm.ne=left", "arm", None, None),
    ("arm=left+arm=right", "arm", None, "left+arm=right"),
]


@pytest.fixture(scope="module")
def odd(sample, tmp_path_factory):
    """The sample with values that need escapes, mounted."""
    base = tmp_path_factory.mktemp("odd")
    shutil.copytree(sample, base / "set")
    rows = "".join(f"ep{n:06},{note},0012,true\n" for n, note in enumerate(["a b/c%d", "caf\u00e9=+@", ".."]))
    elidefs("annotate", base / "set", "-", "--by", "anna", "--type", "code=text", input=f"key,note,code,ok\n{rows}")
    with mounted(base / "set", base / "mnt", base / "cache") as point:
        yield point / "v2"


@pytest.mark.parametrize("path, column, by_duckdb, by_pyarrow", HIVE)
def test_a_condition_is_a_column_of_its_value_or_none_at_all(odd, path, column, by_duckdb, by_pyarrow):
    folder = odd / path
    assert (odd / path / ".elidefs/canonical").read_text().count("/") == path.count("/")
    found = duckdb.sql(f"SELECT * FROM read_parquet('{folder}/*.state.parquet', hive_partitioning=true) LIMIT 1")
    assert dict(zip(found.columns, found.fetchone())).get(column) == by_duckdb
    files = [str(folder / name) for name in os.listdir(folder) if name.endswith(".state.parquet")]
    dataset = pyarrow.dataset.dataset(files, partitioning=pyarrow.dataset.partitioning(flavor="hive"), partition_base_dir=str(odd))
    assert (dataset.head(1).to_pylist()[0].get(column)) == by_pyarrow


def test_an_empty_folder_is_an_empty_table(odd):
    empty = odd / "arm=left/arm=right"
    assert os.listdir(empty) == [] and duckdb.sql(f"SELECT * FROM read_csv('{empty}/.elidefs/manifest.csv')").fetchall() == []
    assert duckdb.sql(f"SELECT * FROM read_json('{empty}/.elidefs/manifest.jsonl')").fetchall() == []
    with pytest.raises(duckdb.IOException, match="No files found"):
        duckdb.sql(f"SELECT * FROM read_parquet('{empty}/*.state.parquet')")


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
