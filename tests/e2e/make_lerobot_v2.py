# SPDX-License-Identifier: Apache-2.0
"""Turns a LeRobot v3.0 data set into the v2.1 one it could have been converted from: a Parquet file and an MP4 a camera
for each episode, episodes and statistics as JSON lines."""
import glob
import itertools
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
    for camera in cameras:
        write_videos(v3, v2, (old, new), episodes, camera)
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


def write_videos(v3, v2, infos, episodes, camera):
    """Splits each shared file at its episodes, which start at key frames and follow each other. The pieces are muxed
    again, because those with B-frames begin late."""
    old, new = infos
    files = {}
    for row in episodes:
        files.setdefault(tuple(row[f"videos/{camera}/{name}"] for name in ("chunk_index", "file_index")), []).append(row)
    for (chunk, number), rows in files.items():
        shared = v3 / old["video_path"].format(video_key=camera, chunk_index=chunk, file_index=number)
        starts = list(itertools.accumulate(row["length"] for row in rows[:-1]))
        split = ("-f", "segment", "-segment_frames", ",".join(map(str, starts)), "-reset_timestamps", "1") if starts else ()
        subprocess.run(["ffmpeg", "-y", "-v", "error", "-i", str(shared), "-c", "copy", *split, str(v2 / "part%d.mp4")], check=True)
        for i, row in enumerate(rows):
            path = v2 / place(new, row, new["video_path"], camera)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = v2 / f"part{i if starts else '%d'}.mp4"
            subprocess.run(["ffmpeg", "-y", "-v", "error", "-i", str(part), "-c", "copy", str(path)], check=True)
            part.unlink()
