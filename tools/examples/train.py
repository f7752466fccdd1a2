#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""train.py FOLDER [--label KEY] [--seed 7] [--workers 4] [--epochs 2] [--state FILE] [--stop-after CLIPS]

Trains on the clips of a mounted path (/mnt/kitchen/v1/outcome=fail) with a PyTorch DataLoader whose workers each read a
shard of the epoch's order:

    FOLDER/@shuffle=SEED.EPOCH/@shard=WORKER,WORKERS            a folder of plain files, in that order
    FOLDER/@shuffle=SEED.EPOCH/@shard=WORKER,WORKERS/@skip=N    the same, from the N-th clip on

So there is no list of files to make, to broadcast or to keep, and a run that was killed goes on where it was: --state
FILE has the epoch, how many clips of each shard were learnt, and the model. It is of one version, seed and number of
workers (0: without workers, one shard), and goes on with no other: `latest` means the version of the start. The model is a small one: it tells the label
(an attribute of the clip's json) from the mean of each column of <key>.state.parquet."""
import argparse
import json
import os
import pathlib

import pyarrow.compute
import pyarrow.parquet
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info


def features(path):
    table = pyarrow.parquet.read_table(path, partitioning=None)  # what the path says is in the json, too
    means = []
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pyarrow.types.is_list(column.type) or pyarrow.types.is_fixed_size_list(column.type):
            values = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
            means += values.mean(axis=0).tolist()
    return torch.tensor(means, dtype=torch.float32)


class Clips(IterableDataset):
    """One epoch: each worker lists its own shard and reads it in the order of the folder."""

    def __init__(self, folder, epoch, done, label):
        self.folder, self.epoch, self.done, self.label = folder, epoch, done, label

    def __iter__(self):
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        shard = f"{self.folder}/@shuffle={self.epoch}/@shard={number},{workers}/@skip={self.done[number]}"
        for entry in os.scandir(shard):  # in the order of the path; os.listdir() keeps it, too, sorted() does not
            key, _, rest = entry.name.partition(".")
            if rest == "json":
                labels = json.loads(pathlib.Path(entry.path).read_text())
                if self.label not in labels:
                    raise ValueError(f"{entry.path}: has no '{self.label}': narrow the path by {self.label}.null=0")
                yield number, key, features(f"{shard}/{key}.state.parquet"), str(labels[self.label])


def load(path, run):
    """Of this run: where it reads, what it learns, its seed, its shards."""
    if path and path.exists():
        state = torch.load(path)
        if state["run"] == run:
            return state
        differ = [f"{name} {state['run'][name]}, not {run[name]}" for name in run if state["run"][name] != run[name]]
        raise SystemExit(f"{path}: is of another run: {'; '.join(differ)}")
    return {"run": run, "epoch": 0, "done": [0] * run["shards"], "model": None, "classes": []}


def save(path, state):
    if path:
        torch.save(state, f"{path}.new")
        os.replace(f"{path}.new", path)


class Learner:
    def __init__(self, state, lr=0.05):
        self.state, self.lr = state, lr

    def step(self, x, label):
        state = self.state
        if state["model"] is None:
            state["model"] = {"weight": torch.zeros(16, len(x)), "bias": torch.zeros(16)}
        if label not in state["classes"]:
            state["classes"].append(label)
        weight, bias = (state["model"][name].requires_grad_() for name in ("weight", "bias"))
        loss = torch.nn.functional.cross_entropy((weight @ x + bias)[None], torch.tensor([state["classes"].index(label)]))
        gradients = torch.autograd.grad(loss, (weight, bias))
        with torch.no_grad():
            for parameter, gradient in zip((weight, bias), gradients):
                parameter -= self.lr * gradient / (1 + gradient.norm())
                parameter.requires_grad_(False)
        return float(loss)


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", type=pathlib.Path)
    words.add_argument("--label", default="outcome")
    words.add_argument("--seed", type=int, default=7)
    words.add_argument("--workers", type=int, default=4)
    words.add_argument("--epochs", type=int, default=2)
    words.add_argument("--state", type=pathlib.Path)
    words.add_argument("--stop-after", type=int, metavar="CLIPS", help="end without a word, as if killed")
    given = words.parse_args()
    folder = os.path.realpath(given.folder)  # latest and tags are links into a version, which does not change
    run = {"folder": folder, "label": given.label, "seed": given.seed, "shards": max(given.workers, 1)}
    state, learnt = load(given.state, run), 0
    learner = Learner(state)
    while state["epoch"] < given.epochs:
        clips = Clips(folder, f"{given.seed}.{state['epoch']}", state["done"], given.label)
        for worker, key, x, label in DataLoader(clips, batch_size=None, num_workers=given.workers):
            loss = learner.step(x, label)
            state["done"][worker] += 1
            save(given.state, state)
            print(f"{state['epoch']} {worker} {key} {label} {loss:.3f}", flush=True)
            learnt += 1
            if learnt == given.stop_after:
                os._exit(1)
        state["epoch"], state["done"] = state["epoch"] + 1, [0] * run["shards"]
        save(given.state, state)


if __name__ == "__main__":
    main()
