"""What judged rounds say in numbers: errors, floors, intervals, tests; imports `records`."""
