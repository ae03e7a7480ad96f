"""Invented letters and requests tables: a test states only what differs.

Knows how a published letter is laid out. All prose is invented.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

SUMMARY = (
    "The injured worker is a 44 year old female who twisted her knee on a ladder. She reports swelling after long "
    "shifts. Bracing helped for a month. The request was denied on utilization review."
)


@dataclass(frozen=True)
class Item:
    """One disputed item as a letter prints it."""

    request: str = "MRI of the left knee"
    outcome: str = "Upheld"
    ur_guideline: str = "Decision based on MTUS Knee Complaints 2004."
    imr_guideline: str = "Decision based on MTUS Knee Complaints 2004, Section(s): Special Studies."
    rationale: str = (
        "The guideline reserves imaging for a knee that locks or gives way. Neither is described in the notes of the "
        "last two visits. The request is not medically necessary."
    )


KNEE = Item()
NORCO = Item(
    request="Norco 10/325mg #60",
    outcome="Overturned",
    ur_guideline="The Claims Administrator did not cite any medical evidence for its decision.",
    imr_guideline="Decision based on MTUS Opioids Treatment 2016.",
    rationale="The dose fell by half since spring and work hours rose. The request is medically necessary.",
)


def make_letter_text(
    *,
    case_number: str | None = "CM16-0099001",
    date_assigned: str | None = "11/09/2016",
    date_of_injury: str | None = "03/05/2012",
    decision_date: str | None = "12/20/2016",
    ur_denial_date: str | None = "11/03/2016",
    application_received: str | None = "11/07/2016",
    priority: str | None = "Standard",
    licensure: str | None = "California, Nevada",
    specialties: str | None = "Orthopedic Surgery, Sports Medicine",
    summary: str = SUMMARY,
    items: Sequence[Item] = (KNEE,),
    width: int = 95,
    paragraph_break: str = "\n\n",
) -> str:
    """A letter's text as extracted with its layout kept; a header field of None is left out with its label."""
    rows = [
        (_field("Case Number:", case_number), ""),
        (_field("Date Assigned:", date_assigned), _field("Date of Injury:", date_of_injury)),
        (_field("Decision Date:", decision_date), _field("UR Denial Date:", ur_denial_date)),
        (_field("Priority:", priority), _field("Application", application_received)),
        ("", "Received:" if application_received else ""),
    ]
    header = "\n".join(f"{left:<54}{right}".rstrip() for left, right in rows)
    paragraphs = [
        "HOW THE IMR FINAL DETERMINATION WAS MADE",
        "An expert reviewer with no tie to either party read the whole file of this case.",
        "The Expert Reviewer has the following credentials:",
        _field("State(s) of Licensure:", licensure),
        _field("Certification(s)/Specialty:", specialties),
        *letter_body(summary, items),
    ]
    return header + "\n\n" + paragraph_break.join(textwrap.fill(each, width) for each in paragraphs if each)


def letter_body(summary: str, items: Sequence[Item]) -> list[str]:
    """The paragraphs from the clinical case summary on."""
    body = [
        "CLINICAL CASE SUMMARY",
        "The expert reviewer developed the following clinical case summary based on a review of the case file:",
        summary,
        "IMR ISSUES, DECISIONS AND RATIONALES",
        "The Final Determination was based on decisions for the disputed items/services set forth below:",
    ]
    for item in items:
        body += [
            f"{item.request}: {item.outcome}",
            f"Claims Administrator guideline: {item.ur_guideline}",
            f"MAXIMUS guideline: {item.imr_guideline}",
            f"Decision rationale: {item.rationale}",
        ]
    return body


def make_letter_pdf(text: str) -> bytes:
    """The text as a PDF: Letter paper, Times 12, a paragraph wrapped to the column, pages as they fall."""
    from fpdf import FPDF

    pdf = FPDF(unit="pt", format="Letter")
    pdf.set_margins(72, 72)
    pdf.set_auto_page_break(auto=True, margin=72)
    pdf.add_page()
    pdf.set_font("Times", size=12)
    for paragraph in text.split("\n\n"):
        is_header = paragraph.startswith("Case Number:")
        lines = paragraph.split("\n") if is_header else [" ".join(paragraph.split())]
        for line in lines:
            pdf.multi_cell(0, 13.8, " ".join(line.split()), align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(13.8)
    return bytes(pdf.output())


def _field(label: str, value: str | None) -> str:
    return "" if value is None else f"{label:<21} {value}"


_TREATMENTS = (
    ("MRI of the left knee", "acoem"),
    ("Norco 10/325mg #60", "opioids"),
    ("Acupuncture 2 times a week for 3 weeks for the neck", "acupuncture"),
    ("Omeprazole 20mg #30", "chronic_pain"),
    ("Home exercise kit", "odg"),
)
_UR_GUIDELINES = {
    "acoem": "Decision based on MTUS Knee Complaints 2004.",
    "opioids": "Decision based on MTUS Opioids Treatment 2016.",
    "acupuncture": "Decision based on MTUS Acupuncture Treatment 2007.",
    "chronic_pain": "Decision based on MTUS Chronic Pain Medical Treatment 2009.",
    "odg": "Decision based on Non-MTUS Citation Official Disability Guidelines (ODG).",
}
_HELPED = ("Therapy gave lasting relief and better sleep.", "Work hours rose after the last course.")
_FAILED = ("No change followed the earlier course.", "Notes of the last visits are missing.")


def make_requests(n: int, *, seed: int = 0, items_in_case: int = 2, noise: float = 0.1) -> pd.DataFrame:
    """A validated requests table of `n` invented rows, ready for `complete_requests`.

    The summary tells the outcome and the request tells the family, each but for a share of `noise`.
    """
    import pandas as pd

    random = Random(seed)
    sizes = range(0, n, items_in_case)
    rows = [
        row
        for case, start in enumerate(sizes)
        for row in _case_rows(random, case, min(items_in_case, n - start), noise)
    ]
    return pd.DataFrame(rows)


def _case_rows(random: Random, case: int, size: int, noise: float) -> list[dict[str, object]]:
    overturned = random.random() < 0.4
    helped = overturned if random.random() >= noise else not overturned
    summary = (
        f"The injured worker is a {30 + case % 30} year old {'female' if case % 2 else 'male'}. "
        f"{random.choice(_HELPED if helped else _FAILED)}"
    )
    rows = []
    for item, (request, family) in enumerate(islice(cycle(_TREATMENTS), case, case + size), start=1):
        cited = family if random.random() >= noise else "odg"
        rows.append(
            {
                "case_number": f"CM16-{case:07d}",
                "item": item,
                "source": "sample",
                "request": request,
                "clinical_summary": summary,
                "ur_guideline": _UR_GUIDELINES[family],
                "date_of_injury": "2015-02-03",
                "ur_denial_date": "2016-04-05",
                "application_received": "2016-04-20",
                "outcome": "overturned" if overturned else "upheld",
                "families": cited,
                "imr_guideline": _UR_GUIDELINES[cited],
                "rationale": "Because of what the notes say.",
                "decision_date": "2016-06-01",
                "specialties": "Family Practice",
            }
        )
    return rows


_DIAGNOSES = (("Cancer", "Lung Cancer"), ("Skin", "Psoriasis"), ("Mental", "Anxiety"))
_DETERMINED = (("Pharmacy/Prescription Drugs", "Hormones"), ("Orthopedic", "Fusion"), ("Vision", ""))


def make_determinations(years: Sequence[int], *, cases_a_year: int = 80, seed: int = 0) -> list[dict[str, str]]:
    """Invented determinations of the DMHC; the treatment tells the outcome, from the middle year on the opposite."""
    random = Random(seed)
    turn = years[len(years) // 2]
    rows = []
    for year in years:
        for case in range(cases_a_year):
            category, treatment = _DETERMINED[case % len(_DETERMINED)]
            likely = (treatment == "Hormones") == (year < turn)
            overturned = random.random() < (0.8 if likely else 0.2)
            diagnosis = random.choice(_DIAGNOSES)
            rows.append(
                {
                    "Reference ID": f"MN{year % 100:02d}-{case:05d}",
                    "Report Year": str(year),
                    "Diagnosis Category": diagnosis[0],
                    "Diagnosis Sub Category": diagnosis[1],
                    "Treatment Category": category,
                    "Treatment Sub Category": treatment,
                    "Determination": f"{'Overturned' if overturned else 'Upheld'} Decision of Health Plan",
                    "Type": "Medical Necessity",
                    "Age Range": "11_20",
                    "Patient Gender": random.choice(("Female", "Male")),
                }
            )
    return rows


def determinations_csv(rows: Sequence[dict[str, str]], separator: str = ",") -> str:
    """The rows as the DMHC's file."""
    import csv
    import io

    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
