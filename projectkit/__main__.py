"""`python -m projectkit`, where the command is not on the path."""

from projectkit.cli import main

main()
