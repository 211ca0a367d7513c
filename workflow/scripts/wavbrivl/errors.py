"""Errors that are meant for a person: one sentence that names the file, row or key."""


class UserError(Exception):
    """Something that the user can put right. The message is the whole explanation.

    Commands and workflow scripts print the message alone, without a traceback.
    """
