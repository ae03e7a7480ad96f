"""A running desk: many at once, letters that are too large, clients that go away."""

import asyncio
import socket
from urllib.parse import urlsplit

import httpx
import pytest
from factories import KNEE, NORCO, make_letter_text

pytestmark = pytest.mark.slow
PATIENCE_S = 300
# Whatever the desk printed of a text would fail the test of its output when it ends; see `desk_address`.
SECRET = "Zanzibar"
REQUEST = {"request": f"MRI of the left knee {SECRET}", "clinical_summary": f"Knee pain, no locking. {SECRET}"}


@pytest.fixture
def client(desk_address):
    with httpx.Client(base_url=desk_address, timeout=PATIENCE_S, trust_env=False) as opened:
        yield opened


def test_two_hundred_at_once_are_all_answered(desk_address):
    async def ask_all():
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=desk_address, timeout=PATIENCE_S, limits=limits, trust_env=False
        ) as client:
            letter = make_letter_text(items=(KNEE, NORCO), summary=f"{KNEE.request} {SECRET}.")
            scored = [client.post("/score", json=REQUEST | {"age": str(20 + place % 60)}) for place in range(180)]
            read = [client.post("/letter", content=letter.encode()) for _ in range(20)]
            return await asyncio.gather(*scored, *read)

    answers = asyncio.run(ask_all())

    assert [answer.status_code for answer in answers] == [200] * 200
    assert all(answer.json()["row"]["error"] is None for answer in answers[:180])
    assert all(len(answer.json()["requests"]) == 2 for answer in answers[180:])


def test_a_letter_of_50_mb_is_refused_in_one_line(client):
    refused = client.post("/letter", content=SECRET.encode() * 6_250_000)

    assert refused.status_code == 413
    assert refused.json() == {"detail": "larger than 25 MB, the limit"}


@pytest.mark.parametrize("path", ["score", "letter"])
def test_clients_that_go_away_in_the_middle_do_no_harm(client, desk_address, path):
    place = urlsplit(desk_address)
    for sent in (b"", SECRET.encode(), b'{"request": "MRI", "clinical_summary": "' + SECRET.encode() + b' pain."}'):
        head = f"POST /{path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
        for length in (len(sent), 1_000_000):
            with socket.create_connection((place.hostname, place.port)) as gone:
                gone.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + sent)

    assert client.post("/score", json=REQUEST).status_code == 200


def test_broken_letters_leave_the_desk_as_it_was(client):
    for content in (b"%PDF-1.7\n" + SECRET.encode(), SECRET.encode() * 100_000, b"\x00" * 10_000_000):
        assert client.post("/letter", content=content).status_code == 422

    assert client.post("/letter", content=make_letter_text().encode()).status_code == 200


def test_only_this_machine_reaches_it(desk_address):
    place = urlsplit(desk_address)
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}

    for address in others:
        with pytest.raises(OSError), socket.create_connection((address, place.port), timeout=5):
            pass


def test_a_page_elsewhere_gets_nothing(client, desk_address):
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        assert client.post("/score", json=REQUEST, headers=headers).status_code == 403
