"""The store: tables in SQLAlchemy Core over DuckDB. Nothing outside knows which database it is."""
