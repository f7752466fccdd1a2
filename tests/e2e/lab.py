# SPDX-License-Identifier: Apache-2.0
"""A lab, day by day: it records, rewrites its last file, labels, deletes, re-indexes, removes. Beside the real data
set stands a plain model of what each version must hold."""
import json
import random
import shutil

import numpy
import pyarrow as pa
import pyarrow.parquet as pq

from conftest import elidefs

FPS = 10
PER_FILE = 3  # episodes a data file: the recorder rewrites its last one until it is full


class Recorder:
    """A LeRobot v3.0 folder without cameras, which are slow to encode. `content` lists the episodes: a unique number
    each, which is also what is recorded."""

    def __init__(self, folder):
        self.folder, self.content = folder, []
        for sub in ("meta/episodes/chunk-000", "data/chunk-000"):
            (folder / sub).mkdir(parents=True)
        (folder / "meta/info.json").write_text(json.dumps({
            "codebase_version": "v3.0", "robot_type": "arm", "fps": FPS, "chunks_size": 1000,
            "features": {"observation.state": {"dtype": "float32", "shape": [1], "names": None}},
            "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet", "video_path": None}))

    def rows(self, number):
        return pa.array([[float(number)]] * (5 + number % 4), pa.list_(pa.float32()))

    def write(self, first=0):
        """Writes all data files from that of episode `first` on, and the tables. Old files stay untouched."""
        for at in range(first - first % PER_FILE, len(self.content), PER_FILE):
            path = self.folder / f"data/chunk-000/file-{at // PER_FILE:03d}.parquet"
            tables = []
            for index in range(at, min(at + PER_FILE, len(self.content))):
                state = self.rows(self.content[index])
                tables.append(pa.table({
                    "observation.state": state, "timestamp": pa.array(numpy.arange(len(state)) / FPS, pa.float32()),
                    "frame_index": list(range(len(state))), "episode_index": [index] * len(state),
                    "task_index": [0] * len(state)}))
            path.unlink(missing_ok=True)  # as a recorder does: a new file
            with pq.ParquetWriter(path, tables[0].schema) as writer:
                for table in tables:
                    writer.write_table(table)
        for path in self.folder.glob("data/chunk-000/file-*.parquet"):
            if int(path.stem[5:]) * PER_FILE >= len(self.content):
                path.unlink()
        count, lengths = len(self.content), [len(self.rows(n)) for n in self.content]
        ends = [int(end) for end in numpy.cumsum(lengths)]
        pq.write_table(pa.table({
            "episode_index": list(range(count)), "tasks": [["push"]] * count, "length": lengths,
            "data/chunk_index": [0] * count, "data/file_index": [i // PER_FILE for i in range(count)],
            "dataset_from_index": [end - n for end, n in zip(ends, lengths)], "dataset_to_index": ends,
            "number": self.content, "stats/observation.state/max": [[float(n)] for n in self.content]}),
            self.folder / "meta/episodes/chunk-000/file-000.parquet")
        pq.write_table(pa.table({"task_index": [0], "task": ["push"]}), self.folder / "meta/tasks.parquet")


def key_of(index):
    return f"ep{index:06d}"


class Lab:
    """`clips` is the newest version: key -> {"number", and labels}. `versions` keeps every one there was."""

    def __init__(self, base, seed, *options):
        self.random, self.base, self.options = random.Random(seed), base, options
        self.dataset, self.recorder = base / "set", Recorder(base / "source")
        self.dataset.mkdir()
        elidefs("init", self.dataset)
        self.next_number, self.clips, self.removed = 0, {}, set()  # removed: numbers
        self.versions, self.renumbered, self.log = {}, False, []

    # ---- what happens in a lab ----

    def record(self):
        count, first = self.random.randint(1, 4), len(self.recorder.content)
        self.recorder.content += range(self.next_number, self.next_number + count)
        self.next_number += count
        self.recorder.write(first)
        self.log.append(f"recorded {count}")

    def record_again(self):
        """The last episode was a failure: the same number again, other content."""
        if self.recorder.content:
            self.recorder.content[-1] = self.next_number
            self.next_number += 1
            self.recorder.write(len(self.recorder.content) - 1)
            self.log.append("recorded the last again")

    def reindex(self):
        """An episode is deleted; those behind it move up."""
        if len(self.recorder.content) > 2:
            gone = self.random.randrange(len(self.recorder.content) - 1)
            self.log.append(f"deleted {key_of(gone)}")
            del self.recorder.content[gone]
            self.recorder.write(gone)
            self.renumbered = True

    def remove(self):
        if len(self.clips) > 2:
            key = self.random.choice(sorted(self.clips))
            self.log.append(f"removed {key}")
            done = elidefs("remove", self.dataset, f"latest/{key}.json")
            self.removed.add(self.clips.pop(key)["number"])
            self.commit(done)

    # ---- the import, and what it must do ----

    def label(self):
        """A table for some of the episodes: what stands there holds, an empty field takes the label back, and an
        episode without a row keeps it."""
        rows = {i: self.random.choice(("good", "bad", "")) for i in range(len(self.recorder.content))
                if self.random.random() < 0.6}
        table = self.base / "labels.csv"
        table.write_text("episode_index,grade\n" + "".join(f"{i},{grade}\n" for i, grade in rows.items()))
        self.log.append(f"labelled {len(rows)}")
        return table, rows

    def expect(self, rows):
        source = {key_of(i): number for i, number in enumerate(self.recorder.content)}
        was = {clip["number"]: (key, clip) for key, clip in self.clips.items()}
        clips, moved = {}, set()
        for index, (key, number) in enumerate(source.items()):
            if number in self.removed:
                continue
            old_key, old = was.get(number, (None, {}))
            clip = {name: value for name, value in old.items() if name != "number"}
            if old_key is None and key in self.clips and self.clips[key]["number"] not in source.values():
                clip = {name: value for name, value in self.clips[key].items() if name != "number"}  # replaced
            if old_key not in (None, key):
                moved.add(old_key)
            if rows and index in rows:
                clip.pop("grade", None)
                if rows[index]:
                    clip["grade"] = rows[index]
            clips[key] = clip | {"number": number}
        for key, clip in self.clips.items():
            if key not in source and key not in moved:
                clips[key] = clip  # no longer in the source
        self.clips = clips

    def import_today(self):
        words = [self.dataset, self.recorder.folder, *self.options]
        rows = None
        if self.random.random() < 0.5:
            table, rows = self.label()
            words += ["--table", table]
        if self.renumbered and self.is_moved():
            done = elidefs("import", *words, check=False)
            assert done.returncode == 1 and "--renumbered" in done.stderr, (done, self.log)
            words.append("--renumbered")
            if rows and self.is_loose(rows):
                done = elidefs("import", *words, check=False)
                assert done.returncode == 1 and "--table-is-renumbered" in done.stderr, (done, self.log)
                words.append("--table-is-renumbered")
        self.renumbered = False
        before = json.dumps(self.clips, sort_keys=True)
        self.expect(rows)
        done = elidefs("import", *words)
        if json.dumps(self.clips, sort_keys=True) == before:
            self.log.append("nothing new in the model")
        self.commit(done)
        again = elidefs("import", *[word for word in words if "renumbered" not in str(word)])
        assert "nothing new" in again.stderr and again.stdout == done.stdout, (again, self.log)

    def is_loose(self, rows):
        """Does some row's number mean another clip than it did before?"""
        return any(self.clips.get(key_of(i), {}).get("number") not in (None, self.recorder.content[i]) for i in rows)

    def is_moved(self):
        """Is the content of some clip under another key now?"""
        source = {number: key_of(i) for i, number in enumerate(self.recorder.content)}
        return any(source.get(clip["number"], key) != key for key, clip in self.clips.items())

    def commit(self, done):
        version = int(done.stdout.strip()[1:])
        self.log.append(f"v{version}")
        self.versions[version] = {key: dict(clip) for key, clip in self.clips.items()}

    def day(self):
        self.log.append("--- morning")
        self.record()
        for act in (self.record_again, self.reindex):
            if self.random.random() < 0.4:
                act()
        self.import_today()
        if self.random.random() < 0.4:
            self.remove()

    # ---- what the data set says ----

    def check(self):
        for version, clips in self.versions.items():
            lines = elidefs("query", self.dataset, f"v{version}", "--json").stdout.splitlines()
            found = {clip["key"]: {name: clip[name] for name in ("number", "grade") if name in clip}
                     for clip in map(json.loads, lines)}
            assert found == clips, f"v{version}: " + "; ".join(self.log)
        for line in elidefs("log", self.dataset, "--json").stdout.splitlines():
            told = json.loads(line)
            if told["version"] in self.versions:
                assert told["clips"] == len(self.versions[told["version"]])

    def check_newest_bytes(self, folder):
        """Every clip of the newest version that its source still has reads as what was recorded."""
        version = max(self.versions)
        shutil.rmtree(folder, ignore_errors=True)
        present = set(self.recorder.content)
        for key, clip in self.versions[version].items():
            if clip["number"] not in present:
                continue
            elidefs("cp", self.dataset, f"v{version}/{key}.state.parquet", folder)
            table = pq.read_table(folder / f"{key}.state.parquet")
            assert table["observation.state"].combine_chunks() == self.recorder.rows(clip["number"])
