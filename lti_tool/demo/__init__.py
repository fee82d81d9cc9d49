"""A made-up district, a pretend LMS and SIS: the demo, and the tests' counterparts."""
