"""What computes, and with what a result was made: processor, cores, precision, versions; imports
`records`.
"""
