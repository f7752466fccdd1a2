# SPDX-License-Identifier: Apache-2.0
"""A lab, day by day: it records, edits, labels, removes, copies, moves, loses. Beside the real data set stands a plain
model of what each version must hold, and of what of it can still be read."""
import json
import random
import re
import shutil

import pyarrow.parquet as pq

from conftest import elidefs
from lab_edits import Imitated
from lab_model import Recording, is_readable
from lab_recorder import Recorder, length_of
from lab_storage import Storage

PEOPLE = ("anna", "ben")
WIDE = 25000  # numbers of noise a row, in labs whose files exceed 1 MiB


def key_of(index):
    return f"ep{index:06d}"


def content_of(clip):
    return clip["number"]  # a task that is reworded is a label of the same recording


def copy_of(clip):
    return clip | {"labels": dict(clip["labels"]), "by": dict(clip["by"])}


class Lab(Storage):
    """`clips` is the newest version: key -> {"number", "labels", "by" (who set a label), "recording"}. `versions` keeps
    every one there was."""

    def __init__(self, base, seed, *options, edits=None, bucket=None):
        self.random, self.base, self.options, self.bucket = random.Random(seed), base, options, bucket
        wide, grouped = self.random.choice(((2, True), (2, False), (WIDE, False)))
        self.edits = edits or Imitated(grouped)
        self.recorder = Recorder(base / "robot", 2 if edits else wide)
        self.dataset = base / "set"
        self.dataset.mkdir()
        elidefs("init", self.dataset)
        self.next_number, self.clips, self.removed = 0, {}, {}  # removed: content -> clip
        self.unwanted = set()  # numbers that were removed once, under whatever key
        self.roots, self.known = [], {}  # known: (root, name) -> its recordings, in the order of their import
        self.versions, self.renumbered, self.log, self.splits = {}, False, [], 0
        self.imported_from = self.replaces = None  # folders
        self.replaced = set()  # those that were

    # ---- what happens to episodes ----

    def numbers(self, count):
        self.next_number += count
        return range(self.next_number - count, self.next_number)

    def record(self):
        files = [self.recorder.add(number) for number in self.numbers(self.random.randint(1, 4))]
        self.recorder.write(files[0])
        self.log.append(f"recorded {len(files)}")

    def record_again(self):
        """The last episode was a failure: it is recorded anew under its index."""
        last = max(self.recorder.files)
        self.recorder.files[last].pop()
        self.recorder.files[last].append(*self.numbers(1))
        self.recorder.tasks[self.recorder.content[-1]] = "push"
        self.recorder.write(last)
        self.log.append("recorded the last again")

    def some(self, most):
        """A few episodes but the last, by index."""
        found = range(len(self.recorder.content) - 1)
        return sorted(self.random.sample(found, min(len(found), self.random.randint(1, most))))

    def reindex(self):
        """An episode is deleted by the recorder itself; those behind it move up, in files written anew."""
        number = self.recorder.content[self.some(1)[0]]
        file = next(file for file, numbers in self.recorder.files.items() if number in numbers)
        self.recorder.files[file].remove(number)
        if not self.recorder.files[file]:
            (self.recorder.folder / f"data/chunk-000/file-{file:03d}.parquet").unlink()
            del self.recorder.files[file]
        self.recorder.write(file)
        self.renumbered = True
        self.log.append(f"the recorder deleted {number}")

    def delete_episodes(self):
        gone = self.some(2)
        self.log.append(f"lerobot deleted {[self.recorder.content[i] for i in gone]}")
        self.recorder = self.edits.delete_episodes(self.recorder, gone)
        self.renumbered = True

    def modify_tasks(self):
        tasks = {index: f"task {self.next_number}" for index in self.some(2)}
        self.log.append(f"lerobot modified the tasks of {sorted(tasks)}")
        self.recorder = self.edits.modify_tasks(self.recorder, tasks)

    def split(self):
        """Some episodes become a set of their own, imported beside the other one."""
        episodes = [i for i in self.some(3) if self.recorder.content[i] not in self.unwanted]
        if not episodes:
            return
        self.splits += 1
        part = self.edits.split(self.recorder, f"val{self.splits}", episodes)
        self.log.append(f"split off {part.content}")
        done = elidefs("import", self.dataset, part.folder, "--prefix", f"val{self.splits}", *self.options)
        for index, recording in enumerate(self.scan(part)):
            key = f"val{self.splits}-{key_of(index)}"
            self.clips[key] = self.fresh(part, part.content[index], recording)
        self.commit(done)

    def merge(self):
        """With another robot's set, into a folder that takes the place of this one."""
        if self.replaces:
            return  # it has moved, and was not imported since
        other = Recorder(self.base / f"other{self.next_number}", self.recorder.width)
        other.takes = self.recorder.takes
        for number in self.numbers(2):
            other.add(number, "pull")
        other.write()
        self.leave()
        folder = self.base / f"merged{self.next_number}"
        self.recorder = self.edits.merge([self.recorder, other], folder)
        self.log.append(f"merged into {folder.name}")

    def leave(self):
        """The next import is of another folder: clips that are no longer in this one would stay for ever."""
        keys = {key_of(i) for i in range(len(self.recorder.content))}
        for key in [key for key in self.clips if key not in keys and not key.startswith("val")]:
            self.remove(key)
        self.replaces = self.imported_from

    # ---- what people do to clips ----

    def remove(self, key=None):
        if len(self.clips) > 2:
            key = key or self.random.choice(sorted(self.clips))
            self.log.append(f"removed {key}")
            done = elidefs("remove", self.dataset, f"latest/{key}.json")
            clip = self.clips.pop(key)
            self.unwanted.add(clip["number"])
            if not key.startswith("val"):
                self.removed[content_of(clip)] = clip
            self.commit(done)

    def annotate(self):
        """By key, or by number; what somebody else has said is overwritten only where that is asked for."""
        person, note = self.random.choice(PEOPLE), self.random.choice(("look", "fine"))
        by = self.random.choice(("key", "episode_index"))
        keys = [key for key in sorted(self.clips) if self.random.random() < 0.3 and (by == "key" or key[:2] == "ep")]
        if not keys:
            return
        table = self.base / "notes.csv"
        table.write_text(f"{by},note\n" + "".join(f"{key if by == 'key' else int(key[2:])},{note}\n" for key in keys))
        others = [key for key in keys if self.clips[key]["by"].get("note", person) != person
                  and self.clips[key]["labels"]["note"] != note]
        words = ["annotate", self.dataset, table, "--by", person]
        if others:
            done = elidefs(*words, check=False)
            assert done.returncode == 1 and "--overwrite" in done.stderr, self.told(done)
            words.append("--overwrite")
        self.log.append(f"{person} annotated {keys}")
        done = elidefs(*words)
        for key in keys:
            if self.clips[key]["labels"].get("note") != note:
                self.clips[key]["labels"]["note"], self.clips[key]["by"]["note"] = note, person
        self.commit(done)

    # ---- the import, and what it must do ----

    def label(self):
        """Grades of some of the episodes: what stands there holds, an empty field takes the label back, and an
        episode without a row keeps it."""
        return {i: self.random.choice(("good", "bad", "")) for i in range(len(self.recorder.content))
                if self.random.random() < 0.6}

    def write_table(self, rows, lengths):
        """By key or by number; `lengths`: also how long each episode is, which tells what the numbers mean."""
        by = self.random.choice(("key", "episode_index"))
        table = self.base / "grades.csv"
        table.write_text(f"{by},grade{',length' if lengths else ''}\n" + "".join(
            f"{key_of(i) if by == 'key' else i},{grade}{f',{lengths[i]}' if lengths else ''}\n"
            for i, grade in rows.items()))
        return table

    def scan(self, recorder):
        """The recording of each episode, as the import knows it: None where its rows are copied into the version."""
        layout = recorder.layout()
        root = self.root_of(recorder.folder)
        self.last = layout[-1][0]  # it may still be written to
        return [self.recording(root, recorder.folder, name) if apart else None for name, apart in layout]

    def recording(self, root, folder, name):
        known = self.known.setdefault((id(root), name), [])
        now = root.place(folder).look(name)
        for recording in reversed(known):
            if recording.is_same(*now):
                return recording
        copied = "--copy" in self.options or ("--copy=open" in self.options and name == self.last)
        known.append(Recording(root, folder, name, copied))
        return known[-1]

    def fresh(self, recorder, number, recording):
        labels = {"task": recorder.tasks[number]} | ({"take": number} if recorder.takes else {})
        return {"number": number, "labels": labels, "by": {}, "recording": recording}

    def expect(self, rows, restore=False):
        numbers, recordings = self.recorder.content, self.scan(self.recorder)
        present = set(numbers)
        was = {content_of(clip): key for key, clip in self.clips.items() if key.startswith("ep")}
        clips, moved = {}, set()
        for index, (number, recording) in enumerate(zip(numbers, recordings)):
            key, clip = key_of(index), self.fresh(self.recorder, number, recording)
            content = content_of(clip)
            if content in self.removed and not restore:
                continue
            old = self.removed.pop(content, None) or self.clips.get(was.get(content))
            if not old and key in self.clips and content_of(self.clips[key]) not in present:
                old = self.clips[key]  # replaced
            if was.get(content, key) != key:
                moved.add(was[content])
            if old:  # what the source does not say stays
                clip["labels"] = old["labels"] | clip["labels"]
            clip["by"] = dict(old["by"]) if old else {}
            if index in rows:
                clip["labels"].pop("grade", None)
                clip["labels"] |= {"grade": rows[index]} if rows[index] else {}
            clips[key] = clip
        for key, clip in self.clips.items():
            if key not in map(key_of, range(len(numbers))) and key not in moved:
                clips[key] = clip  # no longer in the source
        self.clips = clips

    def import_today(self):
        words = [self.dataset, self.recorder.folder, *self.options]
        restore = self.random.random() < 0.15
        words += ["--restore"] if restore else []
        if self.replaces:
            words += ["--replaces", self.replaces]
        rows = self.label() if self.random.random() < 0.5 else {}
        table = ["--table", self.write_table(rows, None)] if rows else []
        if self.renumbered and self.is_moved():
            done = elidefs("import", *words, *table, check=False)
            assert done.returncode == 1 and "--renumbered" in done.stderr, self.told(done)
            if rows:
                table = self.table_of_renumbered(words + ["--renumbered"], rows)
        if self.renumbered:
            words.append("--renumbered")
        self.log.append(f"imports {' '.join(map(str, words[2:]))} {rows}")
        old = self.old_recordings()
        self.expect(rows, restore)
        done = elidefs("import", *words, *table, check=False)
        taken_over = re.search(r"take the place of those: --replaces (\S+)", done.stderr)
        if done.returncode and taken_over:  # a clip that had gone when its source was replaced, whose key is there again
            assert taken_over[1] in self.replaced, done.stderr
            self.log.append(f"again, with --replaces {taken_over[1]}")
            words += ["--replaces", taken_over[1]]
            done = elidefs("import", *words, *table, check=False)
        assert done.returncode == 0, self.told(done)
        self.find_old_folder(old)
        if self.replaces:
            self.replaced.add(str(self.replaces))
        self.renumbered, self.replaces, self.imported_from = False, None, self.recorder.folder
        self.commit(done)
        again = elidefs("import", self.dataset, self.recorder.folder, *self.options, *table[:2])
        assert "nothing new" in again.stderr and again.stdout == done.stdout, self.told(again)

    def table_of_renumbered(self, words, rows):
        """What it takes for a table to be believed in the import that renumbers."""
        said = {key_of(i): length_of(n) for i, n in enumerate(self.recorder.content) if i in rows}
        was = {key: length_of(self.clips[key]["number"]) for key in said if key in self.clips}
        loose = any(self.clips[key]["number"] != self.recorder.content[int(key[2:])] for key in was)
        if not loose:
            return ["--table", self.write_table(rows, None)]
        kind = self.random.choice(("stale", "plain", "fresh"))
        if kind == "stale":
            lengths = {i: was.get(key_of(i), said[key_of(i)]) for i in rows}
        else:
            lengths = {i: said[key_of(i)] for i in rows} if kind == "fresh" else None
        table = ["--table", self.write_table(rows, lengths)]
        self.log.append(f"a {kind} table")
        proved = kind == "fresh" and any(said[key] != was[key] for key in was)
        if proved:
            return table
        done = elidefs("import", *words, *table, check=False)
        assert done.returncode == 1 and "--table-is-renumbered" in done.stderr, self.told(done)
        return ["--table", self.write_table(rows, None), "--table-is-renumbered"]

    def is_moved(self):
        """Is the content of some clip under another key now?"""
        source = {n: key_of(i) for i, n in enumerate(self.recorder.content)}
        return any(key.startswith("ep") and source.get(content_of(clip), key) != key
                   for key, clip in self.clips.items())

    def commit(self, done):
        version = int(done.stdout.strip()[1:])
        self.log.append(f"v{version}")
        self.versions[version] = {key: copy_of(clip) for key, clip in self.clips.items()}

    # ---- days ----

    def day(self):
        self.log.append("--- morning")
        if self.versions:
            for _ in range(self.random.randint(0, 2)):
                self.store_something()
        self.record()
        acts = (self.record_again, self.reindex, self.delete_episodes, self.modify_tasks, self.merge)
        if len(self.recorder.content) > 2 and self.random.random() < 0.7:
            self.random.choice(acts)()
        self.import_today()
        for act in (self.annotate, self.remove, self.split):
            if self.random.random() < 0.3:
                act()
        if self.random.random() < 0.3:
            self.incident()
        self.check()

    # ---- what the data set says ----

    def told(self, *what):
        return "; ".join(map(str, what)) + "\n" + "\n".join(self.log)

    def check(self):
        older = sorted(self.versions)[:-1]
        for version in {max(self.versions), *self.random.sample(older, min(2, len(older)))}:
            self.check_labels(version)
        self.check_readable()
        for _ in range(3):
            version = self.random.choice(sorted(self.versions))
            self.check_bytes(version, self.random.choice(sorted(self.versions[version])))

    def check_labels(self, version):
        lines = elidefs("query", self.dataset, f"v{version}", "--json").stdout.splitlines()
        names = ("task", "take", "grade", "note")
        found = {clip["key"]: {name: clip[name] for name in names if name in clip} for clip in map(json.loads, lines)}
        wanted = {key: clip["labels"] for key, clip in self.versions[version].items()}
        differ = [key for key in sorted(found | wanted) if found.get(key) != wanted.get(key)]
        assert not differ, self.told(f"v{version}", *(f"{key}: {found.get(key)}, the model: {wanted.get(key)}"
                                                      for key in differ))

    def check_readable(self):
        """Every version is readable, or one of those clips is named that are not."""
        done = elidefs("verify", self.dataset, "--json", check=False)
        found = {line["version"]: line for line in map(json.loads, done.stdout.splitlines())}
        assert sorted(found) == sorted(self.versions), self.told(done)
        faults = False
        for version, clips in self.versions.items():
            lost = {key: clip["recording"] for key, clip in clips.items() if not is_readable(clip)}
            line = found[version]
            assert line["clips"] == len(clips) and line["readable"] == len(clips) - len(lost), \
                self.told(f"v{version}: {line}", f"the model: {sorted(lost)} of {sorted(clips)}")
            if lost:
                first = line["first"]
                assert first["key"] in lost, self.told(line, sorted(lost))
                assert lost[first["key"]].is_named(first["reason"]), self.told(line)
                faults = True
        assert done.returncode == faults, self.told(done)

    def check_bytes(self, version, key):
        """What was recorded, or, where that is gone and no cache has it, an error that names it."""
        clip, folder = self.versions[version][key], self.base / "out"
        shutil.rmtree(folder, ignore_errors=True)
        done = elidefs("cp", self.dataset, f"v{version}/{key}.state.parquet", folder, check=False)
        if done.returncode:
            assert not is_readable(clip) and clip["recording"].is_named(done.stderr), self.told(done)
            return
        table = pq.read_table(folder / f"{key}.state.parquet")
        for name, rows in self.recorder.rows(clip["number"]).items():
            found = table[name].combine_chunks()  # a list, of fixed size or not
            same = len(found) == len(rows) and found.flatten().equals(rows.flatten())
            assert same, self.told(f"v{version}/{key}: {name}")
