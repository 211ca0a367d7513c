"""The licence that a model states of itself, in a listing of the hub or in the README of its folder."""

import pytest

from wavbrivl.weights.licence import UNSTATED, folder_licence, stated_licence


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ({"license": "mit"}, "mit"),
        ({"license": ["mit", "cc-by-4.0"]}, "mit, cc-by-4.0"),
        ({"license": "other", "license_name": "x", "license_link": "https://x"}, "other, x, https://x"),
        ({"license": "a\nb " * 200}, ("a b " * 50)),
        ({"license": ""}, None),
        ({}, None),
        (None, None),
        ("mit", None),
    ],
)
def test_a_card_states_its_licence_in_one_line(card, licence):
    assert stated_licence(card) == licence


@pytest.mark.parametrize(
    ("readme", "licence"),
    [
        ("---\nlanguage: en\nlicense: apache-2.0\n---\n\n# CLIP\n", "apache-2.0"),
        ("---\r\nlicense: mit\r\n---\r\n", "mit"),
        ("# CLIP\n\nlicense: mit\n", UNSTATED),
        ("---\nlanguage: en\n---\nlicense: mit\n", UNSTATED),
        ("---\nlicense: [mit\n---\n", UNSTATED),
        ("", UNSTATED),
    ],
)
def test_a_folder_s_readme_states_it_at_its_head(tmp_path, readme, licence):
    assert folder_licence(tmp_path) == UNSTATED
    (tmp_path / "README.md").write_bytes(readme.encode())
    assert folder_licence(tmp_path) == licence
