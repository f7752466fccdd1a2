# SPDX-License-Identifier: Apache-2.0
"""Turns a LeRobot v3.0 data set into the v2.1 one it could have been converted from: a Parquet file and an MP4 a camera
for each episode, episodes and statistics as JSON lines."""
import concurrent.futures
import glob
import json
import pathlib
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq

DATA = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
VIDEO = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"


def convert(v3, v2, *, chunks_size=1000, stats=True, **info):
    """chunks_size: episodes a folder. stats=False: as v2.0, without statistics of each episode. info: members of info.json
    to change; its templates say where the files go."""
    v3, v2 = pathlib.Path(v3), pathlib.Path(v2)
    old = json.loads((v3 / "meta/info.json").read_text())
    new = old | {"codebase_version": "v2.1" if stats else "v2.0", "chunks_size": chunks_size, "data_path": DATA,
                 "video_path": VIDEO} | info
    episodes = sorted((row for name in glob.glob(f"{v3}/meta/episodes/*/*.parquet") for row in pq.read_table(name).to_pylist()),
                      key=lambda row: row["episode_index"])
    write(v2 / "meta/info.json", json.dumps(new, indent=4))
    write_lines(v2 / "meta/episodes.jsonl", map(described, episodes))
    write_lines(v2 / "meta/tasks.jsonl", tasks(v3))
    if stats:
        write_lines(v2 / "meta/episodes_stats.jsonl", map(statistics, episodes))
    write_data(v3, v2, new, episodes)
    cameras = [name for name, feature in old["features"].items() if feature["dtype"] == "video"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda of: write_video(v3, old, *of, v2 / place(new, of[0], new["video_path"], of[1])),
                      [(row, camera) for row in episodes for camera in cameras]))
    return v2


def place(info, row, template, camera=None):
    index = row["episode_index"]
    return template.format(episode_chunk=index // info["chunks_size"], episode_index=index, video_key=camera)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_lines(path, rows):
    write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def described(row):
    """The columns that v2 has, too: episode_index, tasks, length and what people added."""
    plumbing = ("data/", "videos/", "meta/", "stats/", "dataset_")
    return {name: value for name, value in row.items() if not name.startswith(plumbing)}


def statistics(row):
    stats = {}
    for name, value in row.items():
        if name.startswith("stats/"):
            feature, _, kind = name[len("stats/"):].rpartition("/")
            stats.setdefault(feature, {})[kind] = value
    return {"episode_index": row["episode_index"], "stats": stats}


def tasks(v3):
    rows = pq.read_table(v3 / "meta/tasks.parquet").to_pylist()
    return [{"task_index": row["task_index"], "task": row.get("__index_level_0__", row.get("task"))} for row in rows]


def write_data(v3, v2, info, episodes):
    whole = pa.concat_tables(pq.read_table(name) for name in sorted(glob.glob(f"{v3}/data/*/*.parquet")))
    for row in episodes:
        path = v2 / place(info, row, info["data_path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = whole.filter(pa.compute.equal(whole["episode_index"], row["episode_index"]))
        pq.write_table(rows.combine_chunks(), path)


def write_video(v3, info, row, camera, path):
    """Copies the frames, which start at a key frame. A quarter of a frame more, or float error may find the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    at = {name: row[f"videos/{camera}/{name}"] for name in ("chunk_index", "file_index", "from_timestamp")}
    shared = v3 / info["video_path"].format(video_key=camera, chunk_index=at["chunk_index"], file_index=at["file_index"])
    subprocess.run(["ffmpeg", "-y", "-v", "error", "-ss", str(at["from_timestamp"] + 0.25 / info["fps"]), "-i", str(shared),
                    "-frames:v", str(row["length"]), "-c", "copy", "-avoid_negative_ts", "make_zero", str(path)], check=True)
