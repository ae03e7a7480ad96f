"""Content of the training report, and its display in a browser."""

import re
from dataclasses import replace

import pytest
from decided_requests import MRI, NORCO, decided
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.rates.model_report import REPORT, rates_figure, report_rates, write_model_report
from imr_ml.reporting.card.rendering import model_card
from imr_ml.reporting.figures import start_figures

HOSTILE = '</script><img src="https://example.org/x" onerror="window.hacked = 2">'


@pytest.fixture(scope="module")
def figures(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    for _ in start_figures(trained, folder):
        pass
    return folder


@pytest.fixture(scope="module")
def rates():
    return report_rates(decided((MRI, 60, 20), (NORCO, 40, 2), source="sample", category=HOSTILE))


@pytest.fixture(scope="module")
def report(trained, figures, rates, tmp_path_factory):
    target = tmp_path_factory.mktemp("with a space") / REPORT
    sample = replace(trained, data=replace(trained.data, source="sample"))
    write_model_report(sample, model_card(sample), figures, rates, target)
    return target


def words(report):
    return re.sub(r"<[^>]*>|data:image[^\"]*", "", report.read_text("utf-8"))


def test_the_report_contains_the_card_the_figures_and_the_rates(report, trained):
    text = words(report)

    for title in ("What it was trained on", "How good it is", "may and may not be used", "Rates in the data", "fails"):
        assert title in text
    assert f"{trained.data.requests:,}" in text
    assert "Not for deciding anyone's care" in text.replace("&#39;", "'")
    assert "100 decided requests of 100 cases" in text
    assert report.read_text("utf-8").count('<img src="data:image/png') >= 6
    assert "How to reproduce" in text


def test_a_sample_is_marked_in_the_page_and_in_the_pictures_of_its_rates(report, rates):
    text = words(report)

    assert 'role="note"' in report.read_text("utf-8")
    assert "SYNTHETIC" in text
    assert all("SAMPLE" in rates_figure(table).get_suptitle() for table in rates)


def test_real_data_is_not_marked_as_a_sample(trained, figures, tmp_path):
    real = replace(trained, data=replace(trained.data, source="dwc"))
    [first, *_] = report_rates(decided((MRI, 60, 20), source="dwc"))
    write_model_report(real, model_card(real), figures, (first,), tmp_path / REPORT)

    assert "SAMPLE" not in words(tmp_path / REPORT)
    assert "SAMPLE" not in rates_figure(first).get_suptitle()


def test_the_report_contains_no_request_text_and_runs_no_table_content(report, prepared_requests):
    text = report.read_text("utf-8")

    assert HOSTILE not in text
    assert "<script" not in text
    for column in ("clinical_summary", "imr_guideline", "ur_guideline"):
        assert not any(cell in text for cell in set(prepared_requests.get(column, [])) if isinstance(cell, str))


def test_missing_figures_and_rates_are_left_out(trained, tmp_path):
    write_model_report(trained, model_card(trained), tmp_path, (), tmp_path / REPORT)

    assert "<img" not in (tmp_path / REPORT).read_text("utf-8")
    assert "Rates in the data" not in words(tmp_path / REPORT)


def test_requests_without_dates_categories_or_families_have_rates():
    bare = decided((MRI, 30, 9)).drop(columns=["decision_date", "imr_guideline", "families", "category"])

    assert [len(table.cells) for table in report_rates(bare)] == [1, 1, 1]
    assert all(rates_figure(table) for table in report_rates(bare.head(5)))


def test_the_command_copies_the_page_and_prints_its_path(report, tmp_path):
    result = CliRunner().invoke(app, ["report", str(report.parent), "-o", str(tmp_path / "new" / "page.html")])

    assert result.exit_code == 0, result.output
    assert (tmp_path / "new" / "page.html").read_bytes() == report.read_bytes()
    assert "page.html" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: contains no model; train a model with 'imr-ml train'"),
        (["nowhere", "-o", "page.pdf"], "page.pdf: the page is HTML; end its name in .html"),
        (["s3://bucket/model"], "name a folder, models:/imr-ml@champion"),
    ],
)
def test_bad_input_exits_with_2_and_one_line(arguments, message):
    result = CliRunner().invoke(app, ["report", *arguments])

    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_error_for_a_model_without_a_report_names_it(model_folder):
    result = CliRunner().invoke(app, ["report", str(model_folder)])

    assert result.exit_code == 2
    assert "contains no report.html" in result.stderr


@pytest.mark.slow
def test_a_browser_shows_the_report_on_a_phone_in_the_dark_and_in_print(browser, report):
    page = browser.new_context(offline=True, color_scheme="dark", viewport={"width": 390, "height": 800}).new_page()
    complaints, loaded = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(report.as_uri())

    assert page.get_by_role("note").filter(has_text="SAMPLE").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth && one.alt)")
    page.get_by_text("Table by category").press("Enter")
    assert page.get_by_role("columnheader", name="Requests").first.is_visible()
    page.emulate_media(media="print")
    assert page.get_by_text("git checkout").first.is_visible() or page.get_by_text("is unknown").first.is_visible()
    assert len(page.pdf()) > 50_000
    page.context.close()
    assert complaints == []
    assert {url for url in loaded if not url.startswith("data:")} == {report.as_uri()}
