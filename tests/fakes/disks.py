"""Small and read-only disks: real file systems in memory, mounted where only the commands of a test see them.

with small_disk(tmp_path / "runs", "size=64k") as disk:
    done = disk.run(sys.executable, "-m", "judgebench", ...)      # sees the disk; everybody else an empty folder
    disk.remount("ro")
    assert disk.seen(tmp_path / "runs" / "x").exists()
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

OWN = () if os.geteuid() == 0 else ("--user", "--map-root-user")
JOIN = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
MOUNT_AND_STAY = 'mount -t tmpfs -o "$1" tmpfs "$0" && echo mounted && exec sleep 600'


@dataclass(frozen=True)
class Disk:
    """A disk mounted at `folder` in the mount namespace of the process `keeper`."""

    folder: Path
    keeper: int

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command that sees the disk. Its paths must be absolute."""
        entering = ["nsenter", "--target", str(self.keeper), "--mount", *JOIN, "--", *command]
        return subprocess.run(entering, capture_output=True, text=True, timeout=120, check=False, env=os.environ | env)

    def remount(self, option: str) -> None:
        """Change the disk: `size=9m`, `nr_inodes=99`, `ro` or `rw`."""
        # Named in full, or mount would repeat what stands in the table of mounts, users included.
        done = self.run("mount", "-t", "tmpfs", "-o", f"remount,{option}", "tmpfs", str(self.folder))
        assert done.returncode == 0, done.stderr

    def seen(self, path: Path) -> Path:
        """Return a path under which this process sees what lies on the disk."""
        return Path(f"/proc/{self.keeper}/root{path}")


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Disk]:
    """Mount a disk with tmpfs options at `folder`; skip where this user may not mount at all."""
    folder.mkdir()
    command = ["unshare", "--mount", *OWN, "sh", "-c", MOUNT_AND_STAY, str(folder), options]
    try:
        keeper = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        pytest.skip("no small disk: unshare is not installed")
    try:
        assert keeper.stdout is not None
        if keeper.stdout.readline() != "mounted\n":
            pytest.skip(f"no small disk: {keeper.communicate()[1].strip()}")
        yield Disk(folder, keeper.pid)
    finally:
        keeper.kill()
        keeper.communicate()
