"""Providers' public status pages: bytes from many platforms in, bulletins out."""
