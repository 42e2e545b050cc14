"""What each thing costs: programs that measure, and no part of the pipeline."""
