"""What can go wrong with the local stack."""


class StackError(Exception):
    """A part of the stack could not be built, started or reached; the message says why."""


class TemplateError(StackError):
    """template.yaml holds something that the local stack cannot resolve."""
