"""The one family of errors that a user can cause and mend: shown as one line, without a traceback."""


class LinkedCareError(Exception):
    """Names the table, the rule, the count and the remedy; never a patient value."""


class AnotherRunError(LinkedCareError):
    """Another run holds the store."""


class ConservationError(LinkedCareError):
    """Pence or rows that do not add up between two steps: what is wrong, and where."""

    def __init__(self, what: str, remedy: str = "run `linked-care nightly --rebuild`") -> None:
        super().__init__(f"{what}. Nothing was published; {remedy}.")
        self.what = what
