# SPDX-License-Identifier: Apache-2.0
"""`tools/dev/bench train`: training windows read through a mount whose store is far, against the same files on this disk.

A sample is a window of 8 frames of each of two cameras at one moment of an episode, decoded by PyAV as a training
program does: open, seek, decode, close. Two workers share the samples.
"""
import multiprocessing
import os
import random
import shutil
import subprocess
import time

import av

from bench_lab import ELIDEFS, VENV, drop_page_cache, run

CAMERAS = ("top", "wrist")
FRAMES, WINDOW, WORKERS = 150, 8, 2

UPLOAD = """
import io, json, sys
import boto3, pyarrow as pa, pyarrow.parquet as pq
endpoint, bucket, videos, count, length = sys.argv[1], sys.argv[2], sys.argv[3].split(","), int(sys.argv[4]), int(sys.argv[5])
s3 = boto3.client("s3", endpoint_url=endpoint)
s3.create_bucket(Bucket=bucket)
features = {"state": {"dtype": "float32", "shape": [7], "names": None}}
cameras = sys.argv[6].split(",")
for camera in cameras:
    features[camera] = {"dtype": "video", "shape": [240, 320, 3], "names": None}
info = {"codebase_version": "v2.0", "fps": 30, "features": features, "chunks_size": 1000,
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"}
put = lambda name, body: s3.put_object(Bucket=bucket, Key=name, Body=body)
bodies = [open(video, "rb").read() for video in videos]
put("meta/info.json", json.dumps(info))
put("meta/tasks.jsonl", json.dumps({"task_index": 0, "task": "pick"}))
put("meta/episodes.jsonl", "".join(json.dumps({"episode_index": i, "tasks": ["pick"], "length": length}) + chr(10)
                                   for i in range(count)))
for i in range(count):
    out = io.BytesIO()
    pq.write_table(pa.table({"state": pa.array([[float(i)] * 7] * length, pa.list_(pa.float32())),
                             "timestamp": pa.array([f / 30 for f in range(length)], pa.float32()),
                             "episode_index": pa.array([i] * length, pa.int64())}), out)
    put(f"data/chunk-000/episode_{i:06d}.parquet", out.getvalue())
    for n, camera in enumerate(cameras):
        put(f"videos/chunk-000/{camera}/episode_{i:06d}.mp4", bodies[(i + n) % len(bodies)])
"""


def encode(folder, name, seed, bitrate, frames):
    """A noisy video with a sync sample every other frame, as LeRobot writes them."""
    video = folder / f"{name}-{seed}.mp4"
    run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size=320x240:rate=30:duration={frames / 30}", "-vf",
        f"noise=alls=12:allf=t:all_seed={seed}", "-c:v", "libx264", "-g", "2", "-pix_fmt", "yuv420p", "-preset", "veryfast", "-b:v",
        bitrate, "-maxrate", bitrate, "-bufsize", bitrate, video)
    return video


def decode(path, first):
    """The frames [first, first + WINDOW) of a video."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        container.seek(int(first / 30 / stream.time_base), stream=stream)
        frames = []
        for frame in container.decode(stream):
            if round(float(frame.pts * stream.time_base) * 30) >= first:
                frames.append(frame.to_ndarray(format="rgb24"))
            if len(frames) == WINDOW:
                return frames
    raise SystemExit(f"{path}: frame {first} has only {len(frames)} behind it")


def work(folder, samples, start, done):
    start.wait()
    for key, first in samples:
        for camera in CAMERAS:
            decode(folder / f"{key}.{camera}.mp4", first)
    done.put(len(samples))


def epoch(folder, samples):
    """Samples a second."""
    start, done = multiprocessing.Barrier(WORKERS + 1), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(folder, samples[i::WORKERS], start, done)) for i in range(WORKERS)]
    for worker in workers:
        worker.start()
    start.wait()
    begin = time.perf_counter()
    read = sum(done.get() for _ in workers)
    seconds = time.perf_counter() - begin
    for worker in workers:
        worker.join()
    assert read == len(samples)
    return read / seconds


class Mounted:
    def __init__(self, lab, dataset, cache, fill):
        self.lab, self.point, self.cache = lab, lab.folder / "mnt", cache
        self.point.mkdir(exist_ok=True)
        run(ELIDEFS, "mount", dataset, self.point, "--cache", cache, "--fill", fill)

    def __enter__(self):
        return self.point

    def __exit__(self, *_):
        run(ELIDEFS, "umount", self.point)
        shutil.rmtree(self.cache, ignore_errors=True)


def listing(folder, suffix):
    """Names in the order of the listing."""
    return [entry.name for entry in os.scandir(folder) if entry.name.endswith(suffix)]


def samples_of(keys, windows, order, frames):
    draw = random.Random(7)
    samples = [(key, draw.randrange(frames - WINDOW)) for key in keys for _ in range(windows)]
    if order == "random":
        draw.shuffle(samples)
    return samples


def measure(lab, dataset, frames, windows, order, fill):
    with Mounted(lab, dataset, lab.folder / "cache-train", fill) as point:
        folder = point / "v1/@shuffle=7"
        samples = samples_of([name[:-5] for name in listing(folder, ".json")], windows, order, frames)
        local = lab.folder / "local"
        touched = sum((folder / f"{key}.{camera}.mp4").stat().st_size for key in {key for key, _ in samples} for camera in CAMERAS)
        lab.proxy.since()
        first = epoch(folder, samples)
        time.sleep(1)  # what is still being fetched ahead counts, too
        _, _, requests, pulled = lab.proxy.since()
        drop_page_cache()
        second = epoch(folder, samples)
        _, _, again, _ = lab.proxy.since()
        if not local.exists():
            shutil.copytree(folder, local)
        drop_page_cache()
        native = epoch(local, samples)
    looks = len(samples) * len(CAMERAS)
    print(f"  {order:8s} {fill:6s} {len(samples)} samples  epoch 1 / local {first / native:.2f}  epoch 2 / local {second / native:.2f} "
          f"({again} requests)  {requests} requests, {requests / looks:.2f} a sample and camera  "
          f"{pulled / 1e6:.2f} MB pulled / {touched / 1e6:.2f} MB of the clips touched {pulled / touched:.2f}", flush=True)
    return pulled


def cat_all(lab, dataset, readers=8):
    """Clips read as a whole, so many readers at a time."""
    with Mounted(lab, dataset, lab.folder / "cache-cat", "auto") as point:
        paths = [point / "v1" / name for name in listing(point / "v1", ".mp4")][:40]
        lab.proxy.since()
        begin = time.perf_counter()
        subprocess.run(["xargs", "-0", "-n", "1", "-P", str(readers), "cat"], input="\0".join(map(str, paths)), text=True,
                       stdout=subprocess.DEVNULL, check=True)
        seconds = time.perf_counter() - begin
        time.sleep(0.5)
        _, _, requests, pulled = lab.proxy.since()
        size = sum(path.stat().st_size for path in paths)
    print(f"  {len(paths)} cold clips of {size / len(paths) / 2**20:.1f} MiB, {readers} readers: {seconds:.2f} s, {requests} requests, "
          f"pulled/bytes {pulled / size:.3f}", flush=True)


def prepare(lab, name, bitrate, count, frames):
    videos = [encode(lab.folder, name, seed, bitrate, frames) for seed in range(4)]
    run(VENV, "-c", UPLOAD, lab.direct, name, ",".join(map(str, videos)), count, frames, ",".join(f"observation.images.{camera}" for camera in CAMERAS))
    dataset = f"s3://sets/{name}"
    run(ELIDEFS, "init", dataset)
    run(ELIDEFS, "import", dataset, f"s3://{name}", "--cache", lab.folder / "cache-import")
    shutil.rmtree(lab.folder / "local", ignore_errors=True)
    print(f"{count} episodes of {frames} frames, {len(CAMERAS)} cameras, {sum(v.stat().st_size for v in videos) / len(videos) / 1024:.0f} KiB a video")
    return dataset


def bench_train(lab):
    dataset = prepare(lab, "short", "560k", 40, FRAMES)
    for order in ("listing", "random"):
        for fill in ("auto", "whole", "exact"):
            measure(lab, dataset, FRAMES, 2, order, fill)
    dataset = prepare(lab, "long", "3000k", 20, 1500)
    exact = measure(lab, dataset, 1500, 2, "random", "exact")
    for order in ("listing", "random"):
        pulled = measure(lab, dataset, 1500, 2, order, "auto")
        print(f"  {order:8s} sparse windows: pulled / exact {pulled / exact:.2f}")
    dataset = prepare(lab, "medium", "3360k", 20, FRAMES)
    cat_all(lab, dataset)
