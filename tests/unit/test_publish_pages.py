"""Pages of the report: what they show, that nothing in the data becomes markup, and the costs of rules."""

import pytest

from wavbrivl.errors import UserError
from wavbrivl.files import write_json, write_text
from wavbrivl.publish.pages import write_page
from wavbrivl.publish.resources import costs, resources_table

HOSTILE = "<script>alert(1)</script>"
BENCHMARK = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def made(tmp_path, name: str, text: str) -> str:
    write_text(tmp_path / name, text)
    write_page(tmp_path / "page.html", f"of {HOSTILE}", tmp_path / name)
    return (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("table.md", f"## Title\n\n| a | b |\n| --- | --- |\n| **1** | {HOSTILE} |\n"),
        ("table.csv", f"a,b\n1,{HOSTILE}\n"),
        ("text.txt", f"a b\n1 {HOSTILE}\n"),
    ],
)
def test_what_a_page_shows_is_text(tmp_path, name, text):
    page = made(tmp_path, name, text)
    assert "<script" not in page and "&lt;script&gt;" in page
    if not name.endswith(".txt"):
        assert page.count("<tr>") == 2 and "<th>a</th>" in page


def test_a_break_in_a_cell_is_a_break(tmp_path):
    page = made(tmp_path, "captions.md", "| a |\n| --- |\n| one<br>two<br class='x'> |\n")
    assert "one<br>two&lt;br class" in page


def test_a_nested_record_becomes_tables_of_dotted_keys(tmp_path):
    record = {"revision": "abc", "config": {"train": {"steps": 5, "search": {}}, "name": HOSTILE}}
    write_json(tmp_path / "run.json", record)
    write_page(tmp_path / "run.html", "run", tmp_path / "run.json")
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    for shown in ("<td>revision</td><td>abc</td>", "<td>train.steps</td><td>5</td>", "<td>train.search</td>"):
        assert shown in page
    assert "<h2>config</h2>" in page and "<script" not in page


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"a page is made of \.md, \.csv, \.json or \.txt"):
        made(tmp_path, "table.xlsx", "")


def test_costs_add_up_by_rule(tmp_path):
    for name, rows in {
        "fetch/a-0.tsv": ["2.5\t0:00:02\t100.5\t-\t-\t-\t-\t-\t0\t2.0"],
        "fetch/a-1.tsv": ["4.0\t0:00:04\t300.0\t-\t-\t-\t-\t-\t0\t3.5"],
        "short.tsv": ["0.2\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA"],
        "empty.tsv": [],
    }.items():
        write_text(tmp_path / name, BENCHMARK + "".join(row + "\n" for row in rows))
    fetch, short = costs(tmp_path)
    assert (fetch.rule, fetch.jobs, fetch.seconds, fetch.longest) == ("fetch", 2, 6.5, 4.0)
    assert (fetch.processor, fetch.memory) == (5.5, 300.0)
    assert (short.rule, short.jobs, short.processor, short.memory) == ("short", 1, 0, None)
    shown = resources_table([fetch, short])
    assert "<td>300</td>" in shown and "<td>–</td>" in shown and "width:100.0%" in shown
