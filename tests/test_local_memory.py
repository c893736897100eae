"""Memory of devices that are not here: measured through a stand-in for `torch.cuda`."""

import sys
from types import SimpleNamespace

import pytest
import torch

from judgebench.backends.local.memory import (
    BUCKET,
    DeviceMeter,
    bucket_of,
    cpu_tokens,
    is_out_of_memory,
    model_devices,
    used_devices,
)

GB = 2**30


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried …"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 64 bytes"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.05 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_the_allocators_words_are_known(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("out of memory"), KeyError("x")])
def test_other_errors_are_not_taken_for_memory(error):
    assert not is_out_of_memory(error)


def test_a_real_allocation_that_cannot_be_is_one_of_them():
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60)
    assert is_out_of_memory(error.value)


class Cuda:
    """Two devices of 80 GiB with a model on them; a batch's peaks are set by the test."""

    def __init__(self, weights=(10 * GB, 20 * GB), reserved=(12 * GB, 20 * GB), elsewhere=0):
        self.weights, self.reserved, self.elsewhere = weights, reserved, elsewhere
        self.peaks = list(weights)
        self.emptied = 0

    def is_available(self):
        return True

    def device_count(self):
        return 3

    def memory_allocated(self, device):
        return (*self.weights, 0)[torch.device("cuda", device).index if isinstance(device, int) else device.index]

    def memory_reserved(self, device):
        return self.reserved[device.index]

    def max_memory_allocated(self, device):
        return self.peaks[device.index]

    def reset_peak_memory_stats(self, device):
        self.peaks[device.index] = self.weights[device.index]

    def mem_get_info(self, device):
        return 80 * GB - self.reserved[device.index] - self.elsewhere, 80 * GB

    def empty_cache(self):
        self.emptied += 1


@pytest.fixture
def cuda(monkeypatch):
    found = Cuda()
    monkeypatch.setattr(torch, "cuda", found)
    return found


def test_the_devices_in_use_are_those_that_hold_memory(cuda):
    assert [str(device) for device in used_devices()] == ["cuda:0", "cuda:1"]


def test_the_tightest_device_decides_and_peaks_add_up(cuda):
    meter = DeviceMeter(used_devices())
    meter.start()
    cuda.peaks = [10 * GB + 7 * GB, 20 * GB + 30 * GB]
    assert meter.share() == pytest.approx(max(7 / 70, 30 / 60))
    assert meter.peak == 67 * GB
    meter.start()
    assert meter.share() == 0, "peaks are those of one batch"
    assert meter.peak == 67 * GB, "but the highest is remembered"


def test_what_other_processes_hold_is_not_free(cuda):
    cuda.elsewhere = 40 * GB
    meter = DeviceMeter(used_devices())
    meter.start()
    cuda.peaks = [10 * GB, 30 * GB]
    assert meter.share() == pytest.approx(10 / 20)


def test_memory_is_given_back_once_for_all_devices(cuda):
    DeviceMeter(used_devices()).release()
    assert cuda.emptied == 1


def test_the_cpu_says_what_the_process_took_and_no_share():
    meter = DeviceMeter([])
    meter.start()
    assert meter.share() is None
    assert meter.peak > 20 * 2**20
    meter.release()


def test_mps_knows_its_peak_and_wants_few_shapes(monkeypatch):
    mps = SimpleNamespace(
        current_allocated_memory=lambda: 5, driver_allocated_memory=lambda: 3 * GB, empty_cache=lambda: None
    )
    monkeypatch.setattr(torch, "mps", mps)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    devices = used_devices()
    assert [device.type for device in devices] == ["mps"]
    assert bucket_of(devices) == 64
    assert bucket_of([]) == BUCKET
    meter = DeviceMeter(devices)
    meter.start()
    assert meter.share() is None
    assert meter.peak == 3 * GB
    meter.release()


def test_a_model_s_devices_are_listed_once():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2, device="meta"))
    assert [device.type for device in model_devices(model)] == ["cpu", "meta"]


def test_on_the_cpu_a_batch_takes_a_quarter_of_what_is_free(monkeypatch):
    psutil = pytest.importorskip("psutil")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=8 * GB))
    assert cpu_tokens(16_384, 2**20) == 2048, "7B in float32 on a small machine"
    assert cpu_tokens(16_384, 1000) == 16_384
    assert cpu_tokens(16_384, 100 * GB) == 1
    assert cpu_tokens(16_384, 0) == 16_384


def test_without_a_way_to_ask_the_most_it_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert cpu_tokens(16_384, 2**20) == 16_384
