"""What computes, and with what a result was made: processor, precision, versions; imports
`records`.
"""
