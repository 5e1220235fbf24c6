"""The folder controller: keeps the engine as the configuration folder says, live."""
