"""Paths of molecules between two compounds."""
