"""`python -m bot` is `ferry`."""

from bot.cli import main

main()
