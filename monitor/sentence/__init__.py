"""What was found → sentences, in English or in the given language; pure.

Each English sentence is whole, with named places, so that a language can order it as it must. A `str` is quoted.
"""
