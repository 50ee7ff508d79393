"""What runs the mock: the application, its clock, network, webhooks, request journal and control."""
