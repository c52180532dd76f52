"""What a clerk can say to the customer."""

from console.schema.base import Answer


class Say(Answer):
    """Sentences in Japanese and English; what may be promised and what not, for the clerk, in both."""

    ja: str
    en: str
    may_promise: str = ""
    must_not_promise: str = ""
    may_promise_ja: str = ""
    must_not_promise_ja: str = ""
