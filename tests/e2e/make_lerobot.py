# SPDX-License-Identifier: Apache-2.0
"""Writes small LeRobot v3.0 data sets with any codec: what an importer meets beside the bundled sample."""
import json
import os
import pathlib
import subprocess

import numpy
import pyarrow as pa
import pyarrow.parquet as pq

FPS = 30


def make(folder, codec=("-c:v", "libx264"), lengths=(40, 25, 33), *, groups="episode", audio=False, extra=(),
         columns=None, task=lambda i: [f"task {i % 2}"], separate=False, index_shift=0):
    """lengths: frames of each episode, which all share one video and one data file. groups: "episode" writes a row
    group an episode, "one" a single one. columns: more columns of the episode table. separate: encode each episode on
    its own and join them, as LeRobot does; else one encode over all, so that episodes start anywhere in a GOP."""
    folder = pathlib.Path(folder)
    for sub in ("meta/episodes/chunk-000", "data/chunk-000", "videos/observation.images.front/chunk-000"):
        os.makedirs(folder / sub, exist_ok=True)
    total = sum(lengths)
    write_info(folder, total, len(lengths))
    write_rows(folder / "data/chunk-000/file-000.parquet", lengths, groups)
    write_episodes(folder / "meta/episodes/chunk-000/file-000.parquet", lengths, columns or {}, task, index_shift)
    tasks = sorted({text for i in range(len(lengths)) for text in task(i)})
    pq.write_table(pa.table({"task_index": list(range(len(tasks))), "task": tasks}), folder / "meta/tasks.parquet")
    video = folder / "videos/observation.images.front/chunk-000/file-000.mp4"
    if separate:
        encode_joined(video, lengths, codec)
    else:
        encode(video, total, codec, audio, extra)
    return folder


def write_info(folder, frames, episodes):
    features = {
        "observation.state": {"dtype": "float32", "shape": [3], "names": None},
        "observation.images.front": {"dtype": "video", "shape": [96, 128, 3], "names": ["height", "width", "channels"]},
    }
    json.dump({"codebase_version": "v3.0", "robot_type": None, "total_episodes": episodes, "total_frames": frames,
               "fps": FPS, "chunks_size": 1000, "features": features,
               "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
               "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"},
              open(folder / "meta/info.json", "w"))


def write_rows(path, lengths, groups):
    tables = []
    for episode, length in enumerate(lengths):
        frame = numpy.arange(length)
        state = [[float(episode), float(f), 0.5] for f in frame]
        tables.append(pa.table({
            "observation.state": pa.array(state, pa.list_(pa.float32())),
            "timestamp": pa.array(frame / FPS, pa.float32()), "frame_index": pa.array(frame, pa.int64()),
            "episode_index": pa.array([episode] * length, pa.int64()), "task_index": pa.array([0] * length, pa.int64())}))
    with pq.ParquetWriter(path, tables[0].schema) as writer:
        if groups == "episode":
            for table in tables:
                writer.write_table(table)
        else:
            writer.write_table(pa.concat_tables(tables).combine_chunks())


def write_episodes(path, lengths, columns, task, index_shift):
    starts = numpy.concatenate([[0], numpy.cumsum(lengths)])
    count = len(lengths)
    table = {"episode_index": [i + index_shift for i in range(count)], "tasks": [task(i) for i in range(count)],
             "length": list(lengths), "data/chunk_index": [0] * count, "data/file_index": [0] * count,
             "dataset_from_index": [int(s) for s in starts[:-1]], "dataset_to_index": [int(s) for s in starts[1:]],
             "stats/observation.state/max": [[float(i), float(n), 0.5] for i, n in enumerate(lengths)],
             "stats/next.success/max": [[i % 2 == 0] for i in range(count)]}
    prefix = "videos/observation.images.front"
    table |= {f"{prefix}/chunk_index": [0] * count, f"{prefix}/file_index": [0] * count,
              f"{prefix}/from_timestamp": [float(s / FPS) for s in starts[:-1]],
              f"{prefix}/to_timestamp": [float(s / FPS) for s in starts[1:]]}
    pq.write_table(pa.table(table | columns), path)


def encode(path, frames, codec, audio=False, extra=()):
    sound = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={frames / FPS}") if audio else ()
    subprocess.run(["ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i",
                    f"testsrc2=size=128x96:rate={FPS}:duration={frames / FPS}", *sound, *codec,
                    "-pix_fmt", "yuv420p", *(("-c:a", "aac") if audio else ()), *extra, str(path)], check=True)


def encode_joined(path, lengths, codec):
    parts = []
    for i, length in enumerate(lengths):
        part = path.with_suffix(f".part{i}.mp4")
        encode(part, length, codec)
        parts.append(part)
    listing = path.with_suffix(".txt")
    # The duration of an MP4 is rounded to milliseconds, which FFmpeg before 7 would put the next part behind.
    listing.write_text("".join(f"file '{part}'\nduration {length / FPS:.6f}\n" for part, length in zip(parts, lengths)))
    subprocess.run(["ffmpeg", "-y", "-v", "error", "-f", "concat", "-safe", "0", "-i", str(listing), "-c", "copy",
                    "-movflags", "+faststart", str(path)], check=True)
    for part in [*parts, listing]:
        part.unlink()
