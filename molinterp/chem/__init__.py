"""Chemistry without torch: parse, standardise, describe, compare and filter molecules."""
