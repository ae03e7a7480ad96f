"""Output of `imr-ml read`."""

import io
import json

from factories import KNEE, NORCO, Item, make_letter_text
from rich.console import Console

from imr_ml.letters.reader import read_letter
from imr_ml.letters.show import letter_json, letter_view

PARTIAL = Item(
    request="Massage, 6 visits was the original request. Massage, 2 visits was authorized by the Claims Administrator. "
    "The remaining IMR eligible portion of the original request, massage, 4 visits is",
    rationale="It helps. The request is medically necessary.",
)


def render_text(letter):
    console = Console(width=100, record=True, color_system="truecolor", file=io.StringIO())
    console.print(letter_view(letter))
    return console.export_text(styles=True)


def test_the_view_shows_header_items_outcomes_and_citations():
    text = render_text(read_letter(make_letter_text(items=(KNEE, NORCO))))

    assert "CM16-0099001" in text
    assert "2016-12-20" in text
    assert "\x1b[1;31mUpheld" in text
    assert "\x1b[1;32mOverturned" in text
    assert "Reviewer cites acoem: MTUS Knee Complaints, chapter 13, 2004 (Special Studies)" in text
    assert "Claims administrator cites nothing" in text
    assert "Orthopedic Surgery, Sports Medicine; California, Nevada" in text


def test_the_view_shows_authorized_parts_and_contradictions():
    text = render_text(read_letter(make_letter_text(items=(PARTIAL,))))

    assert "1. massage, 4 visits: " in text
    assert "of Massage, 6 visits; authorized: Massage, 2 visits" in text
    assert "warning: item 1 is headed Upheld, but its rationale ends 'is medically necessary'" in text


def test_a_letter_with_brackets_is_shown_as_written():
    assert "[bold] brace" in render_text(read_letter(make_letter_text(items=(Item(request="[bold] brace"),))))


def test_the_json_has_every_field():
    letter = read_letter(make_letter_text(items=(PARTIAL, NORCO)))

    fields = json.loads(letter_json(letter))

    assert fields["decision_date"] == "2016-12-20"
    assert fields["layout"] == "current"
    assert [item["outcome"] for item in fields["items"]] == ["upheld", "overturned"]
    assert fields["items"][0]["disputed"] == "massage, 4 visits"
    assert fields["items"][1]["imr_citations"][0]["family"] == "opioids"
    assert len(fields["warnings"]) == 1
