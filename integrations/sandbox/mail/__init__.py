"""The sandbox's mail server: takes every mail, keeps it, and fails on demand."""

from integrations.sandbox.mail.server import MailOptions, MailSandbox

__all__ = ["MailOptions", "MailSandbox"]
