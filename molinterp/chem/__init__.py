"""Chemistry without torch: parse, standardise, describe, compare and judge molecules."""
