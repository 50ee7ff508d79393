"""The engine: carries polls out and observations in, and delivers events to consumers."""
