"""Invented decided requests with any number of each outcome."""

import pandas as pd

from imr_ml.corpus.table import complete_cases

MRI, NORCO = "MRI of the left knee", "Norco 10/325mg #60"


def decided(*groups, **columns):
    """Requests of (request, number, number overturned), each a case of its own."""
    rows = [
        {"request": request, "outcome": "overturned" if place < overturned else "upheld"}
        for request, number, overturned in groups
        for place in range(number)
    ]
    fixed = {
        "clinical_summary": "A 48 year old female has lumbar radiculopathy and no depression.",
        "ur_guideline": "Decision based on MTUS Knee Complaints 2004.",
        "imr_guideline": "Decision based on MTUS Knee Complaints 2004.",
        "families": "acoem",
        "decision_date": pd.Timestamp("2016-05-01"),
        "specialties": "Orthopedic Surgery|Sports Medicine",
    }
    return complete_cases(pd.DataFrame(rows).assign(**(fixed | columns)))
