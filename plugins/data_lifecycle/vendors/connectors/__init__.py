"""Connectors, one module a vendor's way of erasing; `open_connector` finds the one that the register names."""

from __future__ import annotations

from data_lifecycle.vendors.accounts import Account
from data_lifecycle.vendors.connector import Connector
from data_lifecycle.vendors.connectors.manual import Manual


class NoSuchConnector(ValueError):
    """The register names a connector that nobody wrote; the message is its name."""


def open_connector(name: str, account: Account | None) -> Connector | None:
    """The connector of this name on an account; None when it needs an account and there is none.

    NoSuchConnector for a name that the house does not have; ValueError when the account lacks something.
    """
    if name == "manual":
        return Manual()
    if name not in NAMES:
        raise NoSuchConnector(f"connector {name}: there are {', '.join(NAMES)}")
    if account is None:
        return None
    # Imported when needed: each brings its own client along.
    if name == "stripe":
        from data_lifecycle.vendors.connectors.stripe import Stripe

        return Stripe(account)
    if name == "s3":
        from data_lifecycle.vendors.connectors.s3 import S3Copies

        return S3Copies(account)
    if name == "ses":
        from data_lifecycle.vendors.connectors.ses import Ses

        return Ses(account)
    if name in ("sendgrid", "postmark"):
        from data_lifecycle.vendors.connectors import email

        return email.SendGrid(account) if name == "sendgrid" else email.Postmark(account)
    if name == "opendsr":
        from data_lifecycle.vendors.connectors.opendsr import OpenDsr

        return OpenDsr(account)
    from data_lifecycle.vendors.connectors import ai

    if name == "openai":
        return ai.OpenAI(account)
    return ai.Replicate(account) if name == "replicate" else ai.Fal(account)


NAMES = ("stripe", "s3", "ses", "sendgrid", "postmark", "openai", "replicate", "fal", "opendsr", "manual")

__all__ = ["NAMES", "NoSuchConnector", "open_connector"]
