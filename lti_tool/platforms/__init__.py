"""Other systems: what every destination promises, and each of them."""
