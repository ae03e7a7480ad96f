"""Excel workbooks: sheets, cells and refusals."""

import base64
import datetime
import zipfile
import zlib

import openpyxl
import pandas as pd
import pytest

from imr_ml.errors import SchemaError
from imr_ml.tables import workbooks
from imr_ml.tables.formats import table_format
from imr_ml.tables.table import Table

# A workbook of Excel 97 with a number and a date below the header "a".
XLS = """\
c-rk)O=uHA6#izLG(V)trlvwGlu)p0Z4ctbOS@I7Jtb5<_=BLS%|R-u1TT8AT5}W>Pl}g9J$R{l@dp+3=0T|FK@fyQk6siMJhWNgeA#W&iqL>o
D)TM#&D%F`{&wcQ-PzZ3$@295jtW*_08Oa65j5B7l%$A%V?)YaSBrigmgE|&D@4Mwkj+6nX?YdWYpB<|0t@#7FNA@Ql8)gFvJ-`TdJVCMW5_8z
hJIm%TcU}houg_cpCoS}-=*bK@*p)=$o*nlR!1@CWP5gbyZErx#j-ebyAN6CJvBSfhL?I5U%0Ajwn6MJp30qGX9b;s7-k>~I-D=$i~2r++lT^3
1bvxI-_TGQDOv0pe0S5pH{YwDr;UDX^$Mc@v0NYejXo@kxKe-J3ILOEPtZw95}>~{)%L={dBhmAy_AdU_)UMem-%}O{U9bhh6Lp#y}_0a=kI)d
lNlXxj#D$q7+-5~v+fu!F6tUmInEMmk$cG7$(PvbCdwV;lx$VWyGPnQVc!&OF0-^-`q@dmb+**WTSYE?-v6kx^vT&K^6YTsd}{WcGmS2p_?Xn!
*A#kHuey0d<FVuC%8MEw$nC#Gkg#QYb924dT>=Z*X9P*IwoshilEpJ=Rna2OxRkx7XE9*4;sGDUVBPyO3IhWJ0|NsC0|SG93*~*S>obG?o)3Cw
f{^!LXF*cc{3iKtaR3u?os~o7UKAuR;#@=fXCs2jZ%eJRj{m<<<B;@T#5hJdj`4=~ubk;r{d`tk(f)HT)M)?JM#lM<`~L|{B*m8"""


def workbook(folder, rows, name="a.xlsx"):
    book = openpyxl.Workbook()
    book.active.title = "Requests"
    for row in rows:
        book.active.append(row)
    book.create_sheet("Other").append(["not read"])
    book.save(folder / name)
    return folder / name


def read(path, rows=1000, columns=None):
    frame = pd.concat([chunk.frame for chunk in Table.open(path).chunks(rows, columns)])
    return [[None if pd.isna(cell) else cell for cell in row] for row in frame.to_numpy().tolist()]


def test_cells_are_plain_text(tmp_path):
    cells = [
        "007",
        7,
        7.5,
        True,
        datetime.date(2015, 3, 4),
        datetime.datetime(2015, 3, 4, 5, 6, 7),
        datetime.time(5, 6),
        None,
        "two\nlines",
    ]
    path = workbook(tmp_path, [list("abcdefghi"), cells])

    assert read(path) == [
        ["007", "7", "7.5", "True", "2015-03-04", "2015-03-04T05:06:07", "05:06:00", None, "two\nlines"]
    ]
    assert Table.open(path).description == "Excel, sheet Requests; not read: Other (choose with --sheet)"


def test_empty_rows_are_skipped(tmp_path):
    path = workbook(tmp_path, [["a", None, "b"], [], ["1", "2", "3"], [None, None], ["4", None, None]])

    assert Table.open(path).columns == ("a", "Unnamed: 1", "b")
    assert read(path) == [["1", "2", "3"], ["4", None, None]]


def test_rows_are_read_in_chunks_with_the_wanted_columns(tmp_path):
    path = workbook(tmp_path, [["a", "b"], *([number, -number] for number in range(5000))])

    chunks = list(Table.open(path).chunks(3000, ["b"]))

    assert [len(chunk.frame) for chunk in chunks] == [3000, 2000]
    assert chunks[1].frame["b"].loc[4999] == "-4999"


def test_workbooks_of_excel_97_are_read(tmp_path):
    (tmp_path / "a.xls").write_bytes(zlib.decompress(base64.b85decode(XLS.replace("\n", ""))))

    assert read(tmp_path / "a.xls") == [["3", "2015-03-04"]]


def test_a_workbook_is_detected_by_its_content(tmp_path):
    path = workbook(tmp_path, [["a"], ["1"]]).rename(tmp_path / "a.csv")

    assert table_format(path) == "excel"
    assert read(path) == [["1"]]


def test_a_workbook_with_distant_cells_is_refused(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "a", "b"
    book.save(tmp_path / "a.xlsx")

    with pytest.raises(SchemaError, match="spans 1048576 rows and 16384 columns"):
        read(tmp_path / "a.xlsx")


def repacked(path, member, content):
    """Write the workbook with other content for one member."""
    other = path.with_name("other.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, content if name == member else old.read(name))
    return other


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(workbooks, "UNPACKED_BYTES", 1 << 20)
    bomb = repacked(workbook(tmp_path, [["a"], ["1"]]), "docProps/app.xml", b" " * (2 << 20))

    with pytest.raises(SchemaError, match="unpacks to more than 1 MB; save the sheet as CSV instead"):
        read(bomb)


def test_a_workbook_with_a_false_size_is_refused(tmp_path):
    path = repacked(workbook(tmp_path, [["a"], ["1"]]), "docProps/app.xml", b" " * 1_000_000)
    size, lie = (number.to_bytes(4, "little") for number in (1_000_000, 10))
    path.write_bytes(path.read_bytes().replace(size, lie))

    with pytest.raises(SchemaError, match=r"can't be read as Excel \(BadZipFile\)"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.xlsx", b"PK", "its first bytes are not of this format"),
        ("a.xlsx", b"PK\x03\x04 and no more", r"can't be read as Excel \(BadZipFile\)"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and no more", "can't be read as Excel"),
    ],
)
def test_a_broken_workbook_is_refused_in_one_line(tmp_path, name, content, complaint):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SchemaError, match=complaint) as caught:
        read(tmp_path / name)

    assert "\n" not in str(caught.value)


def test_a_broken_sheet_is_refused_in_one_line(tmp_path):
    path = repacked(workbook(tmp_path, [["a"], ["1"]]), "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row><c")

    with pytest.raises(SchemaError, match=r"other\.xlsx: can't be read as Excel \(XmlError\); save it again"):
        read(path)


def test_the_first_visible_sheet_is_read_and_another_by_name(tmp_path):
    book = openpyxl.Workbook()
    book.active.title, book.active.sheet_state = "Lookup", "hidden"
    book.active.append(["code"])
    book.active.append(["x"])
    export = book.create_sheet("Export")
    export.append(["request"])
    export.append(["MRI"])
    book.save(tmp_path / "a.xlsx")

    assert Table.open(tmp_path / "a.xlsx").columns == ("request",)
    assert Table.open(tmp_path / "a.xlsx", sheet="Lookup").columns == ("code",)
    with pytest.raises(SchemaError, match="has no sheet Data; it has: Lookup, Export"):
        Table.open(tmp_path / "a.xlsx", sheet="Data")


def test_title_rows_above_the_header_are_skipped_and_reported(tmp_path):
    path = workbook(tmp_path, [["Requests of the third quarter"], [], ["case", "request", "age"], ["1", "MRI", 41]])

    assert Table.open(path).columns == ("case", "request", "age")
    assert "header in row 3" in Table.open(path).description
    assert read(path) == [["1", "MRI", "41"]]


def test_merged_case_numbers_are_filled_down(tmp_path):
    book = openpyxl.Workbook()
    for row in (["case", "request"], ["CM15-1", "MRI"], [None, "PT"], ["CM15-2", "CT"]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(tmp_path / "a.xlsx")

    assert read(tmp_path / "a.xlsx") == [["CM15-1", "MRI"], ["CM15-1", "PT"], ["CM15-2", "CT"]]


@pytest.mark.parametrize("number", [1234567890123456, 2**53])
def test_long_whole_numbers_stay_whole(tmp_path, number):
    assert read(workbook(tmp_path, [["id"], [number]])) == [[str(number)]]
