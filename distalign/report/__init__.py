"""Tables, figures and pages of what was measured; imports `records`, `machine` and `statistics`."""
