"""The console in a browser: one session, on this machine's own address, behind a token."""
