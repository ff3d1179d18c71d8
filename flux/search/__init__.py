"""Networks of high, or of wanted, flux."""
