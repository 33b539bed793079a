"""Why an act on drafts is refused, in words that a person can do something with."""


class Refused(Exception):
    """The act is not possible now, for a reason that a person can mend. `code` is stable, the message is for reading."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class StaleState(Refused):
    """The row is not in the state that the act starts from."""

    def __init__(self, message: str) -> None:
        super().__init__("wrong_state", message)
