"""What is decided about a job's results: which they are, their files' names, what they are, how to go on."""
