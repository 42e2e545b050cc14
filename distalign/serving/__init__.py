"""A trained policy in use: asked, served, published."""
