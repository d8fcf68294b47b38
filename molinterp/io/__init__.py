"""Files in and out: molecules, tables, SDF, downloads."""
