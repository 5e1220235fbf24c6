"""`brivas up`: the processes, their ports, the sample configuration, the ready file."""
