#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts windows out of recordings of every codec and checks, with a real decoder, that they show the same pictures.

    test_codecs.py MP4CUT [ALOHA_MINI] [--seed N] [--only NAME]

For each recording: decode all of it (ffmpeg -f framemd5), cut windows with mp4cut, decode each as a file of its own;
pictures, times and counts must agree, and ffmpeg and ffprobe must have nothing to say. Standard library only.

ffmpeg 5.1 and 6.1 show AV1 pictures that an edit list hides (their libdav1d wrapper loses the mark): there, and only
there, the hidden pictures may come first and are taken off. 6.1 also gives the wrong time to those that follow. Needs ffmpeg and ffprobe (else exit 77)."""
import argparse
import concurrent.futures
import functools
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

os.environ['SVT_LOG'] = '1'  # errors only

FPS = 30
LAVFI = 'testsrc2=size=128x96:rate=%d:duration=%s'
NOISE = LAVFI + ',noise=alls=20:allf=t:all_seed=1'


def run(*args):
    return subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


REPEATED = 'Last message repeated'


def check_run(*args, known=None):
    done = run(*args)
    said = [line for line in done.stderr.splitlines() if not known or (known not in line and REPEATED not in line)]
    if done.returncode or said:
        raise AssertionError('%s\n%s' % (' '.join(map(str, args)), done.stderr))
    return done.stdout


def ffmpeg(*args):
    check_run('ffmpeg', '-v', 'error', '-nostdin', '-y', '-threads', '1', *args)


@functools.lru_cache
def ffmpeg_is_6():
    return run('ffmpeg', '-version').stdout.startswith('ffmpeg version 6.')


class Frames:
    """Decoded pictures in the order they are shown: times (seconds from the first) and MD5 sums."""

    def __init__(self, path, known=None):
        out = check_run('ffmpeg', '-v', 'error', '-nostdin', '-threads', '1', '-copyts', '-i', path, '-map', '0:v', '-vsync',
                        'passthrough', '-enc_time_base', '-1', '-f', 'framemd5', '-', known=known)
        rows = [line.split(',') for line in out.splitlines() if line and line[0] != '#']
        base = next(line.split(': ')[1] for line in out.splitlines() if line.startswith('#tb 0'))
        num, den = map(int, base.split('/'))
        ticks = [int(row[2]) for row in rows]
        self.start = ticks[0] * num / den
        self.times = [(t - ticks[0]) * num / den for t in ticks]
        self.sums = [row[5].strip() for row in rows]

    def tail(self, hidden):
        self.times = [t - self.times[hidden] for t in self.times[hidden:]]
        self.sums = self.sums[hidden:]


AAC = ('-c:a', 'aac', '-aac_pns', '0', '-b:a', '64k')
PCM = ('-c:a', 'pcm_s16le')
OPUS = ('-c:a', 'libopus', '-ar', '48000', '-strict', '-2')


def encode(path, *codec, seconds=3, source=LAVFI, audio=(), video_filter=None):
    inputs = ['-f', 'lavfi', '-i', source % (FPS, seconds)]
    if audio:
        inputs += ['-f', 'lavfi', '-i', 'aevalsrc=0.3*sin(2*PI*(200+300*t)*t):s=44100:d=%s' % seconds]
    filters = ['-vf', video_filter, '-vsync', 'passthrough'] if video_filter else []
    ffmpeg(*inputs, *filters, '-pix_fmt', 'yuv420p', *codec, *audio, path)


def x264(params, *more):
    return ['-c:v', 'libx264', '-preset', 'veryfast', '-x264-params', 'threads=1:' + params, *more]


def x265(params, *more):
    return ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:pools=none:frame-threads=1:' + params, *more]


SVT_AV1 = ['-c:v', 'libsvtav1', '-preset', '10', '-crf', '30', '-g', '2', '-svtav1-params', 'lp=1']
LEROBOT_H264 = ['-c:v', 'libx264', '-g', '2', '-crf', '30', '-threads', '1']
LEROBOT_HEVC = ['-c:v', 'libx265', '-g', '2', '-crf', '30', '-x265-params', 'log-level=none:pools=none:frame-threads=1']


def concatenate(codec, container='mp4'):
    """As LeRobot does: each episode is encoded on its own, then remuxed into one file with the moov first."""
    def make(path):
        folder = path + '.parts'
        os.mkdir(folder)
        listing = os.path.join(folder, 'list.txt')
        with open(listing, 'w') as f:
            for i, seconds in enumerate((1.1, 0.7, 1.3)):
                part = os.path.join(folder, '%d.mp4' % i)
                encode(part, *codec, seconds=seconds, source=LAVFI + ',hue=h=%d' % (40 * i))
                f.write("file '%s'\n" % part)
        ffmpeg('-f', 'concat', '-safe', '0', '-i', listing, '-c', 'copy', '-movflags', '+faststart', path)
    return make


def simple(*codec, **kwargs):
    return lambda path: encode(path, *codec, **kwargs)


def remuxed(first, *copy):
    """A stream copy of `first`, which gives edit lists with hidden pictures and pauses."""
    def make(path):
        whole = path + '.whole.mp4'
        first(whole)
        ffmpeg(*[whole if a == 'IN' else a for a in copy], '-c', 'copy', path)
    return make


def boxes(data, at, end):
    while at + 8 <= end:
        size, kind = struct.unpack_from('>I4s', data, at)
        yield kind, at, size
        at += size


def with_wide_offsets(box, shift):
    """A moov (or a container in it) with stco turned into co64 and `shift` added to each offset."""
    out = b''
    for kind, at, size in boxes(box, 8, len(box)):
        part = box[at:at + size]
        if kind in (b'trak', b'mdia', b'minf', b'stbl'):
            part = with_wide_offsets(part, shift)
        elif kind == b'stco':
            count = struct.unpack_from('>I', part, 12)[0]
            offsets = struct.unpack_from('>%dI' % count, part, 16)
            part = struct.pack('>I4sII', 16 + 8 * count, b'co64', 0, count)
            part += struct.pack('>%dQ' % count, *[o + shift for o in offsets])
        out += part
    return struct.pack('>I4s', len(out) + 8, box[4:8]) + out


def beyond_4gib(first):
    """The same samples behind a hole of 4 GiB in a 64-bit mdat."""
    def make(path):
        small = path + '.small.mp4'
        first(small)
        data = open(small, 'rb').read()
        parts = {kind: (at, size) for kind, at, size in boxes(data, 0, len(data))}
        at, size = parts[b'mdat']
        ftyp = data[parts[b'ftyp'][0]:sum(parts[b'ftyp'])]
        hole = (1 << 32) + 12345
        with open(path, 'wb') as f:
            f.write(ftyp + struct.pack('>I4sQ', 1, b'mdat', 16 + hole + size - 8))
            f.seek(hole, os.SEEK_CUR)
            samples = f.tell()
            f.write(data[at + 8:at + size])
            moov_at, moov_size = parts[b'moov']
            f.write(with_wide_offsets(data[moov_at:moov_at + moov_size], samples - (at + 8)))
    return make


X264_OPEN_GOP = x264('keyint=12:min-keyint=12:bframes=3:b-adapt=0:open-gop=1:scenecut=0')
B_FRAMES = x264('keyint=24:bframes=3:b-pyramid=normal')

# What ffmpeg says of an H.264 clip that starts at an open GOP: pictures behind it drop references that are not there.
# The pictures are right; only an earlier IDR, which such a stream has but at its start, would keep it silent. It also
# loses a last picture that it decoded before it had shown the key frame, so clips of a few frames are not tried.
OPEN_GOP = 'h264-open-gop'
OPEN_GOP_SAYS = 'mmco: unref short failure'
OPEN_GOP_FRAMES = 12

# name -> how to make it, and the most reads that scanning may take
RECORDINGS = {
    'h264-b-frames-aac': (simple(*B_FRAMES, audio=AAC), 7),
    'h264-no-b-faststart': (simple(*x264('keyint=10:bframes=0', '-movflags', '+faststart')), 7),
    OPEN_GOP: (simple(*X264_OPEN_GOP, source=NOISE), 7),
    'h264-intra-refresh': (simple(*x264('intra-refresh=1:keyint=20:bframes=0'), source=NOISE), 8),
    'h264-intra-refresh-b': (simple(*x264('intra-refresh=1:keyint=20:bframes=2:b-pyramid=none'), source=NOISE), 8),
    'h264-all-intra': (simple(*x264('keyint=1')), 7),
    'h264-vfr': (simple(*B_FRAMES, video_filter="select='not(eq(mod(n,7),3))',setpts='PTS+0.004/TB*mod(N,3)'"), 7),
    'h264-negative-offsets-mov': (simple(*B_FRAMES, '-movflags', '+negative_cts_offsets', '-f', 'mov'), 7),
    'h264-pcm-mov': (simple(*B_FRAMES, '-f', 'mov', audio=PCM), 7),
    'h264-opus': (simple(*B_FRAMES, audio=OPUS), 7),
    'h264-edit-list': (remuxed(simple(*B_FRAMES, audio=AAC), '-ss', '1.1', '-i', 'IN'), 7),
    'h264-late-video': (remuxed(simple(*B_FRAMES, audio=AAC), '-itsoffset', '0.35', '-i', 'IN', '-i', 'IN', '-map', '0:v',
                                '-map', '1:a'), 7),
    'h264-late-audio': (remuxed(simple(*B_FRAMES, audio=AAC), '-itsoffset', '0.35', '-i', 'IN', '-i', 'IN', '-map', '1:v',
                                '-map', '0:a'), 7),
    'h264-beyond-4gib': (beyond_4gib(simple(*B_FRAMES, audio=AAC)), 7),
    'hevc-open-gop-hev1': (simple(*x265('keyint=12:min-keyint=12:open-gop=1:bframes=3:scenecut=0'), source=NOISE), 7),
    'hevc-closed-hvc1': (simple(*x265('keyint=15:open-gop=0:bframes=2'), '-tag:v', 'hvc1', audio=AAC), 7),
    'av1-svt': (simple(*SVT_AV1), 3),
    'av1-aom': (simple('-c:v', 'libaom-av1', '-cpu-used', '8', '-g', '15', '-crf', '40', '-threads', '1', seconds=1.5), 3),
    'vp9': (simple('-c:v', 'libvpx-vp9', '-g', '12', '-deadline', 'good', '-cpu-used', '5', '-auto-alt-ref', '1',
                    '-lag-in-frames', '16', '-threads', '1'), 3),
    'mjpeg': (simple('-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'), 3),
    'mpeg4-b-frames': (simple('-c:v', 'mpeg4', '-g', '12', '-bf', '2'), 3),
    'lerobot-av1': (concatenate(SVT_AV1), 3),
    'lerobot-h264': (concatenate(LEROBOT_H264), 7),
    'lerobot-hevc': (concatenate(LEROBOT_HEVC), 7),
}


def report(line):
    return {key: value for key, value in (word.split('=') for word in line.split())}


def windows_of(count, rng, least):
    middle = count // 2
    fixed = [(0, count), (0, least), (count - least, least), (1, count - 1), (middle, max(7, least)), (middle - middle % 12, 12)]
    first = rng.randint(0, count - least)
    free = [(first, rng.randint(least, min(30, count - first)))]
    return [(first, n, 'exact') for first, n in fixed + free] + [(first, n, 'key') for first, n in free]


def compare(path, cut, whole, window, codec):
    first, count, snap = window
    frames = Frames(path, OPEN_GOP_SAYS if OPEN_GOP in path else None)
    where = '%s window %d+%d %s' % (os.path.basename(path), first, count, snap)
    if snap == 'key':  # starts earlier, never later
        extra = len(frames.sums) - count
        assert 0 <= extra <= first, '%s: %d frames' % (where, len(frames.sums))
        first, count = first - extra, count + extra
    hidden = len(frames.sums) - count
    shows_hidden = hidden and codec == 'av01' and int(cut['preroll_ns'])
    if shows_hidden:
        frames.tail(hidden)
    assert len(frames.sums) == count, '%s: %d frames' % (where, len(frames.sums))
    assert frames.sums == whole.sums[first:first + count], '%s: other pictures' % where
    for i, time in enumerate([] if shows_hidden and ffmpeg_is_6() else frames.times):
        assert abs(time - (whole.times[first + i] - whole.times[first])) < 2e-5, '%s: frame %d at %f' % (where, i, time)


def check_probe(path, codec, count):
    """ffprobe sees the codec and the length, and has nothing to say."""
    out = check_run('ffprobe', '-v', 'error', '-select_streams', 'v', '-show_entries', 'stream=codec_tag_string,duration', '-of',
                    'csv=p=0', path)
    tag, duration = out.strip().split(',')
    assert tag == codec and abs(float(duration) - count / FPS) < 0.3, '%s: %s' % (path, out)


def check_seek(path, frames, frame):
    """A seek into a clip, behind what its edit list hides, lands on the right picture."""
    at = frames.times[frame] - 0.4 / FPS
    out = check_run('ffmpeg', '-v', 'error', '-nostdin', '-ss', '%.6f' % at, '-i', path, '-map', '0:v', '-frames:v', '1', '-f',
                    'framemd5', '-', known=OPEN_GOP_SAYS)
    assert out.split()[-1] == frames.sums[frame], '%s: seek to frame %d' % (path, frame)


def pcm(path, *more):
    done = subprocess.run(['ffmpeg', '-v', 'error', '-nostdin', '-i', path, *more, '-f', 's16le', '-'], stdout=subprocess.PIPE, check=True)
    return struct.unpack('<%dh' % (len(done.stdout) // 2), done.stdout)


def sound_of(path):
    out = check_run('ffprobe', '-v', 'error', '-select_streams', 'a', '-show_entries', 'stream=sample_rate,start_time', '-of', 'csv=p=0',
                    path)
    rate, start = out.strip().split(',')
    return float(start), int(rate), pcm(path, '-map', '0:a')


def largest_difference(a, b):
    return max((abs(x - y) for x, y in zip(a, b)), default=0)


def check_audio(path, cut_path, whole, window):
    """At each moment after its first picture a clip sounds as the recording does; half a tick of rounding is allowed."""
    first, count, _ = window
    whole_start, rate, whole_sound = sound_of(path)
    cut_start, rate, cut_sound = sound_of(cut_path)
    picture = whole.start + whole.times[first]
    late = cut_start - Frames(cut_path).start
    at = round((picture + late - whole_start) * rate)
    best = min(largest_difference(cut_sound[10:-10], whole_sound[at + shift + 10:]) for shift in (-1, 0, 1))
    assert best <= 2, '%s: sound differs by %d' % (cut_path, best)
    end = whole.times[first + count] if first + count < len(whole.times) else whole.times[-1] + 1 / FPS
    whole_end = whole_start + len(whole_sound) / rate
    shown = min(whole.start + end, whole_end) - max(picture, whole_start)
    length = len(cut_sound) / rate  # ffmpeg plays the last packet to its end
    assert shown - 0.001 < length < shown + 1025 / rate, '%s: %f s of sound instead of %f' % (cut_path, length, shown)


def check_recording(mp4cut, folder, name, make, reads, seed):
    path = os.path.join(folder, name + '.mp4')
    make(path)
    info = report(check_run(mp4cut, path))
    whole = Frames(path)
    count = int(info['frames'])
    assert count == len(whole.sums), '%s: %d frames, decoded %d' % (name, count, len(whole.sums))
    assert int(info['reads']) <= reads, '%s: %s reads' % (name, info['reads'])
    rng = random.Random('%d %s' % (seed, name))
    windows = windows_of(count, rng, OPEN_GOP_FRAMES if name == OPEN_GOP else 1)
    check_windows(mp4cut, path, whole, windows, info['codec'])
    clip = '%s.cut4.mp4' % path
    check_probe(clip, info['codec'], windows[4][1])
    if info['codec'] != 'av01':
        check_seek(clip, Frames(clip, OPEN_GOP_SAYS), windows[4][1] // 2)
    if info['audio'] == '1':
        for i, window in enumerate(windows):
            if window[1] > 5 and window[2] == 'exact':
                check_audio(path, '%s.cut%d.mp4' % (path, i), whole, window)
    return '%-26s %3d frames, %2d windows, %2s reads, table %.2f bytes a frame' % (
        name, count, len(windows), info['reads'], int(info['table']) / count)


def check_windows(mp4cut, path, whole, windows, codec, out=None):
    cuts = [(w, '%s.cut%d.mp4' % (out or path, i)) for i, w in enumerate(windows)]
    args = [a for (first, n, snap), to in cuts for a in (first, n, snap, to)]
    reports = [report(line) for line in check_run(mp4cut, path, *args).splitlines()[1:]]
    for (window, to), cut in zip(cuts, reports):
        compare(to, cut, whole, window, codec)
    return reports


def check_refusals(mp4cut, folder):
    path = os.path.join(folder, 'fragmented.mp4')
    encode(path, *x264('keyint=10'), '-movflags', '+frag_keyframe+empty_moov', seconds=1)
    done = run(mp4cut, path)
    assert done.returncode == 1 and 'the file is fragmented' in done.stderr, done.stderr
    short = os.path.join(folder, 'short.mp4')
    encode(path, *x264('keyint=10'), '-movflags', '+faststart', seconds=1)
    data = open(path, 'rb').read()
    open(short, 'wb').write(data[:-1000])
    done = run(mp4cut, short)
    assert done.returncode == 1 and 'short.mp4: ' in done.stderr and 'truncated' in done.stderr, done.stderr
    return 'refusals'


# Episodes of the sample set, in frames; both cameras were recorded together.
ALOHA_MINI = {
    'file-000': (117, 119, 94, 111, 84, 98, 102, 78),
    'file-001': (104, 98, 95, 103, 80, 126, 96, 76),
}


def check_aloha(mp4cut, folder, root, camera, file):
    path = os.path.join(root, 'videos', camera, 'chunk-000', file + '.mp4')
    whole = Frames(path)
    info = report(check_run(mp4cut, path))
    assert int(info['frames']) == len(whole.sums) == sum(ALOHA_MINI[file])
    firsts = [sum(ALOHA_MINI[file][:i]) for i in range(len(ALOHA_MINI[file]))]
    windows = [(first, n, 'exact') for first, n in zip(firsts, ALOHA_MINI[file])]
    cuts = check_windows(mp4cut, path, whole, windows, 'av01', out=os.path.join(folder, camera + file))
    assert all(cut['preroll_ns'] == '0' and cut['ranges'] == '1' for cut in cuts), 'an episode does not start on a key frame'
    return '%s %s: %d episodes' % (camera, file, len(windows))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('mp4cut')
    parser.add_argument('aloha_mini', nargs='?')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--only')
    args = parser.parse_args()
    if not shutil.which('ffmpeg') or not shutil.which('ffprobe'):
        print('skipped: needs ffmpeg and ffprobe')
        return 77
    print('seed', args.seed)
    folder = tempfile.mkdtemp(prefix='elidefs-mp4.')
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = {pool.submit(check_recording, args.mp4cut, folder, name, *how, args.seed): name
                for name, how in RECORDINGS.items() if not args.only or name == args.only}
        if not args.only:
            jobs[pool.submit(check_refusals, args.mp4cut, folder)] = 'refusals'
        if args.aloha_mini and os.path.isdir(args.aloha_mini):
            for camera in sorted(os.listdir(os.path.join(args.aloha_mini, 'videos'))):
                for file in ALOHA_MINI:
                    jobs[pool.submit(check_aloha, args.mp4cut, folder, args.aloha_mini, camera, file)] = camera + file
        elif not args.only:
            print('skipped: the sample set is not there (%s)' % args.aloha_mini)
        failed = 0
        for job in concurrent.futures.as_completed(jobs):
            try:
                print('ok  ', job.result())
            except Exception as error:
                failed += 1
                print('FAIL', jobs[job], '-', error)
    shutil.rmtree(folder)
    print('%d of %d failed' % (failed, len(jobs)))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
