"""The folder to pass on is made when it is asked for, and by no run."""

import pytest

pytestmark = pytest.mark.workflow


def test_sharing_is_a_target_of_its_own(checkout):
    shared = checkout.planned("share")
    assert shared["share_model"] == 1 and shared["write_model_card"] == 1
    assert "share_model" not in checkout.planned()
