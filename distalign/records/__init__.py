"""What crosses from one stage to the next, or from a person's file: schemas, and how they are read
and written; imports nothing of the package.
"""
