"""The command line: parse arguments, call one function, write the result. It contains no science."""
