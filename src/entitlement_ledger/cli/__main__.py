"""`python -m entitlement_ledger.cli` is `entl`."""

from entitlement_ledger.cli.main import main

main()
