"""Responses of the desk, without a network."""

import asyncio
import json

import httpx
import pytest
from factories import KNEE, NORCO, make_letter_pdf, make_letter_text

from imr_ml.desk.answers import Desk
from imr_ml.desk.form import render_page
from imr_ml.desk.letters import LetterReader
from imr_ml.desk.server import MAX_LETTER_BYTES, MAX_REQUEST_BYTES, Service, make_app

HOST = "127.0.0.1:8300"
REQUEST = {"request": "MRI of the left knee", "clinical_summary": "Knee pain, no locking."}
SECRET = "Zanzibar"


class Client:
    """Client of an application in this process."""

    def __init__(self, app):
        self._transport = httpx.ASGITransport(app=app)

    def request(self, method, path, **options):
        async def send():
            async with httpx.AsyncClient(transport=self._transport, base_url=f"http://{HOST}") as client:
                return await client.request(method, path, **options)

        return asyncio.run(send())

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, **options):
        return self.request("POST", path, **options)


@pytest.fixture(scope="module")
def letters():
    with LetterReader() as reader:
        yield reader


@pytest.fixture(scope="module")
def client(loaded, letters):
    return Client(make_app(Service(Desk(loaded), letters), render_page(Desk(loaded), 1), [HOST, "localhost:8300"]))


class FailingDesk(Desk):
    """Raises an error with text of the request in its message, as a library may."""

    def answer(self, content):
        raise RuntimeError(str(content))


@pytest.fixture(scope="module")
def failing(loaded, letters):
    return Client(make_app(Service(FailingDesk(loaded), letters), "", [HOST]))


def send_letter(client, content, name="letter.txt", **headers):
    return client.post("/letter", content=content, headers={"X-Letter-Name": name} | headers)


def test_the_page_is_complete_and_marks_a_synthetic_model(client):
    page = client.get("/")

    assert page.status_code == 200
    assert "SYNTHETIC" in page.text
    for path in ("/desk.js", "/desk.css"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/", "/desk.js", "/nothing", "/docs", "/openapi.json"])
def test_every_response_forbids_caching_framing_and_other_sources(client, path):
    headers = client.get(path).headers

    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_request_is_scored(client):
    answer = client.post("/score", json=REQUEST, headers={"Origin": f"http://{HOST}"})

    assert answer.status_code == 200
    assert 0 < answer.json()["row"]["p_overturned"] < 1
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/score", "/letter"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8300"},
        {"Host": "127.0.0.1:9999"},
        {"Host": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Origin": f"https://{HOST}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_hosts_and_origins_are_refused(client, path, headers):
    method = "GET" if path == "/" else "POST"

    refused = client.request(method, path, headers=headers)

    assert refused.status_code == 403
    assert refused.text.startswith("refused: ")
    assert "access-control-allow-origin" not in refused.headers


def test_a_preflight_request_of_another_origin_is_refused(client):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    assert client.request("OPTIONS", "/score", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (json.dumps(REQUEST), "text/plain", 415),
        (json.dumps(REQUEST), "application/x-www-form-urlencoded", 415),
        ("{", "application/json", 422),
        ("[" * 100_000, "application/json", 422),
        (json.dumps({SECRET: SECRET}), "application/json", 422),
        (json.dumps({"request": [SECRET]}), "application/json", 422),
        (b"\xff\xfe" + SECRET.encode(), "application/json", 422),
        (b'"' + b"x" * MAX_REQUEST_BYTES + b'"', "application/json", 413),
    ],
)
def test_an_invalid_request_is_refused_in_one_line_without_its_text(client, content, kind, status):
    refused = client.post("/score", content=content, headers={"Content-Type": kind})

    assert refused.status_code == status
    assert SECRET not in refused.text
    assert len(refused.json()["detail"].splitlines()) == 1


def test_an_unexpected_error_is_reported_only_by_its_type(failing, capfd):
    answer = failing.post("/score", json={"request": SECRET})

    assert answer.status_code == 500
    assert answer.json() == {"detail": "can't be scored (RuntimeError)"}
    assert SECRET not in "".join(capfd.readouterr())


@pytest.mark.parametrize("as_content", [str.encode, make_letter_pdf])
def test_a_letter_has_the_fields_of_each_request(client, as_content):
    answer = send_letter(client, as_content(make_letter_text(items=(KNEE, NORCO))), "a%20letter%20%C3%A9").json()

    assert [fields["request"] for fields in answer["requests"]] == [KNEE.request, NORCO.request]
    assert answer["name"] == "a letter é"


@pytest.mark.parametrize(
    "name", ["", "..%2F..%2Fetc%2Fpasswd", "C:%5Cletters%5Cpasswd", "pass%0Awd", "%ff", "x" * 5000]
)
def test_a_file_name_in_a_message_has_no_path_and_one_line(client, name):
    detail = send_letter(client, b"nothing", name).json()["detail"]

    assert "\n" not in detail
    assert "/" not in detail.partition(":")[0]
    assert len(detail) < 300


def test_a_letter_that_is_too_large_is_refused_before_it_is_read(client):
    async def chunks():
        for _ in range(26):
            yield b"x" * 1_000_000

    by_length = send_letter(client, b"x", **{"Content-Length": str(MAX_LETTER_BYTES + 1)})
    by_chunks = send_letter(client, chunks())

    for refused in (by_length, by_chunks):
        assert refused.status_code == 413
        assert refused.json()["detail"] == "larger than 25 MB, the limit"


def test_a_slow_request_is_refused_and_does_not_block_others(loaded, letters):
    slow = Client(make_app(Service(Desk(loaded), letters, body_seconds=0.2), "", [HOST]))

    async def stuck():
        yield b"x"
        await asyncio.Event().wait()

    for path in ("/score", "/letter"):
        refused = slow.post(path, content=stuck())
        assert refused.status_code == 408
        assert refused.json()["detail"].startswith("not received within")
    assert send_letter(slow, make_letter_text().encode()).status_code == 200
