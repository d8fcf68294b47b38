"""The command line: parse, call one function, write. No science here."""
