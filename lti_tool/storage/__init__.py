"""Everything we keep: the only package that writes SQL."""
