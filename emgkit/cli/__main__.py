"""``python -m emgkit.cli``: the same as the command ``emgkit``."""

from emgkit.cli import main

if __name__ == "__main__":
    main()
