"""Stereochemistry of molecules between two compounds."""
