"""The pipeline's stages, a thin file each: read, call distalign, write."""
