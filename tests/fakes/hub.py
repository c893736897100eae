"""A model hub on loopback: folders as repositories, at one commit each, and the ways in which a hub refuses."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest

OWN_BUSINESS = "/api/agent-harnesses"
"""What huggingface_hub asks for on its own, once in a while."""
COMMIT = "c0ffee0123456789c0ffee0123456789c0ffee01"


class Hub:
    """What the hub holds (`folders` by owner/name), whom it refuses (`refusals`: status and code), what it was asked."""

    def __init__(self) -> None:
        self.folders: dict[str, Path] = {}
        self.refusals: dict[str, tuple[int, str]] = {}
        self.asked: list[str] = []
        self.tokens: set[str] = set()

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        api = parts[:2] == ["api", "models"]
        name, rest = "/".join(parts[2:4] if api else parts[:2]), parts[4:] if api else parts[2:]
        if name in self.refusals:
            status, code = self.refusals[name]
            return status, {"X-Error-Code": code, "X-Error-Message": "https://cdn.example/x?signature=s3cret"}, b""
        if name not in self.folders:
            return 401, {"X-Error-Code": "RepoNotFound"}, b""
        revision = rest[1] if len(rest) > 1 else "main"
        if revision not in ("main", COMMIT):
            return 404, {"X-Error-Code": "RevisionNotFound"}, b""
        if not api:
            return self._file(self.folders[name] / "/".join(rest[2:]))
        return self._tree(self.folders[name], *rest[2:]) if rest[:1] == ["tree"] else self._info(name)

    def _info(self, name: str) -> tuple[int, dict[str, str], bytes]:
        files = [{"rfilename": path.name} for path in sorted(self.folders[name].iterdir())]
        return 200, {}, json.dumps({"id": name, "modelId": name, "sha": COMMIT, "siblings": files}).encode()

    @staticmethod
    def _tree(folder: Path, *inner: str) -> tuple[int, dict[str, str], bytes]:
        if inner:
            return 404, {"X-Error-Code": "EntryNotFound"}, b""
        files = [
            {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": "0" * 40}
            for path in sorted(folder.iterdir())
        ]
        return 200, {}, json.dumps(files).encode()

    @staticmethod
    def _file(path: Path) -> tuple[int, dict[str, str], bytes]:
        if not path.is_file():
            return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}, b""
        data = path.read_bytes()
        return 200, {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(data).hexdigest()}"'}, data


@contextmanager
def model_hub(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Iterator[Hub]:
    """Make a new, empty hub the one that huggingface_hub and transformers ask, with an empty cache."""
    from huggingface_hub import constants

    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self, *, body: bool = True) -> None:
            path = urlsplit(self.path).path
            hub.asked += [] if path == OWN_BUSINESS else [path]
            hub.tokens.add(self.headers.get("Authorization", ""))
            status, headers, data = hub.answer(path)
            self.send_response(status)
            for header, value in (headers | {"Content-Length": str(len(data))}).items():
                self.send_header(header, value)
            self.end_headers()
            if body:
                self.wfile.write(data)

        def do_HEAD(self) -> None:
            self.do_GET(body=False)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("transformers.utils.hub._hf_api", None)  # it keeps the address it was made with
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
