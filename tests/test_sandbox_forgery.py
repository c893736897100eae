"""Forgery and theft: programs that try to speak for others, to answer what was not asked, or to see what is not theirs."""

from collections.abc import Iterator
from typing import Any

import pytest

from judgebench.pairs.sandbox.program import Program
from sandboxes import WAYS, function, opened, script

REACH = """
import ctypes, gc, json, os, struct, sys, threading, time, atexit
def message(**fields):
    body = json.dumps(fields).encode()
    return struct.pack(">I", len(body)) + body
def say(**fields):
    os.write(4, message(**fields))
"""


@pytest.fixture(scope="module", params=WAYS)
def box(request: pytest.FixtureRequest) -> Iterator[Any]:
    with opened(request.param) as (sandbox, _):
        yield sandbox


def honest(box: Any) -> None:
    """See that a program that comes after a forger is heard as if there had been none."""
    assert box.run(function("def f(a): return a * 2", 21, times=2)).values == (42, 42)


# --- what is printed is no answer, and what is said too early is none either -----------------------------------------
@pytest.mark.parametrize(
    "code",
    [
        "print(message(marker='', value=7)); sys.exit(0)",
        "sys.stdout.buffer.write(message(marker='0' * 32, value=7))",
        "os.write(1, b'V' + struct.pack('>I', 20) + message(marker='', value=7))",
        "os.write(1, b'X' + struct.pack('>I', 11) + b'{\"code\": 0}')",
        "os._exit(0)",
        "raise SystemExit",
        "atexit.register(print, 7); sys.exit()",
    ],
)
def test_a_program_that_ends_before_it_is_asked_has_not_answered(box: Any, code: str) -> None:
    outcome = box.run(function(REACH + code))
    assert (outcome.status, outcome.values) == ("error", ())
    honest(box)


@pytest.mark.parametrize(
    "code",
    [
        "say(marker='', value=7)",
        "say(marker='0' * 32, value=7)",
        "say(marker=None, value=7)",
        "say(value=7)",
        "say(ready=True); say(marker='0' * 32, value=7)",
        "say(ready=True); say(ready=True)",
        "os.write(4, struct.pack('>I', 3) + b'{}}')",
        "os.write(4, struct.pack('>I', 100002) + b'[' * 50001 + b']' * 50001)",
        "os.write(4, struct.pack('>I', 4) + b'1e99')",
        "os.write(4, struct.pack('>I', 2) + b'\\xff\\xfe')",
    ],
)
def test_an_answer_to_nothing_is_refused(box: Any, code: str) -> None:
    outcome = box.run(function(REACH + code + "\ndef f(): return 1"))
    assert (outcome.status, outcome.values) == ("error", ())
    honest(box)


def test_one_marker_answers_one_call(box: Any) -> None:
    outcome = box.run(function(REACH + """
def f():
    call = sys._getframe(1).f_locals["call"]  # the harness's frame: within a call its marker is within reach
    say(marker=call["marker"], value="first")
    say(marker=call["marker"], value="second")
    time.sleep(5)
""", times=3))  # fmt: skip
    assert outcome.status == "error"
    assert outcome.values == ("first",)
    honest(box)


def test_the_next_call_cannot_be_seen_before_this_one_is_answered(box: Any) -> None:
    outcome = box.run(function(REACH + """
def f():
    os.set_blocking(3, False)
    try:
        seen = len(os.read(3, 1000))
    except BlockingIOError:
        seen = 0
    os.set_blocking(3, True)
    markers = {value for frame in iter_frames() for value in frame.f_locals.values() if isinstance(value, dict)
               and "marker" in value for value in [value["marker"]]}
    return [seen, len(markers)]
def iter_frames():
    frame = sys._getframe()
    while frame:
        yield frame
        frame = frame.f_back
""", times=3))  # fmt: skip
    assert outcome.values == ([0, 1],) * 3


def test_no_marker_is_in_reach_before_the_first_call(box: Any) -> None:
    outcome = box.run(function(REACH + """
found = []
def look(thing, seen):
    if id(thing) in seen or len(seen) > 100000:
        return
    seen.add(id(thing))
    if isinstance(thing, str) and len(thing) == 32 and not set(thing) - set("0123456789abcdef"):
        found.append(thing)
    for other in gc.get_referents(thing):
        look(other, seen)
sys.setrecursionlimit(100000)
frame = sys._getframe()
while frame:
    look(frame.f_locals, set())
    frame = frame.f_back
os.set_blocking(3, False)
try:
    found.append(os.read(3, 1000).hex())
except BlockingIOError:
    pass
os.set_blocking(3, True)
before = list(found)
def f(): return before
"""))  # fmt: skip
    assert outcome.values == ([],)


# --- a harness taken apart from inside --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "code",
    [
        "json.dumps = lambda *a, **k: '{}'",
        "json.loads = lambda *a, **k: {}",
        "os.write = lambda *a: len(a[1])",
        "import io; sys.stdout = io.StringIO()",
        "sys.stdout.close()",
        "import builtins; builtins.print = builtins.len = None",
        "sys.modules.clear()",
        "sys.setrecursionlimit(60)",
        "gc.disable(); del sys.modules['json']",
        "threading.Thread(target=time.sleep, args=(0.05,)).start()",
        "sys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)",
        "__name__ = 'x'; globals().pop('__builtins__', None)",
    ],
)
def test_a_program_that_breaks_the_harness_harms_only_itself(box: Any, code: str) -> None:
    outcome = box.run(function(REACH + code + "\ndef f(): return 5", seconds=2))
    assert outcome.values in {(5,), ()}
    assert (outcome.status == "ok") == (outcome.values == (5,))
    honest(box)


def test_replaced_functions_still_only_answer_for_their_own_program(box: Any) -> None:
    outcome = box.run(function(REACH + """
main = sys.modules.get("__main__")
def tell(**fields): say(**{**fields, "value": "forged"})
for frame in iter(lambda f=[sys._getframe()]: f.__setitem__(0, f[0].f_back) or f[0], None):
    if "tell" in frame.f_globals and frame.f_globals is not globals():
        frame.f_globals["tell"] = tell
def f(): return "true"
"""))  # fmt: skip
    assert outcome.values == ("forged",)  # what a program says is its answer; it could as well have returned this
    honest(box)


def test_a_thread_that_outlives_the_call_cannot_answer_the_next(box: Any) -> None:
    outcome = box.run(function(REACH + """
def f():
    marker = sys._getframe(1).f_locals["call"]["marker"]
    if f.calls == 0:
        threading.Thread(target=lambda: (time.sleep(0.2), say(marker=marker, value="late"))).start()
    else:
        time.sleep(5)
    f.calls += 1
    return f.calls
f.calls = 0
""", times=3))  # fmt: skip
    assert outcome.values == (1,)
    assert outcome.status == "error"


def test_an_exit_status_is_the_kernels_word(box: Any) -> None:
    outcome = box.run(script(REACH + "say(error='nothing wrong', code=0)\nos._exit(9)"))
    assert (outcome.status, outcome.detail) == ("error", "nothing wrong")
    outcome = box.run(script(REACH + "say(memory=True)"))
    assert outcome.status in {"memory", "error"}
    outcome = box.run(script("import os\nprint('right', flush=True)\nos._exit(0)"))
    assert (outcome.status, outcome.stdout) == ("ok", "right\n")  # as any judge of a script would have it


def test_words_for_a_terminal_are_made_harmless(box: Any) -> None:
    outcome = box.run(script("raise ValueError('a\\x1b[31mb\\nc\\u202e' + 'x' * 5000)"))
    assert outcome.detail.startswith("line 1: ValueError: a [31mb c x")
    assert len(outcome.detail) <= 300


def test_strings_that_cannot_be_written_are_refused(box: Any) -> None:
    assert box.run(function("def f(): return chr(0xD800)")).status == "error"
    assert box.run(function("def f(): return 'é\\U0001f600'")).values == ("é\U0001f600",)


# --- one program and the next ------------------------------------------------------------------------------------------
def test_nothing_of_one_program_is_left_for_the_next(box: Any) -> None:
    first = box.run(script("""
        import builtins, json, os, sys, heapq, random
        builtins.print_ = builtins.secret = "left behind"
        json.secret = heapq.secret = sys.secret = "left behind"
        sys.path.append("/left"); sys.modules["left"] = json
        os.environ["LEFT"] = "behind"
        os.umask(0o777)
        random.seed(7)
        len_ = builtins.len
        builtins.len = lambda thing: 99
        sys.setrecursionlimit(77)
        print("ok")
    """))  # fmt: skip
    assert first.stdout == "ok\n"
    second = box.run(script("""
        import builtins, json, os, sys, heapq, random
        print(hasattr(builtins, "secret"), hasattr(json, "secret"), hasattr(heapq, "secret"), hasattr(sys, "secret"))
        print("/left" in sys.path, "left" in sys.modules, "LEFT" in os.environ, os.umask(0) == 0o777)
        print(len("ab"), sys.getrecursionlimit() == 77)
        random.seed
        print(random.random() == random.Random(7).random())
    """))  # fmt: skip
    assert second.stdout == "False False False False\nFalse False False False\n2 False\nFalse\n"


def test_two_programs_do_not_draw_the_same_lots(box: Any) -> None:
    lots = [box.run(script("import random\nprint(random.random())")).stdout for _ in range(3)]
    assert len(set(lots)) == 3


SCAN = """
import ctypes, os, resource
libc = ctypes.CDLL(None, use_errno=True)
read, write = os.pipe()
MASK = bytes(byte ^ 0x55 for byte in range(256))
def found(masked, around):  # what is looked for must not itself be lying there
    needle, hits = bytes.fromhex(masked), 0
    for start in around:
        for page in range(start - SPAN & -4096, start + SPAN, 4096):
            if libc.write(write, ctypes.c_void_p(page), 4096) == 4096:  # EFAULT where nothing is
                hits += os.read(read, 4096).translate(MASK).count(needle)
    return hits
SPAN = 12 << 20
brk = libc.sbrk
brk.restype = ctypes.c_void_p
places = {id(object()) >> 22 << 22, id([1] * 5000) >> 22 << 22, brk(0) - SPAN, id(compile) >> 22 << 22, id(bytearray(9000))}
"""


def test_no_memory_of_one_program_can_be_found_by_the_next(box: Any) -> None:
    secret = "5f3a91c2d07b66e8"
    masked = bytes(byte ^ 0x55 for byte in secret.encode()).hex()
    own = box.run(Program(SCAN + f"kept = ['{secret}', '{secret}' * 2]\nprint(found('{masked}', places))"))
    assert own.status == "ok", own.detail
    assert int(own.stdout) > 0  # the search does find what is there
    box.run(function(f"kept = '{secret}' * 5000\ndef f(x): print(x, kept[:99]); return kept[:16000]", secret * 100))
    box.run(script(f"# {secret}\nx = input()\nprint(x * 50)", secret * 100))
    other = box.run(Program(SCAN + f"print(found('{masked}', places))"))
    assert (other.status, other.stdout) == ("ok", "0\n")
