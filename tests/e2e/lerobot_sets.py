# SPDX-License-Identifier: Apache-2.0
"""LeRobot data sets read by pyarrow alone: episodes, frames and statistics, as lerobot 0.4.4 sees them."""
import json
import pathlib
import re

import numpy
import pyarrow as pa
import pyarrow.parquet as pq


def read(path):
    """pyarrow's read_table() takes an `outcome=fail` in the path for a column of the table."""
    return pq.ParquetFile(path).read()


def table(folder):
    """All Parquet files below a folder, in the order of their names."""
    return pa.concat_tables(map(read, sorted(pathlib.Path(folder).glob("*/*.parquet"))))


class LeRobotSet:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.info = json.loads((self.root / "meta/info.json").read_text())
        self.stats = json.loads((self.root / "meta/stats.json").read_text())
        self.episodes = table(self.root / "meta/episodes").to_pylist()
        self.rows = table(self.root / "data")
        tasks = read(self.root / "meta/tasks.parquet").to_pylist()
        self.tasks = {row["task_index"]: row.get("task", row.get("__index_level_0__")) for row in tasks}
        self.cameras = [name for name, feature in self.info["features"].items() if feature["dtype"] == "video"]

    def frames(self, i):
        """The rows of episode i, tasks by their text, without what numbers them anew."""
        episode = self.episodes[i]
        rows = self.rows.slice(episode["dataset_from_index"], episode["length"])
        assert set(rows["episode_index"].to_pylist()) == {episode["episode_index"]}
        assert rows["index"].to_pylist() == list(range(episode["dataset_from_index"], episode["dataset_to_index"]))
        frames = rows.drop(["episode_index", "index", "task_index"]).to_pydict()
        return frames | {"task": [self.tasks[number] for number in rows["task_index"].to_pylist()]}

    def video(self, i, camera):
        episode = self.episodes[i]
        return self.root / self.info["video_path"].format(video_key=camera, chunk_index=episode[f"videos/{camera}/chunk_index"],
                                                          file_index=episode[f"videos/{camera}/file_index"])

    def statistics(self, i):
        """feature -> statistic -> array, of one episode."""
        found = {}
        for name, value in self.episodes[i].items():
            if name.startswith("stats/"):
                feature, stat = name.removeprefix("stats/").rsplit("/", 1)
                found.setdefault(feature, {})[stat] = numpy.array(value)
        return found


def aggregate(episodes, envelope):
    """lerobot's aggregate_stats(): 0.4.4's (quantiles are weighted means), or 0.6.2's (an envelope)."""
    return {feature: aggregate_feature([stats[feature] for stats in episodes], envelope) for feature in episodes[0]}


def aggregate_feature(stats, envelope):
    means = numpy.stack([s["mean"] for s in stats])
    variances = numpy.stack([s["std"] ** 2 for s in stats])
    counts = numpy.stack([s["count"] for s in stats])
    total = counts.sum(axis=0)
    while counts.ndim < means.ndim:
        counts = numpy.expand_dims(counts, axis=-1)
    mean = (means * counts).sum(axis=0) / total
    variance = ((variances + (means - mean) ** 2) * counts).sum(axis=0) / total
    result = {"min": numpy.stack([s["min"] for s in stats]).min(axis=0), "max": numpy.stack([s["max"] for s in stats]).max(axis=0),
              "mean": mean, "std": numpy.sqrt(variance), "count": total}
    for name in stats[0]:
        if re.fullmatch(r"q\d+", name):
            values = numpy.stack([s[name] for s in stats])
            extreme = values.min(axis=0) if int(name[1:]) <= 50 else values.max(axis=0)
            result[name] = extreme if envelope else (values * counts).sum(axis=0) / total
    return result
