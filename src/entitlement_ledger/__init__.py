"""The Entitlement Ledger: what a customer has, why, who changed it, and the proof."""

__version__ = "0.1.0"
