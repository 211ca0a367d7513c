"""Every fault of an UrbanSound8K table is one sentence that names the file and the row."""

import csv

import pytest

from wavbrivl.errors import UserError
from wavbrivl.evaluate.urbansound8k import HEADER, TABLE, read_urbansound8k

GOOD = [
    [f"1{fold}-3-0-{fold}.wav", f"1{fold}", "0.0", "0.317551", "1", str(fold), "3", "dog_bark"]
    for fold in range(1, 11)
]


def table(folder, rows, header=HEADER):
    (folder / "metadata").mkdir(exist_ok=True)
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows([header, *rows])
    return folder


def changed(line, column, value):
    rows = [list(row) for row in GOOD]
    rows[line - 2][column] = value
    return rows


def test_the_good_table_is_read(tmp_path):
    assert len(read_urbansound8k(table(tmp_path, GOOD)).clips) == 10


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (changed(3, 0, "../../secret.wav"), "line 3.*not the name of a wav file"),
        (changed(3, 0, "12-4-0-2.wav"), "line 3.*not the name of a slice of fsID 12, classID 3"),
        (changed(3, 1, "99"), "line 3.*not the name of a slice of fsID 99"),
        (changed(4, 5, "11"), "line 4: fold '11' is not one of 1 to 10"),
        (changed(4, 5, "1"), "no row has fold 3"),
        (changed(5, 2, "nan"), "line 5: 'nan' is not a time"),
        (changed(5, 3, "-1"), "line 5: '-1' is not a time"),
        (changed(5, 2, "4.5"), "line 5: the slice ends at 0.317551 s and begins at 4.5 s"),
        (changed(2, 6, "x"), "line 2: classID 'x'"),
        (changed(2, 7, "dog;rm"), "line 2: 'dog;rm'"),
        (changed(3, 7, "siren"), "line 3.*contradict"),
        (GOOD[:9], "no row has fold 10"),
        ([*GOOD, GOOD[0]], "stands in 2 rows"),
        ([*GOOD[:2], GOOD[2][:5]], "line 4: 5 columns"),
        ([], "no rows"),
    ],
)
def test_a_faulty_row_is_named(tmp_path, rows, message):
    with pytest.raises(UserError, match=rf"UrbanSound8K\.csv.*{message}"):
        read_urbansound8k(table(tmp_path, rows))


def test_a_missing_table_and_another_header_are_named(tmp_path):
    with pytest.raises(UserError, match=r"UrbanSound8K\.csv: there is no such file"):
        read_urbansound8k(tmp_path)
    with pytest.raises(UserError, match="header must be slice_file_name,fsID"):
        read_urbansound8k(table(tmp_path, GOOD, HEADER[::-1]))
