# SPDX-License-Identifier: Apache-2.0
"""How mounts begin and end, also badly. Arguments: make_dataset mount_dataset."""
import errno
import http.server
import mmap
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

from mounted import Place, mounts_at, read, run_tests, wait_for


def mounted(place, *options, **more):
    got = place.mount(*options, **more)
    assert got.returncode == 0, got.stderr


def unmounted(place, point=None):
    got = place.unmount(point)
    assert got.returncode == 0, got.stderr


STALL_S = 300  # of the bucket that stalls; whoever ends much sooner did not wait for it


def ends_soon(process):
    """At once, in truth; a machine that is busy with other things gets a minute."""
    process.wait(60)


def test_a_second_mount_on_one_point_is_refused_and_says_why(place):
    mounted(place)
    got = place.mount()
    assert got.returncode == 1 and f'{place.path("set")} is mounted there already' in got.stderr, got
    assert len(mounts_at(place.point)) == 1
    unmounted(place)


def test_two_mounts_of_one_data_set_share_a_cache(place):
    other = place.path('other')
    os.makedirs(other, exist_ok=True)
    mounted(place)
    mounted(place, point=other)
    try:
        for point in (place.point, other):
            assert read(os.path.join(point, 'v1/ep000009.front.mp4')) == place.front(9)
    finally:
        unmounted(place, other)
        unmounted(place)


def test_a_damaged_newest_manifest_takes_no_other_version_with_it(place):
    shutil.copytree(place.path('set'), place.path('damaged'))
    versions = place.path('damaged/elidefs/versions')
    newest = len(os.listdir(versions))
    with open(os.path.join(versions, f'{newest:08d}.json'), 'w') as f:
        f.write('{"version": ')
    mounted(place, dataset='damaged')
    try:
        assert read(place.file('v1/ep000009.front.mp4')) == place.front(9)
        assert f'v{newest}' in os.listdir(place.point)
        try:
            os.listdir(place.file(f'v{newest}'))
            assert False, 'a damaged version is listed'
        except OSError as error:
            assert error.errno == errno.EIO, error
        with open(place.file('.elidefs/errors')) as f:
            assert f'{newest:08d}.json' in f.read()
    finally:
        unmounted(place)


def test_kill_9_leaves_no_mount_and_the_next_one_works(place):
    mounted(place)
    assert read(place.file('v1/ep000001.front.mp4')) == place.front(1)
    os.kill(place.daemons()[0], signal.SIGKILL)
    assert wait_for(lambda: not mounts_at(place.point)), 'a dead mount is left'
    mounted(place)
    for i in range(40):
        assert read(place.file(f'v1/ep{i:06d}.front.mp4')) == place.front(i), i
    unmounted(place)


def test_terminate_and_interrupt_unmount(place):
    for number in (signal.SIGTERM, signal.SIGINT):
        process = place.start()
        assert read(place.file('v1/ep000001.json'))
        process.send_signal(number)
        ends_soon(process)
        assert process.returncode == 0 and not mounts_at(place.point)


def test_terminate_ends_it_though_files_are_open_in_it(place):
    process = place.start()
    assert read(place.file('v1/ep000002.json'))  # tells the kernel that closing needs no round trip
    with open(place.file('v1/ep000001.front.mp4'), 'rb'):
        fd = os.open(place.file('v1'), os.O_RDONLY)
        process.send_signal(signal.SIGTERM)
        ends_soon(process)
        assert not mounts_at(place.point)
        os.close(fd)


def test_unmounting_a_busy_mount_names_who_uses_it(place):
    mounted(place)
    user = subprocess.Popen(['sleep', '60'], cwd=place.file('v1'))
    got = place.unmount()
    assert got.returncode == 1 and f'sleep (pid {user.pid})' in got.stderr, got.stderr
    user.kill()
    user.wait()
    unmounted(place)
    assert wait_for(lambda: not place.daemons())


def test_unmounting_waits_for_one_that_nobody_can_name_and_who_is_soon_gone(place):
    mounted(place)
    ours, theirs = socket.socketpair()
    with open(place.file('v1/ep000001.front.mp4'), 'rb') as f:
        socket.send_fds(ours, [b'x'], [f.fileno()])  # in flight: no process has it open
    threading.Timer(0.3, lambda: (ours.close(), theirs.close())).start()
    unmounted(place)


def test_a_mount_point_that_is_none_is_refused(place):
    got = place.mount(point=place.path('nowhere'))
    assert got.returncode == 1 and 'nowhere' in got.stderr
    got = place.unmount(place.path('source'))
    assert got.returncode == 1 and 'no elidefs mount' in got.stderr


def test_an_overwritten_recording_is_an_error_that_names_it_and_never_other_bytes(place):
    shutil.rmtree(place.path('blocks'), ignore_errors=True)
    mounted(place)
    with open(place.file('v1/ep000001.front.mp4'), 'rb') as f:
        assert f.read() == place.front(1)
    with open(place.path('source/new'), 'wb') as f:
        f.write(bytes(len(place.recording)))
    os.rename(place.path('source/rec.bin'), place.path('source/old'))
    os.rename(place.path('source/new'), place.path('source/rec.bin'))
    try:
        for name in ('v1/ep000030.front.mp4', 'v1/ep000031.state.parquet'):
            with open(place.file(name), 'rb') as f:
                try:
                    f.read()
                    raise AssertionError('no error')
                except OSError as e:
                    assert e.errno == errno.EIO, e
        assert place.path('source/rec.bin') in read(place.file('.elidefs/errors')).decode()
        assert read(place.file('v1/ep000001.front.mp4')) == place.front(1), 'what is cached stays right'
    finally:
        os.rename(place.path('source/old'), place.path('source/rec.bin'))
        unmounted(place)


def test_modes_and_owner_are_as_asked(place):
    mounted(place, 'umask=027', 'uid=1234')
    for name, mode in (('v1', 0o750), ('v1/ep000001.json', 0o640)):
        st = os.stat(place.file(name))
        assert st.st_mode & 0o777 == mode and st.st_uid == 1234 and st.st_gid == os.getgid()
    unmounted(place)


def as_another_user(*command):
    return subprocess.run(['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', *command],
                          capture_output=True)


def test_other_users_get_in_only_where_they_may_and_see_their_own_errors(place):
    if os.geteuid() != 0:
        return
    os.chmod(place.folder, 0o755)
    mounted(place)
    assert as_another_user('ls', place.file('v1')).returncode != 0
    unmounted(place)
    mounted(place, 'allow_other', 'umask=077')
    assert as_another_user('ls', place.file('v1')).returncode != 0
    unmounted(place)
    mounted(place, 'allow_other')
    for name in ('v1/mine=1', 'v1/yours=1'):
        assert not os.path.exists(place.file(name))
    assert as_another_user('ls', place.file('v1/theirs=1')).returncode != 0
    seen = as_another_user('cat', place.file('.elidefs/errors')).stdout
    assert b'theirs=1' in seen and b'mine=1' not in seen
    assert b'theirs=1' not in read(place.file('.elidefs/errors'))
    for path in ('v1/.elidefs/errors', 'v1/outcome=fail/.elidefs/errors'):
        for _ in range(2):  # whoever looked last
            assert as_another_user('cat', place.file(path)).stdout == seen, path
            assert b'theirs=1' not in read(place.file(path)), path
    unmounted(place)


def test_bytes_are_the_same_however_files_are_opened(place):
    for options in (['opens=1'], ['opens=1', 'passthrough'], ['opens=2'], ['opens=2', 'passthrough'], ['passthrough']):
        mounted(place, *options)
        for i in [3, 1, 2, 3] * 3:
            assert read(place.file(f'v1/ep{i:06d}.front.mp4')) == place.front(i), (options, i)
        for i in range(40):  # more files at once than are kept when idle
            assert read(place.file(f'v1/ep{i:06d}.json')) and read(place.file(f'v1/ep{i:06d}.state.parquet'))
        files = [open(place.file(f'v1/ep{i:06d}.front.mp4'), 'rb') for i in range(40)]
        for _ in range(2):
            for i, f in enumerate(files):
                f.seek(0)
                assert f.read() == place.front(i), (options, i)
        assert int(place.stats()['inodes_idle']) <= 100, options
        for f in files:
            f.close()
        unmounted(place)


def test_with_passthrough_the_kernel_reads_complete_clips_itself(place):
    shutil.rmtree(place.path('blocks'), ignore_errors=True)
    mounted(place, 'passthrough')
    path = place.file('v1/ep000015.front.mp4')

    def passed():
        before = int(place.stats()['opens_passed_through'])
        with open(path, 'rb') as f:
            assert f.read() == place.front(15)
        return int(place.stats()['opens_passed_through']) > before

    if place.stats()['passthrough'] == '1':
        with open(path, 'rb') as early:
            assert early.read() == place.front(15)
            assert not passed(), 'open through the page cache, so all its opens are'
        assert wait_for(passed), 'it is complete'
        with open(path, 'rb') as one, open(path, 'rb') as other:
            with mmap.mmap(one.fileno(), 0, access=mmap.ACCESS_READ) as m:
                assert m[:] == place.front(15) == other.read()
    else:
        print('  (no passthrough here)')
    unmounted(place)


class Bucket(http.server.ThreadingHTTPServer):
    """The least of an S3 server, with rec.bin in it; while `stalls` is set, it answers no GET."""
    daemon_threads = True

    def __init__(self, recording):
        self.objects, self.lock = {'rec.bin': recording}, threading.Lock()
        self.stalls, self.gets = threading.Event(), 0
        super().__init__(('127.0.0.1', 0), Answer)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def answer(self, status, body=b'', size=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        self.send_header('Content-Length', str(len(body) if size is None else size))
        self.end_headers()
        self.wfile.write(body)

    def found(self):
        self.key, _, self.query = self.path.removeprefix('/bucket').removeprefix('/').partition('?')
        body = self.server.objects.get(self.key)
        if body is None and self.key:
            self.answer(404, b'' if self.command == 'HEAD' else b'<Error><Code>NoSuchKey</Code></Error>')
        return body

    def do_HEAD(self):
        body = self.found()
        if body is not None:
            self.answer(200, size=len(body), ETag='"one"', Last_Modified='Tue, 24 Nov 2026 06:00:00 GMT')

    def do_GET(self):
        self.server.gets += 1
        end = time.monotonic() + STALL_S
        while self.server.stalls.is_set():
            if time.monotonic() > end:
                return
            time.sleep(0.02)
        body = self.found()
        if not self.key:
            prefix = urllib.parse.parse_qs(self.query).get('prefix', [''])[0]
            self.answer(200, b'<ListBucketResult>' + b''.join(
                b'<Contents><Key>%s</Key><LastModified>2026-11-24T06:00:00Z</LastModified><ETag>"one"</ETag>'
                b'<Size>%d</Size></Contents>' % (key.encode(), len(value))
                for key, value in sorted(self.server.objects.items()) if key.startswith(prefix)) +
                b'<IsTruncated>false</IsTruncated></ListBucketResult>')
        elif body is not None and 'Range' in self.headers:
            first, last = self.headers['Range'].removeprefix('bytes=').split('-')
            part = body[int(first):int(last) + 1 if last else None]
            self.answer(206, part, ETag='"one"',
                        Content_Range=f'bytes {first}-{int(first) + len(part) - 1}/{len(body)}')
        elif body is not None:
            self.answer(200, body, ETag='"one"', Last_Modified='Tue, 24 Nov 2026 06:00:00 GMT')

    def do_PUT(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        key = self.path.removeprefix('/bucket/')
        with self.server.lock:
            lost = self.headers['If-None-Match'] == '*' and key in self.server.objects
            if not lost:
                self.server.objects[key] = body
        self.answer(412 if lost else 200, ETag='"one"')

    def do_DELETE(self):
        self.server.objects.pop(self.path.removeprefix('/bucket/'), None)
        self.answer(204)


def with_bucket(place, dataset='far'):
    """A bucket that holds the recording, and also the data set if it is named by URL."""
    bucket = Bucket(place.recording)
    os.makedirs(place.path('config/elidefs'), exist_ok=True)
    with open(place.path('config/elidefs/config'), 'w') as f:
        f.write(f'[store "s3://bucket"]\nendpoint = http://127.0.0.1:{bucket.server_address[1]}\n'
                'region = us-east-1\npath_style = true\nanonymous = true\n')
    if not os.path.exists(place.path(dataset)):
        place.commit(0, 40, 4, source='s3://bucket', dataset=dataset)
    shutil.rmtree(place.path('blocks'), ignore_errors=True)
    return bucket


def test_bytes_come_from_a_bucket(place):
    bucket = with_bucket(place)
    mounted(place, dataset='far')
    try:
        assert read(place.file('v1/ep000011.front.mp4')) == place.front(11)
        assert bucket.gets > 0
    finally:
        unmounted(place)
        bucket.shutdown()


def test_terminate_ends_it_while_a_read_hangs_in_the_network(place):
    bucket = with_bucket(place)
    process = place.start(dataset='far')
    bucket.stalls.set()
    before = bucket.gets
    reader = subprocess.Popen(['cat', place.file('v1/ep000012.front.mp4')], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE)
    assert wait_for(lambda: bucket.gets > before), 'the read did not reach the store'
    process.send_signal(signal.SIGTERM)
    ends_soon(process)
    assert not mounts_at(place.point)
    reader.communicate(timeout=60)
    assert reader.returncode != 0
    bucket.shutdown()


def test_a_reader_that_is_killed_ends_though_its_read_hangs(place):
    bucket = with_bucket(place)
    process = place.start(dataset='far')
    bucket.stalls.set()
    before = bucket.gets
    # direct, and past the end: else the kernel waits for its pages, not for our answer
    reader = subprocess.Popen(['dd', 'if=' + place.file('v1/ep000013.front.mp4'), 'of=/dev/null', 'iflag=direct',
                               'bs=1M'], stderr=subprocess.DEVNULL)
    assert wait_for(lambda: bucket.gets > before), 'the read did not reach the store'
    reader.kill()
    ends_soon(reader)
    process.send_signal(signal.SIGTERM)
    ends_soon(process)
    bucket.shutdown()


def test_a_listing_that_waits_for_the_catalog_can_be_killed_and_so_can_the_mount(place):
    bucket = with_bucket(place, dataset='s3://bucket/set')
    process = place.start(dataset='s3://bucket/set')
    bucket.stalls.set()
    before = bucket.gets
    listing = subprocess.Popen(['ls', place.file('v1')], stderr=subprocess.DEVNULL)
    assert wait_for(lambda: bucket.gets > before), 'the listing did not reach the store'
    time.sleep(0.1)
    listing.kill()
    ends_soon(listing)
    waiting = subprocess.Popen(['ls', place.file('v1/arm=left')], stderr=subprocess.DEVNULL)
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    ends_soon(process)
    ends_soon(waiting)
    assert process.returncode == 0 and waiting.returncode != 0
    bucket.shutdown()


class Stalled:
    """A mount of a data set of three versions and thousands of clips in a bucket that has just stalled, with one query and
    the first clip of v1 in the cache."""
    CLIPS, SIZE = 4000, 512

    def __init__(self, place):
        self.place, self.bucket = place, Bucket(place.recording)
        os.makedirs(place.path('config/elidefs'), exist_ok=True)
        with open(place.path('config/elidefs/config'), 'w') as f:
            f.write(f'[store "s3://bucket"]\nendpoint = http://127.0.0.1:{self.bucket.server_address[1]}\n'
                    'region = us-east-1\npath_style = true\nanonymous = true\n')
        for first, count in ((0, self.CLIPS), (self.CLIPS, self.CLIPS), (2 * self.CLIPS, 1)):
            place.commit(first, count, 400, source='s3://bucket', dataset='s3://bucket/wide', size=self.SIZE)
        shutil.rmtree(place.path('blocks'), ignore_errors=True)
        self.process = place.start(dataset='s3://bucket/wide')
        self.list, self.json = os.listdir(self.file('outcome=fail')), read(self.file('ep000000.json'))
        self.front = read(self.file('ep000000.front.mp4'))
        assert len(self.list) == 3 * self.CLIPS // 400, len(self.list)
        self.bucket.stalls.set()

    def file(self, name):
        return self.place.file('v1', name)

    def begin(self, *command):
        """A process that waits for the bucket, once it does."""
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert wait_for(lambda: self.place.stats()['requests_waiting'] != '0'), f'{command} does not wait'
        assert process.poll() is None
        return process

    def still_answers(self):
        """Everything that is here does; in a process of its own, which can be given up."""
        got = subprocess.run(['ls', self.file('outcome=fail')], capture_output=True, text=True, timeout=60)
        assert sorted(got.stdout.split()) == sorted(self.list), got.stderr
        for name, want in (('ep000000.json', self.json), ('ep000000.front.mp4', self.front)):
            got = subprocess.run(['cat', self.file(name)], capture_output=True, timeout=60)
            assert got.stdout == want, (name, got.stderr)
        assert subprocess.run(['cat', self.place.file('.elidefs/stats')], capture_output=True, timeout=60).stdout

    def end(self, *waiting):
        """While others wait, the mount ends, and so do they."""
        self.process.send_signal(signal.SIGTERM)
        ends_soon(self.process)
        assert self.process.returncode == 0 and not mounts_at(self.place.point)
        for process in waiting:
            ends_soon(process)
            assert process.returncode != 0
        self.bucket.shutdown()


# What is not here: pages of the newest version, and of a name; the manifest of a version.
LISTING, NAME, MANIFEST = 'v3/arm=left/force.gt=3', 'v1/ep002345.json', 'v2'


def test_whoever_waits_for_pages_that_do_not_come_can_be_interrupted_and_the_rest_answers(place):
    stalled = Stalled(place)
    for path in (LISTING, NAME):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            waiting = stalled.begin('ls', place.file(path))
            other = stalled.begin('ls', place.file('v3'))
            stalled.still_answers()
            assert waiting.poll() is None, 'nothing came'
            waiting.send_signal(number)
            ends_soon(waiting)
            assert waiting.returncode == -number
            other.kill()
            ends_soon(other)
            assert wait_for(lambda: place.stats()['requests_waiting'] == '0')
    stalled.end(stalled.begin('ls', place.file(LISTING)))


def test_whoever_waits_for_a_manifest_that_does_not_come_can_be_interrupted_and_the_rest_answers(place):
    stalled = Stalled(place)
    for number in (signal.SIGINT, signal.SIGKILL):
        waiting = stalled.begin('ls', place.file(MANIFEST))
        stalled.still_answers()
        assert waiting.poll() is None, 'nothing came'
        waiting.send_signal(number)
        ends_soon(waiting)
        assert waiting.returncode == -number
        assert wait_for(lambda: place.stats()['requests_waiting'] == '0')
    stalled.end(stalled.begin('ls', place.file(MANIFEST)))


def test_what_waited_for_pages_is_there_when_the_bucket_answers_again(place):
    stalled = Stalled(place)
    waiting = stalled.begin('ls', place.file(LISTING))
    waiting.kill()
    ends_soon(waiting)
    stalled.bucket.stalls.clear()
    got = subprocess.run(['ls', place.file(LISTING)], capture_output=True, text=True, timeout=120)
    assert got.returncode == 0 and len(got.stdout.split()) == 3 * 6, (got.stderr, got.stdout)
    stalled.end()


def main():
    place = Place(sys.argv[1:3])
    try:
        place.commit(0, 40, 4)
        return run_tests(globals(), place, clean=True) > 0
    finally:
        place.done()


if __name__ == '__main__':
    sys.exit(main())
