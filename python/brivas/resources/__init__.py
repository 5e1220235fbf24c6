"""Resources: the one configuration model. Kinds, YAML with positions, checks, JSON Schema, the engine's snapshot.

A configuration is a folder of YAML documents. `config.load_folder` reads and checks it as a whole; `snapshot` compiles
it for the engine; `changes.diff` says what a new one changes. Kinds come from the entry point group `brivas.kinds`.
"""
