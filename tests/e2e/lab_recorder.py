# SPDX-License-Identifier: Apache-2.0
"""A recorder that leaves LeRobot v3.0 folders as LeRobot 0.4.4 does, without cameras, which are slow to encode."""
import json

import numpy
import pyarrow as pa
import pyarrow.parquet as pq

FPS = 10
PER_FILE = 3  # episodes a data file: the recorder rewrites its last one until it is full
NUMBERS = ("timestamp", "frame_index", "episode_index", "index", "task_index")
PANDAS_INDEX = {  # of tasks.parquet, whose texts are the index of a data frame
    "index_columns": ["__index_level_0__"], "column_indexes": [], "pandas_version": "2.3.3",
    "columns": [{"name": name, "field_name": field, "pandas_type": kind, "numpy_type": numpy_kind, "metadata": None}
                for name, field, kind, numpy_kind in (("task_index", "task_index", "int64", "int64"),
                                                      (None, "__index_level_0__", "unicode", "object"))]}


def data_file(file):
    return f"data/chunk-000/file-{file:03d}.parquet"


def length_of(number):
    return 5 + number % 4


class Recorder:
    """`files` lists the episodes of each data file: a unique number each, which is also what is recorded. `width`
    numbers of noise a row make files large. `takes`: the numbers stand in a column of the episodes' table, which
    LeRobot's tools do not copy."""

    def __init__(self, folder, width):
        self.folder, self.width, self.files, self.tasks, self.takes = folder, width, {}, {}, True

    @property
    def content(self):
        return [number for file in sorted(self.files) for number in self.files[file]]

    def add(self, number, task="push"):
        last = max(self.files, default=-1)
        if last < 0 or len(self.files[last]) >= PER_FILE:
            last += 1
        self.files.setdefault(last, []).append(number)
        self.tasks[number] = task
        return last

    # ---- what is recorded ----

    def rows(self, number):
        rows = length_of(number)
        noise = numpy.random.default_rng(number).random((rows, self.width), numpy.float32)
        return {"observation.state": pa.array([[float(number), 0.5]] * rows, pa.list_(pa.float32())),
                "observation.noise": pa.array(list(noise), pa.list_(pa.float32()))}

    def table(self, index, number, first, task_index):
        count = length_of(number)
        return pa.table(self.rows(number) | {
            "timestamp": pa.array(numpy.arange(count) / FPS, pa.float32()), "frame_index": list(range(count)),
            "episode_index": [index] * count, "index": list(range(first, first + count)),
            "task_index": [task_index] * count})

    # ---- the folder ----

    def write(self, first=0, grouped=False, in_place=False):
        """Writes the data files from `first` on, and the tables. Old files stay untouched. grouped: all episodes of a
        file in one row group, as LeRobot 0.4.4's tools leave them. in_place: no new inodes."""
        tasks = sorted(set(map(self.tasks.get, self.content)))
        spans, at = [], 0
        for file, numbers in sorted(self.files.items()):
            tables = []
            for number in numbers:
                tables.append(self.table(len(spans), number, at, tasks.index(self.tasks[number])))
                spans.append((file, at, at + len(tables[-1])))
                at += len(tables[-1])
            if file >= first:
                self.write_file(data_file(file), [pa.concat_tables(tables)] if grouped else tables, in_place)
        self.write_info(tasks, spans)
        self.write_file("meta/episodes/chunk-000/file-000.parquet", [self.episodes(spans)], in_place)

    def write_file(self, name, tables, in_place=False):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not in_place:
            path.unlink(missing_ok=True)
        with pq.ParquetWriter(path, tables[0].schema, use_dictionary=False) as writer:
            for table in tables:
                writer.write_table(table)

    def episodes(self, spans):
        numbers = self.content
        files, firsts, ends = zip(*spans)
        one = {"min": [[float(n), 0.5] for n in numbers], "max": [[float(n), 0.5] for n in numbers],
               "mean": [[float(n), 0.5] for n in numbers], "std": [[0.0, 0.0]] * len(numbers),
               "count": [[length_of(n)] for n in numbers]}
        columns = {
            "episode_index": list(range(len(numbers))), "tasks": [[self.tasks[n]] for n in numbers],
            "length": list(map(length_of, numbers)), "data/chunk_index": [0] * len(numbers),
            "data/file_index": list(files), "dataset_from_index": list(firsts), "dataset_to_index": list(ends),
            "meta/episodes/chunk_index": [0] * len(numbers), "meta/episodes/file_index": [0] * len(numbers)}
        if self.takes:
            columns["take"] = numbers
        return pa.table(columns | {f"stats/observation.state/{name}": values for name, values in one.items()})

    def write_info(self, tasks, spans):
        features = {"observation.state": ("float32", 2), "observation.noise": ("float32", self.width)}
        features |= {name: ("float32" if name == "timestamp" else "int64", 1) for name in NUMBERS}
        numbers, frames = [float(n) for n in self.content], spans[-1][2]
        self.write_file("meta/tasks.parquet", [pa.table(
            {"task_index": list(range(len(tasks))), "__index_level_0__": tasks}).replace_schema_metadata(
                {"pandas": json.dumps(PANDAS_INDEX)})])
        (self.folder / "meta/info.json").write_text(json.dumps({
            "codebase_version": "v3.0", "robot_type": "arm", "total_episodes": len(spans), "total_frames": frames,
            "total_tasks": len(tasks), "chunks_size": 1000, "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200, "fps": FPS, "splits": {"train": f"0:{len(spans)}"},
            "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet", "video_path": None,
            "features": {name: {"dtype": kind, "shape": [size], "names": None}
                         for name, (kind, size) in features.items()}}))
        (self.folder / "meta/stats.json").write_text(json.dumps({"observation.state": {
            "min": [min(numbers), 0.5], "max": [max(numbers), 0.5], "mean": [sum(numbers) / len(numbers), 0.5],
            "std": [1.0, 0.0], "count": [frames]}}))

    def read_back(self):
        """Which episodes lie in which file, after a tool has edited the folder."""
        table = pq.read_table(self.folder / "meta/episodes", partitioning=None).sort_by("episode_index").to_pydict()
        self.files, self.tasks, self.takes = {}, {}, "take" in table
        for file, state, tasks in zip(table["data/file_index"], table["stats/observation.state/max"], table["tasks"]):
            self.files.setdefault(file, []).append(round(state[0]))
            self.tasks[round(state[0])] = tasks[0]

    # ---- where an episode's rows are ----

    def layout(self):
        """(data file, whether some row group is its own) of every episode, as they lie in the folder."""
        found = []
        for path in sorted((self.folder / "data").rglob("*.parquet")):
            file = pq.ParquetFile(path)
            groups = [set(file.read_row_group(i, ["episode_index"])["episode_index"].to_pylist())
                      for i in range(file.num_row_groups)]
            for episode in sorted(set().union(*groups)):
                apart = {episode} in groups
                found.append((str(path.relative_to(self.folder)), apart))
        return found
