"""What the documentation is made with: extensions of Sphinx, and commands that draw its pictures."""
