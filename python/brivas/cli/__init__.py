"""The command line: `brivas`. Each command is a module, found by entry point (`brivas.commands`), loaded when called."""
