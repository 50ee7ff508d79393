"""What serves a mock: application, clocks, network, webhooks, journal of requests, and control."""
