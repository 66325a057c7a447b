"""The commands: each is the module of its name, with `add_arguments` and `run`.

`monitor/cli.py` lists them. The other modules are shared by several (`argument`, `configuration`, `correspondence`,
`failure`, `log`, `preflight`, `selection`, `short_run`, `snapshot`, `table`, `terminal`), or are the long part of one
(`demo`, `pasted_answer`, `status_table`, `template_check`).
"""
