"""What a host could send to do harm: each ends as an observation or a clear error, within bounds."""
