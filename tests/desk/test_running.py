"""A running desk with many requests, large letters and clients that disconnect."""

import asyncio
import socket
from urllib.parse import urlsplit

import httpx
import pytest
from factories import KNEE, NORCO, make_letter_text

pytestmark = pytest.mark.slow
PATIENCE_S = 300
# The fixture `desk_address` fails if the desk prints anything, such as this word.
SECRET = "Zanzibar"
REQUEST = {"request": f"MRI of the left knee {SECRET}", "clinical_summary": f"Knee pain, no locking. {SECRET}"}


@pytest.fixture
def client(desk_address):
    with httpx.Client(base_url=desk_address, timeout=PATIENCE_S, trust_env=False) as opened:
        yield opened


def test_two_hundred_requests_at_once_are_answered(desk_address):
    async def send_all():
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=desk_address, timeout=PATIENCE_S, limits=limits, trust_env=False
        ) as client:
            letter = make_letter_text(items=(KNEE, NORCO), summary=f"{KNEE.request} {SECRET}.")
            scored = [client.post("/score", json=REQUEST | {"age": str(20 + number % 60)}) for number in range(180)]
            read = [client.post("/letter", content=letter.encode()) for _ in range(20)]
            return await asyncio.gather(*scored, *read)

    answers = asyncio.run(send_all())

    assert [answer.status_code for answer in answers] == [200] * 200
    assert all(answer.json()["row"]["error"] is None for answer in answers[:180])
    assert all(len(answer.json()["requests"]) == 2 for answer in answers[180:])


def test_a_letter_of_50_mb_is_refused_in_one_line(client):
    refused = client.post("/letter", content=SECRET.encode() * 6_250_000)

    assert refused.status_code == 413
    assert refused.json() == {"detail": "larger than 25 MB, the limit"}


@pytest.mark.parametrize("path", ["score", "letter"])
def test_clients_that_disconnect_do_no_harm(client, desk_address, path):
    address = urlsplit(desk_address)
    for body in (b"", SECRET.encode(), b'{"request": "MRI", "clinical_summary": "' + SECRET.encode() + b' pain."}'):
        head = f"POST /{path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        for length in (len(body), 1_000_000):
            with socket.create_connection((address.hostname, address.port)) as connection:
                connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + body)

    assert client.post("/score", json=REQUEST).status_code == 200


def test_broken_letters_do_not_disable_the_desk(client):
    for content in (b"%PDF-1.7\n" + SECRET.encode(), SECRET.encode() * 100_000, b"\x00" * 10_000_000):
        assert client.post("/letter", content=content).status_code == 422

    assert client.post("/letter", content=make_letter_text().encode()).status_code == 200


def test_only_this_machine_can_connect(desk_address):
    address = urlsplit(desk_address)
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}

    for host in others:
        with pytest.raises(OSError), socket.create_connection((host, address.port), timeout=5):
            pass


def test_requests_of_other_origins_are_refused(client, desk_address):
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        assert client.post("/score", json=REQUEST, headers=headers).status_code == 403
