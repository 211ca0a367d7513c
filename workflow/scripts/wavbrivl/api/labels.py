"""What the teacher is asked about a list of labels."""

import logging
from collections.abc import Mapping, Sequence

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.result import Prompts
from wavbrivl.labels.loader import plain

logger = logging.getLogger("wavbrivl")


def ask_for(
    labels: Sequence[str] | Mapping[str, str], language: str, templates: Sequence[str] | None = None
) -> Prompts:
    """Prompts for labels, in the teacher's language.

    Args:
        labels: as they are, or from each label to its words in that language.
        language: `zh` or `en`.
        templates: texts with `{}` for the label; None takes the project's for the language.

    Raises:
        UserError: no labels, an empty one or one twice, or a template without its place.
    """
    words = labels if isinstance(labels, Mapping) else {label: plain(label) for label in labels}
    if not words:
        raise UserError("there are no labels to choose from")
    if len(words) != len(labels):
        twice = next(label for n, label in enumerate(labels) if label in list(labels)[:n])
        raise UserError(f"the label '{twice}' is given twice")
    if empty := [label for label, text in words.items() if not text.strip()]:
        raise UserError(f"the label '{empty[0]}' has no words")
    chosen = list(templates or EvaluateConfig().prompts.get(language, ["{}"]))
    for template in chosen:
        if template.count("{}") != 1:
            raise UserError(f"the template '{template}' needs '{{}}' once, for the label")
    foreign = [text for text in words.values() if language == "zh" and text.isascii()]
    if foreign:
        logger.warning(
            "the teacher reads Chinese; %d labels have no Chinese words, first '%s'", len(foreign), foreign[0]
        )
    return Prompts(language=language, templates=chosen, labels=dict(words))
