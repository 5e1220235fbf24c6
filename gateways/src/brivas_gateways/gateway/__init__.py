"""The process that hosts the engine: starts it, applies a configuration, waits for signals, drains."""
