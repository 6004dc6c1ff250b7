"""Requests that no client should send, made at random from good ones."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

__all__ = ["Case", "build_cases"]

PHOTO = Path(__file__).parent.parent / "src" / "emofuse" / "demo" / "examples" / "eileen_collins.jpg"
PATHS = ("/v1/predict", "/v1/predict", "/v1/predict", "/v1/predict/batch", "/v1/feedback", "/v1/explain")
TEXTS = (
    "so happy today", "", " ", "\0", "a\0b", "\ud83d", "so \udc00 sad", "\u202eback",
    "e\u0301" * 50, "\U0001f602" * 99,
    "Я рад", "\ufeff\ufffe\uffff", "x" * 5000, "no " * 40_000, "'; DROP TABLE api_keys; --", "{{7*7}}",
    "%s%n%x",
    "../../etc/passwd", "http://127.0.0.1/", "\r\nset-cookie: a=b", "<script>", "\x1b[2J",
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, -0.0, 2**63, 10**400, float("nan"), float("inf"), -float("inf"), [], {},
    [[]], [None], {"text": "a"}, {"": ""}, "data:,", "data:image/png;base64,", "AAAA", "AAA", "/etc/hosts00",
    *TEXTS,
)  # fmt: skip
KINDS = (
    "application/json", "application/json; charset=utf-16", "APPLICATION/JSON", "text/plain", "", "/",
    "\xff", "a" * 3000,
    "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\xff",
    "application/xml",
    "application/x-www-form-urlencoded", "multipart/mixed; boundary=x", "application/json, text/html",
    "image/jpeg",
)  # fmt: skip
TARGETS = (
    "/", "//", "/v1", "/v1/predict/", "/v1/../healthz", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
    "/%00", "/%ff",
    "/v1/subjects/%00", "/v1/subjects/..%2f..", "/v1/subjects/%F0%9F%98%82",
    "/v1/subjects/" + "a" * 500, "/v1/models?a=%ff",
    "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "*", "http://example.org/v1/models",
    "/v1/predict#a",
    "/" + "a" * 9000, "/\xff", "/v1/track?half_life=nan", "/v1/models?" + "a=b&" * 500, "/;/",
    "/v1/predict?x=<script>",
)  # fmt: skip
HEADERS = (
    "content-length: -1", "content-length: 99999999999999999999", "content-length: 1\r\ncontent-length: 2",
    "transfer-encoding: chunked\r\ncontent-length: 5", "transfer-encoding: gzip", "expect: 100-continue",
    "expect: x",
    "content-encoding: gzip", "range: bytes=0-1", "upgrade: websocket\r\nconnection: upgrade",
    "upgrade: h2c\r\nconnection: upgrade",
    "authorization: Bearer \xff\xfe", "authorization: " + "a" * 9000, "x-api-key: \x01",
    "x-request-id: " + "a" * 70,
    "x-request-id: a b\xff", "origin: null", "origin: http://[", "host: [", "host: evil.example",
    "x: " + "a" * 50_000,
    "cookie: " + "a=b; " * 900, "no colon", ": empty", "\0: a", "x\0y: a",
    "\r\n".join(f"x-{i}: a" for i in range(200)),
    "accept: */*;q=nan", "forwarded: for=127.0.0.1", "x-forwarded-for: 192.0.2.1, \xff",
    "x-http-method-override: DELETE",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What is sent.

    Attributes:
        kind: How it was made.
        data: The bytes of the request.
        whole: Whether an answer must come; part of a request may be met by silence.
    """

    kind: str
    data: bytes
    whole: bool = True


def build_cases(count: int, seed: int) -> Iterator[Case]:
    """Make cases.

    Args:
        count: How many.
        seed: Of the random numbers.

    Yields:
        The cases.
    """
    random, pictures = Random(seed), _pictures()
    makers: tuple[Callable[[Random, list[bytes]], Case], ...] = (
        _json_values, _json_bytes, _picture, _picture, _form, _chunked, _head, _nested, _cut,
    )  # fmt: skip
    for number in range(count):
        yield makers[number % len(makers)](random, pictures)


def _request(target: str, body: bytes, *headers: str, method: str = "POST", length: bool = True) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *headers]
    if not any(line.lower().startswith("host:") for line in headers):
        lines.insert(1, "host: localhost")
    if length:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def _body(random: Random, pictures: list[bytes], path: str) -> dict[str, Any]:
    sample: dict[str, Any] = {"text": random.choice(TEXTS)}
    if path != "/v1/explain" and random.random() < 0.2:
        sample["image"] = base64.b64encode(random.choice(pictures)).decode()
    if path == "/v1/predict/batch":
        return {"samples": [sample, {"text": "fine"}] * random.choice((1, 2, 20)), "taxonomy": "ekman7"}
    if path == "/v1/feedback":
        return {**sample, "emotion": "joy", "models": {"a": "1"}}
    return {**sample, "id": "a"}


def _json_values(random: Random, pictures: list[bytes]) -> Case:
    path = random.choice(PATHS)
    body = _body(random, pictures, path)
    places = [body, *body.get("samples", ())]
    for _ in range(random.randint(0, 3)):
        place = random.choice(places)
        names = (*place, "crop", "taxonomy", "label", "method", "subject", "sentiment", random.choice(TEXTS))
        place[random.choice(names)] = random.choice(ODD)
    text = json.dumps(body, ensure_ascii=random.random() < 0.5)
    data = text.encode("utf-8", random.choice(("surrogatepass", "replace")))
    return Case("json_values", _request(path, data, f"content-type: {_kind(random, 'application/json')}"))


def _kind(random: Random, usual: str) -> str:
    return random.choice(KINDS) if random.random() < 0.1 else usual


def _json_bytes(random: Random, pictures: list[bytes]) -> Case:
    path = random.choice(PATHS)
    data = _damage(random, json.dumps(_body(random, pictures, path)).encode())
    return Case("json_bytes", _request(path, data, "content-type: application/json"))


def _damage(random: Random, data: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 30))):
        at = random.randrange(len(found) + 1)
        size = random.choice((1, 1, 4, 200))
        match random.randrange(5):
            case 0:
                found[at : at + 1] = bytes([random.randrange(256)])
            case 1:
                del found[at : at + size]
            case 2:
                found[at:at] = random.randbytes(size)
            case 3:
                found[at:at] = found[at : at + size]
            case 4:
                found[at : at + 4] = random.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"))
    return bytes(found[: random.randrange(len(found) + 1)] if random.random() < 0.2 else found)


def _picture(random: Random, pictures: list[bytes]) -> Case:
    data = _damage(random, random.choice(pictures))
    if random.random() < 0.5:
        body = json.dumps({"image": base64.b64encode(data).decode(), "crop": random.random() < 0.5}).encode()
        return Case("picture", _request("/v1/predict", body, "content-type: application/json"))
    body, kind = _parts(("image", "a.jpg", data), ("crop", None, b"true"))
    return Case("picture", _request("/v1/predict", body, kind))


def _parts(*parts: tuple[str, str | None, bytes]) -> tuple[bytes, str]:
    body = b""
    for name, file, data in parts:
        more = f'; filename="{file}"' if file else ""
        head = f'--xYx\r\ncontent-disposition: form-data; name="{name}"{more}\r\n\r\n'
        body += head.encode("utf-8", "surrogatepass") + data + b"\r\n"
    return body + b"--xYx--\r\n", "content-type: multipart/form-data; boundary=xYx"


def _form(random: Random, pictures: list[bytes]) -> Case:
    names = ("text", "image", "crop", "taxonomy", "id", "", "a" * 9000, random.choice(TEXTS))
    parts = [
        (
            random.choice(names),
            random.choice((None, None, "a.png")),
            random.choice(TEXTS).encode("utf-8", "replace"),
        )
        for _ in range(random.choice((0, 1, 2, 5, 40)))
    ]
    body, kind = _parts(("text", None, b"fine"), *parts)
    if random.random() < 0.5:
        body = _damage(random, body)
    path = random.choice(PATHS[:3])
    return Case(
        "form", _request(path, body, kind if random.random() < 0.9 else f"content-type: {_kind(random, '')}")
    )


def _chunked(random: Random, pictures: list[bytes]) -> Case:
    body = json.dumps(_body(random, pictures, "/v1/predict")).encode()
    sizes = random.choice(((7,), (1,), (4096,), (0,)))
    if len(body) > 50_000:
        sizes = (4096,)
    step = sizes[0] or len(body)
    pieces = [body[at : at + step] for at in range(0, len(body), step)]
    data = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    good = random.random() < 0.5
    end = (
        b"0\r\n\r\n"
        if good
        else random.choice((b"-1\r\n\r\n", b"g\r\n", b"ffffffffffffffffff\r\n", b"0\r\nx: y", b""))
    )
    head = _request(
        "/v1/predict", b"", "content-type: application/json", "transfer-encoding: chunked", length=False
    )
    return Case("chunked", head + data + end, good)


def _head(random: Random, pictures: list[bytes]) -> Case:
    method = random.choice(
        ("GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "TRACE", "PATCH", "BREW", "get", "CONNECT")
    )
    headers = random.sample(HEADERS, random.choice((0, 1, 1, 2, 4)))
    data = _request(random.choice(TARGETS), b"", *headers, method=method, length=random.random() < 0.7)
    if random.random() < 0.3:
        data = _damage(random, data)
    return Case("head", data, False)


def _nested(random: Random, pictures: list[bytes]) -> Case:
    depth = random.choice((50, 199, 250, 5000, 200_000))
    first, last = random.choice(((b"[", b"]"), (b'{"text":', b"}"), (b'{"samples":[', b"]}")))
    body = first * depth + b'"a"' + last * random.choice((depth, 0))
    return Case("nested", _request(random.choice(PATHS), body, "content-type: application/json"))


def _cut(random: Random, pictures: list[bytes]) -> Case:
    whole = _json_values(random, pictures).data
    return Case("cut", whole[: random.randrange(1, len(whole))], False)


def _pictures() -> list[bytes]:
    with Image.open(PHOTO) as photo:
        small = photo.convert("RGB").resize((160, 120))
    grey = small.convert("L")
    forms: tuple[tuple[Image.Image, str, dict[str, Any]], ...] = (
        (small, "JPEG", {}), (small, "JPEG", {"progressive": True}), (small.convert("CMYK"), "JPEG", {}),
        (small, "PNG", {}), (small.convert("P"), "PNG", {}), (small.convert("RGBA"), "PNG",
    {}), (grey, "BMP", {}),
        (grey.convert("I;16"), "PNG", {}), (small, "WEBP", {}), (small, "WEBP", {"lossless": True}),
        (small, "GIF", {"save_all": True, "append_images": [grey]}), (small, "BMP", {}), (small, "TIFF", {}),
        (small, "WEBP",
    {"save_all": True, "append_images": [small.rotate(9)]}), (grey.convert("F"), "TIFF", {}),
        (small, "TIFF", {"compression": "tiff_lzw"}), (small, "TIFF", {"compression": "tiff_deflate"}),
        (small, "TIFF", {"compression": "jpeg"}), (small, "TIFF",
    {"save_all": True, "append_images": [grey]}),
        (small, "ICO", {}), (small, "PPM", {}),
    )  # fmt: skip
    found = []
    for image, kind, options in forms:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        found.append(buffer.getvalue())
    return found
