"""The pages of docs/reference, made from the code: `make schema` writes them, and a test holds them to it."""
