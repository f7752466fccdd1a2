# SPDX-License-Identifier: Apache-2.0
"""What a mounted data set looks like to programs: names, attributes, bytes.

Arguments: make_dataset mount_dataset asked|free (whether an open asks the daemon)."""
import concurrent.futures
import ctypes
import errno
import itertools
import json
import mmap
import os
import shutil
import stat
import subprocess
import sys

from mounted import BYTES, Place, read, run_tests, wait_for

FILES = ['front.mp4', 'state.parquet', 'json']


def names(keys):
    return sorted(f'ep{i:06d}.{name}' for i in keys for name in FILES)


def fails(code, call, *args):
    try:
        call(*args)
    except OSError as e:
        assert e.errno == code, e
        return
    raise AssertionError('no error')


def errors(place):
    return read(place.file('.elidefs/errors')).decode().rstrip('\n')


def test_the_root_lists_versions_newest_first_tags_and_latest(place):
    got = [(e.name, e.is_dir(follow_symlinks=False), e.is_symlink()) for e in os.scandir(place.point)]
    assert got == [('v2', True, False), ('v1', True, False), ('tags', True, False), ('latest', False, True),
                   ('good', False, True)], got


def test_latest_and_tags_are_relative_links_to_versions(place):
    assert os.readlink(place.file('latest')) == 'v2'
    assert os.readlink(place.file('good')) == 'v1'
    assert os.readlink(place.file('tags/good')) == '../v1'
    assert os.path.realpath(place.file('tags/good')) == place.file('v1')
    assert os.lstat(place.file('latest')).st_size == 2
    assert os.listdir(place.file('tags')) == ['good']


def test_versions_that_are_not_do_not_resolve_and_the_reason_is_told(place):
    for name in ('v0', 'v3', 'v01', 'v', 'V1', 'v99999999999999999999'):
        fails(errno.ENOENT, os.stat, place.file(name))
    assert 'v3: the newest version is v2' in errors(place), errors(place)


def test_a_query_at_the_root_is_a_link_into_the_newest_version(place):
    assert os.readlink(place.file('outcome=fail')) == 'v2/outcome=fail'
    assert 'ep000001.front.mp4' in os.listdir(place.file('outcome=fail'))
    fails(errno.ENOENT, os.lstat, place.file('outcome=fial'))
    assert 'fial' in errors(place)


def test_a_query_directory_lists_its_clips_and_nothing_else(place):
    assert sorted(os.listdir(place.file('v1'))) == names(range(40))
    assert sorted(os.listdir(place.file('v1/outcome=fail'))) == names(range(0, 40, 4))
    assert sorted(os.listdir(place.file('v1/outcome=fail/arm=right'))) == []
    assert sorted(os.listdir(place.file('v1/arm=left/force.lt=3'))) == names([0, 2, 4])
    assert sorted(os.listdir(place.file('v1/tags=a+arm=right'))) == names(sorted({*range(0, 40, 8), *range(1, 40, 2)}))


def test_walking_visits_each_clip_once_and_ends(place):
    seen = [f for _, _, files in os.walk(place.file('v1/outcome=fail'), followlinks=True) for f in files]
    assert sorted(seen) == names(range(0, 40, 4))
    got = subprocess.run(['find', place.file('v1'), '-type', 'f'], capture_output=True, text=True)
    assert got.returncode == 0 and len(got.stdout.split('\n')) - 1 == 120, got
    got = subprocess.run(['ls', '-la', place.file('v1')], capture_output=True, text=True)
    assert got.returncode == 0 and not got.stderr, got


def test_folders_by_key_and_value_are_listed_and_never_met_in_a_walk(place):
    assert os.listdir(place.file('v1/.by/arm')) == sorted(os.listdir(place.file('v1/.by/arm')), key=lambda value: (
        -len(os.listdir(place.file('v1/.by/arm', value))), value))
    assert sorted(os.listdir(place.file('v1/.by/arm/left'))) == sorted(os.listdir(place.file('v1/arm=left')))
    st, version = os.stat(place.file('v1/.by/arm')), os.stat(place.file('v1'))
    assert stat.S_ISDIR(st.st_mode) and stat.S_IMODE(st.st_mode) == 0o755 and st.st_mtime_ns == version.st_mtime_ns
    assert all(entry.is_dir() for entry in os.scandir(place.file('v1/.by')))
    assert not [folder for folder, _, _ in os.walk(place.file('v1')) if '.by' in folder]
    fails(errno.ENOENT, os.stat, place.file('v1/.by/arm/middle'))
    assert "/v1/.by/arm/middle: arm has no value 'middle'" in errors(place)
    fails(errno.ENOENT, os.stat, place.file('.by'))


def test_a_version_keeps_what_it_was(place):
    assert 'ep000001.front.mp4' not in os.listdir(place.file('v1/outcome=fail'))
    assert 'ep000001.front.mp4' in os.listdir(place.file('v2/outcome=fail'))


def test_attributes_of_files_and_directories(place):
    st = os.stat(place.file('v1/ep000003.front.mp4'))
    assert stat.S_ISREG(st.st_mode) and stat.S_IMODE(st.st_mode) == 0o644 and st.st_nlink == 1
    assert st.st_size == len(place.front(3)) and st.st_blocks == (st.st_size + 511) // 512 and st.st_blksize == 1 << 20
    assert (st.st_uid, st.st_gid) == (os.getuid(), os.getgid())
    st = os.stat(place.file('v1/arm=left'))
    assert stat.S_ISDIR(st.st_mode) and stat.S_IMODE(st.st_mode) == 0o755 and st.st_nlink == 1
    vfs = os.statvfs(place.point)
    assert vfs.f_namemax == 1023 and vfs.f_bfree == 0 and vfs.f_flag & os.ST_RDONLY


def test_mtime_is_when_the_bytes_last_changed(place):
    def mtime(name):
        return os.stat(place.file(name)).st_mtime_ns
    assert mtime('v1/ep000001.json') < mtime('v2/ep000001.json'), 'its outcome changed in v2'
    assert mtime('v1/ep000001.front.mp4') == mtime('v2/ep000001.front.mp4')
    assert mtime('v1/ep000002.json') == mtime('v2/ep000002.json')
    assert mtime('v2') == mtime('v2/ep000001.json')


def test_a_file_is_one_node_whichever_directory_it_is_met_in(place):
    a = os.stat(place.file('v1/ep000000.front.mp4'))
    b = os.stat(place.file('v1/arm=left/outcome=fail/ep000000.front.mp4'))
    assert a.st_ino == b.st_ino
    assert os.stat(place.file('v1/arm=left/outcome=fail')).st_ino != os.stat(place.file('v1/outcome=fail/arm=left')).st_ino


def test_every_byte_is_right(place):
    for i in range(40):
        assert read(place.file(f'v1/ep{i:06d}.front.mp4')) == place.front(i), i
        assert read(place.file(f'v1/arm={"right" if i % 2 else "left"}/ep{i:06d}.state.parquet')) == place.state(i), i


def test_parts_of_a_file_are_read_at_any_offset(place):
    whole = place.front(7)
    with open(place.file('v1/ep000007.front.mp4'), 'rb', buffering=0) as f:
        for offset in (0, 1, 4095, 4096, 30000, len(whole) - 1, len(whole), len(whole) + 10):
            assert os.pread(f.fileno(), 5000, offset) == whole[offset:offset + 5000], offset


def test_a_file_can_be_mapped(place):
    with open(place.file('v1/ep000005.front.mp4'), 'rb') as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
        assert m[:] == place.front(5)


def test_many_readers_at_once_get_the_same_bytes(place):
    def read_all(seed):
        for i in range(20, 40):
            k = 20 + (i + seed) % 20
            assert read(place.file(f'v2/ep{k:06d}.front.mp4')) == place.front(k)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(read_all, range(8)))


def test_the_json_of_a_clip_holds_its_attributes(place):
    text = read(place.file('v1/ep000008.json'))
    assert os.stat(place.file('v1/ep000008.json')).st_size == len(text)
    got = json.loads(text)
    assert got['arm'] == 'left' and got['outcome'] == 'fail' and got['force'] == 4 and got['tags'] == ['a', 'b'], got


def test_extended_attributes(place):
    path = place.file('v1/ep000008.front.mp4')
    assert set(os.listxattr(path)) == {'user.arm', 'user.outcome', 'user.task', 'user.force', 'user.tags',
                                       'user.elidefs.source', 'user.elidefs.range'}, os.listxattr(path)
    values = {'arm': b'left', 'task': b'pick up the cube', 'tags': b'["a","b"]',
              'elidefs.range': b'%d-%d' % (8 * BYTES, 9 * BYTES - 1),
              'elidefs.source': place.path('source/rec.bin').encode()}
    for name, value in values.items():
        assert os.getxattr(path, 'user.' + name) == value, (name, os.getxattr(path, 'user.' + name))
    assert float(os.getxattr(path, 'user.force')) == 4
    assert os.getxattr(place.file('v1/ep000003.front.mp4'), 'user.elidefs.preroll') == b'1.5'
    assert os.getxattr(place.file('v1/ep000004.state.parquet'), 'user.elidefs.reason') == b'odd'
    fails(errno.ENODATA, os.getxattr, path, 'user.elidefs.preroll')
    fails(errno.ENODATA, os.getxattr, path, 'user.nothing')
    fails(errno.ENODATA, os.getxattr, place.file('v1/ep000030.front.mp4'), 'user.force')
    assert set(os.listxattr(place.file('v1/ep000008.json'))) == {'user.arm', 'user.outcome', 'user.task', 'user.force',
                                                                 'user.tags'}
    assert os.listxattr(place.file('v1')) == []
    fails(errno.ENODATA, os.getxattr, place.file('v1'), 'user.arm')
    for folder_or_file in (path, place.file('v1'), place.file('v1/ep000008.json')):
        for name in ('security.selinux', 'security.capability', 'system.posix_acl_access', 'system.posix_acl_default'):
            fails(errno.EOPNOTSUPP, os.getxattr, folder_or_file, name)


def test_an_xattr_that_does_not_fit_is_refused_with_its_size_known(place):
    libc = ctypes.CDLL(None, use_errno=True)
    path = place.file('v1/ep000008.front.mp4').encode()
    buffer = ctypes.create_string_buffer(3)
    assert libc.getxattr(path, b'user.arm', None, 0) == 4
    assert libc.getxattr(path, b'user.arm', buffer, 3) == -1 and ctypes.get_errno() == errno.ERANGE
    assert libc.listxattr(path, buffer, 3) == -1 and ctypes.get_errno() == errno.ERANGE


def test_names_that_are_not_there_are_not_found_however_often_asked(place):
    for _ in range(3):
        for name in ('v1/ep000000.wrist.mp4', 'v1/ep999999.json', 'v1/outcome=fail/ep000001.json', 'v1/.git', 'nothing',
                     'v1/.elidefs/nothing', '.elidefs/nothing', 'tags/latest', 'tags/v1'):
            fails(errno.ENOENT, os.stat, place.file(name))
    fails(errno.ENOTDIR, os.stat, place.file('v1/ep000000.json/x'))


def test_a_missing_name_under_a_version_is_asked_for_once(place):
    def lookups():
        return int(place.stats()['lookups'])
    fails(errno.ENOENT, os.stat, place.file('v1/ep000000.once.mp4'))
    before = lookups()
    between = lookups() - before
    for _ in range(50):
        fails(errno.ENOENT, os.stat, place.file('v1/ep000000.once.mp4'))
    assert lookups() - before - 2 * between < 10


def test_a_wrong_component_fails_and_its_reason_is_in_errors(place):
    for name in ('v1/armm=left', 'v1/arm=lift', 'v1/arm=left/force.almost=3', 'v1/@nostage=1'):
        fails(errno.ENOENT, os.stat, place.file(name))
    got = errors(place)
    assert read(place.file('v1/outcome=fail/.elidefs/errors')).decode().rstrip('\n') == got
    assert '/v1/armm=left: ' in got and '/v1/arm=lift: ' in got and '/v1/arm=left/force.almost=3: ' in got, got


def test_a_live_file_has_the_size_and_bytes_of_one_moment(place):
    for name in ('errors', 'stats'):
        path = place.file('.elidefs', name)
        with open(path, 'rb', buffering=0) as f:
            first = f.read(7)
            fails(errno.ENOENT, os.stat, place.file(f'v1/armm={name}'))  # changes both
            rest = b''.join(iter(lambda: f.read(7), b''))
            assert os.fstat(f.fileno()).st_size == len(first + rest), name
            with mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
                assert m[:] == first + rest, name
        assert read(path) != first + rest, name
        assert os.stat(path).st_ino == os.stat(path).st_ino
    assert sorted(os.listdir(place.file('.elidefs'))) == ['errors', 'stats']
    assert b'newest_version 2\n' in read(place.file('.elidefs/stats'))
    to = place.path('copy-live')
    subprocess.run(['cp', '-a', place.file('.elidefs'), to], check=True)
    assert b'newest_version 2\n' in read(os.path.join(to, 'stats'))


def test_opening_asks_the_daemon_only_where_it_should(place):
    before = int(place.stats()['opens'])
    for i in range(20):
        assert read(place.file(f'v1/ep{i:06d}.json')).startswith(b'{')
    opened = int(place.stats()['opens']) - before
    assert opened == 0 if OPENS == 'free' else opened >= 20, opened
    assert int(place.stats()['noopen']) == (OPENS == 'free')
    assert int(place.stats()['inodes_idle']) > 0


def test_reports_of_a_query_have_their_exact_size(place):
    path = place.file('v1/outcome=fail/arm=left/.elidefs')
    assert sorted(os.listdir(path)) == [
        'alias', 'canonical', 'count', 'digest', 'errors', 'explain', 'facets', 'index.html', 'manifest.csv', 'manifest.jsonl',
        'schema.json']
    assert sorted(os.listdir(os.path.join(path, '../.as'))) == ['paths.txt', 'paths0', 'webdataset']
    for folder, _, names in itertools.chain(os.walk(path), os.walk(os.path.join(path, '../.as'))):
        for name in names:
            assert os.stat(os.path.join(folder, name)).st_size == len(read(os.path.join(folder, name))), name
    assert read(os.path.join(path, 'count')) == b'10\n'
    assert read(os.path.join(path, 'canonical')) == b'arm=left/outcome=fail\n'
    lines = read(os.path.join(path, 'manifest.jsonl')).decode().splitlines()
    assert len(lines) == 10 and json.loads(lines[0])['files']['ep000000.front.mp4'] == len(place.front(0))


def test_a_report_is_made_once_for_its_look_up_and_all_who_read_it(place):
    path = place.file('v2/arm=left/.elidefs')
    for name in ('alias', 'index.html', 'diff-v1.jsonl', 'explain', 'manifest.csv', 'manifest.jsonl', 'schema.json'):
        before = int(place.stats()['reports_made'])
        size = os.stat(os.path.join(path, name)).st_size
        assert all(len(read(os.path.join(path, name))) == size for _ in range(3)), name
        assert int(place.stats()['reports_made']) == before + 1, name


class Dirent(ctypes.Structure):
    _fields_ = [('ino', ctypes.c_ulong), ('off', ctypes.c_long), ('reclen', ctypes.c_ushort), ('type', ctypes.c_ubyte),
                ('name', ctypes.c_char * 256)]


def test_seekdir_comes_back_to_the_exact_place(place):
    libc = ctypes.CDLL(None)
    libc.opendir.restype = ctypes.c_void_p
    libc.readdir.argtypes = libc.telldir.argtypes = libc.closedir.argtypes = [ctypes.c_void_p]
    libc.readdir.restype = ctypes.POINTER(Dirent)
    libc.telldir.restype = ctypes.c_long
    libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
    handle = libc.opendir(place.file('v1/arm=left').encode())
    seen = []
    while True:
        at = libc.telldir(handle)
        entry = libc.readdir(handle)
        if not entry:
            break
        assert entry.contents.type in (4, 8), 'd_type is always filled'
        seen.append((at, entry.contents.name))
    assert len(seen) == 62
    for i in list(range(61, -1, -7)) + [0, 61]:
        libc.seekdir(handle, seen[i][0])
        rest = []
        while (entry := libc.readdir(handle)):
            rest.append(entry.contents.name)
        assert rest == [name for _, name in seen[i:]], i
    libc.closedir(handle)


def test_nothing_can_be_written(place):
    fails(errno.EROFS, os.mkdir, place.file('v1/x'))
    fails(errno.EROFS, os.unlink, place.file('v1/ep000000.json'))
    fails(errno.EROFS, os.open, place.file('v1/ep000000.json'), os.O_WRONLY)


def test_copies_are_whole(place):
    for name in ('cp -a', 'tar'):
        to = place.path('copy-' + name[:2])
        os.mkdir(to)
        if name == 'tar':
            subprocess.run(f'tar c -C "{place.file("v1")}" outcome=fail | tar x -C "{to}"', shell=True, check=True)
        else:
            subprocess.run(['cp', '-a', place.file('v1/outcome=fail'), to], check=True)
        for i in range(0, 40, 4):
            assert read(os.path.join(to, f'outcome=fail/ep{i:06d}.front.mp4')) == place.front(i)


def test_rsync_copies_all_and_then_nothing(place):
    if not shutil.which('rsync'):
        return
    to = place.path('copy-rsync')
    for expected in (30, 0):
        got = subprocess.run(['rsync', '-a', '--checksum', '--stats', place.file('v1/outcome=fail/'), to],
                             capture_output=True, text=True, check=True)
        assert f'regular files transferred: {expected}\n' in got.stdout, got.stdout
    assert read(os.path.join(to, 'ep000004.front.mp4')) == place.front(4)


def test_a_component_of_a_thousand_bytes_works(place):
    name = 'arm.in=' + 'left,' * 198 + 'left'
    assert len(name) > 990 and len(os.listdir(place.file('v1', name))) == 60


def test_du_counts_each_file_once(place):
    got = subprocess.run(['du', '-s', '--apparent-size', '-B1', place.file('v1/outcome=fail')], capture_output=True,
                         text=True, check=True)
    files = sum(len(place.front(i)) + len(place.state(i)) + os.stat(place.file(f'v1/ep{i:06d}.json')).st_size
                for i in range(0, 40, 4))
    assert int(got.stdout.split()[0]) == files, (got.stdout, files)


def test_a_new_version_and_a_moved_latest_appear(place):
    place.commit(2, 1, 1)
    assert 'ep000002.json' in os.listdir(place.file('v3/outcome=fail')), 'asked for by name: at once'
    assert wait_for(lambda: os.readlink(place.file('latest')) == 'v3')
    assert os.listdir(place.point)[0] == 'v3'


OPENS = sys.argv[3]


def main():
    place = Place(sys.argv[1:3])
    try:
        place.commit(0, 40, 4)
        place.commit(1, 1, 1)
        place.tag('good', 1)
        process = place.start('poll=300', 'opens=' + {'asked': '1', 'free': '2'}[OPENS])
        failed = run_tests(globals(), place)
        got = place.unmount()
        assert got.returncode == 0, got.stderr
        assert process.wait(10) == 0, 'the daemon did not end well'
        return failed > 0
    finally:
        place.done()


if __name__ == '__main__':
    sys.exit(main())
