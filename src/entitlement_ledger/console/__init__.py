"""The terminal console: what support and auditors look at all day.

It sees the façade and its answers only; which database is behind them it does not know.
"""
