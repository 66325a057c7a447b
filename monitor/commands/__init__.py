"""What a person types: each command is the module of its name, with its `add_arguments` and its `run`.

`monitor/cli.py` lists them. Beside them stand what several share (`argument`, `configuration`, `correspondence`,
`failure`, `log`, `preflight`, `selection`, `short_run`, `snapshot`, `table`, `terminal`), and what one of them does at
length (`demo`, `pasted_answer`, `status_table`, `template_check`).
"""
