"""Providers' public status pages: bytes of many platforms in, bulletins out."""
