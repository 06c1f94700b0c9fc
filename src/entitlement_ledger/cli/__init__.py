"""The command line: thin. It reads arguments, asks the façade, and prints."""
