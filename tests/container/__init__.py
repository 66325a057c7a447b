"""The shipped Dockerfile and compose.yaml, read and obeyed: by an engine where there is one, else line by line."""
