"""The published numbers are those that the paper prints."""

import pytest

from wavbrivl.publish.layout import TABLE1, TABLE2_COLUMNS, TABLE2_ROWS
from wavbrivl.publish.published import published

PRINTED = {
    2: {
        "Supervise": "0.5200 0.6179 0.4331",
        "OpenL3": "0.733 0.7588 0.3487 0.1170 0.0169 0.0162",
        "Wav2CLIP": "0.8595 0.8101 0.4663 0.3955 0.0566 0.0678",
        "WavBriVL": "0.9117 0.8832 0.4741 0.3720 0.0611 0.0608",
        "SOTA": "0.959 0.8949 0.544",
        "WavBriVL (ZS)": "0.412 0.4024 0.1001",
    },
    3: {
        "Pedersoli et al.": "23.10 118.68 1.19",
        "S2I": "39.19 114.84 1.45",
        "S2V": "77.58 34.68 4.01",
        "Ours": "81.31 31.48 5.42",
    },
}
RANGES = {
    "Wav2CLIP": [(72, 78), (9, 17), (5, 13)],
    "WavBriVL": [(75, 83), (12, 18), (4, 7)],
}
SIZES = {
    "ESC-50 MC/ZS": ("2k (5 folds)", 50, "ACC"),
    "UrbanSound8K MC/ZS": ("8k (10 folds)", 10, "ACC"),
    "VGGSound MC/ZS": ("185k", 309, "mAP"),
    "DESED AR": ("2.5k (valid)", 10, "F1"),
    "VGGSound CMR": ("15k (test)", 309, "MRR"),
    "Clotho AC": ("5k (evaluation)", None, "COCO"),
}


def cells(table, row):
    return [cell for (number, name, _), cell in published().items() if (number, name) == (table, row)]


@pytest.mark.parametrize(("table", "row"), [(table, row) for table in PRINTED for row in PRINTED[table]])
def test_tables_2_and_3(table, row):
    printed = PRINTED[table][row].split()
    assert [cell.printed for cell in cells(table, row)] == printed
    assert [cell.value for cell in cells(table, row)] == [float(value) for value in printed]


@pytest.mark.parametrize("row", RANGES)
def test_table_4_prints_ranges(row):
    assert [(cell.value, cell.value_high) for cell in cells(4, row)] == RANGES[row]


@pytest.mark.parametrize("row", SIZES)
def test_table_1(row):
    by_column = {cell.column: cell for cell in cells(1, row)}
    clips, classes, name = SIZES[row]
    assert (by_column["clips"].printed, by_column["metric"].printed) == (clips, name)
    assert (by_column["classes"].value if classes else None) == classes


def test_nothing_else_is_claimed_and_every_number_has_a_source():
    assert len(published()) == 17 + 27 + 12 + 6
    assert all(
        cell.source.startswith(f"paper, Table {cell.table}") and cell.origin for cell in published().values()
    )


def test_the_layout_names_published_rows_and_columns_that_exist():
    known = set(published())
    rows = [row.published for row in TABLE2_ROWS if row.published]
    assert {(2, "WavBriVL", column.key) for column in TABLE2_COLUMNS} <= known
    assert all((2, row, "esc50_accuracy") in known for row in rows)
    assert {(1, row.published, "clips") for row in TABLE1} <= known
