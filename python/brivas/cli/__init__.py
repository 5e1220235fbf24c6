"""The command line: `brivas`. Each command is a module, found by entry point and loaded when called."""
