# SPDX-License-Identifier: Apache-2.0
"""A data set with computable contents, and mounts of it, for the tests of fs/."""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

SKIP = 77
BYTES = 65536


def skip(reason):
    print('skipped: ' + reason)
    sys.exit(SKIP)


def wait_for(what, seconds=60):
    """Until what() is true; what it gave, or None when time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.01)
    return None


def mounts_at(path):
    with open('/proc/self/mountinfo') as f:
        return [line for line in f if line.split()[4] == path.replace(' ', '\\040')]


def may_mount():
    """Whether this process, or a set-user-id program it starts, can have CAP_SYS_ADMIN (bit 21)."""
    with open('/proc/self/status') as f:
        return next(int(line.split()[1], 16) for line in f if line.startswith('CapBnd:')) >> 21 & 1


class Place:
    """A folder with a source, a data set, a cache and a mount point; nothing of the user's own is touched."""

    def __init__(self, programs):
        self.make, self.mount_program = programs
        if not os.path.exists('/dev/fuse'):
            skip('there is no /dev/fuse')
        if os.geteuid() != 0 and not os.access('/dev/fuse', os.R_OK | os.W_OK):
            skip('/dev/fuse is not for this user')
        if not may_mount():
            skip('nothing may be mounted here (no CAP_SYS_ADMIN)')
        self.folder = tempfile.mkdtemp(prefix='elidefs-fs-')
        self.env = dict(os.environ, HOME=self.folder, XDG_CONFIG_HOME=self.path('config'),
                        XDG_CACHE_HOME=self.path('cache'), ELIDEFS_CACHE=self.path('elsewhere'))
        self.point = self.path('mount point')
        for name in ('source', 'mount point'):
            os.mkdir(self.path(name))
        self.recording = random.Random(4711).randbytes(64 * BYTES)
        with open(self.path('source/rec.bin'), 'wb') as f:
            f.write(self.recording)

    def path(self, name):
        return name if '://' in name else os.path.join(self.folder, name)

    def run(self, *args, **more):
        return subprocess.run(args, env=self.env, capture_output=True, text=True, timeout=60, **more)

    def commit(self, first, count, mod, source=None, dataset='set', size=BYTES):
        got = self.run(self.make, self.path(dataset), source or self.path('source'), str(first), str(count),
                       str(size), str(mod))
        assert got.returncode == 0, got.stderr
        return got.stdout.strip()

    def tag(self, name, version, dataset='set'):
        got = self.run(self.make, '--tag', self.path(dataset), name, str(version))
        assert got.returncode == 0, got.stderr

    def mount(self, *options, dataset='set', point=None):
        """In the background; what the command gave."""
        return self.run(self.mount_program, self.path(dataset), point or self.point, self.path('blocks'), *options)

    def start(self, *options, dataset='set'):
        """In the foreground: the process of the guard."""
        process = subprocess.Popen([self.mount_program, self.path(dataset), self.point, self.path('blocks'),
                                    'foreground', *options], env=self.env)
        assert wait_for(lambda: mounts_at(self.point)), 'not mounted'
        return process

    def unmount(self, point=None):
        return self.run(self.mount_program, '--unmount', point or self.point)

    def daemons(self):
        """Pids of the daemons of this place: those that hold /dev/fuse."""
        found = []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{pid}/cmdline', 'rb') as f:
                    mine = self.folder.encode() in f.read()
                fds = os.listdir(f'/proc/{pid}/fd') if mine else []
                if any(os.readlink(f'/proc/{pid}/fd/{fd}') == '/dev/fuse' for fd in fds):
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def stats(self):
        lines = read(self.file('.elidefs/stats')).decode().split('\n')
        return dict(line.split(' ', 1) for line in lines if line)

    def file(self, *names):
        return os.path.join(self.point, *names)

    def front(self, i):
        return b'clip %d\n' % i + self.recording[i * BYTES:(i + 1) * BYTES]

    def state(self, i):
        return self.recording[i * BYTES:i * BYTES + BYTES // 2]

    def detach(self):
        """Takes away what a failed test left mounted."""
        while mounts_at(self.point):
            subprocess.run(['umount', '-l', self.point] if os.geteuid() == 0 else ['fusermount3', '-uz', self.point])

    def done(self):
        self.detach()
        shutil.rmtree(self.folder)


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def run_tests(namespace, place, clean=False):
    """Each function called test_... with the place; how many failed. `clean`: nothing stays mounted in between."""
    failed = 0
    for name, test in namespace.items():
        if not name.startswith('test_'):
            continue
        start = time.monotonic()
        try:
            test(place)
            print(f'ok {name[5:].replace("_", " ")} ({time.monotonic() - start:.2f} s)', flush=True)
        except Exception:
            import traceback
            traceback.print_exc()
            print('FAILED ' + name[5:].replace('_', ' '), flush=True)
            failed += 1
        if clean:
            place.detach()
    return failed
