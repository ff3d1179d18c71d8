"""What every room of flux stands on; it imports nothing of flux."""
