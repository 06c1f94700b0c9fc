"""The journal as an audit trail: its events, their reviews, and samples of them."""
