"""Every fault of an ESC-50 table is one sentence that names the file and the row."""

import csv

import pytest

from wavbrivl.errors import UserError
from wavbrivl.evaluate.esc50 import HEADER, read_esc50

GOOD = [[f"{fold}-1{fold}-A-0.wav", str(fold), "0", "dog", "True", f"1{fold}", "A"] for fold in range(1, 6)]


def table(folder, rows, header=HEADER):
    (folder / "meta").mkdir(exist_ok=True)
    with (folder / "meta" / "esc50.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows([header, *rows])
    return folder


def changed(line, column, value):
    rows = [list(row) for row in GOOD]
    rows[line - 2][column] = value
    return rows


def test_the_good_table_is_read(tmp_path):
    assert len(read_esc50(table(tmp_path, GOOD)).clips) == 5


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (changed(3, 0, "../../secret.wav"), "line 3.*not the name of a wav file"),
        (changed(3, 0, "/abs.wav"), "line 3.*not the name of a wav file"),
        (changed(4, 1, "6"), "line 4: fold '6'"),
        (changed(4, 1, "x"), "line 4: fold 'x'"),
        (changed(4, 1, "1"), "no row has fold 3"),
        (changed(2, 2, "-1"), "line 2: target '-1'"),
        (changed(2, 3, "dog;rm"), "line 2: 'dog;rm'"),
        (changed(3, 3, "cat"), "line 3.*contradict"),
        (changed(3, 2, "4"), "line 3.*contradict"),
        (changed(5, 5, ""), "line 5: src_file is empty"),
        (GOOD[:4], "no row has fold 5"),
        ([*GOOD, GOOD[0]], "stands in 2 rows"),
        ([*GOOD[:2], GOOD[2][:5]], "line 4: 5 columns"),
        ([], "no rows"),
    ],
)
def test_a_faulty_row_is_named(tmp_path, rows, message):
    with pytest.raises(UserError, match=rf"esc50\.csv.*{message}"):
        read_esc50(table(tmp_path, rows))


def test_another_header_is_refused(tmp_path):
    with pytest.raises(UserError, match="header must be filename,fold"):
        read_esc50(table(tmp_path, GOOD, HEADER[::-1]))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(UserError, match=r"esc50\.csv: there is no such file"):
        read_esc50(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_bytes(b"filename,fold\xff\xfe")
    with pytest.raises(UserError, match="not a CSV file"):
        read_esc50(tmp_path)
