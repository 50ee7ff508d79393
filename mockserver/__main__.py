"""`python -m mockserver`, the same as the command `legnext-mock`."""

from mockserver._cli import main

if __name__ == "__main__":
    main()
