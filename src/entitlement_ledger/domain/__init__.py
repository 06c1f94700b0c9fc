"""What the ledger means: pure rules that are given state and commands and return what happened."""
