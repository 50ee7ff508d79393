"""The API over HTTP: its routes, what it takes, and what it answers, byte for byte."""
