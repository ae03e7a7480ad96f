"""Zips of letters, and other content of zips."""

import stat
import zipfile

import pytest

from imr_ml.corpus.schema import SchemaError
from imr_ml.ingest import archives
from imr_ml.ingest.archives import unpack_letters
from imr_ml.ingest.inputs import Kind, find_letters


def packed(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member, content)
    return path


def unpacked(path, folder):
    letters, rejects, _ = unpack_letters(path, folder)
    names = [str(letter.relative_to(folder)) for letter in letters]
    return names, [(reject.file.removeprefix(f"{path}/"), reject.reason) for reject in rejects]


def test_letters_are_unpacked_in_the_order_of_their_names(tmp_path):
    members = [("b.txt", "two"), ("2015/a.PDF", "one"), ("c/b.txt", "three"), ("readme.txt", ""), (".hidden.pdf", "")]
    path = packed(tmp_path / "letters.zip", [*members, ("__MACOSX/._b.txt", ""), ("notes.docx", ""), ("empty/", "")])

    assert unpacked(path, tmp_path / "to") == (["2015/a.PDF", "b.txt", "c/b.txt"], [])
    assert (tmp_path / "to/c/b.txt").read_text() == "three"


def symbolic_link(name):
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


@pytest.mark.parametrize(
    ("member", "content", "reason"),
    [
        ("../out.txt", "x", "has a path outside the zip"),
        ("a/../../out.txt", "x", "has a path outside the zip"),
        ("/etc/out.txt", "x", "has a path outside the zip"),
        ("C:\\out.txt", "x", "has a path outside the zip"),
        ("..\\out.txt", "x", "has a path outside the zip"),
        (symbolic_link("out.txt"), "/etc/passwd", "is a link; zip the letter itself"),
        ("more.zip", "PK", "is an archive within the zip; unpack it and zip its letters"),
        ("out.txt", "x" * 3_000_000, "unpacks to more than 200 times its size, unlike a letter"),
    ],
)
def test_an_unsafe_member_is_one_reject_and_the_others_are_read(tmp_path, member, content, reason):
    path = packed(tmp_path / "letters.zip", [("a.txt", "one"), (member, content), ("z.txt", "two")])

    names, rejects = unpacked(path, tmp_path / "inner/to")

    assert names == ["a.txt", "z.txt"]
    assert [text for _, text in rejects] == [reason]
    files = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if not file.is_dir()}
    assert files == {"letters.zip", "inner/to/a.txt", "inner/to/z.txt"}


def test_an_encrypted_member_is_one_reject(tmp_path):
    path = packed(tmp_path / "letters.zip", [("a.txt", "one"), ("b.txt", "two")])
    content = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.rfind(magic) + offset] |= 1
    path.write_bytes(content)

    assert unpacked(path, tmp_path / "to") == (["a.txt"], [("b.txt", "is encrypted; zip it without a password")])


def test_a_broken_member_is_one_reject(tmp_path):
    path = tmp_path / "letters.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "first letter")
        archive.writestr("b.txt", "second letter")
    path.write_bytes(path.read_bytes().replace(b"second letter", b"second lettuc"))

    assert unpacked(path, tmp_path / "to") == (["a.txt"], [("b.txt", "can't be unpacked (BadZipFile)")])
    assert not (tmp_path / "to/b.txt").exists()


def test_a_member_with_a_false_size_is_one_reject(tmp_path):
    path = packed(tmp_path / "letters.zip", [("a.txt", "one"), ("b.txt", "x" * 1_000_000)])
    size, lie = (number.to_bytes(4, "little") for number in (1_000_000, 10))
    path.write_bytes(path.read_bytes().replace(size, lie))

    assert unpacked(path, tmp_path / "to") == (["a.txt"], [("b.txt", "can't be unpacked (BadZipFile)")])


def test_a_duplicate_name_is_read_once(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = packed(tmp_path / "letters.zip", [("a.txt", "one"), ("a.txt", "two")])

    assert unpacked(path, tmp_path / "to") == (
        ["a.txt"],
        [("a.txt", "occurs twice in the zip; only the first is read")],
    )


def test_the_limits_on_members_and_bytes_are_reported(tmp_path, monkeypatch):
    path = packed(tmp_path / "letters.zip", [(f"{number}.txt", "x" * 100) for number in range(5)])
    monkeypatch.setattr(archives, "MEMBER_BYTES", 99)
    assert unpacked(path, tmp_path / "1")[1][0] == ("0.txt", "unpacks to more than 0 MB")
    monkeypatch.undo()
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)

    letters, rejects, _ = unpack_letters(path, tmp_path / "2")

    assert len(letters) == 3
    assert [(reject.file, reject.reason) for reject in rejects] == [
        (str(path), "contains 5 letters; only the first 3 are read: split the zip up")
    ]


def test_the_limit_on_total_bytes_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "TOTAL_BYTES", 250)
    path = packed(tmp_path / "letters.zip", [(f"{number}.txt", "x" * 100) for number in range(4)])

    names, rejects = unpacked(path, tmp_path / "to")

    assert names == ["0.txt", "1.txt"]
    assert [text for _, text in rejects] == ["comes after 0 MB; split the zip up"] * 2


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip"])
def test_a_file_that_is_not_a_zip_is_refused(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)

    with pytest.raises(SchemaError, match=r"a\.zip: can't be read as a zip"):
        unpack_letters(tmp_path / "a.zip", tmp_path)


def test_a_zip_without_letters_is_refused(tmp_path):
    with pytest.raises(SchemaError, match=r"contains no letter .*notes\.docx"):
        find_letters(packed(tmp_path / "a.zip", [("notes.docx", "")]), Kind.ZIP, tmp_path)
    with pytest.raises(FileNotFoundError):
        unpack_letters(tmp_path / "gone.zip", tmp_path)
