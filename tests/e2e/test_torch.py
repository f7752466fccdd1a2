# SPDX-License-Identifier: Apache-2.0
"""A PyTorch DataLoader over plain files: two epochs, the second from the cache alone."""
import json
import subprocess
import sys

import pytest

from conftest import mounted, run, stats

LOADER = """
import hashlib, json, os, sys
import av, torch
from torch.utils.data import DataLoader, Dataset

class Clips(Dataset):
    def __init__(self, folder):
        self.paths = sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith('.mp4'))
    def __len__(self):
        return len(self.paths)
    def __getitem__(self, i):
        with av.open(self.paths[i]) as container:
            frames = b''.join(bytes(f.to_ndarray(format='rgb24').tobytes()) for f in container.decode(video=0))
        return os.path.basename(self.paths[i]), hashlib.sha256(frames).hexdigest()

torch.manual_seed(int(sys.argv[2]))
loader = DataLoader(Clips(sys.argv[1]), batch_size=None, shuffle=True, num_workers=4)
print(json.dumps(dict(loader)))
"""


def test_the_second_epoch_sees_the_same_samples_and_pulls_nothing(sample, tmp_path):
    if subprocess.run([sys.executable, "-c", "import av, torch"], capture_output=True).returncode:
        pytest.skip(f"no torch or av for {sys.executable}")
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache") as point:
        path = point / "v1" / "outcome=fail"
        first = json.loads(run(sys.executable, "-c", LOADER, path, 1).stdout)
        pulled = stats(point)["cache_bytes_fetched"]
        run("sh", "-c", "echo 3 > /proc/sys/vm/drop_caches", check=False)
        second = json.loads(run(sys.executable, "-c", LOADER, path, 2).stdout)
        assert len(first) == 16 and first == second
        assert stats(point)["cache_bytes_fetched"] == pulled > 0
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache") as point:
        again = json.loads(run(sys.executable, "-c", LOADER, point / "v1" / "outcome=fail", 3).stdout)
        assert again == first
        assert stats(point)["cache_bytes_fetched"] == 0
