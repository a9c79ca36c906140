"""``python -m snnsim`` is the command line."""

from snnsim.cli import main

main()
