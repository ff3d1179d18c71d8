"""The flux of networks too large to enumerate."""
