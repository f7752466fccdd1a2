# SPDX-License-Identifier: Apache-2.0
"""What LeRobot's tools do to a data set: imitated, as read in the sources of 0.4.4, and by the tool itself.

    delete_episodes   the set that was is moved to NAME_old, in the place of the NAME_old that was; NAME is a new
                      folder, whose data files keep their numbers; columns that the tool does not know are left out
    split             a new folder, likewise
    merge             a new folder with one data file; all columns of the episodes' tables stay
    modify_tasks      data files and tables are written over in place

Data files that were edited have one row group; those of LeRobot 0.6 have one an episode (`grouped` False)."""
import json
import os
import shutil

from conftest import run
from lab_recorder import Recorder


def old_folder(folder):
    return folder.parent / f"{folder.name}_old"


class Imitated:
    def __init__(self, grouped):
        self.grouped = grouped

    def keep(self, recorder, folder, keep):
        """A new set of the episodes whose places are in `keep`."""
        numbers = [recorder.content[i] for i in keep]
        edited = Recorder(folder, recorder.width)
        edited.takes, edited.tasks = False, dict(recorder.tasks)
        edited.files = {file: [n for n in members if n in numbers] for file, members in recorder.files.items()}
        edited.files = {file: members for file, members in edited.files.items() if members}
        edited.write(grouped=self.grouped)
        return edited

    def delete_episodes(self, recorder, gone):
        old = old_folder(recorder.folder)
        shutil.rmtree(old, ignore_errors=True)
        recorder.folder.rename(old)
        return self.keep(recorder, recorder.folder, [i for i in range(len(recorder.content)) if i not in gone])

    def split(self, recorder, name, episodes):
        return self.keep(recorder, recorder.folder.parent / f"{recorder.folder.name}_{name}", sorted(episodes))

    def merge(self, recorders, folder):
        merged = Recorder(folder, recorders[0].width)
        merged.takes = all(recorder.takes for recorder in recorders)
        merged.files = {0: [number for recorder in recorders for number in recorder.content]}
        for recorder in recorders:
            merged.tasks |= recorder.tasks
        merged.write(grouped=self.grouped)
        return merged

    def modify_tasks(self, recorder, tasks):
        for index, task in tasks.items():
            recorder.tasks[recorder.content[index]] = task
        recorder.write(grouped=self.grouped, in_place=True)
        return recorder


class LeRobot:
    """lerobot-edit-dataset of the Python environment `python`, for `tools/dev/lab --lerobot`."""

    def __init__(self, python):
        self.tool = os.path.join(os.path.dirname(python), "lerobot-edit-dataset")

    def edit(self, recorder, operation, result=None, name=None, **arguments):
        words = [f"--operation.{key}={json.dumps(value)}" for key, value in arguments.items()]
        run(self.tool, f"--repo_id={name or recorder.folder.name}", f"--operation.type={operation}", *words,
            env=os.environ | {"HF_LEROBOT_HOME": str(recorder.folder.parent), "HF_HUB_OFFLINE": "1"})
        edited = Recorder(result or recorder.folder, recorder.width)
        edited.read_back()
        return edited

    def delete_episodes(self, recorder, gone):
        return self.edit(recorder, "delete_episodes", episode_indices=sorted(gone))

    def split(self, recorder, name, episodes):
        folder = recorder.folder.parent / f"{recorder.folder.name}_{name}"
        return self.edit(recorder, "split", folder, splits={name: sorted(episodes)})

    def merge(self, recorders, folder):
        names = [recorder.folder.name for recorder in recorders]
        return self.edit(recorders[0], "merge", folder, folder.name, repo_ids=names)

    def modify_tasks(self, recorder, tasks):
        return self.edit(recorder, "modify_tasks", episode_tasks={str(i): task for i, task in tasks.items()})
