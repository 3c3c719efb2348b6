"""Run the command line as ``python -m dltsym``."""

from dltsym.cli import main

if __name__ == "__main__":
    main()
