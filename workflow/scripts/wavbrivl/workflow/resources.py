"""What somebody gave a rule beside its own resources, known when the workflow is parsed."""

from typing import Any


def asked_gpus(workflow: Any, rule: str) -> int:
    """GPUs of a rule that asks for one, where --set-resources or a profile says another number."""
    asked = workflow.resource_settings.overwrite_resources.get(rule, {}).get("gpu")
    count = getattr(asked, "value", asked)
    return count if isinstance(count, int) and count > 0 else 1
