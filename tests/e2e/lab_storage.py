# SPDX-License-Identifier: Apache-2.0
"""What happens in a lab to folders and disks: they are copied, restored, moved, mirrored, damaged."""
import os
import shutil

from conftest import elidefs
from lab_edits import old_folder
from lab_model import Bucket, Folder, Root


def restore(path, now, bytes_of):
    """In place, with its time."""
    path.write_bytes(bytes_of)
    os.utime(path, ns=(now.st_atime_ns, now.st_mtime_ns))


class Storage:
    """The half of Lab that knows where things lie."""

    def root_of(self, folder):
        for root in self.roots:
            if root.place(folder):
                return root
        self.roots.append(Root(folder))
        return self.roots[-1]

    def listed(self):
        """What the data set says of roots: (id, URL) of each place."""
        lines = elidefs("root", "list", self.dataset).stdout.splitlines()
        return [tuple(line.rsplit(" (", 1)[0].split(" ", 1)) for line in lines]

    def id_of(self, root):
        return next((number for number, url in self.listed() if url == root.places[0].url), None)

    def recordings_of(self, root):
        return [found for (owner, _), all in self.known.items() if owner == id(root) for found in all]

    def files(self, place):
        return sorted(place.path.rglob("*.parquet"))

    def home(self):
        return Folder(self.recorder.folder)

    def folders(self):
        """Places that nobody records to."""
        return [place for root in self.roots for place in root.places
                if isinstance(place, Folder) and place.path.exists() and place.url != self.home().url]

    def store_something(self):
        acts = [self.copy_and_swap, self.restore_without_times, self.remount, self.touch, self.move_source,
                self.second_disk, self.move_dataset, self.read_deeply, self.accept, self.damage_elsewhere]
        acts += [self.mirror] * 3 if self.bucket else []
        self.random.choice(acts)()

    # ---- the same bytes, elsewhere or otherwise ----

    def swap(self, copy):
        new = self.base / "new"
        shutil.copytree(self.recorder.folder, new, copy_function=copy)
        shutil.rmtree(self.recorder.folder)
        new.rename(self.recorder.folder)

    def copy_and_swap(self):
        self.log.append("cp -a, and swapped")
        self.swap(shutil.copy2)

    def restore_without_times(self):
        self.log.append("restored without times")
        self.swap(shutil.copyfile)

    def remount(self):
        """Some files have other inodes."""
        self.log.append("other inodes")
        for path in self.files(self.home()):
            if self.random.random() < 0.5:
                shutil.copy2(path, self.base / "x")
                (self.base / "x").rename(path)

    def touch(self):
        path = self.random.choice(self.files(self.home()))
        self.log.append(f"touched {path}")
        if self.random.random() < 0.5:
            path.chmod(self.random.choice((0o600, 0o640)))
        else:
            os.utime(path)

    def move_source(self):
        """A data set that has copies of its own knows them by the source's name: there the new one replaces it."""
        old, new = self.recorder.folder, self.base / f"moved{self.next_number}-{len(self.log)}"
        root = self.root_of(old)
        number = self.id_of(root)
        if self.options:
            self.leave()
        elif len(root.places) > 1 or not number:
            return
        self.log.append(f"moved the source to {new.name}")
        old.rename(new)
        self.recorder.folder = new
        if not self.options:
            elidefs("root", "set", self.dataset, number, new)
            root.places = [Folder(new)]
            self.imported_from = new

    def second_disk(self):
        root = self.root_of(self.recorder.folder)
        disk = self.base / f"disk{self.next_number}-{len(self.log)}"
        copy = self.random.choice((shutil.copy2, shutil.copyfile))
        shutil.copytree(self.recorder.folder, disk, copy_function=copy)
        self.log.append(f"a second disk, {copy.__name__}")
        self.add_place(root, Folder(disk))

    def mirror(self):
        root = self.root_of(self.recorder.folder)
        bucket = Bucket(*self.bucket, f"{self.base.name}-{len(self.log)}")
        bucket.mirror(self.recorder.folder)
        self.log.append("mirrored to a bucket")
        self.add_place(root, bucket)

    def add_place(self, root, place):
        """It is refused where nothing of it can be told to be what was imported; --verify reads to tell."""
        number = self.id_of(root)
        pinned = [recording for recording in self.recordings_of(root) if not recording.copied]
        if not number or len(root.places) > 3 or not pinned:
            return
        done = elidefs("root", "add", self.dataset, number, place.url, check=False)
        if done.returncode and all(place.look(one.name) for one in pinned):
            done = elidefs("root", "add", self.dataset, number, place.url, "--verify", check=False)
            if done.returncode == 0:
                for one in pinned:
                    one.accepted.add(place.look(one.name)[1])
        assert done.returncode == 0 or not all(one.is_at(place) for one in pinned), self.told(done)
        if done.returncode == 0:
            root.places.append(place)
        self.log.append(f"added: {done.returncode == 0}")

    def old_recordings(self):
        """Before an import of what a LeRobot tool has edited: of what clips read, what lies in NAME_old alone."""
        old, root = old_folder(self.recorder.folder), self.root_of(self.recorder.folder)
        if not self.renumbered or not old.exists() or root.place(old):
            return []
        place, here = Folder(old), root.place(self.recorder.folder)
        read = {id(clip["recording"]): clip["recording"] for clip in self.clips.values() if clip["recording"]}
        return [one for one in read.values()
                if one.root is root and not one.copied and one.is_at(place) and not one.is_as_pinned(here)]

    def find_old_folder(self, recordings):
        """The import has found by itself what was moved to NAME_old: certainly what is as it was pinned, and of the
        rest what it happens to have read since it got other pins."""
        place = Folder(old_folder(self.recorder.folder))
        root = self.root_of(self.recorder.folder)
        is_found = place.url in [url for _, url in self.listed()] and not root.place(place.path)
        here = root.place(self.recorder.folder)
        assert recordings or not is_found, self.told(place.url)
        assert is_found or not any(one.is_as_pinned(place) and not one.is_at(here) for one in recordings), \
            self.told(f"{place.url} is not found")
        if is_found:
            self.log.append("NAME_old is found")
            root.places.append(place)

    def move_dataset(self):
        new = self.base / f"set{len(self.log)}"
        copy = self.random.choice((None, shutil.copy2, shutil.copyfile))
        self.log.append(f"moved the data set to {new.name}, {copy}")
        if copy:
            shutil.copytree(self.dataset, new, copy_function=copy)
            shutil.rmtree(self.dataset)
        else:
            self.dataset.rename(new)
        self.dataset = new

    # ---- what is learnt of them ----

    def read_deeply(self):
        self.log.append("verify --deep")
        elidefs("verify", self.dataset, "--deep", check=False)
        for root in self.roots:
            for recording in self.recordings_of(root):
                recording.whole |= any(map(recording.is_as_pinned, root.places))

    def accept(self):
        """Somebody knows that a file is what it was, though its time is another."""
        for (_, name), recordings in sorted(self.known.items(), key=lambda item: item[0][1]):
            newest = recordings[-1]
            for place in newest.root.places:
                now = place.look(name)
                if now and now[0] == newest.digest and not newest.copied and not newest.is_at(place):
                    self.log.append(f"accepted {place.url}/{name}")
                    elidefs("root", "accept", self.dataset, f"{place.url}/{name}")
                    newest.accepted.add(now[1])
                    return

    # ---- damage ----

    def spoil(self, path):
        """Removed, or a tenth of it overwritten in place, with its old time."""
        now = path.stat()
        if self.random.random() < 0.5:
            path.unlink()
            self.log.append(f"lost {path}")
            return
        with path.open("r+b") as file:
            file.seek(now.st_size // 2)
            piece = file.read(now.st_size // 10)
            file.seek(now.st_size // 2)
            file.write(bytes(byte ^ 255 for byte in piece))
        os.utime(path, ns=(now.st_atime_ns, now.st_mtime_ns))
        self.log.append(f"forged {path}")

    def damage_elsewhere(self):
        """For good: what only this place had is gone."""
        places = self.folders()
        if places:
            place = self.random.choice(places)
            if self.random.random() < 0.2:
                self.log.append(f"lost {place.url}")
                shutil.rmtree(place.path)
            elif self.files(place):
                self.spoil(self.random.choice(self.files(place)))

    def incident(self):
        """A recording of the source is damaged, which is noticed, and restored from a backup."""
        path = self.random.choice(sorted((self.recorder.folder / "data").rglob("*.parquet")))
        bytes_of, now = path.read_bytes(), path.stat()
        self.spoil(path)
        self.check_readable()
        if self.random.random() < 0.5:
            restore(path, now, bytes_of)
        else:
            path.write_bytes(bytes_of)
        self.log.append("and restored")
