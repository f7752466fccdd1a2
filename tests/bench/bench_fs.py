# SPDX-License-Identifier: Apache-2.0
"""Reads through a mount against reads of a native file. Arguments: make_dataset mount_dataset bench_fs.

Everything runs on one core: across idle virtual cores a round trip through FUSE varies forty-fold."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'fs'))
from mounted import Place, read, wait_for  # noqa: E402

BYTES = 256 << 20


def reads(place):
    return int(place.stats()['reads'])


def main():
    place = Place(sys.argv[1:3])
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        with open(place.path('source/rec.bin'), 'wb') as f:
            for _ in range(BYTES >> 20):
                f.write(os.urandom(1 << 20))
        got = place.run(place.make, place.path('set'), place.path('source'), '0', '1', str(BYTES), '1')
        assert got.returncode == 0, got.stderr
        for what, options in (('opens free', ['opens=2']), ('opens asked', ['opens=1']),
                              ('passthrough', ['opens=1', 'passthrough'])):
            assert place.mount(*options).returncode == 0
            mounted = place.file('v1/ep000000.front.mp4')
            native = place.path('native')
            shutil.copyfile(mounted, native)
            assert wait_for(lambda: read(mounted) == read(native))
            print('\nwith ' + what, flush=True)
            before = reads(place)
            subprocess.run([sys.argv[3], native, mounted], check=True)
            print(f'READs that reached the daemon: {reads(place) - before}')
            place.unmount()
            wait_for(lambda: not place.daemons())
    finally:
        place.done()


if __name__ == '__main__':
    main()
