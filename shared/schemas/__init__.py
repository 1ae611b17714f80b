"""Messages between the service and its clients: requests, jobs, results."""
