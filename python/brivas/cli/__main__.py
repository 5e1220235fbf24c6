"""`python -m brivas.cli`: the same as the console script; how the supervisor starts its processes."""

from brivas.cli.main import main

main()
